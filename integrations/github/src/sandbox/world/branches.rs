//! Pushes: commits, branches and tags appear, move and go.

use integration_sandboxkit::random;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::repository::{Commit, NO_COMMIT, Repository};
use super::{AccountId, RepositoryId, World};
use crate::sandbox::hooks::event::Event;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::shapes;

/// More are cut from the payload.
const COMMITS_TOLD: usize = 2048;

/// A ref that moved.
struct Move<'a> {
    reference: &'a str,
    before: &'a str,
    after: &'a str,
    forced: bool,
}

impl World {
    /// Adds a commit per message and pushes the branch, which is made from the default branch if it is new.
    /// `force` throws the branch's last commit away first.
    pub fn push_commits(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        branch: &str,
        messages: &[String],
        force: bool,
    ) -> Result<String, Refusal> {
        self.not_archived(repository)?;
        check_name(branch)?;
        let place = self.repository(repository)?;
        let before = place.branches.get(branch).cloned();
        let start = before.clone().or_else(|| place.branches.get(&place.default_branch).cloned());
        let parent = match (force, &start) {
            (true, Some(sha)) => place.commits.get(sha).and_then(|commit| commit.parents.first().cloned()),
            _ => start,
        };
        let after = self.add_commits(who, repository, parent, messages)?;
        let Some(after) = after.or_else(|| self.repositories[&repository].branches.get(branch).cloned()) else {
            return Err(Refusal::custom("Push", "there is nothing to push: write a commit message"));
        };
        self.move_branch(who, repository, branch, Some(&after), force && before.is_some())?;
        Ok(after)
    }

    /// Points a branch somewhere (or nowhere: deleted) and tells about it, and about pull requests from it.
    pub fn move_branch(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        branch: &str,
        to: Option<&str>,
        forced: bool,
    ) -> Result<(), Refusal> {
        self.not_archived(repository)?;
        check_name(branch)?;
        let place = self.repository_mut(repository)?;
        let before = match to {
            Some(sha) => place.branches.insert(branch.to_owned(), sha.to_owned()),
            None => Some(place.branches.remove(branch).ok_or_else(Refusal::not_found)?),
        };
        place.pushed = Timestamp::now();
        place.updated = place.pushed;
        let reference = format!("refs/heads/{branch}");
        let old = before.as_deref().unwrap_or(NO_COMMIT);
        let moved = Move { reference: &reference, before: old, after: to.unwrap_or(NO_COMMIT), forced };
        let push = self.push_event(who, repository, &moved)?;
        if before.is_none() {
            self.tell_reference(who, repository, "create", branch, "branch")?;
        }
        self.tell(who, repository, push)?;
        match to {
            Some(sha) => self.synchronize_pulls(who, repository, branch, old, sha),
            None => self.tell_reference(who, repository, "delete", branch, "branch"),
        }
    }

    /// Tags what `target` names, or pushes nothing if the tag is there.
    pub fn push_tag(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        tag: &str,
        target: &str,
    ) -> Result<(), Refusal> {
        self.not_archived(repository)?;
        check_name(tag)?;
        let place = self.repository(repository)?;
        if place.tags.contains_key(tag) {
            return Ok(());
        }
        let sha = place.resolve(target).map(str::to_owned);
        let sha = sha.ok_or_else(|| Refusal::invalid("Release", "target_commitish", "invalid"))?;
        let place = self.repository_mut(repository)?;
        place.tags.insert(tag.to_owned(), sha.clone());
        place.pushed = Timestamp::now();
        let reference = format!("refs/tags/{tag}");
        let moved = Move { reference: &reference, before: NO_COMMIT, after: &sha, forced: false };
        let push = self.push_event(who, repository, &moved)?;
        self.tell_reference(who, repository, "create", tag, "tag")?;
        self.tell(who, repository, push)
    }

    pub fn delete_tag(&mut self, who: AccountId, repository: RepositoryId, tag: &str) -> Result<(), Refusal> {
        self.not_archived(repository)?;
        let sha = self.repository_mut(repository)?.tags.remove(tag).ok_or_else(Refusal::not_found)?;
        let reference = format!("refs/tags/{tag}");
        let moved = Move { reference: &reference, before: &sha, after: NO_COMMIT, forced: false };
        let push = self.push_event(who, repository, &moved)?;
        self.tell(who, repository, push)?;
        self.tell_reference(who, repository, "delete", tag, "tag")
    }

    /// What the "test" button does: the newest push to the default branch, told to one hook once more.
    pub fn tell_last_push(&mut self, who: AccountId, repository: RepositoryId, hook: u64) -> Result<(), Refusal> {
        let place = self.repository(repository)?;
        let reference = format!("refs/heads/{}", place.default_branch);
        let after = place.branches.get(&place.default_branch).map(String::as_str).unwrap_or(NO_COMMIT);
        let before = place.commits.get(after).and_then(|commit| commit.parents.first());
        let before = before.map(String::as_str).unwrap_or(NO_COMMIT);
        let push = self.push_event(who, repository, &Move { reference: &reference, before, after, forced: false })?;
        self.tell_push_to(who, repository, hook, push)
    }

    /// A chain of commits on top of `parent`; the last one's name, or `None` for no messages.
    pub fn add_commits(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        parent: Option<String>,
        messages: &[String],
    ) -> Result<Option<String>, Refusal> {
        let mut last = parent;
        let mut added = None;
        for message in messages {
            let sha = self.add_commit(who, repository, last.into_iter().collect(), message)?;
            added = Some(sha.clone());
            last = Some(sha);
        }
        Ok(added)
    }

    pub fn add_commit(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        parents: Vec<String>,
        message: &str,
    ) -> Result<String, Refusal> {
        let sha = random::hex(40);
        let first = parents.is_empty();
        let commit = Commit {
            sha: sha.clone(),
            tree: random::hex(40),
            parents,
            message: message.to_owned(),
            author: who,
            at: Timestamp::now(),
            added: if first { vec!["README.md".to_owned()] } else { vec![] },
            modified: if first { vec![] } else { vec!["README.md".to_owned()] },
        };
        self.repository_mut(repository)?.commits.insert(sha.clone(), commit);
        Ok(sha)
    }

    fn push_event(&self, who: AccountId, repository: RepositoryId, moved: &Move<'_>) -> Result<Event, Refusal> {
        let place = self.repository(repository)?;
        let created = moved.before == NO_COMMIT;
        let deleted = moved.after == NO_COMMIT;
        let is_tag = moved.reference.starts_with("refs/tags/");
        let default = place.branches.get(&place.default_branch).map(String::as_str).unwrap_or(NO_COMMIT);
        // Of a new branch only what the default branch has not; of the first push, everything.
        let known = if created && moved.reference != format!("refs/heads/{}", place.default_branch) {
            default
        } else {
            moved.before
        };
        let commits: Vec<Value> = match deleted || is_tag {
            true => vec![],
            false => place
                .ahead(known, moved.after)
                .into_iter()
                .take(COMMITS_TOLD)
                .map(|commit| shapes::code::commit_in_push(self, place, commit))
                .collect(),
        };
        let head = place.commits.get(moved.after).map(|commit| shapes::code::commit_in_push(self, place, commit));
        let pusher = self.account(who);
        Ok(Event::new("push")
            .with("ref", json!(moved.reference))
            .with("before", json!(moved.before))
            .with("after", json!(moved.after))
            .with("created", json!(created))
            .with("deleted", json!(deleted))
            .with("forced", json!(moved.forced))
            .with("base_ref", base_reference(place, moved, is_tag && created))
            .with("compare", json!(compare_url(self, place, moved)))
            .with("commits", json!(commits))
            .with("head_commit", head.unwrap_or(Value::Null))
            .with("pusher", json!({"name": pusher.login, "email": pusher.email()})))
    }

    fn tell_reference(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        event: &'static str,
        name: &str,
        kind: &str,
    ) -> Result<(), Refusal> {
        let place = self.repository(repository)?;
        let mut told =
            Event::new(event).with("ref", json!(name)).with("ref_type", json!(kind)).with("pusher_type", json!("user"));
        if event == "create" {
            told =
                told.with("master_branch", json!(place.default_branch)).with("description", json!(place.description));
        }
        self.tell(who, repository, told)
    }
}

/// The branch a new tag stands on.
fn base_reference(place: &Repository, moved: &Move<'_>, wanted: bool) -> Value {
    let branch = place.branches.iter().find(|(_, sha)| wanted && *sha == moved.after);
    branch.map_or(Value::Null, |(name, _)| json!(format!("refs/heads/{name}")))
}

fn compare_url(world: &World, place: &Repository, moved: &Move<'_>) -> String {
    let web = world.web_url(place);
    let name = moved.reference.splitn(3, '/').nth(2).unwrap_or_default();
    match (moved.before, moved.after) {
        (NO_COMMIT, _) => format!("{web}/compare/{name}"),
        (before, after) => format!("{web}/compare/{}...{}", &before[..12], &after[..12]),
    }
}

/// The part of git's rules for names that people run into.
fn check_name(name: &str) -> Result<(), Refusal> {
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || "~^:?*[\\".contains(letter);
    let wrong = name.is_empty()
        || name.len() > 200
        || name.starts_with(['/', '-', '.'])
        || name.ends_with(['/', '.'])
        || name.contains("..")
        || name.contains("//")
        || name.chars().any(odd);
    if wrong { Err(Refusal::custom("Reference", "is not a name for a branch or a tag")) } else { Ok(()) }
}
