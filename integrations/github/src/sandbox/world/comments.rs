//! Comments on issues and pull requests: said, changed, taken back.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::issues::check_body;
use super::people::Role;
use super::repository::Comment;
use super::{AccountId, RepositoryId, World};
use crate::sandbox::hooks::event::Event;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::shapes;

impl World {
    pub fn comment(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        body: String,
    ) -> Result<u64, Refusal> {
        self.not_archived(repository)?;
        let issue = self.issue(repository, number)?;
        if issue.pull.is_none() {
            self.issues_enabled(repository)?;
        }
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

fn check_comment(body: &str) -> Result<(), Refusal> {
    match body.trim().is_empty() {
        true => Err(Refusal::custom("IssueComment", "Body cannot be blank")),
        false => check_body(Some(body)),
    }
}
