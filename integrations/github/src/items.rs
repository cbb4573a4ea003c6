//! What is done to issues and pull requests, as the account that does it. GitHub calls both issues here.

use async_trait::async_trait;
use integration_contract::{
    Account, Comment, Deed, Error, ErrorKind, FormInput, IntegrationLink, Item, ItemPage, ItemState, Items, NewComment,
    NewItem, Result,
};
use jiff::Timestamp;

use crate::{
    GitHub,
    api::Api,
    error,
    events::Kind,
    item::{self, DELETED, MERGED, TRANSFERRED},
    link::{self, Settings},
    wire::{Issue, IssueUpdate, NewIssue},
};

/// How far GitHub's clock may be behind ours, in seconds.
const CLOCKS: i64 = 300;

/// The repository of a link.
struct Place<'a> {
    api: Api<'a>,
    settings: Settings,
}

impl GitHub {
    fn place<'a>(&'a self, cx: &'a Account, link: &IntegrationLink) -> Result<Place<'a>> {
        Ok(Place { api: Api::new(&cx.http, &self.config.api_url), settings: link.settings.read()? })
    }
}

impl Place<'_> {
    fn item(&self, issue: &Issue) -> Item {
        item::of_issue(&self.settings.full_name, issue)
    }

    /// GitHub leaves it as it was, without a word, where the account may not.
    async fn assign_to_me(&self, number: u64) -> Result<Issue> {
        let me = self.api.me().await?;
        let issue = self.api.add_assignees(self.settings.repository_id, number, &[&me.login]).await?;
        let assigned = issue.assignees.iter().flatten().any(|account| account.id == Some(me.id));
        if assigned {
            return Ok(issue);
        }
        let name = &self.settings.full_name;
        Err(refused(format!(
            "GitHub did not assign {name}#{number} to {}: that needs the right to triage or to push there, and an issue has \
             at most ten assignees.",
            me.login
        )))
    }

    async fn set_state(&self, number: u64, state: &'static str) -> Result<Issue> {
        let update = IssueUpdate { state: Some(state), ..IssueUpdate::default() };
        let issue = self.api.update_issue(self.settings.repository_id, number, &update).await?;
        match issue.state.as_deref() == Some(state) {
            true => Ok(issue),
            false => Err(refused(format!("GitHub left {}#{number} as it was.", self.settings.full_name))),
        }
    }

    async fn label(&self, number: u64, labels: &[String]) -> Result<Issue> {
        let repository = self.settings.repository_id;
        self.api.set_labels(repository, number, labels).await?;
        // The answer above is the labels alone.
        let issue = self.api.issue(repository, number).await?.ok_or_else(|| not_there(number))?;
        let has = |label: &String| {
            issue.labels.iter().flatten().filter_map(|one| one.name()).any(|name| name.eq_ignore_ascii_case(label))
        };
        match labels.iter().all(has) {
            true => Ok(issue),
            false => {
                Err(refused(format!("GitHub left the labels of {}#{number} as they were.", self.settings.full_name)))
            }
        }
    }
}

fn refused(sentence: String) -> Error {
    Error::new(ErrorKind::Refused, sentence)
}

fn not_there(id: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::NotFound, format!("GitHub shows this account no issue #{id}."))
}

/// An id as we gave it out.
fn number(id: &str) -> Option<u64> {
    id.bytes().all(|byte| byte.is_ascii_digit()).then(|| id.parse().ok()).flatten()
}

#[async_trait]
impl Items for GitHub {
    fn short(&self) -> &'static str {
        "gh"
    }

    fn hearing_all(&self, form: FormInput) -> FormInput {
        link::with_kinds(form, &[Kind::Issues, Kind::Comments])
    }

    fn deeds(&self, item: &Item) -> Vec<Deed> {
        match (item.state, item.state_word.as_str()) {
            (ItemState::Open | ItemState::Waiting, _) => vec![Deed::AssignToMe, Deed::Close],
            (ItemState::Closed, MERGED | DELETED | TRANSFERRED) => Vec::new(),
            (ItemState::Closed, _) => vec![Deed::Reopen],
        }
    }

    async fn item(&self, cx: &Account, link: &IntegrationLink, id: &str) -> Result<Option<Item>> {
        let (place, Some(number)) = (self.place(cx, link)?, number(id)) else { return Ok(None) };
        let issue = place.api.issue(place.settings.repository_id, number).await?;
        Ok(issue.map(|issue| place.item(&issue)))
    }

    async fn list_items(&self, cx: &Account, link: &IntegrationLink, after: Option<&str>) -> Result<ItemPage> {
        let place = self.place(cx, link)?;
        let (issues, next) = place.api.issues(place.settings.repository_id, after).await?;
        let items = issues.iter().filter(|issue| issue.pull_request.is_none()).map(|issue| place.item(issue));
        Ok(ItemPage { items: items.collect(), next })
    }

    async fn find_item(&self, cx: &Account, link: &IntegrationLink, new: &NewItem) -> Result<Option<Item>> {
        let place = self.place(cx, link)?;
        let me = place.api.me().await?;
        let issues = place.api.issues_of(place.settings.repository_id, &me.login).await?;
        let ours = |issue: &&Issue| item::has_mark(issue.body.as_deref(), &new.key);
        Ok(issues.iter().find(ours).map(|issue| place.item(issue)))
    }

    async fn create_item(&self, cx: &Account, link: &IntegrationLink, new: &NewItem) -> Result<Item> {
        let place = self.place(cx, link)?;
        let (title, body) = (item::title(&new.title), item::marked(&new.body, &new.key));
        let issue = NewIssue { title: &title, body: &body, labels: &new.labels };
        let made = place.api.create_issue(place.settings.repository_id, &issue).await?;
        Ok(place.item(&made))
    }

    async fn find_comment(
        &self,
        cx: &Account,
        link: &IntegrationLink,
        item: &str,
        new: &NewComment,
        since: i64,
    ) -> Result<Option<Comment>> {
        let (place, Some(number)) = (self.place(cx, link)?, number(item)) else { return Ok(None) };
        let since = Timestamp::from_second(since.saturating_sub(CLOCKS).max(0)).unwrap_or(Timestamp::UNIX_EPOCH);
        let since = since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let listed = place.api.comments_since(place.settings.repository_id, number, &since).await?;
        let me = cx.identity.as_ref().map(|identity| identity.id.as_str());
        // Whoever copies the source of a comment has our mark, too.
        let mine = |comment: &&crate::wire::Comment| {
            let author = comment.user.as_ref().and_then(|user| user.id).map(|id| id.to_string());
            item::has_mark(comment.body.as_deref(), &new.key) && author.as_deref() == me
        };
        match listed.items.iter().find(mine) {
            Some(comment) => Ok(Some(item::of_comment(comment))),
            None if listed.complete => Ok(None),
            None => Err(error::undocumented("list the issue's comments")),
        }
    }

    async fn comment(&self, cx: &Account, link: &IntegrationLink, item: &str, new: &NewComment) -> Result<Comment> {
        let place = self.place(cx, link)?;
        let number = number(item).ok_or_else(|| not_there(item))?;
        let body = item::marked(&new.body, &new.key);
        let comment = place.api.create_comment(place.settings.repository_id, number, &body).await?;
        Ok(item::of_comment(&comment))
    }

    async fn act(&self, cx: &Account, link: &IntegrationLink, item: &str, deed: &Deed) -> Result<Item> {
        let place = self.place(cx, link)?;
        let number = number(item).ok_or_else(|| not_there(item))?;
        let issue = match deed {
            Deed::AssignToMe => place.assign_to_me(number).await?,
            Deed::Close => place.set_state(number, "closed").await?,
            Deed::Reopen => place.set_state(number, "open").await?,
            Deed::Retitle(title) => {
                let title = item::title(title);
                let update = IssueUpdate { title: Some(&title), ..IssueUpdate::default() };
                place.api.update_issue(place.settings.repository_id, number, &update).await?
            }
            Deed::Label(labels) => place.label(number, labels).await?,
        };
        Ok(place.item(&issue))
    }
}
