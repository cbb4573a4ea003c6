//! What happened in a repository before a link was there, as its webhook would have told of it.
//!
//! GitHub keeps no such list. Issues, pull requests, comments and releases say when they were opened, closed, merged,
//! written or published, and by whom, except who closed or merged. Pushes are nowhere: commits tell of themselves only.

use futures::try_join;
use integration_contract::{
    Account as Acting, Author, ErrorKind, Happened, Happening, IntegrationLink, Lately, Reading, Result,
};

use crate::{
    api::Api,
    changes,
    config::Config,
    events::Kind,
    link::Settings,
    reading::{self, seconds},
    wire::{
        Account, Comment, Envelope, Issue, IssueComment, Issues, OfPullRequest, PullRequest, PullRequestEvent, Release,
        ReleaseEvent, Repository,
    },
};

/// As many as a preview shows.
const SHOWN: usize = 20;

pub(crate) async fn lately(config: &Config, cx: &Acting, link: &IntegrationLink) -> Result<Lately> {
    let settings: Settings = link.settings.read()?;
    let (api, id) = (Api::new(&cx.http, &config.api_url), settings.repository_id);
    let has = |kind| settings.events.contains(&kind);
    let (issues, pulls, comments, releases) = try_join!(
        list(has(Kind::Issues), api.issues_lately(id)),
        list(has(Kind::PullRequests), api.pulls_lately(id)),
        list(has(Kind::Comments), api.comments_lately(id)),
        list(has(Kind::Releases), api.releases_lately(id)),
    )?;
    let place = Place(&settings);
    let mut happened: Vec<Happened> = Vec::new();
    happened.extend(issues.into_iter().filter(|issue| issue.pull_request.is_none()).flat_map(|one| place.issue(one)));
    happened.extend(pulls.into_iter().flat_map(|one| place.pull_request(one)));
    happened.extend(comments.into_iter().filter_map(|one| place.comment(one)));
    happened.extend(releases.into_iter().filter(|one| !one.draft).filter_map(|one| place.release(one)));
    happened.sort_by_key(|one| std::cmp::Reverse(one.at));
    happened.truncate(SHOWN);
    let left_out = has(Kind::Push).then(|| "Pushes are brought too; GitHub lists none of before.".to_owned());
    Ok(Lately { happened, left_out })
}

/// Nothing of what is switched off for the link, or in the repository.
async fn list<T>(wanted: bool, listed: impl Future<Output = Result<Vec<T>>>) -> Result<Vec<T>> {
    if !wanted {
        return Ok(Vec::new());
    }
    match listed.await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed,
    }
}

struct Place<'a>(&'a Settings);

impl Place<'_> {
    fn told<T>(&self, sender: Option<Account>, event: T) -> Envelope<T> {
        let repository = Repository {
            full_name: self.0.full_name.clone(),
            html_url: Some(self.0.html_url.clone()),
            pushed_at: None,
        };
        Envelope { repository, sender, event }
    }

    fn issue(&self, issue: Issue) -> Vec<Happened> {
        let (opened_at, closed_at) = (issue.created_at.clone(), issue.closed_at.clone());
        let mut told = self.told(issue.user.clone(), Issues { action: String::new(), issue, changes: None });
        let mut tell = |action: &str, at: &str| {
            told.event.action = action.to_owned();
            let reading = changes::beside(reading::issues(&told), changes::of_issues(&told, ""));
            happened(format!("issues.{action}"), at, reading)
        };
        both(opened_at, closed_at, &mut tell)
    }

    fn pull_request(&self, pull: PullRequest) -> Vec<Happened> {
        // Said only of a single one.
        let pull = PullRequest { merged: Some(pull.merged_at.is_some()), ..pull };
        let (opened_at, closed_at) = (pull.created_at.clone(), pull.closed_at.clone());
        let event = PullRequestEvent { action: String::new(), pull_request: pull, changes: None };
        let mut told = self.told(event.pull_request.user.clone(), event);
        let mut tell = |action: &str, at: &str| {
            told.event.action = action.to_owned();
            let reading = changes::beside(reading::pull_request(&told), changes::of_pull_request(&told, ""));
            happened(format!("pull_request.{action}"), at, reading)
        };
        both(opened_at, closed_at, &mut tell)
    }

    /// Whose issue it is about is in its addresses.
    fn comment(&self, comment: Comment) -> Option<Happened> {
        let number = comment.issue_url.as_deref()?.rsplit('/').next()?.parse().ok()?;
        let is_on_pull = comment.html_url.as_deref().is_some_and(|page| page.contains("/pull/"));
        let issue =
            Issue { number, pull_request: is_on_pull.then_some(OfPullRequest { merged_at: None }), ..Issue::default() };
        let at = comment.created_at.clone()?;
        let told = self.told(comment.user.clone(), IssueComment { action: "created".to_owned(), issue, comment });
        happened("issue_comment.created".to_owned(), &at, reading::comment(&told))
    }

    fn release(&self, release: Release) -> Option<Happened> {
        let at = release.published_at.clone()?;
        let event = ReleaseEvent { action: "published".to_owned(), release, changes: None };
        let told = self.told(event.release.author.clone(), event);
        happened("release.published".to_owned(), &at, reading::release(&told))
    }
}

/// What was opened, and closed since; the newest first, for both may be of one second.
fn both(
    opened: Option<String>,
    closed: Option<String>,
    tell: &mut impl FnMut(&str, &str) -> Option<Happened>,
) -> Vec<Happened> {
    let closed = closed.and_then(|at| tell("closed", &at));
    let closed = closed.map(|one| Happened { reading: by_nobody(one.reading), ..one });
    closed.into_iter().chain(opened.and_then(|at| tell("opened", &at))).collect()
}

/// Who closed it is not said in a list.
fn by_nobody(mut reading: Reading) -> Reading {
    for happening in &mut reading.happenings {
        match happening {
            Happening::Entry(entry) => entry.author = Author::default(),
            Happening::Item(change) => change.by = Author::default(),
            _ => {}
        }
    }
    reading
}

fn happened(event: String, at: &str, reading: Reading) -> Option<Happened> {
    Some(Happened { event, at: seconds(Some(at))?, reading })
}
