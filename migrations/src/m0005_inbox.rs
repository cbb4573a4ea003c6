//! The inbox: kept hooks, and the marks by which a repeated one is known.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, binary, blob, json_binary, text, text_null, uuid},
};

use crate::table::{drop_all, index, of_organization, within_organization};

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
                of_organization("inbox_messages")
                    .col(uuid("link_id"))
                    .col(text("partner"))
                    .col(text("event"))
                    .col(text("delivery"))
                    // Messages of one lane are read one after the other; empty = the link as a whole.
                    .col(text("lane"))
                    .col(json_binary("headers"))
                    .col(blob("body"))
                    // SHA-256 of the body as it came; of a rejected one only the beginning is kept.
                    .col(binary("digest"))
                    // received, done, ignored, failed, rejected
                    .col(text("state"))
                    .col(text_null("reason"))
                    .col(big_integer("received_at"))
                    .col(big_integer_null("finished_at"))
                    .foreign_key(&mut within_organization("inbox_messages", "link_id", "integration_links"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("inbox_marks")
                    .col(uuid("organization_id"))
                    .col(uuid("link_id"))
                    // A delivery's name or a body's digest, as SHA-256.
                    .col(binary("mark"))
                    .col(big_integer("seen_at"))
                    .primary_key(Index::create().col("organization_id").col("link_id").col("mark"))
                    .foreign_key(&mut within_organization("inbox_marks", "link_id", "integration_links"))
                    .take(),
            )
            .await?;
        // A link's messages, newest first: ids sort by time.
        manager.create_index(index("inbox_messages", &["organization_id", "link_id", "id"])).await?;
        let rejected = Expr::cust("state = 'rejected'");
        manager
            .create_index(
                index("inbox_messages", &["organization_id", "link_id", "id"])
                    .name("idx_inbox_messages_rejected")
                    .and_where(rejected)
                    .take(),
            )
            .await?;
        manager.create_index(index("inbox_marks", &["seen_at"])).await?;
        manager.create_index(index("inbox_messages", &["received_at"])).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["inbox_marks", "inbox_messages"]).await
    }
}
