//! The seat: on SQLite one process at a time works on a database. On PostgreSQL there are seats for all, see `presence`.
//!
//! A lock file beside the database says who. While one process holds it, no other has a job in hand; so whoever gets it
//! knows that every lease in the table belongs to a process that is gone, and need not wait for the leases to run out.
//! A second process waits for the seat: started before the first one stops, it takes over at once.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use sea_orm::{ConnectionTrait, DbErr, Statement};
use tokio::time::sleep;
use tracing::{info, warn};

use super::{PATIENCE, lease, within, worker::Pause};
use crate::db::Db;

/// Held while it is not dropped.
pub(super) struct Seat {
    _lock: Option<File>,
}

/// Waits for the seat, and gives back what its last holder had in hand.
pub(super) async fn take(db: &Db) -> Seat {
    let mut pause = Pause::default();
    loop {
        match sit_down(db).await {
            Ok(seat) => return seat,
            Err(error) => pause.after(&error, "taking the workers' lock of the database").await,
        }
    }
}

async fn sit_down(db: &Db) -> Result<Seat, DbErr> {
    let lock = match path(db).await? {
        Some(path) => {
            Some(lock(&path).await.map_err(|error| DbErr::Custom(format!("can't lock {}: {error}", path.display())))?)
        }
        None => None,
    };
    let left = within(PATIENCE, lease::reclaim_all(db)).await?;
    if left > 0 {
        info!(jobs = left, "took over jobs of a process that ended with them in hand");
    }
    Ok(Seat { _lock: lock })
}

/// Beside the database's file.
async fn path(db: &Db) -> Result<Option<PathBuf>, DbErr> {
    let backend = db.reader().get_database_backend();
    let sql = "SELECT file FROM pragma_database_list WHERE name = 'main'";
    let row = db.reader().query_one_raw(Statement::from_string(backend, sql)).await?;
    let file: Option<String> = row.map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(file.filter(|file| !file.is_empty()).map(|file| Path::new(&file).with_extension("work.lock")))
}

async fn lock(path: &Path) -> io::Result<File> {
    let file = File::create(path)?;
    let mut said = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                if !said {
                    warn!(lock = %path.display(), "another process works on this database; waiting until it is gone");
                    said = true;
                }
                sleep(Duration::from_millis(100)).await;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}
