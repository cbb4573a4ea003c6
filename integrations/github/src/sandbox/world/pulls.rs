//! What happens to pull requests beyond being issues: opened, pushed to, merged.

use jiff::Timestamp;
use serde_json::json;

use super::repository::{Merge, Pull};
use super::{AccountId, RepositoryId, World};
use crate::sandbox::refusal::Refusal;

pub(in super::super) struct NewPull {
    pub title: String,
    pub body: Option<String>,
    /// A branch, or `owner:branch` of this repository's owner.
    pub head: String,
    pub base: String,
    pub draft: bool,
}

impl World {
    pub fn pull(&self, repository: RepositoryId, number: u64) -> Result<&Pull, Refusal> {
        self.issue(repository, number)?.pull.as_ref().ok_or_else(Refusal::not_found)
    }

    fn pull_mut(&mut self, repository: RepositoryId, number: u64) -> Result<&mut Pull, Refusal> {
        self.issue_mut(repository, number)?.pull.as_mut().ok_or_else(Refusal::not_found)
    }

    pub fn open_pull(&mut self, who: AccountId, repository: RepositoryId, new: NewPull) -> Result<u64, Refusal> {
        self.not_archived(repository)?;
        let place = self.repository(repository)?;
        let owner = &self.account(place.owner).login;
        let head = new.head.strip_prefix(&format!("{owner}:")).unwrap_or(&new.head).to_owned();
        let sha = |branch: &str, field: &str| {
            let found = place.branches.get(branch).cloned();
            found.ok_or_else(|| Refusal::invalid("PullRequest", field, "invalid"))
        };
        let (head_sha, base_sha) = (sha(&head, "head")?, sha(&new.base, "base")?);
        if place.ahead(&base_sha, &head_sha).is_empty() {
            return Err(Refusal::custom("PullRequest", &format!("No commits between {} and {head}", new.base)));
        }
        let twin = place.issues.values().filter(|issue| issue.open).filter_map(|issue| issue.pull.as_ref());
        if twin.into_iter().any(|pull| pull.head == head && pull.base == new.base) {
            let message = format!("A pull request already exists for {owner}:{head}.");
            return Err(Refusal::custom("PullRequest", &message));
        }
        let id = self.new_id();
        let number = self.add_issue(who, repository, new.title, new.body)?;
        self.issue_mut(repository, number)?.pull =
            Some(Pull { id, head, base: new.base, head_sha, base_sha, draft: new.draft, merged: None });
        self.tell_issue(who, repository, number, "opened", None)?;
        Ok(number)
    }

    /// Merges (or squashes, or rebases: the same here but for the commits it makes) and closes.
    pub fn merge_pull(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        method: &str,
        message: Option<String>,
    ) -> Result<String, Refusal> {
        self.not_archived(repository)?;
        let issue = self.issue(repository, number)?;
        let pull = self.pull(repository, number)?.clone();
        if !issue.open || pull.draft {
            let status = axum::http::StatusCode::METHOD_NOT_ALLOWED;
            return Err(Refusal::new(status, "Pull Request is not mergeable"));
        }
        let owner = &self.account(self.repository(repository)?.owner).login;
        let merge_message = format!("Merge pull request #{number} from {owner}/{}\n\n{}", pull.head, issue.title);
        let squash_message = format!("{} (#{number})", issue.title);
        let place = self.repository(repository)?;
        let base = place.branches.get(&pull.base).cloned().ok_or_else(Refusal::not_found)?;
        let rebased: Vec<String> =
            place.ahead(&base, &pull.head_sha).into_iter().map(|commit| commit.message.clone()).collect();
        let sha = match method {
            "merge" => {
                let parents = vec![base.clone(), pull.head_sha.clone()];
                self.add_commit(who, repository, parents, &message.unwrap_or(merge_message))?
            }
            "squash" => self.add_commit(who, repository, vec![base.clone()], &message.unwrap_or(squash_message))?,
            "rebase" => {
                let last = self.add_commits(who, repository, Some(base.clone()), &rebased)?;
                last.ok_or_else(|| Refusal::custom("PullRequest", "there is nothing to rebase"))?
            }
            _ => return Err(Refusal::invalid("PullRequest", "merge_method", "invalid")),
        };
        let now = Timestamp::now();
        self.pull_mut(repository, number)?.merged = Some(Merge { by: who, at: now, sha: sha.clone() });
        let issue = self.issue_mut(repository, number)?;
        issue.open = false;
        issue.closed = Some(now);
        issue.closed_by = Some(who);
        issue.updated = now;
        self.tell_issue(who, repository, number, "closed", None)?;
        self.move_branch(who, repository, &pull.base, Some(&sha), false)?;
        Ok(sha)
    }

    /// Open pull requests follow their branch.
    pub fn synchronize_pulls(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        branch: &str,
        before: &str,
        after: &str,
    ) -> Result<(), Refusal> {
        let place = self.repository_mut(repository)?;
        let mut moved = Vec::new();
        for issue in place.issues.values_mut().filter(|issue| issue.open) {
            if let Some(pull) = issue.pull.as_mut().filter(|pull| pull.head == branch) {
                pull.head_sha = after.to_owned();
                issue.updated = Timestamp::now();
                moved.push(issue.number);
            }
        }
        for number in moved {
            self.tell_synchronized(who, repository, number, before, after)?;
        }
        Ok(())
    }

    fn tell_synchronized(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        before: &str,
        after: &str,
    ) -> Result<(), Refusal> {
        let place = self.repository(repository)?;
        let (issue, pull) = (self.issue(repository, number)?, self.pull(repository, number)?);
        let event = crate::sandbox::hooks::event::Event::action("pull_request", "synchronize")
            .with("number", json!(number))
            .with("before", json!(before))
            .with("after", json!(after))
            .with("pull_request", crate::sandbox::shapes::issue::pull(self, place, issue, pull));
        self.tell(who, repository, event)
    }
}
