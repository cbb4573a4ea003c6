//! Teams that are being deleted, and the receipts of those that were.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, json_binary, text, uuid},
};

use crate::table::{drop_all, index, to_organization};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Refers to no team: it is what is left when the team is gone.
        manager
            .create_table(
                Table::create()
                    .table("team_deletions")
                    .col(uuid("organization_id"))
                    // Which one it was, and what it was called.
                    .col(uuid("team_id"))
                    .col(text("name"))
                    // How much there was of what, and what became of each thing at a partner.
                    .col(json_binary("counts"))
                    .col(json_binary("undone"))
                    .col(big_integer("begun_at"))
                    .col(big_integer_null("finished_at"))
                    .primary_key(Index::create().col("organization_id").col("team_id"))
                    .foreign_key(&mut to_organization("team_deletions"))
                    .take(),
            )
            .await?;
        manager.create_index(index("team_deletions", &["finished_at"])).await?;
        // Null unless the team is being deleted.
        let column = big_integer_null("deleting_since");
        manager.alter_table(Table::alter().table("teams").add_column(column).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("teams").drop_column("deleting_since").take()).await?;
        drop_all(manager, &["team_deletions"]).await
    }
}
