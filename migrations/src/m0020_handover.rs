//! Handover: an account outlives the membership of whoever connected it, until it is given back to the partner; and a
//! consent knows what it is there for. A link knows for how long it could hear nothing.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, binary_null, integer, json_binary, text, text_null, uuid_null},
    sea_orm::{ConnectionTrait, DbBackend},
};

use crate::table::{index, of_organization, to_user};

const TABLE: &str = "integration_users";

/// From when until when a link could hear nothing, unix milliseconds.
const UNHEARD: [&str; 2] = ["unheard_from", "unheard_until"];

/// The account that a consent is to mend, and the link that is to act with what it brings.
const CONSENT_FOR: [&str; 2] = ["mends", "take_over"];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in CONSENT_FOR {
            manager.alter_table(Table::alter().table("oauth_states").add_column(uuid_null(column)).take()).await?;
        }
        for column in UNHEARD {
            let column = big_integer_null(column);
            manager.alter_table(Table::alter().table("integration_links").add_column(column).take()).await?;
        }
        refer(manager, to_user(TABLE, "user_id"), ["organization_id", "user_id"].as_slice()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in CONSENT_FOR {
            manager.alter_table(Table::alter().table("oauth_states").drop_column(column).take()).await?;
        }
        for column in UNHEARD {
            manager.alter_table(Table::alter().table("integration_links").drop_column(column).take()).await?;
        }
        // Whose membership has ended could not be referred to.
        let sql = "DELETE FROM integration_users WHERE user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM members AS m \
                   WHERE m.organization_id = integration_users.organization_id AND m.user_id = integration_users.user_id)";
        manager.get_connection().execute_unprepared(sql).await?;
        let to_member = ForeignKey::create()
            .from(TABLE, ("organization_id", "user_id"))
            .to("members", ("organization_id", "user_id"))
            .on_delete(ForeignKeyAction::Cascade)
            .take();
        refer(manager, to_member, ["user_id"].as_slice()).await
    }
}

/// Lets the accounts refer to something else than before.
async fn refer(manager: &SchemaManager<'_>, mut to: ForeignKeyCreateStatement, before: &[&str]) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Sqlite {
        return rebuild(manager, to).await;
    }
    // The name that PostgreSQL gives to a reference without one.
    let old = format!("{TABLE}_{}_fkey", before.join("_"));
    let db = manager.get_connection();
    db.execute_unprepared(&format!("ALTER TABLE {TABLE} DROP CONSTRAINT {old}")).await?;
    manager.create_foreign_key(to.take()).await
}

/// SQLite can't change what a table refers to, so the rows move into a new one. Dropping the old one takes along what
/// refers to it: that is put aside meanwhile.
async fn rebuild(manager: &SchemaManager<'_>, mut to: ForeignKeyCreateStatement) -> Result<(), DbErr> {
    let db = manager.get_connection();
    db.execute_unprepared("CREATE TEMPORARY TABLE told_aside AS SELECT * FROM told_account_breaks").await?;
    manager
        .create_table(
            of_organization("integration_users_new")
                .col(uuid_null("user_id"))
                .col(text("partner"))
                .col(text("account_id"))
                .col(text("account_name"))
                .col(text_null("account_url"))
                .col(json_binary("scopes"))
                .col(binary_null("credentials"))
                .col(big_integer_null("expires_at"))
                .col(big_integer_null("refreshing_until"))
                .col(text("state"))
                .col(text_null("reason"))
                .col(big_integer("connected_at"))
                .col(big_integer("created_at"))
                .col(big_integer("updated_at"))
                .col(big_integer_null("refused_since"))
                .col(integer("refusals").default(0))
                .col(text_null("site"))
                .col(big_integer_null("broken_since"))
                .foreign_key(&mut to)
                .take(),
        )
        .await?;
    for sql in [
        "INSERT INTO integration_users_new SELECT * FROM integration_users",
        "DROP TABLE integration_users",
        "ALTER TABLE integration_users_new RENAME TO integration_users",
        "INSERT INTO told_account_breaks SELECT * FROM told_aside",
        "DROP TABLE told_aside",
    ] {
        db.execute_unprepared(sql).await?;
    }
    manager
        .create_index(index(TABLE, &["organization_id", "user_id", "partner", "account_id"]).unique().take())
        .await?;
    manager.create_index(index(TABLE, &["organization_id", "partner", "account_id"])).await?;
    let installation = Expr::cust("user_id IS NULL");
    manager.create_index(index(TABLE, &["partner", "account_id"]).unique().and_where(installation).take()).await?;
    manager.create_index(index(TABLE, &["organization_id", "state"])).await
}
