//! Pairs: an item on one side of a mirror, and its copy on the other.

use sea_orm::entity::prelude::*;

use super::mirror::Side;
use crate::db::{MirrorBackfillId, MirrorId, MirrorPairId, OrganizationId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mirror_pairs")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MirrorPairId,
    /// Of which mirror.
    pub mirror_id: MirrorId,
    /// The partner's id of the left item, unique within the mirror.
    pub left_item: Option<String>,
    /// The partner's id of the right item, unique within the mirror.
    pub right_item: Option<String>,
    /// Where it was opened; the other one is the copy.
    pub origin: Side,
    /// Which backfill began it; none for what was opened since the mirror is there.
    pub backfill_id: Option<MirrorBackfillId>,
    /// What the copy is called at its partner, where that keeps such names.
    pub external_id: String,
    /// Where it stands.
    pub state: PairState,
    /// Why it ended.
    pub reason: Option<String>,
    /// When the copy was first asked for, unix milliseconds; none = it can't be there.
    pub asked_at: Option<i64>,
    /// What the left item said when both were last in step.
    pub left_known: Option<Json>,
    /// What the right item said when both were last in step.
    pub right_known: Option<Json>,
    /// The comment that is being written by the mirror, sealed, as long as it is not known whether it is there.
    pub saying: Option<Vec<u8>>,
    /// When the last few writes were made, unix milliseconds.
    pub writes: Json,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();

/// Where a pair stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum PairState {
    /// It is known that there is to be a copy, and that nobody is making it at this moment.
    #[sea_orm(string_value = "reserved")]
    Reserved,
    /// The copy was asked for, and no answer came yet: it may be there.
    #[sea_orm(string_value = "asked")]
    Asked,
    /// Both are there.
    #[sea_orm(string_value = "joined")]
    Joined,
    /// One of them is gone, and the other goes its own way.
    #[sea_orm(string_value = "ended")]
    Ended,
}

impl Model {
    /// The partner's id of a side's item.
    pub fn item(&self, side: Side) -> Option<&str> {
        match side {
            Side::Left => self.left_item.as_deref(),
            Side::Right => self.right_item.as_deref(),
        }
    }
}

impl Column {
    /// Where a side's item is named.
    pub fn item(side: Side) -> Self {
        match side {
            Side::Left => Self::LeftItem,
            Side::Right => Self::RightItem,
        }
    }
}
