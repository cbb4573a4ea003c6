//! Changes that a mirror heard of: what became of each, and until then what it is.

use sea_orm::entity::prelude::*;

use super::mirror::Side;
use crate::db::{MirrorChangeId, MirrorId, MirrorPairId, OrganizationId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mirror_changes")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MirrorChangeId,
    /// Which mirror heard of it.
    pub mirror_id: MirrorId,
    /// Which items it is about; none for an item that is not mirrored.
    pub pair_id: Option<MirrorPairId>,
    /// Where it happened.
    pub side: Side,
    /// The partner's name of it, unique within the pair's side.
    pub change_key: String,
    /// What it was, in a word.
    pub what: String,
    /// Who did it.
    pub author: String,
    /// What people call the item.
    pub item_name: String,
    /// The item's page.
    pub item_url: Option<String>,
    /// The change, sealed, until it was carried over or is known not to be.
    pub content: Option<Vec<u8>>,
    /// Where it stands.
    pub state: ChangeState,
    /// Why it was not simply carried over.
    pub reason: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
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

/// Where a change stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum ChangeState {
    /// A job will carry it over.
    #[sea_orm(string_value = "waiting")]
    Waiting,
    /// The other side has it.
    #[sea_orm(string_value = "done")]
    Done,
    /// There was nothing to carry over; the reason says why.
    #[sea_orm(string_value = "skipped")]
    Skipped,
    /// It could not be carried over, and can be tried again by hand.
    #[sea_orm(string_value = "failed")]
    Failed,
}
