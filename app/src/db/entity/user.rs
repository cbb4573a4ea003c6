//! Users: people who can log in.

use sea_orm::entity::prelude::*;

use crate::db::UserId;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// In lower case; unique.
    pub email: String,
    /// What others see.
    pub name: String,
    /// argon2id, in PHC form.
    pub password_hash: String,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
