//! Flows: who is in them, who may join, and who is invited.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use integration_sandboxkit::random;
use jiff::Timestamp;

use super::super::refusal::{Problems, Refusal};
use super::people::Organization;
use super::{FlowId, OrganizationId, UserId, World};

const NAME_MAX: usize = 100;

/// Who may join a flow without being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Access {
    Invitation,
    Link,
    Organization,
}

impl Access {
    pub fn parse(text: &str) -> Option<Self> {
        [Access::Invitation, Access::Link, Access::Organization].into_iter().find(|it| it.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Access::Invitation => "invitation",
            Access::Link => "link",
            Access::Organization => "organization",
        }
    }
}

pub(in super::super) struct Flow {
    pub id: FlowId,
    pub organization: OrganizationId,
    pub name: String,
    pub slug: String,
    pub access: Access,
    pub disabled: bool,
    pub join_code: String,
    /// Only for the Push API, which is deprecated.
    pub api_token: String,
    pub members: BTreeMap<UserId, Membership>,
    pub last_message: u64,
}

/// How somebody is in a flow.
#[derive(Clone, Copy)]
pub(in super::super) struct Membership {
    /// Shown in the person's list of flows.
    pub open: bool,
    /// Blocked.
    pub disabled: bool,
    pub last_activity: Option<Timestamp>,
}

pub(in super::super) struct Invitation {
    pub id: u64,
    pub flow: FlowId,
    pub email: String,
    pub state: &'static str,
}

/// What can be changed about a flow.
#[derive(Default)]
pub(in super::super) struct FlowChange {
    pub name: Option<String>,
    pub open: Option<bool>,
    pub disabled: Option<bool>,
    pub access: Option<Access>,
}

impl Flow {
    pub fn is_in(&self, user: UserId) -> bool {
        self.members.get(&user).is_some_and(|it| !it.disabled)
    }
}

impl World {
    pub fn flow(&self, id: &str) -> Result<&Flow, Refusal> {
        self.flows.iter().find(|flow| flow.id == id).ok_or_else(Refusal::not_found)
    }

    pub fn flow_mut(&mut self, id: &str) -> Result<&mut Flow, Refusal> {
        self.flows.iter_mut().find(|flow| flow.id == id).ok_or_else(Refusal::not_found)
    }

    pub fn flow_organization(&self, flow: &Flow) -> Result<&Organization, Refusal> {
        self.organization(flow.organization)
    }

    /// `acme/main`.
    pub fn flow_path(&self, flow: &Flow) -> String {
        let slug = self.organizations.get(&flow.organization).map_or("", |it| it.slug.as_str());
        format!("{slug}/{}", flow.slug)
    }

    /// Whether `user` may know of it.
    pub fn may_see(&self, user: UserId, flow: &Flow) -> bool {
        let of_organization = || self.organizations_of(user).any(|it| it.id == flow.organization);
        match flow.members.get(&user) {
            Some(membership) => !membership.disabled,
            None => flow.access != Access::Invitation && of_organization(),
        }
    }

    pub fn flow_at(&self, user: UserId, organization: &str, flow: &str) -> Result<&Flow, Refusal> {
        let path = format!("{organization}/{flow}");
        let found = self.flows.iter().find(|it| self.flow_path(it) == path);
        found.filter(|it| self.may_see(user, it)).ok_or_else(Refusal::not_found)
    }

    /// By id or by path, as far as `user` may see.
    pub fn flow_called(&self, user: UserId, name: &str) -> Result<&Flow, Refusal> {
        let found = self.flows.iter().find(|it| it.id == name || self.flow_path(it) == name);
        found.filter(|it| self.may_see(user, it)).ok_or_else(Refusal::not_found)
    }

    /// What is said in a flow is only for those in it.
    pub fn joined(&self, user: UserId, flow: &Flow) -> Result<FlowId, Refusal> {
        if flow.is_in(user) { Ok(flow.id.clone()) } else { Err(Refusal::forbidden("you are not in this flow")) }
    }

    pub fn create_flow(&mut self, user: UserId, organization: &str, name: Option<String>) -> Result<FlowId, Refusal> {
        let organization = self.organization_named(user, organization)?.id;
        let mut problems = Problems::default();
        let name = problems.need("name", name);
        check_name(&mut problems, &name);
        problems.check()?;
        let slug = self.free_slug(organization, &name);
        Ok(self.add_flow(organization, &name, &slug, Access::Invitation, &[user]))
    }

    pub(super) fn add_flow(
        &mut self,
        organization: OrganizationId,
        name: &str,
        slug: &str,
        access: Access,
        members: &[UserId],
    ) -> FlowId {
        let id = random::guid();
        let membership = Membership { open: true, disabled: false, last_activity: None };
        self.flows.push(Flow {
            id: id.clone(),
            organization,
            name: name.to_owned(),
            slug: slug.to_owned(),
            access,
            disabled: false,
            join_code: random::hex(32),
            api_token: random::hex(32),
            members: members.iter().map(|user| (*user, membership)).collect(),
            last_message: 0,
        });
        id
    }

    fn free_slug(&self, organization: OrganizationId, name: &str) -> String {
        let lower = name.to_lowercase();
        let words = lower.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let slug = words.collect::<Vec<_>>().join("-");
        let slug = if slug.is_empty() { "flow".to_owned() } else { slug };
        let taken = |slug: &str| self.flows.iter().any(|it| it.organization == organization && it.slug == slug);
        let numbered = (2..).map(|number| format!("{slug}-{number}"));
        std::iter::once(slug.clone()).chain(numbered).find(|slug| !taken(slug)).unwrap_or(slug)
    }

    pub fn change_flow(&mut self, user: UserId, id: &str, change: FlowChange) -> Result<(), Refusal> {
        let others = change.name.is_some() || change.disabled.is_some() || change.access.is_some();
        if others && !self.flow(id)?.is_in(user) {
            return Err(Refusal::forbidden("you are not in this flow"));
        }
        if let Some(name) = &change.name {
            let mut problems = Problems::default();
            check_name(&mut problems, name);
            problems.check()?;
        }
        let flow = self.flow_mut(id)?;
        if let Some(open) = change.open {
            // Opening a flow of one's organization joins it.
            let joining = Membership { open, disabled: false, last_activity: None };
            flow.members.entry(user).or_insert(joining).open = open;
        }
        flow.name = change.name.unwrap_or_else(|| std::mem::take(&mut flow.name));
        flow.disabled = change.disabled.unwrap_or(flow.disabled);
        flow.access = change.access.unwrap_or(flow.access);
        Ok(())
    }

    /// Puts somebody of the organization into a flow.
    pub fn add_to_flow(&mut self, by: UserId, id: &str, user: UserId) -> Result<(), Refusal> {
        let flow = self.flow(id)?;
        self.joined(by, flow)?;
        if !self.flow_organization(flow)?.members.contains_key(&user) {
            return Err(Refusal::invalid("id", "is not in this organization"));
        }
        let membership = Membership { open: true, disabled: false, last_activity: None };
        self.flow_mut(id)?.members.entry(user).or_insert(membership);
        Ok(())
    }

    pub fn block(&mut self, by: UserId, id: &str, user: UserId, disabled: bool) -> Result<(), Refusal> {
        self.joined(by, self.flow(id)?)?;
        let membership = self.flow_mut(id)?.members.get_mut(&user).ok_or_else(Refusal::not_found)?;
        membership.disabled = disabled;
        Ok(())
    }

    pub fn invite(&mut self, by: UserId, flow: &str, email: Option<String>) -> Result<u64, Refusal> {
        self.joined(by, self.flow(flow)?)?;
        let mut problems = Problems::default();
        let email = problems.need("email", email);
        if !email.is_empty() && !email.contains('@') {
            problems.add("email", "is invalid");
        }
        problems.check()?;
        let id = self.new_id();
        self.invitations.push(Invitation { id, flow: flow.to_owned(), email, state: "pending" });
        Ok(id)
    }

    pub fn invitation(&self, flow: &str, id: u64) -> Result<&Invitation, Refusal> {
        self.invitations.iter().find(|it| it.flow == flow && it.id == id).ok_or_else(Refusal::not_found)
    }

    pub fn take_invitation_back(&mut self, flow: &str, id: u64) -> Result<(), Refusal> {
        self.invitation(flow, id)?;
        self.invitations.retain(|it| it.id != id);
        Ok(())
    }
}

fn check_name(problems: &mut Problems, name: &str) {
    if name.chars().count() > NAME_MAX {
        problems.add("name", "is too long (maximum is 100 characters)");
    }
}

/// A flow that nobody writes into any more.
pub(super) fn disabled() -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, "this flow is disabled")
}
