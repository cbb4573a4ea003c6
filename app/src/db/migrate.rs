//! Bringing the schema up to date, one process at a time.
//!
//! sea-orm-migration takes no lock of its own, and several processes may start at once.

use std::fs::File;

use anyhow::Context;
use migrations::{Migrator, MigratorTrait};
use sea_orm::ConnectionTrait;

use super::{Backend, DatabaseUrl, Db};

/// Any number will do, as long as every Patchbay uses the same one.
const ADVISORY_LOCK: i64 = 0x7061_7463_6862_6179;

/// Applies the steps that are missing.
///
/// # Errors
/// When a step fails; the schema then stands as it was before that step.
pub async fn migrate(db: &Db, url: &DatabaseUrl) -> anyhow::Result<()> {
    match (db.backend, url.sqlite_path()) {
        (Backend::Sqlite, Some(path)) => {
            let lock = path.with_extension("migrate.lock");
            let file = File::create(&lock).with_context(|| format!("can't make {}", lock.display()))?;
            let file = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await??;
            Migrator::up(&db.writer, None).await.context("a migration failed")?;
            file.unlock()?;
        }
        _ => {
            // The transaction holds the lock and nothing else; the steps run beside it, each in its own.
            let holder = db.begin().await?;
            holder.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")).await?;
            Migrator::up(&db.writer, None).await.context("a migration failed")?;
            holder.commit().await?;
        }
    }
    Ok(())
}
