//! Presence: on PostgreSQL, how workers that start know whose leases nobody will settle any more.
//!
//! Each owner of leases holds an advisory lock in the session it listens in. The server lets go of it when that session
//! ends, however its process ended: a process that is started again after a `kill -9` need not wait for the leases to run
//! out. A session may also be cut while its process lives, which then holds the lock again in a moment; so an owner counts
//! as gone when its lock is free for some time. Should it live after all, its fence keeps the two apart, as ever. Of a
//! machine that went dark, whose session the server still believes in, the leases run out.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait, DbErr, Statement};
use sqlx::postgres::PgListener;
use tokio::time::sleep;
use tracing::info;

use super::{
    PATIENCE, Queue,
    lease::{self, Owner},
    within,
    worker::{Crew, LONGEST_PAUSE, Pause},
};

/// How long a lock must be free: longer than workers pause between two tries to reach the database.
const GRACE: Duration = LONGEST_PAUSE.saturating_add(Duration::from_secs(1));

/// How often to look meanwhile.
const LOOK: Duration = Duration::from_millis(500);

/// Holds the owner's lock for as long as the session lives.
///
/// It is a shared one, so that a lost session the server still believes in does not keep its successor waiting.
pub(super) async fn announce(session: &mut PgListener, owner: &Owner) -> Result<(), sqlx::Error> {
    let lock = sqlx::query("SELECT pg_advisory_lock_shared(hashtextextended($1, 0))");
    lock.bind(owner.as_str()).execute(session).await?;
    Ok(())
}

/// Gives back, once, what owners who are gone had in hand.
pub(super) async fn take_over(crew: Arc<Crew>) {
    let mut pause = Pause::default();
    // An outage ends the sessions of all: the time begins anew.
    while let Err(error) = take_over_from_gone(&crew.queue, &crew.owner).await {
        pause.after(&error, "looking for jobs of processes that ended").await;
    }
    pause.is_over();
}

async fn take_over_from_gone(queue: &Queue, ours: &Owner) -> Result<(), DbErr> {
    let begun = Instant::now();
    let mut gone = absent(queue, ours).await?;
    while !gone.is_empty() && begun.elapsed() < GRACE {
        sleep(LOOK).await;
        let still = absent(queue, ours).await?;
        gone.retain(|owner| still.contains(owner));
    }
    let left = within(PATIENCE, lease::reclaim_from(&queue.db, &gone)).await?;
    if left > 0 {
        info!(jobs = left, "took over jobs of processes that ended with them in hand");
        queue.wake();
    }
    Ok(())
}

/// The other owners of leases whose lock nobody holds.
async fn absent(queue: &Queue, ours: &Owner) -> Result<HashSet<String>, DbErr> {
    // The lock's number stands in two halves.
    let sql = "SELECT DISTINCT lease_owner FROM jobs WHERE state = 'leased' AND lease_owner <> $1 AND NOT EXISTS (
             SELECT 1 FROM pg_locks
             WHERE locktype = 'advisory' AND objsubid = 1 AND granted
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                 AND (classid::bigint << 32) | objid::bigint = hashtextextended(lease_owner, 0)
         )";
    let reader = queue.db.reader();
    let statement = Statement::from_sql_and_values(reader.get_database_backend(), sql, [ours.as_str().into()]);
    let rows = within(PATIENCE, reader.query_all_raw(statement)).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}
