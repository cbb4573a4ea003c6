//! What happens to issues (and to pull requests as far as they are issues), each with its webhooks.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::repository::{Departure, Issue, Repository};
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
        self.issues_enabled(repository)?;
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
        if self.issue(repository, number)?.pull.is_none() {
            self.issues_enabled(repository)?;
        }
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

    pub fn issues_enabled(&self, repository: RepositoryId) -> Result<(), Refusal> {
        match self.repository(repository)?.has_issues {
            true => Ok(()),
            false => Err(Refusal::gone("Issues are disabled for this repo")),
        }
    }

    pub fn not_archived(&self, repository: RepositoryId) -> Result<(), Refusal> {
        match self.repository(repository)?.archived {
            true => Err(Refusal::forbidden("Repository was archived so is read-only.")),
            false => Ok(()),
        }
    }

    pub(super) fn shown_issue(&self, repository: RepositoryId, number: u64) -> Result<Value, Refusal> {
        Ok(shapes::issue::issue(self, self.repository(repository)?, self.issue(repository, number)?))
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
}

fn check_title(title: &str) -> Result<(), Refusal> {
    match title.trim().chars().count() {
        0 => Err(Refusal::invalid("Issue", "title", "missing_field")),
        1..=TITLE_MAX => Ok(()),
        _ => Err(Refusal::custom("Issue", "title is too long (maximum is 256 characters)")),
    }
}

pub(super) fn check_body(body: Option<&str>) -> Result<(), Refusal> {
    match body.unwrap_or_default().chars().count() > BODY_MAX {
        true => Err(Refusal::custom("Issue", "body is too long (maximum is 65536 characters)")),
        false => Ok(()),
    }
}
