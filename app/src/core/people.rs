//! Who is asking: a person with their memberships, and a member of one organization.

use crate::{
    core::{Error, Result, organizations},
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
    /// [`Error::NotFound`] when they do not belong to it, as for one that does not exist; [`Error::Conflict`] when it is
    /// being deleted.
    pub fn member_of(&self, organization: OrganizationId) -> Result<Member> {
        let membership = self.membership_of(organization)?;
        organizations::must_not_be_closing(&membership.organization)?;
        Ok(membership.member(self.user.id))
    }

    /// How the person belongs to `organization`.
    ///
    /// # Errors
    /// As [`Self::member_of`], except that the organization may be on its way out.
    pub fn membership_of(&self, organization: OrganizationId) -> Result<&Membership> {
        self.memberships.iter().find(|membership| membership.organization.id == organization).ok_or(Error::NotFound)
    }

    /// The memberships that count: an organization that is being deleted has no more use for members.
    pub fn living(&self) -> impl Iterator<Item = &Membership> {
        self.memberships.iter().filter(|membership| !membership.is_closing())
    }

    /// The person as a member of each of their organizations.
    pub fn members(&self) -> impl Iterator<Item = Member> {
        self.living().map(|membership| membership.member(self.user.id))
    }

    /// The organizations the person belongs to: what a look-up by id alone is limited to. What is found in one that is
    /// being deleted is then refused with that sentence, by [`Self::member_of`].
    pub fn organizations(&self) -> impl Iterator<Item = OrganizationId> {
        self.memberships.iter().map(|membership| membership.organization.id)
    }
}

impl Membership {
    /// Whether the organization is being deleted.
    pub fn is_closing(&self) -> bool {
        self.organization.deletion_id.is_some()
    }

    fn member(&self, user: UserId) -> Member {
        Member { organization: self.organization.id, user, role: self.role }
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
