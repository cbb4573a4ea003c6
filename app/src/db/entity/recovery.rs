//! What works again, for those who were told that it does not: said once on a page of theirs.

use sea_orm::entity::prelude::*;

use crate::db::{OrganizationId, RecoveryId, UserId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "recoveries")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RecoveryId,
    /// To whom it is said.
    pub user_id: UserId,
    /// What works again, as people call it.
    pub what: String,
    /// The path of its page.
    pub path: String,
    /// Unix milliseconds since when.
    pub since: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();
