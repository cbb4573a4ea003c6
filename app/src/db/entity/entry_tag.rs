//! The tags of entries.

use sea_orm::entity::prelude::*;

use crate::db::{EntryId, OrganizationId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "entry_tags")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// The entry.
    #[sea_orm(primary_key, auto_increment = false)]
    pub entry_id: EntryId,
    /// Lower case, without the `#`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tag: String,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();
