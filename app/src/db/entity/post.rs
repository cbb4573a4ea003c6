//! Posts: what stands, or may stand, at a partner because we sent it.

use sea_orm::entity::prelude::*;

use super::entry::EntryStatus;
use crate::db::{LinkId, OrganizationId, OutboxMessageId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "posts")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Through which link.
    #[sea_orm(primary_key, auto_increment = false)]
    pub link_id: LinkId,
    /// What it is about, as in the outbox message.
    #[sea_orm(primary_key, auto_increment = false)]
    pub about: String,
    /// Whether it is there.
    pub state: PostState,
    /// The message that first sent it.
    pub message_id: OutboxMessageId,
    /// The partner's name of it, when it is there.
    pub remote_id: Option<String>,
    /// The entry's status when it was told last.
    pub status: Option<EntryStatus>,
    /// Unix milliseconds.
    pub first_sent_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();

/// Whether a post is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum PostState {
    /// It was sent, and no answer came.
    #[sea_orm(string_value = "maybe")]
    Maybe,
    /// It is, by the name the partner gave it.
    #[sea_orm(string_value = "there")]
    There,
    /// It was told among others, and is no post of its own.
    #[sea_orm(string_value = "told")]
    Told,
}

impl PostState {
    /// Those of something that can be changed or taken back.
    pub const STANDING: [Self; 2] = [Self::Maybe, Self::There];
}
