//! People and bots. A person belongs to one workspace; a bot to each workspace its app is installed in.

use super::{AppId, TeamId, UserId};

pub(in super::super) struct User {
    pub id: UserId,
    pub teams: Vec<TeamId>,
    /// The handle, without the @.
    pub name: String,
    pub real_name: String,
    pub admin: bool,
    /// Deactivated: a bot whose app is gone.
    pub deleted: bool,
    pub bot: Option<Bot>,
    /// Seconds since 1970.
    pub updated: i64,
}

/// What makes a user a bot.
#[derive(Clone)]
pub(in super::super) struct Bot {
    /// `B…`
    pub id: String,
    pub app: AppId,
}

impl User {
    pub fn is_in(&self, team: &str) -> bool {
        self.teams.iter().any(|it| it == team)
    }

    /// The workspace that is shown with the user.
    pub fn home(&self) -> &str {
        self.teams.first().map_or("", String::as_str)
    }

    pub fn email(&self) -> String {
        format!("{}@example.com", self.name)
    }
}
