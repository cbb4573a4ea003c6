//! Deletions of organizations, and what is left of each: its receipt. They belong to no tenant.

use sea_orm::entity::prelude::*;

use crate::db::{DeletionId, OrganizationId, UserId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "deletions")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DeletionId,
    /// Who asked for it, and may read it.
    pub user_id: UserId,
    /// Which organization it was.
    pub deleted_id: OrganizationId,
    /// What that was called.
    pub name: String,
    /// How far it has come.
    pub stage: Stage,
    /// What became of each thing at a partner.
    pub undone: Json,
    /// How many rows of what there were.
    pub counts: Json,
    /// Unix milliseconds.
    pub begun_at: i64,
    /// Unix milliseconds; none while it lasts.
    pub finished_at: Option<i64>,
    /// Unix milliseconds; none until the receipt was mailed, or would have been.
    pub mailed_at: Option<i64>,
}

/// How far a deletion has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Stage {
    /// What stands at partners is being undone.
    Leaving,
    /// The rows are being deleted.
    Forgetting,
    /// Nothing is left but this.
    Done,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
