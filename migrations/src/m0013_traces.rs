//! Traces: what came of each hook, and finding a link's messages by state, by the partner's name and by what they are about.

use sea_orm_migration::{
    prelude::*,
    schema::{text, uuid},
};

use crate::table::{drop_all, index, to_organization, within_organization};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Table and columns of the indexes that are added.
const INDEXES: [(&str, &[&str]); 4] = [
    // A link's messages in one state, newest first: ids sort by time.
    ("inbox_messages", &["organization_id", "link_id", "state", "id"]),
    ("outbox_messages", &["organization_id", "link_id", "state", "id"]),
    // By the partner's name of the delivery.
    ("inbox_messages", &["organization_id", "link_id", "delivery"]),
    // What was told of one thing, through all links.
    ("outbox_messages", &["organization_id", "about"]),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("inbox_outcomes")
                    .col(uuid("organization_id"))
                    .col(uuid("message_id"))
                    // By the lasting name that outbox messages have it by: `entry:<id>`, `item:<id>:<change>`.
                    .col(text("about"))
                    // wrote, changed, took_back, knew, told
                    .col(text("did"))
                    .primary_key(Index::create().col("organization_id").col("message_id").col("about"))
                    .foreign_key(&mut to_organization("inbox_outcomes"))
                    .foreign_key(&mut within_organization("inbox_outcomes", "message_id", "inbox_messages"))
                    .take(),
            )
            .await?;
        // Which hooks led to it?
        manager.create_index(index("inbox_outcomes", &["organization_id", "about"])).await?;
        for (table, columns) in INDEXES {
            manager.create_index(index(table, columns)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, columns) in INDEXES {
            let name = format!("idx_{table}_{}", columns.join("_"));
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        drop_all(manager, &["inbox_outcomes"]).await
    }
}
