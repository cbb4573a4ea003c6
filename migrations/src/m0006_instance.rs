//! What the whole instance remembers, such as the check value of its sealing key.

use sea_orm_migration::{
    prelude::*,
    schema::{binary, text},
};

use crate::table::drop_all;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(Table::create().table("instance").col(text("name").primary_key()).col(binary("value")).take())
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["instance"]).await
    }
}
