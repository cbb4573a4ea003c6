//! People and their organizations.

use std::collections::BTreeMap;

use axum::http::StatusCode;

use super::super::refusal::{Problems, Refusal};
use super::{OrganizationId, UserId, World};

/// Everybody's password; it opens nothing but a sandbox.
pub(in super::super) const PASSWORD: &str = "patchbay";

pub(in super::super) struct User {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub nick: String,
    pub website: Option<String>,
}

pub(in super::super) struct Organization {
    pub id: OrganizationId,
    pub name: String,
    pub slug: String,
    /// Who is in it, and whether each is an admin.
    pub members: BTreeMap<UserId, bool>,
}

impl World {
    pub fn user_of_email(&self, email: &str) -> Option<&User> {
        self.users.values().find(|user| user.email.eq_ignore_ascii_case(email))
    }

    /// By id, nick or e-mail: for the pages and the control side.
    pub fn user_called(&self, name: &str) -> Result<&User, Refusal> {
        let fits = |user: &&User| user.id.to_string() == name || user.nick.eq_ignore_ascii_case(name);
        self.users.values().find(fits).or_else(|| self.user_of_email(name)).ok_or_else(Refusal::not_found)
    }

    pub fn organizations_of(&self, user: UserId) -> impl Iterator<Item = &Organization> {
        self.organizations.values().filter(move |it| it.members.contains_key(&user))
    }

    /// One that `user` is in.
    pub fn organization_named(&self, user: UserId, slug: &str) -> Result<&Organization, Refusal> {
        self.organizations_of(user).find(|it| it.slug == slug).ok_or_else(Refusal::not_found)
    }

    /// Everybody who is in an organization with `user`.
    pub fn known_to(&self, user: UserId) -> Vec<&User> {
        let shared = |id: &UserId| self.organizations_of(user).any(|it| it.members.contains_key(id));
        self.users.values().filter(|it| it.id == user || shared(&it.id)).collect()
    }

    pub fn edit_user(
        &mut self,
        by: UserId,
        id: UserId,
        nick: Option<String>,
        email: Option<String>,
    ) -> Result<(), Refusal> {
        if !self.known_to(by).iter().any(|user| user.id == id) {
            return Err(Refusal::not_found());
        }
        if by != id {
            return Err(Refusal::forbidden("you can only change yourself"));
        }
        let mut problems = Problems::default();
        for other in self.users.values().filter(|user| user.id != id) {
            if nick.as_ref().is_some_and(|nick| other.nick.eq_ignore_ascii_case(nick)) {
                problems.add("nick", "has already been taken");
            }
            if email.as_ref().is_some_and(|email| other.email.eq_ignore_ascii_case(email)) {
                problems.add("email", "has already been taken");
            }
        }
        if email.as_ref().is_some_and(|email| !email.contains('@')) {
            problems.add("email", "is invalid");
        }
        problems.check()?;
        let user = self.users.get_mut(&id).ok_or_else(Refusal::not_found)?;
        user.nick = nick.unwrap_or_else(|| std::mem::take(&mut user.nick));
        user.email = email.unwrap_or_else(|| std::mem::take(&mut user.email));
        Ok(())
    }

    /// An organization that `user` is an admin of.
    pub fn administered(&mut self, user: UserId, slug: &str) -> Result<&mut Organization, Refusal> {
        let id = self.organization_named(user, slug)?.id;
        let found = self.organizations.get_mut(&id).ok_or_else(Refusal::not_found)?;
        if found.members.get(&user) == Some(&true) {
            Ok(found)
        } else {
            Err(Refusal::new(StatusCode::FORBIDDEN, "you are not an admin of this organization"))
        }
    }
}
