//! Marks of the tokens that clicks inside a partner's product came with: each counts once.

use sea_orm::entity::prelude::*;

use crate::db::OrganizationId;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "action_marks")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// SHA-256 of the token.
    #[sea_orm(primary_key, auto_increment = false)]
    pub mark: Vec<u8>,
    /// Unix seconds from when on the token does not count anyway.
    pub stale_at: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();
