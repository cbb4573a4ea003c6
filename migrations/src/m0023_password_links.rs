//! Password links: with one, somebody who forgot their password sets a new one. Each user has one at most.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, binary_uniq, uuid},
};

use crate::table::{drop_all, to_user};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("password_links")
                    .col(uuid("user_id").primary_key())
                    // Only a hash of the token is kept: a copy of the database sets no password.
                    .col(binary_uniq("token_hash"))
                    .col(big_integer("created_at"))
                    .col(big_integer("expires_at"))
                    .col(big_integer_null("mailed_at"))
                    .foreign_key(&mut to_user("password_links", "user_id"))
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["password_links"]).await
    }
}
