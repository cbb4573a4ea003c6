//! The daily digests of teams: a row says that a team has one.

use sea_orm::entity::prelude::*;

use crate::db::{OrganizationId, TeamId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "team_digests")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// The team.
    #[sea_orm(primary_key, auto_increment = false)]
    pub team_id: TeamId,
    /// The hour in the team's time zone, 0 to 23.
    pub hour: i32,
    /// Unix milliseconds: what was written before stood in an earlier digest.
    pub covered_until: i64,
    /// Unix milliseconds: when its hour strikes next.
    pub next_at: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();
