//! IntegrationLinks: configured pipes to partners.

use sea_orm::entity::prelude::*;

use crate::db::{IntegrationUserId, LinkId, OrganizationId, TeamId, UserId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "integration_links")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LinkId,
    /// The partner.
    pub partner: String,
    /// Where it is listed.
    pub level: LinkLevel,
    /// The team whose log it feeds.
    pub team_id: TeamId,
    /// Who made it; for a user's link, whose it is.
    pub user_id: Option<UserId>,
    /// The account it acts with; none for a partner without accounts.
    pub integration_user_id: Option<IntegrationUserId>,
    /// What it is about, by the partner's lasting id.
    pub target: String,
    /// The same while the link lives: one living link per team, partner and target.
    pub live_target: Option<String>,
    /// The partner's settings of it.
    pub settings: Json,
    /// Its short name.
    pub name: String,
    /// Where it stands.
    pub state: LinkState,
    /// Why, when it is not simply working.
    pub reason: Option<String>,
    /// What would mend it, while it is broken; none = trying again.
    pub remedy: Option<Remedy>,
    /// Unix milliseconds since when.
    pub state_since: i64,
    /// What names it in its hook URL.
    pub hook_key: String,
    /// Its hook secret, sealed; none once removed.
    pub hook_secret: Option<Vec<u8>>,
    /// What the partner gave for it alone, sealed; none once removed.
    pub given_secret: Option<Vec<u8>>,
    /// What the partner's people were last shown to be wrong with it.
    pub noticed: Option<String>,
    /// Unix milliseconds of the last genuine hook.
    pub hook_seen_at: Option<i64>,
    /// Since when it could hear nothing, for the last time that was so, unix milliseconds.
    pub unheard_from: Option<i64>,
    /// Until when.
    pub unheard_until: Option<i64>,
    /// What its removal undid at the partner.
    pub receipt: Option<Json>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();

/// On whose settings page a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum LinkLevel {
    /// The team's.
    #[sea_orm(string_value = "team")]
    Team,
    /// The user's own.
    #[sea_orm(string_value = "user")]
    User,
}

/// Where a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum LinkState {
    /// Being set up at the partner.
    #[sea_orm(string_value = "pending")]
    Pending,
    /// Working.
    #[sea_orm(string_value = "active")]
    Active,
    /// It can't work until somebody does something; the reason says what.
    #[sea_orm(string_value = "broken")]
    Broken,
    /// Switched off by a person; hooks are kept and ignored.
    #[sea_orm(string_value = "paused")]
    Paused,
    /// Removed here; the partner's side is being cleaned up.
    #[sea_orm(string_value = "removing")]
    Removing,
    /// Gone; the row remembers its hook key and its receipt.
    #[sea_orm(string_value = "removed")]
    Removed,
}

/// What mends a broken link. A word and never the sentence of the reason decides what its page offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Remedy {
    /// The account has to be connected again.
    #[sea_orm(string_value = "reconnect")]
    Reconnect,
    /// The account works, and lacks a permission that a new consent gives.
    #[sea_orm(string_value = "grant")]
    Grant,
    /// Somebody does at the partner what the reason says, and then it is tried again.
    #[sea_orm(string_value = "join")]
    Join,
    /// Whoever operates this installation has to set something.
    #[sea_orm(string_value = "operator")]
    Operator,
}
