//! Who is asking: a person with their memberships, and a member of one organization.

use crate::{
    core::{Error, Result},
    db::{
        OrganizationId, UserId,
        entity::{member::Role, organization, user},
    },
};

/// A signed-in user with the organizations they belong to, as of this request.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user.
    pub user: user::Model,
    /// Sorted by the organization's name; may be empty.
    pub memberships: Vec<Membership>,
}

/// One organization of a person.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The organization.
    pub organization: organization::Model,
    /// The person's role in it.
    pub role: Role,
}

/// A member of one organization: what core functions take as "who".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The tenant every query starts from.
    pub organization: OrganizationId,
    /// The user.
    pub user: UserId,
    /// What they may do.
    pub role: Role,
}

impl Person {
    /// The person as a member of `organization`.
    ///
    /// # Errors
    /// [`Error::NotFound`] when they do not belong to it, as for one that does not exist.
    pub fn member_of(&self, organization: OrganizationId) -> Result<Member> {
        self.members().find(|member| member.organization == organization).ok_or(Error::NotFound)
    }

    /// The person as a member of each of their organizations.
    pub fn members(&self) -> impl Iterator<Item = Member> {
        self.memberships.iter().map(|membership| Member {
            organization: membership.organization.id,
            user: self.user.id,
            role: membership.role,
        })
    }

    /// The organizations the person belongs to: what a look-up by id alone is limited to.
    pub fn organizations(&self) -> impl Iterator<Item = OrganizationId> {
        self.memberships.iter().map(|membership| membership.organization.id)
    }
}

impl Member {
    /// Whether the role is admin or owner.
    pub fn is_admin(&self) -> bool {
        matches!(self.role, Role::Owner | Role::Admin)
    }

    /// Lets admins and owners pass.
    ///
    /// # Errors
    /// [`Error::Forbidden`] "Only admins and owners of the organization may {what}."
    pub fn must_be_admin(&self, what: &str) -> Result<()> {
        if self.is_admin() {
            Ok(())
        } else {
            let sentence = format!("Only admins and owners of the organization may {what}.");
            Err(Error::lacks_role(self.organization, Role::Admin, sentence))
        }
    }
}
