//! Entries: a team's log, with tags and mentions.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, text, text_null, uuid, uuid_null},
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
                of_organization("entries")
                    .col(uuid("team_id"))
                    // Null: somebody we do not know, or who has left; `author_name` then says who.
                    .col(uuid_null("user_id"))
                    .col(text("status"))
                    .col(text("body"))
                    .col(text("occurred_on"))
                    .col(text_null("completed_on"))
                    .col(big_integer_null("archived_at"))
                    // Where it came from; null for an entry written here.
                    .col(text_null("partner"))
                    .col(uuid_null("link_id"))
                    .col(text_null("external_id"))
                    .col(text_null("source"))
                    .col(text_null("source_url"))
                    .col(text_null("author_name"))
                    .col(text_null("author_url"))
                    .col(big_integer("created_at"))
                    .col(big_integer("updated_at"))
                    .foreign_key(&mut within_organization("entries", "team_id", "teams"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("entries", "user_id")
                            .to("users", "id")
                            .on_delete(ForeignKeyAction::SetNull),
                    )
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("entry_tags")
                    .col(uuid("organization_id"))
                    .col(uuid("entry_id"))
                    .col(text("tag"))
                    .primary_key(Index::create().col("organization_id").col("entry_id").col("tag"))
                    .foreign_key(&mut within_organization("entry_tags", "entry_id", "entries"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("entry_mentions")
                    .col(uuid("organization_id"))
                    .col(uuid("entry_id"))
                    .col(uuid("user_id"))
                    .primary_key(Index::create().col("organization_id").col("entry_id").col("user_id"))
                    .foreign_key(&mut within_organization("entry_mentions", "entry_id", "entries"))
                    .foreign_key(&mut to_user("entry_mentions", "user_id"))
                    .take(),
            )
            .await?;
        manager.create_index(index("entries", &["organization_id", "team_id", "occurred_on"])).await?;
        manager.create_index(index("entries", &["organization_id", "link_id", "external_id"]).unique().take()).await?;
        manager.create_index(index("entry_tags", &["organization_id", "tag"])).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["entry_mentions", "entry_tags", "entries"]).await
    }
}
