//! Sorting issues: who does it ([`World::assign`]) and what kind it is ([`World::set_labels`]).

use jiff::Timestamp;

use super::people::Role;
use super::repository::Label;
use super::{AccountId, RepositoryId, World};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::shapes;

impl World {
    /// Adds those who can be assigned; the others are left out without a word.
    pub fn assign(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        logins: &[String],
    ) -> Result<(), Refusal> {
        let mut wanted = self.issue(repository, number)?.assignees.clone();
        wanted.extend(self.assignable_among(repository, logins)?);
        self.set_assignees(who, repository, number, wanted)
    }

    pub fn unassign(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        logins: &[String],
    ) -> Result<(), Refusal> {
        let mut wanted = self.issue(repository, number)?.assignees.clone();
        wanted.retain(|id| !logins.iter().any(|login| self.account(*id).login.eq_ignore_ascii_case(login)));
        self.set_assignees(who, repository, number, wanted)
    }

    pub(super) fn set_assignees(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        mut wanted: Vec<AccountId>,
    ) -> Result<(), Refusal> {
        if self.role(Some(who), self.repository(repository)?) < Some(Role::Triage) {
            return Ok(());
        }
        let mut seen = std::collections::BTreeSet::new();
        wanted.retain(|id| seen.insert(*id));
        wanted.truncate(10);
        let issue = self.issue_mut(repository, number)?;
        let before = std::mem::replace(&mut issue.assignees, wanted.clone());
        if before != wanted {
            issue.updated = Timestamp::now();
        }
        let come = wanted.iter().filter(|id| !before.contains(id)).map(|id| ("assigned", *id));
        let gone = before.iter().filter(|id| !wanted.contains(id)).map(|id| ("unassigned", *id));
        for (action, id) in come.chain(gone).collect::<Vec<_>>() {
            let shown = shapes::people::user(self, id);
            self.tell_issue(who, repository, number, action, Some(("assignee", shown)))?;
        }
        Ok(())
    }

    pub(super) fn assignable_among(
        &self,
        repository: RepositoryId,
        logins: &[String],
    ) -> Result<Vec<AccountId>, Refusal> {
        let may = self.assignable(self.repository(repository)?);
        let known = logins.iter().filter_map(|login| self.user_named(login)).map(|account| account.id);
        Ok(known.filter(|id| may.contains(id)).collect())
    }

    /// Makes these the labels; ones the repository does not know are made on the way.
    pub fn set_labels(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        names: &[String],
    ) -> Result<(), Refusal> {
        let wanted = self.known_labels(repository, names)?;
        let issue = self.issue_mut(repository, number)?;
        let before = std::mem::replace(&mut issue.labels, wanted.clone());
        if before != wanted {
            issue.updated = Timestamp::now();
        }
        let come = wanted.iter().filter(|name| !before.contains(name)).map(|name| ("labeled", name));
        let gone = before.iter().filter(|name| !wanted.contains(name)).map(|name| ("unlabeled", name));
        for (action, name) in come.chain(gone) {
            self.tell_labeled(who, repository, number, action, name)?;
        }
        Ok(())
    }

    pub(super) fn known_labels(&mut self, repository: RepositoryId, names: &[String]) -> Result<Vec<String>, Refusal> {
        let mut known = Vec::new();
        for name in names {
            if name.trim().is_empty() || name.chars().count() > 50 {
                return Err(Refusal::invalid("Label", "name", "invalid"));
            }
            let id = self.new_id();
            let place = self.repository_mut(repository)?;
            let label = match place.label(name) {
                Some(label) => label.name.clone(),
                None => {
                    let color = "ededed".to_owned();
                    place.labels.push(Label { id, name: name.clone(), color, description: None });
                    name.clone()
                }
            };
            if !known.contains(&label) {
                known.push(label);
            }
        }
        Ok(known)
    }

    pub(super) fn tell_labeled(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        number: u64,
        action: &'static str,
        name: &str,
    ) -> Result<(), Refusal> {
        let place = self.repository(repository)?;
        let label = place.label(name).map(|label| shapes::repository::label(self, place, label));
        self.tell_issue(who, repository, number, action, label.map(|shown| ("label", shown)))
    }
}
