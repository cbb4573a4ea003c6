//! Bringing the schema up to date, one process at a time.
//!
//! sea-orm-migration takes no lock of its own, and several processes may start at once.

use std::fs::File;

use anyhow::Context;
use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbErr, Statement};

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

/// How many steps the schema lacks. Changes nothing.
///
/// # Errors
/// When the database does not answer.
pub async fn missing_steps(db: &Db) -> Result<usize, DbErr> {
    let all = Migrator::migrations().len();
    let table = match db.backend {
        Backend::Sqlite => "SELECT count(*) FROM sqlite_master WHERE name = 'seaql_migrations'",
        Backend::Postgres => "SELECT count(*) FROM pg_tables WHERE tablename = 'seaql_migrations'",
    };
    if count(db, table).await? == 0 {
        return Ok(all);
    }
    let applied = count(db, "SELECT count(*) FROM seaql_migrations").await?;
    Ok(all.saturating_sub(usize::try_from(applied).unwrap_or(0)))
}

async fn count(db: &Db, sql: &str) -> Result<i64, DbErr> {
    let row = db.reader.query_one_raw(Statement::from_string(db.reader.get_database_backend(), sql)).await?;
    row.map_or(Ok(0), |row| row.try_get_by_index(0))
}
