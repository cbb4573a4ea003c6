//! What is known of the changes of an item, and items that nothing happened to for long are found by their age.

use sea_orm_migration::{prelude::*, schema::json_binary_null};

use crate::table::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The last changes by name, and what we did ourselves and may yet be told by the partner.
        let known = json_binary_null("known");
        manager.alter_table(Table::alter().table("items").add_column(known).take()).await?;
        manager.create_index(index("items", &["updated_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("idx_items_updated_at").table("items").to_owned()).await?;
        manager.alter_table(Table::alter().table("items").drop_column("known").take()).await
    }
}
