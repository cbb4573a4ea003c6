//! Accounts (users and organizations) and what they may do in a repository.

use std::collections::BTreeMap;

use super::AccountId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    User,
    Organization,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::User => "User",
            Kind::Organization => "Organization",
        }
    }
}

/// A user or an organization: GitHub keeps both in one space of names and ids.
pub(in super::super) struct Account {
    pub id: AccountId,
    pub login: String,
    pub name: String,
    pub kind: Kind,
    /// Of an organization: its members, and whether each is an owner.
    pub members: BTreeMap<AccountId, bool>,
}

impl Account {
    /// The address GitHub writes into commits made on its pages.
    pub fn email(&self) -> String {
        format!("{}+{}@users.noreply.github.com", self.id, self.login)
    }
}

/// A role in a repository, the lesser first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Role {
    Read,
    Triage,
    Push,
    Maintain,
    Admin,
}
