//! Releases: drafted, published, edited, deleted.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::repository::Release;
use super::{AccountId, RepositoryId, World};
use crate::sandbox::hooks::event::Event;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::shapes;

/// What is not said stays as it is; for a new release it is GitHub's default.
#[derive(Default)]
pub(in super::super) struct ReleaseWish {
    pub tag: Option<String>,
    pub target: Option<String>,
    pub name: Option<String>,
    pub body: Option<String>,
    pub draft: Option<bool>,
    pub prerelease: Option<bool>,
}

impl World {
    pub fn release(&self, repository: RepositoryId, id: u64) -> Result<&Release, Refusal> {
        self.repository(repository)?.releases.get(&id).ok_or_else(Refusal::not_found)
    }

    pub fn create_release(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        wish: ReleaseWish,
    ) -> Result<u64, Refusal> {
        self.not_archived(repository)?;
        let place = self.repository(repository)?;
        let missing = || Refusal::invalid("Release", "tag_name", "missing_field");
        let tag = wish.tag.filter(|tag| !tag.trim().is_empty()).ok_or_else(missing)?;
        if place.releases.values().any(|release| release.tag == tag) {
            return Err(Refusal::invalid("Release", "tag_name", "already_exists"));
        }
        let target = wish.target.unwrap_or_else(|| place.default_branch.clone());
        let release = Release {
            id: self.new_id(),
            tag,
            target,
            name: wish.name,
            body: wish.body,
            draft: true,
            prerelease: wish.prerelease.unwrap_or(false),
            author: who,
            created: Timestamp::now(),
            published: None,
        };
        let id = release.id;
        if wish.draft.unwrap_or(false) {
            self.repository_mut(repository)?.releases.insert(id, release);
            self.tell_release(who, repository, id, "created", None)?;
            return Ok(id);
        }
        self.push_tag(who, repository, &release.tag, &release.target)?;
        let published = Release { draft: false, published: Some(Timestamp::now()), ..release };
        self.repository_mut(repository)?.releases.insert(id, published);
        self.tell_release(who, repository, id, "created", None)?;
        self.tell_published(who, repository, id)?;
        Ok(id)
    }

    pub fn change_release(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        id: u64,
        wish: ReleaseWish,
    ) -> Result<(), Refusal> {
        self.not_archived(repository)?;
        let before = self.release(repository, id)?.clone();
        let publish = before.draft && wish.draft == Some(false);
        let mut after = before.clone();
        after.tag = wish.tag.unwrap_or(after.tag);
        after.target = wish.target.unwrap_or(after.target);
        after.name = wish.name.or(after.name);
        after.body = wish.body.or(after.body);
        after.prerelease = wish.prerelease.unwrap_or(after.prerelease);
        if publish {
            self.push_tag(who, repository, &after.tag, &after.target)?;
            after.draft = false;
            after.published = Some(Timestamp::now());
        }
        let mut changes = json!({});
        if before.name != after.name {
            changes["name"] = json!({"from": before.name.unwrap_or_default()});
        }
        if before.body != after.body {
            changes["body"] = json!({"from": before.body.unwrap_or_default()});
        }
        self.repository_mut(repository)?.releases.insert(id, after);
        if publish {
            return self.tell_published(who, repository, id);
        }
        self.tell_release(who, repository, id, "edited", Some(changes))
    }

    pub fn delete_release(&mut self, who: AccountId, repository: RepositoryId, id: u64) -> Result<(), Refusal> {
        self.release(repository, id)?;
        self.tell_release(who, repository, id, "deleted", None)?;
        self.repository_mut(repository)?.releases.remove(&id);
        Ok(())
    }

    /// Publishing once is told twice: whoever counts both counts double.
    fn tell_published(&mut self, who: AccountId, repository: RepositoryId, id: u64) -> Result<(), Refusal> {
        let prerelease = self.release(repository, id)?.prerelease;
        self.tell_release(who, repository, id, "published", None)?;
        self.tell_release(who, repository, id, if prerelease { "prereleased" } else { "released" }, None)
    }

    fn tell_release(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        id: u64,
        action: &'static str,
        changes: Option<Value>,
    ) -> Result<(), Refusal> {
        let place = self.repository(repository)?;
        let shown = shapes::code::release(self, place, self.release(repository, id)?);
        let mut event = Event::action("release", action).with("release", shown);
        if let Some(changes) = changes {
            event = event.with("changes", changes);
        }
        self.tell(who, repository, event)
    }
}
