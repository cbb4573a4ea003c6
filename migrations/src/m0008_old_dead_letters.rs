//! Dead letters that are old enough to be forgotten are found by their age, without reading all that are kept.

use sea_orm_migration::prelude::*;

use crate::table::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let died = Expr::cust("died_at IS NOT NULL");
        manager.create_index(index("jobs", &["died_at"]).and_where(died).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("idx_jobs_died_at").table("jobs").to_owned()).await
    }
}
