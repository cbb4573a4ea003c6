//! Mirrors: two links joined, which items of theirs are copies of each other, which comments are, every change that is to
//! be carried over, and what people asked to be copied of what was there before.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, binary_null, boolean, integer, json_binary, json_binary_null, text, text_null,
        uuid, uuid_null,
    },
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
        mirrors(manager).await?;
        backfills(manager).await?;
        pairs(manager).await?;
        comments(manager).await?;
        changes(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["mirror_changes", "mirror_comments", "mirror_pairs", "mirror_backfills", "mirrors"]).await
    }
}

async fn mirrors(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            of_organization("mirrors")
                .col(uuid("team_id"))
                .col(text("name"))
                .col(uuid("left_link"))
                .col(uuid("right_link"))
                // Which side's items get copies, and what else is carried over.
                .col(json_binary("settings"))
                // Unix seconds: items that were opened before are left alone.
                .col(big_integer("since"))
                // active, paused, broken, removing, removed
                .col(text("state"))
                .col(text_null("reason"))
                .col(big_integer("state_since"))
                // Whether the link was made for the mirror and goes with it.
                .col(boolean("made_left"))
                .col(boolean("made_right"))
                .col(uuid("created_by"))
                .col(json_binary_null("receipt"))
                .col(big_integer("created_at"))
                .col(big_integer("updated_at"))
                .foreign_key(&mut within_organization("mirrors", "team_id", "teams"))
                .foreign_key(&mut within_organization("mirrors", "left_link", "integration_links"))
                .foreign_key(&mut within_organization("mirrors", "right_link", "integration_links"))
                .take(),
        )
        .await?;
    manager.create_index(index("mirrors", &["organization_id", "team_id"])).await?;
    manager.create_index(index("mirrors", &["organization_id", "left_link"])).await?;
    manager.create_index(index("mirrors", &["organization_id", "right_link"])).await
}

async fn backfills(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            of_organization("mirror_backfills")
                .col(uuid("mirror_id"))
                // Unix seconds: what was opened before is left alone.
                .col(big_integer("opened_since"))
                // Of each side.
                .col(integer("most"))
                // looking, copying, done, stopped, failed
                .col(text("state"))
                .col(text_null("reason"))
                // Where to look on, and what was found and has no copy yet.
                .col(json_binary("plan"))
                .col(integer("found"))
                // Which of its jobs goes on with it.
                .col(integer("turn"))
                .col(uuid("created_by"))
                .col(big_integer("created_at"))
                .col(big_integer_null("finished_at"))
                .foreign_key(&mut within_organization("mirror_backfills", "mirror_id", "mirrors"))
                .take(),
        )
        .await?;
    // A mirror's last one: ids sort by time.
    manager.create_index(index("mirror_backfills", &["organization_id", "mirror_id", "id"])).await
}

async fn pairs(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            of_organization("mirror_pairs")
                .col(uuid("mirror_id"))
                // The partners' ids; null while that side's is not there, or not known.
                .col(text_null("left_item"))
                .col(text_null("right_item"))
                // left, right: where it was opened; the other one is the copy.
                .col(text("origin"))
                // Null for what was opened since the mirror is there.
                .col(uuid_null("backfill_id"))
                // What the copy is called at its partner, where that keeps such names.
                .col(text("external_id"))
                // reserved, asked (the copy may have been made), joined, ended
                .col(text("state"))
                .col(text_null("reason"))
                // When the copy was first asked for; null = it can't be there.
                .col(big_integer_null("asked_at"))
                // What each side said when both were last in step.
                .col(json_binary_null("left_known"))
                .col(json_binary_null("right_known"))
                // When the last few writes were made, unix milliseconds.
                .col(json_binary("writes"))
                .col(big_integer("created_at"))
                .col(big_integer("updated_at"))
                .foreign_key(&mut within_organization("mirror_pairs", "mirror_id", "mirrors"))
                .foreign_key(&mut within_organization("mirror_pairs", "backfill_id", "mirror_backfills"))
                .take(),
        )
        .await?;
    for item in ["left_item", "right_item"] {
        let of_item = index("mirror_pairs", &["organization_id", "mirror_id", item]).unique().take();
        manager.create_index(of_item).await?;
    }
    // How far a backfill has come.
    manager.create_index(index("mirror_pairs", &["organization_id", "backfill_id"])).await?;
    // Whether a copy is being made, and how many were made lately.
    manager.create_index(index("mirror_pairs", &["organization_id", "mirror_id", "state"])).await?;
    manager.create_index(index("mirror_pairs", &["organization_id", "mirror_id", "created_at"])).await
}

async fn comments(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("mirror_comments")
                .col(uuid("organization_id"))
                .col(uuid("pair_id"))
                // left, right: the original's
                .col(text("side"))
                // The partner's id of the original, or our name of what else is told by a comment.
                .col(text("comment_id"))
                // maybe (sent, and no answer came), there, withdrawn (deleted before it was copied)
                .col(text("state"))
                // The partner's id of the copy.
                .col(text_null("copy_id"))
                .col(big_integer("first_sent_at"))
                .primary_key(Index::create().col("organization_id").col("pair_id").col("side").col("comment_id"))
                .foreign_key(&mut to_organization("mirror_comments"))
                .foreign_key(&mut within_organization("mirror_comments", "pair_id", "mirror_pairs"))
                .take(),
        )
        .await?;
    // Is this comment a copy of ours?
    manager.create_index(index("mirror_comments", &["organization_id", "pair_id", "side", "copy_id"])).await
}

async fn changes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            of_organization("mirror_changes")
                .col(uuid("mirror_id"))
                // Null when it is about an item that is mirrored by nothing; the reason then says why.
                .col(uuid_null("pair_id"))
                // left, right: where it happened
                .col(text("side"))
                // The partner's name of the change: told twice, it is carried once.
                .col(text("change_key"))
                // opened, commented, closed...
                .col(text("what"))
                // Who did it, and what the item is called, for whoever reads the list.
                .col(text("author"))
                .col(text("item_name"))
                .col(text_null("item_url"))
                // The change, sealed; null once it was carried or skipped.
                .col(binary_null("content"))
                // waiting, done, skipped, failed
                .col(text("state"))
                .col(text_null("reason"))
                .col(integer("attempts"))
                .col(big_integer("created_at"))
                .col(big_integer_null("finished_at"))
                .foreign_key(&mut within_organization("mirror_changes", "mirror_id", "mirrors"))
                .foreign_key(&mut within_organization("mirror_changes", "pair_id", "mirror_pairs"))
                .take(),
        )
        .await?;
    let once = index("mirror_changes", &["organization_id", "pair_id", "side", "change_key"]).unique().take();
    manager.create_index(once).await?;
    // A mirror's changes, newest first: ids sort by time.
    manager.create_index(index("mirror_changes", &["organization_id", "mirror_id", "id"])).await?;
    manager.create_index(index("mirror_changes", &["finished_at"])).await
}
