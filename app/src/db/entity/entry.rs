//! Entries: the lines of a team's log.

use sea_orm::entity::prelude::*;

use crate::db::{EntryId, LinkId, OrganizationId, TeamId, UserId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "entries")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EntryId,
    /// Whose log.
    pub team_id: TeamId,
    /// Who did it, when it is one of us.
    pub user_id: Option<UserId>,
    /// Done, goal or blocked.
    pub status: EntryStatus,
    /// Plain text, without its marker.
    pub body: String,
    /// Its text and its source in lower case: what search compares.
    pub folded: String,
    /// The day in the team's time zone, `2026-11-22`.
    pub occurred_on: String,
    /// The day a goal or blocker was done.
    pub completed_on: Option<String>,
    /// Unix milliseconds.
    pub archived_at: Option<i64>,
    /// The partner it came from; none when it was written here.
    pub partner: Option<String>,
    /// The link it came through.
    pub link_id: Option<LinkId>,
    /// What makes it the same when told twice; unique within the link.
    pub external_id: Option<String>,
    /// Where it came from, as a person reads it: `acme/widgets#42`.
    pub source: Option<String>,
    /// Its page at the partner.
    pub source_url: Option<String>,
    /// The author's name at the partner.
    pub author_name: Option<String>,
    /// The author's page at the partner.
    pub author_url: Option<String>,
    /// The author's picture at the partner.
    pub author_avatar: Option<String>,
    /// The partner's id of the item it is about.
    pub item: Option<String>,
    /// When it was written or, as far as its partner says so, happened there. Unix milliseconds.
    pub created_at: i64,
    /// When it came into the log. Unix milliseconds.
    pub recorded_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();

impl EntryStatus {
    /// The word that the table, forms and files use.
    pub fn word(self) -> String {
        self.to_value()
    }

    /// The status with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::try_from_value(&word.to_owned()).ok()
    }
}

/// What an entry says of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum EntryStatus {
    /// It got done.
    #[sea_orm(string_value = "done")]
    Done,
    /// It is meant to get done.
    #[sea_orm(string_value = "goal")]
    Goal,
    /// Something is in the way.
    #[sea_orm(string_value = "blocked")]
    Blocked,
}
