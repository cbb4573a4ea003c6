//! Inbox messages: hooks as they came.

use sea_orm::entity::prelude::*;

use crate::db::{LinkId, MessageId, OrganizationId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "inbox_messages")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MessageId,
    /// For which link.
    pub link_id: LinkId,
    /// The partner.
    pub partner: String,
    /// The partner's word for what it is.
    pub event: String,
    /// The partner's name of the delivery.
    pub delivery: String,
    /// Messages of one lane are read one after the other; empty = the link as a whole.
    pub lane: String,
    /// The kept headers.
    pub headers: Json,
    /// The raw body; of a rejected message its first kilobyte.
    pub body: Vec<u8>,
    /// SHA-256 of the body as it came.
    pub digest: Vec<u8>,
    /// Where it stands.
    pub state: MessageState,
    /// Why, when nothing came of it.
    pub reason: Option<String>,
    /// Unix milliseconds.
    pub received_at: i64,
    /// Unix milliseconds.
    pub finished_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();

/// Where a kept hook stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum MessageState {
    /// Kept, not yet read.
    #[sea_orm(string_value = "received")]
    Received,
    /// Read, and something came of it.
    #[sea_orm(string_value = "done")]
    Done,
    /// Read, and nothing came of it; the reason says why.
    #[sea_orm(string_value = "ignored")]
    Ignored,
    /// It could not be read, or could not be finished; it can be replayed.
    #[sea_orm(string_value = "failed")]
    Failed,
    /// Genuine, but its body is not what the partner documents; only its beginning is kept.
    #[sea_orm(string_value = "rejected")]
    Rejected,
}
