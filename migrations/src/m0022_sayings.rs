//! What a mirror is saying stands with its pair, whole and sealed, until it is known whether it got there.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, binary_null},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let saying = binary_null("saying");
        manager.alter_table(Table::alter().table("mirror_pairs").add_column(saying).take()).await?;
        // What was sent at this moment and not answered is sent again: of what it said, nothing was kept.
        let maybe = Query::delete().from_table("mirror_comments").and_where(Expr::col("state").eq("maybe")).take();
        manager.execute(maybe).await?;
        manager.alter_table(Table::alter().table("mirror_comments").drop_column("first_sent_at").take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sent = big_integer("first_sent_at").default(0).take();
        manager.alter_table(Table::alter().table("mirror_comments").add_column(sent).take()).await?;
        manager.alter_table(Table::alter().table("mirror_pairs").drop_column("saying").take()).await
    }
}
