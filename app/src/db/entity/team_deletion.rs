//! Deletions of teams, and what is left of each: its receipt.

use sea_orm::entity::prelude::*;

use crate::db::{OrganizationId, TeamId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "team_deletions")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Which team it was.
    #[sea_orm(primary_key, auto_increment = false)]
    pub team_id: TeamId,
    /// What that was called.
    pub name: String,
    /// How much there was of what.
    pub counts: Json,
    /// What became of each thing at a partner.
    pub undone: Json,
    /// Unix milliseconds.
    pub begun_at: i64,
    /// Unix milliseconds; none while it lasts.
    pub finished_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();
