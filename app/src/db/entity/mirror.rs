//! Mirrors: two links of a team whose items are kept in step.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::db::{LinkId, MirrorId, OrganizationId, TeamId, UserId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mirrors")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MirrorId,
    /// The team whose links it joins.
    pub team_id: TeamId,
    /// What people call it.
    pub name: String,
    /// One of the two.
    pub left_link: LinkId,
    /// The other one.
    pub right_link: LinkId,
    /// Which side's items get copies, and what else is carried over.
    pub settings: Json,
    /// Unix seconds: items that were opened before are left alone.
    pub since: i64,
    /// Where it stands.
    pub state: MirrorState,
    /// Why, when it is not simply working.
    pub reason: Option<String>,
    /// Unix milliseconds since when.
    pub state_since: i64,
    /// Whether the left link was made for it, and goes with it.
    pub made_left: bool,
    /// Likewise the right one.
    pub made_right: bool,
    /// Who made it.
    pub created_by: UserId,
    /// What its removal undid at the partners.
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

/// Where a mirror stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum MirrorState {
    /// Changes are carried over.
    #[sea_orm(string_value = "active")]
    Active,
    /// Switched off by a person.
    #[sea_orm(string_value = "paused")]
    Paused,
    /// It stopped by itself until somebody does something; the reason says what.
    #[sea_orm(string_value = "broken")]
    Broken,
    /// Removed here; its links are being removed at their partners.
    #[sea_orm(string_value = "removing")]
    Removing,
    /// Gone; the row remembers its receipt.
    #[sea_orm(string_value = "removed")]
    Removed,
}

/// One of the two sides of a mirror.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The left link's.
    #[sea_orm(string_value = "left")]
    Left,
    /// The right link's.
    #[sea_orm(string_value = "right")]
    Right,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

impl Model {
    /// The link of a side.
    pub fn link(&self, side: Side) -> LinkId {
        match side {
            Side::Left => self.left_link,
            Side::Right => self.right_link,
        }
    }

    /// Whether the link of a side was made for the mirror.
    pub fn made(&self, side: Side) -> bool {
        match side {
            Side::Left => self.made_left,
            Side::Right => self.made_right,
        }
    }
}
