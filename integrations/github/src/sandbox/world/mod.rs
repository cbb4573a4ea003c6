//! The sandbox's state: who exists, what they own, what they allowed. All of it in memory.
//!
//! Nouns are in [`people`], [`repository`] and [`apps`]; what happens to them (each with the webhooks that
//! follow) is in the files named after the noun in the plural. Nothing here knows HTTP.

pub(super) mod apps;
pub(super) mod branches;
pub(super) mod issues;
pub(super) mod people;
pub(super) mod pulls;
pub(super) mod releases;
pub(super) mod repositories;
pub(super) mod repository;
mod seed;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use self::apps::Registrations;
use self::people::{Account, Kind, Role};
use self::repository::Repository;
use super::control::Control;
use super::hooks::courier::Post;
use super::refusal::Refusal;
use super::rest::limits::Usage;

pub(super) type AccountId = u64;
pub(super) type RepositoryId = u64;

/// Everything.
pub(super) struct World {
    /// Our own public base, without a slash at the end.
    pub at: String,
    pub accounts: BTreeMap<AccountId, Account>,
    pub repositories: BTreeMap<RepositoryId, Repository>,
    /// Lower-case `owner/name` of before a rename or transfer.
    pub former_names: HashMap<String, RepositoryId>,
    pub registrations: Registrations,
    pub post: Post,
    pub usage: Usage,
    pub control: Control,
    last_id: u64,
}

impl World {
    pub fn new(at: String, callback: String) -> Self {
        let mut world = Self {
            at,
            accounts: BTreeMap::new(),
            repositories: BTreeMap::new(),
            former_names: HashMap::new(),
            registrations: Registrations::new(callback),
            post: Post::default(),
            usage: Usage::default(),
            control: Control::default(),
            // Above 32 bits, as GitHub's are by now: a client that squeezes them shows it here.
            last_id: 9_000_000_000,
        };
        seed::fill(&mut world);
        world
    }

    pub fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Base of REST addresses.
    pub fn api(&self) -> String {
        format!("{}/api/v3", self.at)
    }

    pub fn account(&self, id: AccountId) -> &Account {
        // Accounts are never removed, so every id that was handed out has one.
        &self.accounts[&id]
    }

    pub fn account_named(&self, login: &str) -> Option<&Account> {
        self.accounts.values().find(|account| account.login.eq_ignore_ascii_case(login))
    }

    pub fn user_named(&self, login: &str) -> Option<&Account> {
        self.account_named(login).filter(|account| account.kind == Kind::User)
    }

    pub fn users(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values().filter(|account| account.kind == Kind::User)
    }

    pub fn repository(&self, id: RepositoryId) -> Result<&Repository, Refusal> {
        self.repositories.get(&id).ok_or_else(Refusal::not_found)
    }

    pub fn repository_mut(&mut self, id: RepositoryId) -> Result<&mut Repository, Refusal> {
        self.repositories.get_mut(&id).ok_or_else(Refusal::not_found)
    }

    pub fn full_name(&self, repository: &Repository) -> String {
        format!("{}/{}", self.account(repository.owner).login, repository.name)
    }

    pub fn web_url(&self, repository: &Repository) -> String {
        format!("{}/{}", self.at, self.full_name(repository))
    }

    /// By the name it has now.
    pub fn repository_named(&self, owner: &str, name: &str) -> Option<&Repository> {
        let owner = self.account_named(owner)?.id;
        self.repositories.values().find(|it| it.owner == owner && it.name.eq_ignore_ascii_case(name))
    }

    /// What `who` may do there, or `None` when they may not even see it.
    pub fn role(&self, who: Option<AccountId>, repository: &Repository) -> Option<Role> {
        let everyone = (!repository.private).then_some(Role::Read);
        let Some(who) = who else { return everyone };
        let owner = self.account(repository.owner);
        let by_owning = match owner.kind {
            Kind::User => (owner.id == who).then_some(Role::Admin),
            Kind::Organization => owner.members.get(&who).map(|owns| if *owns { Role::Admin } else { Role::Read }),
        };
        [everyone, by_owning, repository.collaborators.get(&who).copied()].into_iter().flatten().max()
    }

    /// Who can be given an issue: everyone with more than reading by being public.
    pub fn assignable(&self, repository: &Repository) -> Vec<AccountId> {
        let may = |account: &&Account| {
            repository.collaborators.contains_key(&account.id)
                || repository.owner == account.id
                || self.account(repository.owner).members.contains_key(&account.id)
        };
        self.users().filter(may).map(|account| account.id).collect()
    }
}

/// `2026-11-22T14:46:20Z`.
pub(super) fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
