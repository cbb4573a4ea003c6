//! Which comments of a pair were copied, and which are copies.

use sea_orm::entity::prelude::*;

use super::mirror::Side;
use crate::db::{MirrorPairId, OrganizationId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mirror_comments")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Of which pair.
    #[sea_orm(primary_key, auto_increment = false)]
    pub pair_id: MirrorPairId,
    /// Where the original was written; the copy stands on the other side.
    #[sea_orm(primary_key, auto_increment = false)]
    pub side: Side,
    /// The partner's id of the original, or our name of what else is told by a comment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub comment_id: String,
    /// Where the copy stands.
    pub state: CommentState,
    /// The partner's id of the copy.
    pub copy_id: Option<String>,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();

/// Where the copy of a comment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum CommentState {
    /// It is there.
    #[sea_orm(string_value = "there")]
    There,
    /// The original was deleted before it was copied, so it never is.
    #[sea_orm(string_value = "withdrawn")]
    Withdrawn,
}
