//! How long each organization keeps what came and went, and its entries; what is over its time is found by tenant.

use sea_orm_migration::{
    prelude::*,
    schema::{integer, integer_null},
};

use crate::table::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Table and time, by which a tenant's old rows are found.
const BY_AGE: [(&str, &str); 4] = [
    ("inbox_messages", "received_at"),
    ("outbox_messages", "finished_at"),
    ("mirror_changes", "finished_at"),
    ("entries", "created_at"),
];

/// Indexes that those take the place of. The outbox's stays: what is unfinished is counted by it.
const REPLACED: [(&str, &str); 2] = [("inbox_messages", "received_at"), ("mirror_changes", "finished_at")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in columns() {
            manager.alter_table(Table::alter().table("organizations").add_column(column).take()).await?;
        }
        for (table, time) in REPLACED {
            manager.drop_index(named(table, &[time])).await?;
        }
        for (table, time) in BY_AGE {
            manager.create_index(index(table, &["organization_id", time])).await?;
        }
        // An entry that goes takes along what was told of it.
        let told = Expr::cust("entry_id IS NOT NULL");
        manager.create_index(index("outbox_messages", &["organization_id", "entry_id"]).and_where(told).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(named("outbox_messages", &["organization_id", "entry_id"])).await?;
        for (table, time) in BY_AGE {
            manager.drop_index(named(table, &["organization_id", time])).await?;
        }
        for (table, time) in REPLACED {
            manager.create_index(index(table, &[time])).await?;
        }
        for column in columns() {
            let name = column.get_column_name();
            manager.alter_table(Table::alter().table("organizations").drop_column(name).take()).await?;
        }
        Ok(())
    }
}

fn columns() -> [ColumnDef; 2] {
    [
        integer("messages_kept_days").default(30).take(),
        // Null: for ever.
        integer_null("entries_kept_days"),
    ]
}

fn named(table: &'static str, columns: &[&str]) -> IndexDropStatement {
    Index::drop().name(format!("idx_{table}_{}", columns.join("_"))).table(table).to_owned()
}
