//! Teams: a group of members with one log.

use sea_orm::entity::prelude::*;

use crate::db::{OrganizationId, TeamId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "teams")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TeamId,
    /// What people call it.
    pub name: String,
    /// An IANA name, such as `Europe/Vienna`; a day of the log begins at its midnight.
    pub time_zone: String,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Since when it is being deleted, unix milliseconds: it is then as good as gone.
    pub deleting_since: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!(DeletingSince);
