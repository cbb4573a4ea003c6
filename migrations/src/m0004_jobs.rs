//! The durable queue. It knows nothing of partners; what its states mean is written in the app, in `queue`.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, big_pk_auto, integer, json_binary, text, text_null, uuid},
    sea_orm::DbBackend,
};

use crate::table::{drop_all, index};

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
                Table::create()
                    .table("jobs")
                    .col(big_pk_auto("id"))
                    .col(uuid("organization_id"))
                    .col(text("kind"))
                    .col(json_binary("payload"))
                    // Jobs of one lane run one after the other; null = no order.
                    .col(text_null("lane"))
                    // ready, blocked (behind another of its lane), waiting (for run_at), leased, quarantined, dead
                    .col(text("state"))
                    .col(big_integer("run_at"))
                    .col(integer("attempts").default(0))
                    .col(integer("deaths").default(0))
                    .col(text_null("lease_owner"))
                    .col(big_integer_null("leased_until"))
                    .col(big_integer("fence").default(0))
                    .col(text_null("last_error"))
                    .col(big_integer("created_at"))
                    .col(big_integer_null("died_at"))
                    .take(),
            )
            .await?;
        // The turn of the tenants, the letters of one tenant, and the counts by state.
        manager.create_index(index("jobs", &["state", "organization_id", "id"])).await?;
        // Who is at the head of a lane: nobody, or one. And who is next.
        let heads = Expr::cust("lane IS NOT NULL AND state IN ('ready', 'waiting', 'leased')");
        manager.create_index(index("jobs", &["organization_id", "lane"]).unique().and_where(heads).take()).await?;
        let behind = Expr::cust("state = 'blocked'");
        manager.create_index(index("jobs", &["organization_id", "lane", "id"]).and_where(behind).take()).await?;
        // What is due. The state stands in front although it is always the same: SQLite would else choose the index above.
        let waiting = Expr::cust("state = 'waiting'");
        manager.create_index(index("jobs", &["state", "run_at"]).and_where(waiting).take()).await?;
        let leased = Expr::cust("state = 'leased'");
        manager.create_index(index("jobs", &["state", "leased_until"]).and_where(leased).take()).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            // Rows come and go here: the usual fifth of the table is far too many dead ones to step over.
            manager
                .get_connection()
                .execute_unprepared(
                    "ALTER TABLE jobs SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0)",
                )
                .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["jobs"]).await
    }
}
