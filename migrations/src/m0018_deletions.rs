//! Organizations that are being deleted, and the receipts of those that were.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, json_binary, text, uuid, uuid_null},
};

use crate::table::{drop_all, index, to_user};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Belongs to no tenant: it is what is left when the tenant is gone.
        manager
            .create_table(
                Table::create()
                    .table("deletions")
                    .col(uuid("id").primary_key())
                    // Whose it is to read: who asked for it.
                    .col(uuid("user_id"))
                    // Which one it was, and what it was called.
                    .col(uuid("deleted_id"))
                    .col(text("name"))
                    // leaving (what is at the partners is undone), forgetting (rows are deleted), done
                    .col(text("stage"))
                    // What became of each thing at a partner, and how much there was of what.
                    .col(json_binary("undone"))
                    .col(json_binary("counts"))
                    .col(big_integer("begun_at"))
                    .col(big_integer_null("finished_at"))
                    .col(big_integer_null("mailed_at"))
                    .foreign_key(&mut to_user("deletions", "user_id"))
                    .take(),
            )
            .await?;
        manager.create_index(index("deletions", &["user_id"])).await?;
        manager.create_index(index("deletions", &["finished_at"])).await?;
        // Null unless the organization is being deleted.
        let column = uuid_null("deletion_id");
        manager.alter_table(Table::alter().table("organizations").add_column(column).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("organizations").drop_column("deletion_id").take()).await?;
        drop_all(manager, &["deletions"]).await
    }
}
