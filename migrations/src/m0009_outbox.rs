//! The outbox: messages on their way to partners, every attempt at sending one, and what stands at a partner of ours.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, binary_null, integer, json_binary, text, text_null, uuid, uuid_null},
};

use crate::table::{drop_all, index, of_organization, to_organization, within_organization};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        messages(manager).await?;
        attempts(manager).await?;
        posts(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["posts", "outbox_attempts", "outbox_messages"]).await
    }
}

async fn messages(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            of_organization("outbox_messages")
                .col(uuid("link_id"))
                // What it is about, by a lasting name: `entry:<id>`, `digest:<day>`, `answer:<inbox message>`.
                .col(text("about"))
                // entry, digest, answer
                .col(text("kind"))
                .col(uuid_null("entry_id"))
                // The digest that told it, once its hour struck.
                .col(uuid_null("digest_id"))
                // An answer and where it goes, sealed; null for all else, which is read when it is sent.
                .col(binary_null("content"))
                // waiting, held, gathered, delivered, skipped, failed, cancelled
                .col(text("state"))
                .col(text_null("reason"))
                .col(text_null("note"))
                // Rises with each change of what it is about; whoever sent an older version is not done.
                .col(integer("version"))
                // Rises with each job for it; a job with an older turn has nothing to do.
                .col(integer("turn"))
                .col(integer("attempts"))
                .col(big_integer_null("first_sent_at"))
                .col(big_integer("created_at"))
                .col(big_integer_null("finished_at"))
                .foreign_key(&mut within_organization("outbox_messages", "link_id", "integration_links"))
                .foreign_key(&mut within_organization("outbox_messages", "entry_id", "entries"))
                .take(),
        )
        .await?;
    // A link's messages, newest first: ids sort by time.
    manager.create_index(index("outbox_messages", &["organization_id", "link_id", "id"])).await?;
    // Changes that come before a message was sent join it.
    let living = Expr::cust("state IN ('waiting', 'held', 'gathered')");
    manager
        .create_index(
            index("outbox_messages", &["organization_id", "link_id", "about"])
                .name("idx_outbox_messages_living")
                .unique()
                .and_where(living)
                .take(),
        )
        .await?;
    // For forgetting finished ones, and for counting the others.
    manager.create_index(index("outbox_messages", &["finished_at"])).await
}

async fn attempts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            of_organization("outbox_attempts")
                .col(uuid("message_id"))
                .col(uuid("link_id"))
                .col(integer("number"))
                .col(big_integer("started_at"))
                .col(big_integer_null("took_ms"))
                // How it ended; null while it is under way, and for good when its process died.
                .col(text_null("outcome"))
                .col(text_null("sentence"))
                // Each HTTP call: method, host and path, status or why there is none, time, the answer's beginning.
                .col(json_binary("calls"))
                .foreign_key(&mut within_organization("outbox_attempts", "message_id", "outbox_messages"))
                .take(),
        )
        .await?;
    manager.create_index(index("outbox_attempts", &["organization_id", "message_id", "number"])).await?;
    // When a link last sent something, for its pace.
    manager.create_index(index("outbox_attempts", &["organization_id", "link_id", "id"])).await
}

async fn posts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("posts")
                .col(uuid("organization_id"))
                .col(uuid("link_id"))
                .col(text("about"))
                // maybe (sent, and no answer came), there, told (in a digest)
                .col(text("state"))
                // The message that first sent it: its id is what a lost answer is looked for by.
                .col(uuid("message_id"))
                // Only of what is there.
                .col(text_null("remote_id"))
                // The entry's status when it was told.
                .col(text_null("status"))
                .col(big_integer("first_sent_at"))
                .col(big_integer("updated_at"))
                .primary_key(Index::create().col("organization_id").col("link_id").col("about"))
                .foreign_key(&mut to_organization("posts"))
                .foreign_key(&mut within_organization("posts", "link_id", "integration_links"))
                .take(),
        )
        .await?;
    // Whose is it that something happened to at the partner?
    manager.create_index(index("posts", &["organization_id", "link_id", "remote_id"])).await?;
    manager.create_index(index("posts", &["updated_at"])).await
}
