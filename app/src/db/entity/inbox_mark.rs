//! Marks by which a repeated hook is known.

use sea_orm::entity::prelude::*;

use crate::db::{LinkId, OrganizationId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "inbox_marks")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// For which link.
    #[sea_orm(primary_key, auto_increment = false)]
    pub link_id: LinkId,
    /// SHA-256 of a delivery's name or of a body.
    #[sea_orm(primary_key, auto_increment = false)]
    pub mark: Vec<u8>,
    /// Unix milliseconds.
    pub seen_at: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();
