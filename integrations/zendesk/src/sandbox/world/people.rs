//! People of an account: agents, admins and customers; their groups and organizations.

use jiff::Timestamp;

use super::super::refusal::{Problems, Refusal};
use super::account::Account;
use super::words::Role;

#[derive(Clone)]
pub(in super::super) struct User {
    pub id: u64,
    pub name: String,
    pub email: Option<String>,
    pub role: Role,
    pub external_id: Option<String>,
    pub organization: Option<u64>,
    pub phone: Option<String>,
    pub notes: String,
    pub tags: Vec<String>,
    pub verified: bool,
    pub suspended: bool,
    pub active: bool,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// A group of agents.
pub(in super::super) struct Group {
    pub id: u64,
    pub name: String,
    pub created: Timestamp,
}

/// What customers belong to.
pub(in super::super) struct Organization {
    pub id: u64,
    pub name: String,
    pub created: Timestamp,
}

/// What is to be of a user; what is not said stays.
#[derive(Default)]
pub(in super::super) struct UserChange {
    pub name: Option<String>,
    pub email: Option<String>,
    pub role: Option<Role>,
    pub external_id: Option<Option<String>>,
    pub phone: Option<Option<String>>,
    pub notes: Option<String>,
    pub tags: Option<Vec<String>>,
    pub verified: Option<bool>,
    pub suspended: Option<bool>,
}

impl User {
    fn take(&mut self, change: UserChange) {
        let UserChange { name, email, role, external_id, phone, notes, tags, verified, suspended } = change;
        self.name = name.unwrap_or_else(|| std::mem::take(&mut self.name));
        self.email = email.or(self.email.take());
        self.role = role.unwrap_or(self.role);
        self.external_id = external_id.unwrap_or_else(|| self.external_id.take());
        self.phone = phone.unwrap_or_else(|| self.phone.take());
        self.notes = notes.unwrap_or_else(|| std::mem::take(&mut self.notes));
        self.tags = tags.unwrap_or_else(|| std::mem::take(&mut self.tags));
        self.verified = verified.unwrap_or(self.verified);
        self.suspended = suspended.unwrap_or(self.suspended);
        self.updated = Timestamp::now();
    }
}

impl Account {
    pub fn user(&self, id: u64) -> Result<&User, Refusal> {
        self.users.get(&id).filter(|user| user.active).ok_or_else(Refusal::not_found)
    }

    pub fn user_by_email(&self, email: &str) -> Option<&User> {
        let same = |user: &&User| user.email.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(email));
        self.users.values().filter(|user| user.active).find(same)
    }

    /// Somebody by id, e-mail or the first part of it.
    pub fn find_user(&self, name: &str) -> Result<&User, Refusal> {
        let fits = |user: &&User| {
            let handle = user.email.as_deref().and_then(|email| email.split('@').next());
            user.active && (user.id.to_string() == name || user.email.as_deref() == Some(name) || handle == Some(name))
        };
        self.users.values().find(fits).ok_or_else(Refusal::not_found)
    }

    pub fn create_user(&mut self, change: UserChange) -> Result<u64, Refusal> {
        let mut problems = Problems::default();
        if change.name.as_deref().is_none_or(|name| name.trim().is_empty()) {
            problems.add("name", "Name: is too short (minimum one character)");
        }
        self.check_user(None, &change, &mut problems);
        problems.finish()?;
        let (id, now) = (self.new_id(), Timestamp::now());
        let mut user = User {
            id,
            name: String::new(),
            email: None,
            role: Role::EndUser,
            external_id: None,
            organization: None,
            phone: None,
            notes: String::new(),
            tags: Vec::new(),
            verified: false,
            suspended: false,
            active: true,
            created: now,
            updated: now,
        };
        user.take(change);
        self.users.insert(id, user);
        Ok(id)
    }

    pub fn update_user(&mut self, id: u64, change: UserChange) -> Result<(), Refusal> {
        self.user(id)?;
        let mut problems = Problems::default();
        self.check_user(Some(id), &change, &mut problems);
        problems.finish()?;
        if let Some(user) = self.users.get_mut(&id) {
            user.take(change);
        }
        Ok(())
    }

    fn check_user(&self, id: Option<u64>, change: &UserChange, problems: &mut Problems) {
        let others = || self.users.values().filter(|user| user.active && Some(user.id) != id);
        if let Some(email) = &change.email {
            if !email.contains('@') || email.contains(char::is_whitespace) {
                problems.add("email", &format!("Email:  {email} is not properly formatted"));
            } else if self.user_by_email(email).is_some_and(|other| Some(other.id) != id) {
                problems.add("email", &format!("Email: {email} is already being used by another user"));
            }
        }
        if let Some(Some(external)) = &change.external_id
            && others().any(|user| user.external_id.as_ref() == Some(external))
        {
            problems.add("external_id", "External: has already been taken");
        }
    }

    pub fn delete_user(&mut self, id: u64) -> Result<(), Refusal> {
        self.user(id)?;
        let busy = self.tickets.values().any(|ticket| ticket.is_there() && ticket.fields.requester == id);
        if busy {
            return Err(Refusal::invalid("base", "User has tickets that are not closed"));
        }
        if let Some(user) = self.users.get_mut(&id) {
            user.active = false;
        }
        self.tokens.list.retain(|token| token.user != id);
        Ok(())
    }
}
