//! Outbox messages: what is on its way to a partner, and what became of it.

use sea_orm::entity::prelude::*;

use crate::db::{EntryId, ItemId, LinkId, OrganizationId, OutboxMessageId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox_messages")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OutboxMessageId,
    /// Through which link.
    pub link_id: LinkId,
    /// What it is about: `entry:<id>`, `item:<id>:<change>`, `digest:<day>`, `answer:<inbox message>`. A link has at most one unfinished
    /// message about one thing.
    pub about: String,
    /// Which of these.
    pub kind: OutboxKind,
    /// The entry it is about.
    pub entry_id: Option<EntryId>,
    /// The item it is about.
    pub item_id: Option<ItemId>,
    /// The digest that tells it, once the digest's hour struck.
    pub digest_id: Option<OutboxMessageId>,
    /// An answer and where it goes, or what happened to the item, sealed, until it is sent. All else is read when it is sent.
    pub content: Option<Vec<u8>>,
    /// Where it stands.
    pub state: OutboxState,
    /// Why, when it was not simply delivered.
    pub reason: Option<String>,
    /// What the partner's integration has to say of it.
    pub note: Option<String>,
    /// Rises with each change of what it is about.
    pub version: i32,
    /// Rises with each job for it.
    pub turn: i32,
    /// How often it was sent.
    pub attempts: i32,
    /// Unix milliseconds.
    pub first_sent_at: Option<i64>,
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

/// What kind of thing a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum OutboxKind {
    /// An entry of the log.
    #[sea_orm(string_value = "entry")]
    Entry,
    /// A change of an item of another link.
    #[sea_orm(string_value = "item")]
    Item,
    /// The entries of a day.
    #[sea_orm(string_value = "digest")]
    Digest,
    /// An answer to somebody who wrote to us from the partner.
    #[sea_orm(string_value = "answer")]
    Answer,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum OutboxState {
    /// A job will send it.
    #[sea_orm(string_value = "waiting")]
    Waiting,
    /// The link can't work now; it goes on when the link does.
    #[sea_orm(string_value = "held")]
    Held,
    /// For the hour of its digest.
    #[sea_orm(string_value = "gathered")]
    Gathered,
    /// The partner has it.
    #[sea_orm(string_value = "delivered")]
    Delivered,
    /// It was not sent, on purpose; the reason says why.
    #[sea_orm(string_value = "skipped")]
    Skipped,
    /// It could not be sent; it can be sent again by hand.
    #[sea_orm(string_value = "failed")]
    Failed,
    /// Its link was removed.
    #[sea_orm(string_value = "cancelled")]
    Cancelled,
}

impl OutboxState {
    /// Those of messages that are not finished.
    pub const LIVING: [Self; 3] = [Self::Waiting, Self::Held, Self::Gathered];
}
