//! Outcomes: what came of each kept hook. They go with it.

use sea_orm::entity::prelude::*;

use crate::db::{MessageId, OrganizationId};

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "inbox_outcomes")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// The hook.
    #[sea_orm(primary_key, auto_increment = false)]
    pub message_id: MessageId,
    /// What it led to, by the lasting name that outbox messages have it by: `entry:<id>`, `item:<id>:<change>`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub about: String,
    /// What it did to it.
    pub did: Did,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();

/// What a hook did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Did {
    /// An entry was written.
    #[sea_orm(string_value = "wrote")]
    Wrote,
    /// An entry reads otherwise.
    #[sea_orm(string_value = "changed")]
    Changed,
    /// An entry was archived.
    #[sea_orm(string_value = "took_back")]
    TookBack,
    /// The log had the entry already.
    #[sea_orm(string_value = "knew")]
    Knew,
    /// A change of an item was recorded, and told to whom it concerns.
    #[sea_orm(string_value = "told")]
    Told,
}
