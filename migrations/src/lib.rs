//! The steps that make the schema, portable to SQLite and PostgreSQL.
//!
//! A step is small, goes up and down, knows nothing of today's entities and is never edited once it has landed. Times
//! are integers (unix milliseconds), ids are UUIDs (version 7), JSON is binary JSON: both databases then behave alike.
//! Every tenant table starts its key with `organization_id`, so that a row can't be named without its tenant and a
//! distributed PostgreSQL can shard by it.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{MigrationTrait, async_trait};

mod m0001_people;
mod m0002_entries;
mod m0003_integrations;
mod m0004_jobs;
mod m0005_inbox;
mod m0006_instance;
mod m0007_open_entries;
mod m0008_old_dead_letters;
mod m0009_outbox;
mod m0010_items;
mod m0011_item_changes;
mod m0012_mirrors;
mod m0013_traces;
mod m0014_searched_entries;
mod m0015_mail;
mod m0016_audit;
mod m0017_retention;
mod m0018_deletions;
mod m0019_health;
mod m0020_handover;
mod m0021_recorded_entries;
mod m0022_sayings;
mod m0023_password_links;
mod m0024_team_deletions;
mod table;

/// All steps, in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_people::Migration),
            Box::new(m0002_entries::Migration),
            Box::new(m0003_integrations::Migration),
            Box::new(m0004_jobs::Migration),
            Box::new(m0005_inbox::Migration),
            Box::new(m0006_instance::Migration),
            Box::new(m0007_open_entries::Migration),
            Box::new(m0008_old_dead_letters::Migration),
            Box::new(m0009_outbox::Migration),
            Box::new(m0010_items::Migration),
            Box::new(m0011_item_changes::Migration),
            Box::new(m0012_mirrors::Migration),
            Box::new(m0013_traces::Migration),
            Box::new(m0014_searched_entries::Migration),
            Box::new(m0015_mail::Migration),
            Box::new(m0016_audit::Migration),
            Box::new(m0017_retention::Migration),
            Box::new(m0018_deletions::Migration),
            Box::new(m0019_health::Migration),
            Box::new(m0020_handover::Migration),
            Box::new(m0021_recorded_entries::Migration),
            Box::new(m0022_sayings::Migration),
            Box::new(m0023_password_links::Migration),
            Box::new(m0024_team_deletions::Migration),
        ]
    }
}
