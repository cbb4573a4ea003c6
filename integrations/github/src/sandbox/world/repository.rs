//! A repository and what lies in it: plain values.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::super::hooks::Hook;
use super::people::Role;
use super::{AccountId, RepositoryId};

pub(in super::super) const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

pub(in super::super) struct Repository {
    pub id: RepositoryId,
    pub name: String,
    pub owner: AccountId,
    pub private: bool,
    pub archived: bool,
    pub has_issues: bool,
    pub description: Option<String>,
    pub default_branch: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub pushed: Timestamp,
    pub collaborators: BTreeMap<AccountId, Role>,
    pub stargazers: BTreeSet<AccountId>,
    pub labels: Vec<Label>,
    /// Issues and pull requests share one row of numbers.
    pub issues: BTreeMap<u64, Issue>,
    pub departed: BTreeMap<u64, Departure>,
    pub last_number: u64,
    pub comments: BTreeMap<u64, Comment>,
    pub releases: BTreeMap<u64, Release>,
    pub commits: BTreeMap<String, Commit>,
    pub branches: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub hooks: BTreeMap<u64, Hook>,
}

/// What became of an issue number that is no longer here.
pub(in super::super) enum Departure {
    Deleted,
    Transferred { to: RepositoryId, number: u64 },
}

#[derive(Clone)]
pub(in super::super) struct Label {
    pub id: u64,
    pub name: String,
    pub color: String,
    pub description: Option<String>,
}

#[derive(Clone)]
pub(in super::super) struct Issue {
    pub id: u64,
    pub number: u64,
    pub title: String,
    pub body: Option<String>,
    pub author: AccountId,
    pub open: bool,
    pub state_reason: Option<String>,
    pub locked: bool,
    pub lock_reason: Option<String>,
    pub assignees: Vec<AccountId>,
    pub labels: Vec<String>,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub closed: Option<Timestamp>,
    pub closed_by: Option<AccountId>,
    pub pull: Option<Pull>,
}

/// What a pull request has beyond an issue. Both branches are in the same repository.
#[derive(Clone)]
pub(in super::super) struct Pull {
    pub id: u64,
    pub head: String,
    pub base: String,
    /// Kept, because the branch may be gone after the merge.
    pub head_sha: String,
    pub base_sha: String,
    pub draft: bool,
    pub merged: Option<Merge>,
}

#[derive(Clone)]
pub(in super::super) struct Merge {
    pub by: AccountId,
    pub at: Timestamp,
    pub sha: String,
}

#[derive(Clone)]
pub(in super::super) struct Comment {
    pub id: u64,
    pub issue: u64,
    pub author: AccountId,
    pub body: String,
    pub created: Timestamp,
    pub updated: Timestamp,
}

#[derive(Clone)]
pub(in super::super) struct Release {
    pub id: u64,
    pub tag: String,
    pub target: String,
    pub name: Option<String>,
    pub body: Option<String>,
    pub draft: bool,
    pub prerelease: bool,
    pub author: AccountId,
    pub created: Timestamp,
    pub published: Option<Timestamp>,
}

#[derive(Clone)]
pub(in super::super) struct Commit {
    pub sha: String,
    pub tree: String,
    pub parents: Vec<String>,
    pub message: String,
    pub author: AccountId,
    pub at: Timestamp,
    pub added: Vec<String>,
    pub modified: Vec<String>,
}

impl Repository {
    pub fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    pub fn label(&self, name: &str) -> Option<&Label> {
        self.labels.iter().find(|label| label.name.eq_ignore_ascii_case(name))
    }

    pub fn comments_of(&self, issue: u64) -> impl Iterator<Item = &Comment> {
        self.comments.values().filter(move |comment| comment.issue == issue)
    }

    /// A branch, a tag or a commit's own name.
    pub fn resolve(&self, name: &str) -> Option<&str> {
        let named = self.branches.get(name).or_else(|| self.tags.get(name));
        named.map(String::as_str).or_else(|| self.commits.get(name).map(|commit| commit.sha.as_str()))
    }

    /// The commit and everything before it, newest first.
    pub fn history(&self, from: &str) -> Vec<&Commit> {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![from];
        let mut found = Vec::new();
        while let Some(sha) = waiting.pop() {
            if let Some(commit) = self.commits.get(sha).filter(|_| seen.insert(sha)) {
                waiting.extend(commit.parents.iter().map(String::as_str));
                found.push(commit);
            }
        }
        // Commits of one push share a second; the order of walking keeps children before parents.
        found.sort_by(|one, other| other.at.cmp(&one.at));
        found
    }

    /// Commits that `head` has and `base` has not, oldest first.
    pub fn ahead(&self, base: &str, head: &str) -> Vec<&Commit> {
        let known: BTreeSet<&str> = self.history(base).into_iter().map(|commit| commit.sha.as_str()).collect();
        let mut ahead: Vec<&Commit> =
            self.history(head).into_iter().filter(|commit| !known.contains(commit.sha.as_str())).collect();
        ahead.reverse();
        ahead
    }

    pub fn open_issues(&self) -> usize {
        self.issues.values().filter(|issue| issue.open).count()
    }
}
