//! Attempts: every try at sending an outbox message.

use sea_orm::entity::prelude::*;

use crate::db::{AttemptId, LinkId, OrganizationId, OutboxMessageId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox_attempts")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AttemptId,
    /// Of which message.
    pub message_id: OutboxMessageId,
    /// Through which link.
    pub link_id: LinkId,
    /// The how-manieth of its message.
    pub number: i32,
    /// Unix milliseconds.
    pub started_at: i64,
    /// How long it took; none while it is under way or when its process died.
    pub took_ms: Option<i64>,
    /// How it ended: `delivered` or a kind of error.
    pub outcome: Option<String>,
    /// What a person reads of it.
    pub sentence: Option<String>,
    /// The HTTP calls it made.
    pub calls: Json,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();
