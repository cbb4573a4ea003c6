//! Organizations: the tenants.

use sea_orm::entity::prelude::*;

use crate::db::{DeletionId, OrganizationId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "organizations")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrganizationId,
    /// What people call it.
    pub name: String,
    /// Unix milliseconds.
    pub created_at: i64,
    /// How many days hooks and messages are kept.
    pub messages_kept_days: i32,
    /// How many days entries are kept; none for ever.
    pub entries_kept_days: Option<i32>,
    /// Its deletion, once an owner asked for that: from then on nobody sees or changes anything of it.
    pub deletion_id: Option<DeletionId>,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// A new one, that keeps things as long as one does by default.
    pub fn new(id: OrganizationId, name: String, created_at: i64) -> Self {
        Self { id, name, created_at, messages_kept_days: 30, entries_kept_days: None, deletion_id: None }
    }
}
