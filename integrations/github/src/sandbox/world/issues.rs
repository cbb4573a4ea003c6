//! What happens to issues (and to pull requests as far as they are issues), each with its webhooks.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::repository::{Comment, Departure, Issue, Label, Repository};
use super::{AccountId, RepositoryId, World};
use crate::sandbox::hooks::event::Event;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::shapes;
use crate::sandbox::world::people::Role;

/// GitHub's limits for one text.
const TITLE_MAX: usize = 256;
const BODY_MAX: usize = 65_536;

#[derive(Default)]
pub(in super::super) struct NewIssue {
    pub title: String,
    pub body: Option<String>,
    pub assignees: Vec<String>,
    pub labels: Vec<String>,
}

/// What is not said stays as it is.
#[derive(Default)]
pub(in super::super) struct IssueChange {
    pub title: Option<String>,
    pub body: Option<Option<String>>,
    pub open: Option<bool>,
    pub state_reason: Option<String>,
    pub assignees: Option<Vec<String>>,
    pub labels: Option<Vec<String>>,
}

impl World {
    pub fn issue(&self, repository: RepositoryId, number: u64) -> Result<&Issue, Refusal> {
        let place = self.repository(repository)?;
        if let Some(issue) = place.issues.get(&number) {
            return Ok(issue);
        }
        Err(match place.departed.get(&number) {
            Some(Departure::Deleted) => Refusal::gone("This issue was deleted"),
            Some(Departure::Transferred { to, number }) => Refusal {
                location: Some(format!("{}/repositories/{to}/issues/{number}", self.api())),
                ..Refusal::new(axum::http::StatusCode::MOVED_PERMANENTLY, "Moved Permanently")
            },
            None => Refusal::not_found(),
        })
    }

    pub fn issue_mut(&mut self, repository: RepositoryId, number: u64) -> Result<&mut Issue, Refusal> {
        // The look-up that explains comes first; the second one only borrows differently.
        self.issue(repository, number)?;
        self.repository_mut(repository)?.issues.get_mut(&number).ok_or_else(Refusal::not_found)
    }

    pub fn open_issue(&mut self, who: AccountId, repository: RepositoryId, new: NewIssue) -> Result<u64, Refusal> {
        self.not_archived(repository)?;
        if !self.repository(repository)?.has_issues {
            return Err(Refusal::gone("Issues are disabled for this repo"));
        }
        let may_sort = self.role(Some(who), self.repository(repository)?) >= Some(Role::Triage);
        let assignees = if may_sort { self.assignable_among(repository, &new.assignees)? } else { vec![] };
        let labels = if may_sort { self.known_labels(repository, &new.labels)? } else { vec![] };
        let number = self.add_issue(who, repository, new.title, new.body)?;
        let issue = self.issue_mut(repository, number)?;
        issue.assignees.clone_from(&assignees);
        issue.labels.clone_from(&labels);
        self.tell_issue(who, repository, number, "opened", None)?;
        for name in &labels {
            self.tell_labeled(who, repository, number, "labeled", name)?;
        }
        for assignee in assignees {
            let shown = shapes::people::user(self, assignee);
            self.tell_issue(who, repository, number, "assigned", Some(("assignee", shown)))?;
        }
        Ok(number)
    }

    /// The row itself, silently: pull requests start here too.
    pub fn add_issue(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        title: String,
        body: Option<String>,
    ) -> Result<u64, Refusal> {
        check_title(&title)?;
        check_body(body.as_deref())?;
        let (id, now) = (self.new_id(), Timestamp::now());
        let place = self.repository_mut(repository)?;
        let number = place.next_number();
        let issue = Issue {
            id,
            number,
            title,
            body,
            author: who,
            open: true,
            state_reason: None,
            locked: false,
            lock_reason: None,
            assignees: vec![],
            labels: vec![],
            created: now,
            updated: now,
            closed: None,
            closed_by: None,
            pull: None,
        };
        place.issues.insert(number, issue);
        Ok(number)
    }

    pub fn change_issue(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        change: IssueChange,
    ) -> Result<(), Refusal> {
        self.not_archived(repository)?;
        self.issue(repository, number)?;
        change.title.as_deref().map(check_title).transpose()?;
        check_body(change.body.as_ref().and_then(Option::as_deref))?;
        self.reword(who, repository, number, change.title, change.body)?;
        if let Some(labels) = change.labels {
            self.set_labels(who, repository, number, &labels)?;
        }
        if let Some(assignees) = change.assignees {
            let wanted = self.assignable_among(repository, &assignees)?;
            self.set_assignees(who, repository, number, wanted)?;
        }
        match change.open {
            Some(true) => self.reopen(who, repository, number),
            Some(false) => self.close(who, repository, number, change.state_reason),
            None => Ok(()),
        }
    }

    fn reword(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        title: Option<String>,
        body: Option<Option<String>>,
    ) -> Result<(), Refusal> {
        let issue = self.issue_mut(repository, number)?;
        let mut changes = json!({});
        if let Some(title) = title.filter(|title| *title != issue.title) {
            changes["title"] = json!({"from": std::mem::replace(&mut issue.title, title)});
        }
        if let Some(body) = body.filter(|body| *body != issue.body) {
            changes["body"] = json!({"from": std::mem::replace(&mut issue.body, body).unwrap_or_default()});
        }
        if changes == json!({}) {
            return Ok(());
        }
        issue.updated = Timestamp::now();
        self.tell_issue(who, repository, number, "edited", Some(("changes", changes)))
    }

    fn close(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        reason: Option<String>,
    ) -> Result<(), Refusal> {
        let reason = reason.unwrap_or_else(|| "completed".to_owned());
        if !matches!(reason.as_str(), "completed" | "not_planned" | "duplicate") {
            return Err(Refusal::invalid("Issue", "state_reason", "invalid"));
        }
        let issue = self.issue_mut(repository, number)?;
        if !issue.open {
            return Ok(());
        }
        let now = Timestamp::now();
        issue.open = false;
        issue.state_reason = issue.pull.is_none().then_some(reason);
        issue.closed = Some(now);
        issue.closed_by = Some(who);
        issue.updated = now;
        self.tell_issue(who, repository, number, "closed", None)
    }

    fn reopen(&mut self, who: AccountId, repository: RepositoryId, number: u64) -> Result<(), Refusal> {
        let issue = self.issue_mut(repository, number)?;
        if issue.open {
            return Ok(());
        }
        if issue.pull.as_ref().is_some_and(|pull| pull.merged.is_some()) {
            return Err(Refusal::custom("PullRequest", "state cannot be changed. The pull request was merged."));
        }
        issue.open = true;
        issue.state_reason = issue.pull.is_none().then(|| "reopened".to_owned());
        issue.closed = None;
        issue.closed_by = None;
        issue.updated = Timestamp::now();
        self.tell_issue(who, repository, number, "reopened", None)
    }

    /// Adds those who can be assigned; the others are left out without a word (facts 2.3).
    pub fn assign(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        logins: &[String],
    ) -> Result<(), Refusal> {
        let mut wanted = self.issue(repository, number)?.assignees.clone();
        wanted.extend(self.assignable_among(repository, logins)?);
        self.set_assignees(who, repository, number, wanted)
    }

    pub fn unassign(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        logins: &[String],
    ) -> Result<(), Refusal> {
        let mut wanted = self.issue(repository, number)?.assignees.clone();
        wanted.retain(|id| !logins.iter().any(|login| self.account(*id).login.eq_ignore_ascii_case(login)));
        self.set_assignees(who, repository, number, wanted)
    }

    fn set_assignees(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        mut wanted: Vec<AccountId>,
    ) -> Result<(), Refusal> {
        if self.role(Some(who), self.repository(repository)?) < Some(Role::Triage) {
            return Ok(());
        }
        let mut seen = std::collections::BTreeSet::new();
        wanted.retain(|id| seen.insert(*id));
        wanted.truncate(10);
        let issue = self.issue_mut(repository, number)?;
        let before = std::mem::replace(&mut issue.assignees, wanted.clone());
        let come = wanted.iter().filter(|id| !before.contains(id)).map(|id| ("assigned", *id));
        let gone = before.iter().filter(|id| !wanted.contains(id)).map(|id| ("unassigned", *id));
        for (action, id) in come.chain(gone).collect::<Vec<_>>() {
            let shown = shapes::people::user(self, id);
            self.tell_issue(who, repository, number, action, Some(("assignee", shown)))?;
        }
        Ok(())
    }

    /// Makes these the labels; ones the repository does not know are made on the way.
    pub fn set_labels(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        names: &[String],
    ) -> Result<(), Refusal> {
        let wanted = self.known_labels(repository, names)?;
        let issue = self.issue_mut(repository, number)?;
        let before = std::mem::replace(&mut issue.labels, wanted.clone());
        let come = wanted.iter().filter(|name| !before.contains(name)).map(|name| ("labeled", name));
        let gone = before.iter().filter(|name| !wanted.contains(name)).map(|name| ("unlabeled", name));
        for (action, name) in come.chain(gone) {
            self.tell_labeled(who, repository, number, action, name)?;
        }
        Ok(())
    }

    fn known_labels(&mut self, repository: RepositoryId, names: &[String]) -> Result<Vec<String>, Refusal> {
        let mut known = Vec::new();
        for name in names {
            if name.trim().is_empty() || name.chars().count() > 50 {
                return Err(Refusal::invalid("Label", "name", "invalid"));
            }
            let id = self.new_id();
            let place = self.repository_mut(repository)?;
            let label = match place.label(name) {
                Some(label) => label.name.clone(),
                None => {
                    let color = "ededed".to_owned();
                    place.labels.push(Label { id, name: name.clone(), color, description: None });
                    name.clone()
                }
            };
            if !known.contains(&label) {
                known.push(label);
            }
        }
        Ok(known)
    }

    pub fn lock_issue(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        reason: Option<String>,
    ) -> Result<(), Refusal> {
        let issue = self.issue_mut(repository, number)?;
        issue.locked = true;
        issue.lock_reason = reason;
        self.tell_issue(who, repository, number, "locked", None)
    }

    pub fn unlock_issue(&mut self, who: AccountId, repository: RepositoryId, number: u64) -> Result<(), Refusal> {
        let issue = self.issue_mut(repository, number)?;
        issue.locked = false;
        issue.lock_reason = None;
        self.tell_issue(who, repository, number, "unlocked", None)
    }

    /// Only on the web and in GraphQL; REST can't.
    pub fn delete_issue(&mut self, who: AccountId, repository: RepositoryId, number: u64) -> Result<(), Refusal> {
        let shown = self.shown_issue(repository, number)?;
        let place = self.repository_mut(repository)?;
        place.issues.remove(&number);
        place.comments.retain(|_, comment| comment.issue != number);
        place.departed.insert(number, Departure::Deleted);
        self.tell(who, repository, Event::action("issues", "deleted").with("issue", shown))
    }

    /// Moves it to another repository of the same owner. Numbers and labels do not travel; ids of comments do.
    pub fn transfer_issue(
        &mut self,
        who: AccountId,
        from: RepositoryId,
        number: u64,
        to: RepositoryId,
    ) -> Result<u64, Refusal> {
        let issue = self.issue(from, number)?.clone();
        if from == to || issue.pull.is_some() || self.repository(from)?.owner != self.repository(to)?.owner {
            return Err(Refusal::custom("Issue", "can only be transferred to another repository of the same owner"));
        }
        let before = self.shown_issue(from, number)?;
        let arrived = self.add_issue(issue.author, to, issue.title, issue.body)?;
        let place = self.repository_mut(from)?;
        place.issues.remove(&number);
        place.departed.insert(number, Departure::Transferred { to, number: arrived });
        let (moved, stay): (Vec<_>, Vec<_>) =
            std::mem::take(&mut place.comments).into_values().partition(|comment| comment.issue == number);
        place.comments = stay.into_iter().map(|comment| (comment.id, comment)).collect();
        let moved = moved.into_iter().map(|comment| (comment.id, Comment { issue: arrived, ..comment }));
        self.repository_mut(to)?.comments.extend(moved);
        let changes = json!({
            "new_issue": self.shown_issue(to, arrived)?,
            "new_repository": shapes::repository::repository(self, self.repository(to)?),
        });
        let event = Event::action("issues", "transferred").with("changes", changes).with("issue", before);
        self.tell(who, from, event)?;
        self.tell_issue(who, to, arrived, "opened", None)?;
        Ok(arrived)
    }

    pub fn comment(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        body: String,
    ) -> Result<u64, Refusal> {
        self.not_archived(repository)?;
        let issue = self.issue(repository, number)?;
        if issue.locked && self.role(Some(who), self.repository(repository)?) < Some(Role::Triage) {
            return Err(Refusal::forbidden("Unable to create comment because issue is locked."));
        }
        check_comment(&body)?;
        let (id, now) = (self.new_id(), Timestamp::now());
        let comment = Comment { id, issue: number, author: who, body, created: now, updated: now };
        self.issue_mut(repository, number)?.updated = now;
        self.repository_mut(repository)?.comments.insert(id, comment);
        self.tell_comment(who, repository, id, "created", None)?;
        Ok(id)
    }

    pub fn edit_comment(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        id: u64,
        body: String,
    ) -> Result<(), Refusal> {
        self.not_archived(repository)?;
        check_comment(&body)?;
        let place = self.repository_mut(repository)?;
        let comment = place.comments.get_mut(&id).ok_or_else(Refusal::not_found)?;
        let before = std::mem::replace(&mut comment.body, body);
        comment.updated = Timestamp::now();
        self.tell_comment(who, repository, id, "edited", Some(json!({"body": {"from": before}})))
    }

    pub fn delete_comment(&mut self, who: AccountId, repository: RepositoryId, id: u64) -> Result<(), Refusal> {
        self.not_archived(repository)?;
        if !self.repository(repository)?.comments.contains_key(&id) {
            return Err(Refusal::not_found());
        }
        self.tell_comment(who, repository, id, "deleted", None)?;
        self.repository_mut(repository)?.comments.remove(&id);
        Ok(())
    }

    pub fn not_archived(&self, repository: RepositoryId) -> Result<(), Refusal> {
        match self.repository(repository)?.archived {
            true => Err(Refusal::forbidden("Repository was archived so is read-only.")),
            false => Ok(()),
        }
    }

    fn assignable_among(&self, repository: RepositoryId, logins: &[String]) -> Result<Vec<AccountId>, Refusal> {
        let may = self.assignable(self.repository(repository)?);
        let known = logins.iter().filter_map(|login| self.user_named(login)).map(|account| account.id);
        Ok(known.filter(|id| may.contains(id)).collect())
    }

    fn shown_issue(&self, repository: RepositoryId, number: u64) -> Result<Value, Refusal> {
        Ok(shapes::issue::issue(self, self.repository(repository)?, self.issue(repository, number)?))
    }

    fn tell_labeled(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        action: &'static str,
        name: &str,
    ) -> Result<(), Refusal> {
        let place = self.repository(repository)?;
        let label = place.label(name).map(|label| shapes::repository::label(self, place, label));
        self.tell_issue(who, repository, number, action, label.map(|shown| ("label", shown)))
    }

    /// As `issues`, or as `pull_request` where the issue is one.
    pub fn tell_issue(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        action: &'static str,
        more: Option<(&str, Value)>,
    ) -> Result<(), Refusal> {
        let place: &Repository = self.repository(repository)?;
        let issue = self.issue(repository, number)?;
        let mut event = match &issue.pull {
            None => Event::action("issues", action).with("issue", shapes::issue::issue(self, place, issue)),
            Some(pull) => Event::action("pull_request", action)
                .with("number", json!(number))
                .with("pull_request", shapes::issue::pull(self, place, issue, pull)),
        };
        if let Some((field, value)) = more {
            event = event.with(field, value);
        }
        self.tell(who, repository, event)
    }

    fn tell_comment(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        id: u64,
        action: &'static str,
        changes: Option<Value>,
    ) -> Result<(), Refusal> {
        let place = self.repository(repository)?;
        let comment = place.comments.get(&id).ok_or_else(Refusal::not_found)?;
        let issue = self.issue(repository, comment.issue)?;
        let mut event = Event::action("issue_comment", action)
            .with("issue", shapes::issue::issue(self, place, issue))
            .with("comment", shapes::issue::comment(self, place, comment));
        if let Some(changes) = changes {
            event = event.with("changes", changes);
        }
        self.tell(who, repository, event)
    }
}

fn check_title(title: &str) -> Result<(), Refusal> {
    match title.trim().chars().count() {
        0 => Err(Refusal::invalid("Issue", "title", "missing_field")),
        1..=TITLE_MAX => Ok(()),
        _ => Err(Refusal::custom("Issue", "title is too long (maximum is 256 characters)")),
    }
}

fn check_body(body: Option<&str>) -> Result<(), Refusal> {
    match body.unwrap_or_default().chars().count() > BODY_MAX {
        true => Err(Refusal::custom("Issue", "body is too long (maximum is 65536 characters)")),
        false => Ok(()),
    }
}

fn check_comment(body: &str) -> Result<(), Refusal> {
    match body.trim().is_empty() {
        true => Err(Refusal::custom("IssueComment", "Body cannot be blank")),
        false => check_body(Some(body)),
    }
}
