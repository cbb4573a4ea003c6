//! Health: what would mend a broken link, since when an account is broken, which breaks of accounts and mirrors were told, and
//! what works again and is still to be said on a page.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, text, text_null, uuid},
};

use crate::table::{drop_all, index, of_organization, to_user, within_organization};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Table and columns of the indexes that are added: every page asks whether something of the person's is broken.
const INDEXES: [(&str, &[&str]); 3] = [
    ("integration_links", &["organization_id", "state"]),
    ("integration_users", &["organization_id", "state"]),
    ("mirrors", &["organization_id", "state"]),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // reconnect, grant, join, operator; none = try again
        manager.alter_table(Table::alter().table("integration_links").add_column(text_null("remedy")).take()).await?;
        let since = big_integer_null("broken_since");
        manager.alter_table(Table::alter().table("integration_users").add_column(since).take()).await?;
        let known = Query::update()
            .table("integration_users")
            .value("broken_since", Expr::col("updated_at"))
            .and_where(Expr::col("state").eq("broken"))
            .take();
        manager.execute(known).await?;
        for (table, column, to) in [
            ("told_account_breaks", "integration_user_id", "integration_users"),
            ("told_mirror_breaks", "mirror_id", "mirrors"),
        ] {
            manager
                .create_table(
                    Table::create()
                        .table(table)
                        .col(uuid("organization_id"))
                        .col(uuid(column))
                        .col(big_integer("told_at"))
                        .primary_key(Index::create().col("organization_id").col(column))
                        .foreign_key(&mut within_organization(table, column, to))
                        .take(),
                )
                .await?;
        }
        manager
            .create_table(
                of_organization("recoveries")
                    .col(uuid("user_id"))
                    .col(text("what"))
                    .col(text("path"))
                    .col(big_integer("since"))
                    .foreign_key(&mut to_user("recoveries", "user_id"))
                    .take(),
            )
            .await?;
        manager.create_index(index("recoveries", &["user_id"])).await?;
        manager.create_index(index("recoveries", &["since"])).await?;
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
        drop_all(manager, &["recoveries", "told_mirror_breaks", "told_account_breaks"]).await?;
        manager.alter_table(Table::alter().table("integration_users").drop_column("broken_since").take()).await?;
        manager.alter_table(Table::alter().table("integration_links").drop_column("remedy").take()).await
    }
}
