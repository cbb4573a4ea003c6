//! Backfills of mirrors: a person's wish that what was opened before gets copies too, and how far it has come.

use sea_orm::entity::prelude::*;

use crate::db::{MirrorBackfillId, MirrorId, OrganizationId, UserId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mirror_backfills")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MirrorBackfillId,
    /// Of which mirror.
    pub mirror_id: MirrorId,
    /// Unix seconds: what was opened before is left alone.
    pub opened_since: i64,
    /// How many items of each side get a copy at most.
    pub most: i32,
    /// Where it stands.
    pub state: BackfillState,
    /// Why, when it did not simply come to its end, or how it fares.
    pub reason: Option<String>,
    /// Where to look on, and what was found and has no copy yet.
    pub plan: Json,
    /// How many items were found.
    pub found: i32,
    /// Which of its jobs is the one that goes on with it.
    pub turn: i32,
    /// Who asked for it.
    pub created_by: UserId,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub finished_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();

/// Where a backfill stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum BackfillState {
    /// It looks for what is to be copied.
    #[sea_orm(string_value = "looking")]
    Looking,
    /// All was found, and is copied bit by bit.
    #[sea_orm(string_value = "copying")]
    Copying,
    /// It came to its end.
    #[sea_orm(string_value = "done")]
    Done,
    /// A person stopped it, or removed its mirror.
    #[sea_orm(string_value = "stopped")]
    Stopped,
    /// It can't go on; the reason says why.
    #[sea_orm(string_value = "failed")]
    Failed,
}
