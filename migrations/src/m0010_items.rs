//! Items of partners, what entries and outbox messages say of them, and what Flowdock's and Zendesk's ways of connecting
//! need to keep.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, binary, binary_null, integer, json_binary, text, text_null, uuid, uuid_null,
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
        items(manager).await?;
        action_marks(manager).await?;
        for (table, column) in added() {
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in added() {
            let name = column.get_column_name();
            manager.alter_table(Table::alter().table(table).drop_column(name).take()).await?;
        }
        drop_all(manager, &["action_marks", "items"]).await
    }
}

fn added() -> [(&'static str, ColumnDef); 12] {
    [
        // The partner's id of the item an entry is about.
        ("entries", text_null("item")),
        ("entries", text_null("author_avatar")),
        ("outbox_messages", uuid_null("item_id")),
        // What the partner gave for this link alone, sealed.
        ("integration_links", binary_null("given_secret")),
        // What the partner's people were last shown to be wrong with the link; null = nothing.
        ("integration_links", text_null("noticed")),
        // Since when the partner refuses to renew the credentials, and how often it did; null and 0 when it does not.
        ("integration_users", big_integer_null("refused_since")),
        ("integration_users", integer("refusals").default(0).take()),
        // Whose address, where each customer of the partner has one.
        ("integration_users", text_null("site")),
        ("oauth_states", text_null("site")),
        // The claim that this consent is to prove.
        ("oauth_states", binary_null("claim_hash")),
        // The partner whose account is missing too, for what they clicked.
        ("account_claims", text_null("needs")),
        // 'proof': they have to show at the partner that the account is theirs.
        ("account_claims", text_null("demands")),
    ]
}

async fn items(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            of_organization("items")
                // The link it became known through.
                .col(uuid("link_id"))
                // The partner's id of it, unique within the link.
                .col(text("external_id"))
                // How it stood when it was last heard of.
                .col(json_binary("picture"))
                // By the partner's clock, unix seconds: an older picture never replaces a newer one.
                .col(big_integer_null("changed_at"))
                .col(big_integer("created_at"))
                .col(big_integer("updated_at"))
                .foreign_key(&mut within_organization("items", "link_id", "integration_links"))
                .take(),
        )
        .await?;
    manager.create_index(index("items", &["organization_id", "link_id", "external_id"]).unique().take()).await
}

async fn action_marks(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("action_marks")
                .col(uuid("organization_id"))
                // SHA-256 of the token that a click came with.
                .col(binary("mark"))
                .col(big_integer("stale_at"))
                .primary_key(Index::create().col("organization_id").col("mark"))
                .foreign_key(&mut to_organization("action_marks"))
                .take(),
        )
        .await?;
    manager.create_index(index("action_marks", &["stale_at"])).await
}
