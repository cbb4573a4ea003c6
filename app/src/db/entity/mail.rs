//! Mails that are still to be sent; a sent one has no row.

use sea_orm::entity::prelude::*;

use crate::db::{MailId, OrganizationId, UserId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mails")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MailId,
    /// To whom.
    pub user_id: UserId,
    /// What it is about.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();
