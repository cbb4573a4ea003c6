//! Breaks of mirrors that people were told of, and of whose end they were not.

use sea_orm::entity::prelude::*;

use crate::db::{MirrorId, OrganizationId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "told_mirror_breaks")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// The mirror.
    #[sea_orm(primary_key, auto_increment = false)]
    pub mirror_id: MirrorId,
    /// Unix milliseconds.
    pub told_at: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();
