//! What happens to repositories as a whole: made, renamed, transferred, archived, hidden, starred, deleted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;

use super::people::{Kind, Role};
use super::repository::{Label, Repository};
use super::{AccountId, RepositoryId, World, iso};
use crate::sandbox::hooks::event::Event;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::shapes;

/// Labels every new repository has.
const LABELS: [(&str, &str, &str); 5] = [
    ("bug", "d73a4a", "Something isn't working"),
    ("documentation", "0075ca", "Improvements or additions to documentation"),
    ("enhancement", "a2eeef", "New feature or request"),
    ("question", "d876e3", "Further information is requested"),
    ("wontfix", "ffffff", "This will not be worked on"),
];

impl World {
    /// A repository with one commit on `main`. No webhook can have heard of it yet.
    pub fn create_repository(&mut self, owner: AccountId, name: &str, private: bool) -> Result<RepositoryId, Refusal> {
        self.check_repository_name(owner, name)?;
        let now = Timestamp::now();
        let labels = LABELS.iter().map(|(name, color, about)| Label {
            id: self.new_id(),
            name: (*name).to_owned(),
            color: (*color).to_owned(),
            description: Some((*about).to_owned()),
        });
        let labels = labels.collect();
        let id = self.new_id() - 8_300_000_000;
        self.former_names.remove(&self.key(owner, name));
        let repository = Repository {
            id,
            name: name.to_owned(),
            owner,
            private,
            archived: false,
            has_issues: true,
            description: None,
            default_branch: "main".to_owned(),
            created: now,
            updated: now,
            pushed: now,
            collaborators: BTreeMap::new(),
            stargazers: BTreeSet::new(),
            labels,
            issues: BTreeMap::new(),
            departed: BTreeMap::new(),
            last_number: 0,
            comments: BTreeMap::new(),
            releases: BTreeMap::new(),
            commits: BTreeMap::new(),
            branches: BTreeMap::new(),
            tags: BTreeMap::new(),
            hooks: BTreeMap::new(),
        };
        self.repositories.insert(id, repository);
        let author = if self.account(owner).kind == Kind::User { owner } else { super::seed::ADA };
        let first = self.add_commit(author, id, vec![], "Initial commit")?;
        self.repository_mut(id)?.branches.insert("main".to_owned(), first);
        Ok(id)
    }

    pub fn rename_repository(&mut self, who: AccountId, id: RepositoryId, name: &str) -> Result<(), Refusal> {
        let place = self.repository(id)?;
        let (owner, from) = (place.owner, place.name.clone());
        if from == name {
            return Ok(());
        }
        if !from.eq_ignore_ascii_case(name) {
            self.check_repository_name(owner, name)?;
        }
        self.former_names.remove(&self.key(owner, name));
        self.former_names.insert(self.key(owner, &from), id);
        let place = self.repository_mut(id)?;
        place.name = name.to_owned();
        place.updated = Timestamp::now();
        let changes = json!({"repository": {"name": {"from": from}}});
        self.tell(who, id, Event::action("repository", "renamed").with("changes", changes))
    }

    /// At once: the new owner's consent, which GitHub asks of people, is taken for granted here.
    pub fn transfer_repository(
        &mut self,
        who: AccountId,
        id: RepositoryId,
        to: &str,
        name: Option<&str>,
    ) -> Result<(), Refusal> {
        let place = self.repository(id)?;
        let (from, old_name) = (place.owner, place.name.clone());
        let name = name.unwrap_or(&old_name).to_owned();
        let invalid = || Refusal::custom("Repository", &format!("{to} is not a user or an organization"));
        let to = self.account_named(to).ok_or_else(invalid)?.id;
        if to == from {
            return Err(Refusal::custom("Repository", "is already owned by this account"));
        }
        self.check_repository_name(to, &name)?;
        self.former_names.remove(&self.key(to, &name));
        self.former_names.insert(self.key(from, &old_name), id);
        let place = self.repository_mut(id)?;
        place.owner = to;
        place.name = name;
        place.updated = Timestamp::now();
        if self.account(from).kind == Kind::User {
            self.repository_mut(id)?.collaborators.insert(from, Role::Push);
        }
        let field = if self.account(from).kind == Kind::User { "user" } else { "organization" };
        let shown = match field {
            "user" => shapes::people::user(self, from),
            _ => shapes::people::organization(self, self.account(from)),
        };
        let changes = json!({"owner": {"from": {field: shown}}});
        self.tell(who, id, Event::action("repository", "transferred").with("changes", changes))
    }

    pub fn archive_repository(&mut self, who: AccountId, id: RepositoryId, archived: bool) -> Result<(), Refusal> {
        let place = self.repository_mut(id)?;
        if std::mem::replace(&mut place.archived, archived) == archived {
            return Ok(());
        }
        place.updated = Timestamp::now();
        let action = if archived { "archived" } else { "unarchived" };
        self.tell(who, id, Event::action("repository", action))
    }

    pub fn hide_repository(&mut self, who: AccountId, id: RepositoryId, private: bool) -> Result<(), Refusal> {
        let place = self.repository_mut(id)?;
        if std::mem::replace(&mut place.private, private) == private {
            return Ok(());
        }
        place.updated = Timestamp::now();
        let action = if private { "privatized" } else { "publicized" };
        self.tell(who, id, Event::action("repository", action))
    }

    pub fn describe_repository(
        &mut self,
        who: AccountId,
        id: RepositoryId,
        description: Option<String>,
    ) -> Result<(), Refusal> {
        let place = self.repository_mut(id)?;
        let before = std::mem::replace(&mut place.description, description);
        let changes = json!({"description": {"from": before}});
        self.tell(who, id, Event::action("repository", "edited").with("changes", changes))
    }

    /// Repository webhooks are not told (facts 2.2): they learn by 404 on their next call.
    pub fn delete_repository(&mut self, id: RepositoryId) -> Result<(), Refusal> {
        self.repositories.remove(&id).ok_or_else(Refusal::not_found)?;
        self.former_names.retain(|_, it| *it != id);
        Ok(())
    }

    /// Told twice, as `star` and, from the days when it had another name, as `watch`.
    pub fn star_repository(&mut self, who: AccountId, id: RepositoryId, starred: bool) -> Result<(), Refusal> {
        let stars = &mut self.repository_mut(id)?.stargazers;
        let changed = if starred { stars.insert(who) } else { stars.remove(&who) };
        if !changed {
            return Ok(());
        }
        if !starred {
            return self.tell(who, id, Event::action("star", "deleted").with("starred_at", json!(null)));
        }
        let at = json!(iso(Timestamp::now()));
        self.tell(who, id, Event::action("star", "created").with("starred_at", at))?;
        self.tell(who, id, Event::action("watch", "started"))
    }

    pub fn create_label(
        &mut self,
        who: AccountId,
        id: RepositoryId,
        name: &str,
        color: &str,
        description: Option<String>,
    ) -> Result<(), Refusal> {
        if name.trim().is_empty() {
            return Err(Refusal::invalid("Label", "name", "missing_field"));
        }
        if self.repository(id)?.label(name).is_some() {
            return Err(Refusal::invalid("Label", "name", "already_exists"));
        }
        let label = Label { id: self.new_id(), name: name.to_owned(), color: color.to_owned(), description };
        self.repository_mut(id)?.labels.push(label.clone());
        let shown = shapes::repository::label(self, self.repository(id)?, &label);
        self.tell(who, id, Event::action("label", "created").with("label", shown))
    }

    fn check_repository_name(&self, owner: AccountId, name: &str) -> Result<(), Refusal> {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if name.is_empty() || name.len() > 100 || !name.chars().all(fits) || matches!(name, "." | "..") {
            return Err(Refusal::invalid("Repository", "name", "invalid"));
        }
        match self.repository_named(&self.account(owner).login, name) {
            Some(_) => Err(Refusal::custom("Repository", "name already exists on this account")),
            None => Ok(()),
        }
    }

    /// As [`World::former_names`] is keyed.
    fn key(&self, owner: AccountId, name: &str) -> String {
        format!("{}/{name}", self.account(owner).login).to_lowercase()
    }
}
