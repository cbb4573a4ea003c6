//! Mail: what is still to be sent, which breaks were told, and the daily digests of teams.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, integer, text, uuid},
};

use crate::table::{drop_all, index, of_organization, to_user, within_organization};

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
                of_organization("mails")
                    .col(uuid("user_id"))
                    .col(text("subject"))
                    .col(text("body"))
                    .col(big_integer("created_at"))
                    .foreign_key(&mut to_user("mails", "user_id"))
                    .take(),
            )
            .await?;
        // A row says that people were told of the break, and not yet that it is over.
        manager
            .create_table(
                Table::create()
                    .table("told_breaks")
                    .col(uuid("organization_id"))
                    .col(uuid("link_id"))
                    .col(big_integer("told_at"))
                    .primary_key(Index::create().col("organization_id").col("link_id"))
                    .foreign_key(&mut within_organization("told_breaks", "link_id", "integration_links"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("team_digests")
                    .col(uuid("organization_id"))
                    .col(uuid("team_id"))
                    .col(integer("hour"))
                    .col(big_integer("covered_until"))
                    .col(big_integer("next_at"))
                    .primary_key(Index::create().col("organization_id").col("team_id"))
                    .foreign_key(&mut within_organization("team_digests", "team_id", "teams"))
                    .take(),
            )
            .await?;
        manager.create_index(index("team_digests", &["next_at"])).await?;
        manager
            .create_table(
                Table::create()
                    .table("digest_refusals")
                    .col(uuid("organization_id"))
                    .col(uuid("team_id"))
                    .col(uuid("user_id"))
                    .primary_key(Index::create().col("organization_id").col("team_id").col("user_id"))
                    .foreign_key(&mut within_organization("digest_refusals", "team_id", "teams"))
                    .foreign_key(&mut to_user("digest_refusals", "user_id"))
                    .take(),
            )
            .await?;
        // Broken links of all tenants are looked for every few seconds; there are few.
        manager.create_index(index("integration_links", &["state"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let name = "idx_integration_links_state";
        manager.drop_index(Index::drop().name(name).table("integration_links").to_owned()).await?;
        drop_all(manager, &["digest_refusals", "team_digests", "told_breaks", "mails"]).await
    }
}
