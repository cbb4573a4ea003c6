//! When an entry was written here: `created_at` of one that a hook made is when it happened at the partner.

use sea_orm_migration::{prelude::*, schema::big_integer};

use crate::table::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let recorded = big_integer("recorded_at").default(0).take();
        manager.alter_table(Table::alter().table("entries").add_column(recorded).take()).await?;
        // Of what is there it is not known; a digest has told of most of it already.
        let known = Query::update().table("entries").value("recorded_at", Expr::col("created_at")).take();
        manager.execute(known).await?;
        // What came into a log since a digest.
        manager.create_index(index("entries", &["organization_id", "team_id", "recorded_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let name = "idx_entries_organization_id_team_id_recorded_at";
        manager.drop_index(Index::drop().name(name).table("entries").to_owned()).await?;
        manager.alter_table(Table::alter().table("entries").drop_column("recorded_at").take()).await
    }
}
