//! Open goals and blockers stay in sight whatever their day: found by state, without reading the whole log.

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
        manager.create_index(index("entries", &["organization_id", "team_id", "status", "occurred_on"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let name = "idx_entries_organization_id_team_id_status_occurred_on";
        manager.drop_index(Index::drop().name(name).table("entries").to_owned()).await
    }
}
