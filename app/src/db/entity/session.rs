//! Sessions: who is logged in where. Kept by the hash of the cookie's value.

use sea_orm::entity::prelude::*;

use crate::db::UserId;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// SHA-256 of the session id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id_hash: Vec<u8>,
    /// Who it is, once logged in; so that one person's sessions can be listed and ended.
    pub user_id: Option<UserId>,
    /// What tower-sessions keeps.
    pub data: Json,
    /// Unix milliseconds; the session ends a fixed time after it.
    pub created_at: i64,
    /// Unix milliseconds of the last use, to a few minutes.
    pub seen_at: i64,
    /// Unix milliseconds.
    pub expires_at: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
