//! Leases: the right to settle a job, and every write that ends or renews one.
//!
//! Each of these writes names the job, the fence and the owner. A worker that was stalled, and whose job was given to
//! another meanwhile, touches no row with them, and is told so.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement, Value};
use uuid::Uuid;

use super::{
    clock,
    lane::{self, Lane},
};
use crate::db::{Db, entity::job::JobState};

/// After so many deaths of a process with the job in hand it is not run again.
pub const MOST_DEATHS: u32 = 3;

/// Who holds leases: one start of one process, never the same name twice.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner(Arc<str>);

impl Owner {
    /// A new one.
    #[allow(clippy::new_without_default, reason = "each is another")]
    pub fn new() -> Self {
        Self(Uuid::new_v4().to_string().into())
    }

    /// As it stands in the row.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One owner's hold on one job.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The job's number.
    pub id: i64,
    /// The job's fence when it was claimed.
    pub fence: i64,
    /// By whom.
    pub owner: Owner,
}

/// How a claimed job leaves its worker's hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Done: the row goes.
    Done,
    /// Failed for now: waits for its next attempt.
    Again {
        /// For so long.
        pause: Duration,
        /// Why it failed.
        why: String,
    },
    /// Not tried: waits, and no attempt counts.
    Later {
        /// For so long.
        pause: Duration,
    },
    /// Failed for good.
    Dead {
        /// Why.
        why: String,
    },
    /// Processes died of it.
    Quarantined {
        /// Why.
        why: String,
    },
    /// Untouched: back as it was, and the attempt does not count.
    Released,
}

/// One lease and how it ends.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The lease.
    pub lease: Lease,
    /// The job's lane.
    pub lane: Option<Lane>,
    /// How.
    pub end: End,
}

/// Ends leases, all in one commit; the next of a lane goes on in the same. Answers with the jobs that were still ours.
///
/// # Errors
/// The database's. Nothing is settled then, or (if the commit itself failed) everything; settling again is safe.
pub async fn settle(db: &Db, settlements: &[Settlement]) -> Result<HashSet<i64>, DbErr> {
    db.write(async |tx| {
        let lanes: BTreeSet<Lane> = settlements.iter().filter_map(Settlement::lane_to_move).cloned().collect();
        lane::lock(tx, &lanes).await?;
        let leases: Vec<&Lease> = settlements.iter().map(|settlement| &settlement.lease).collect();
        lock_rows(tx, &leases).await?;
        let mut ours = remove_done(tx, settlements).await?;
        for settlement in settlements {
            if write_end(tx, settlement).await? {
                ours.insert(settlement.lease.id);
            }
        }
        lane::promote(tx, &lanes).await?;
        Ok(ours)
    })
    .await
}

impl Settlement {
    /// The lane whose head this takes away.
    fn lane_to_move(&self) -> Option<&Lane> {
        match self.end {
            End::Done | End::Dead { .. } | End::Quarantined { .. } => self.lane.as_ref(),
            End::Again { .. } | End::Later { .. } | End::Released => None,
        }
    }
}

async fn remove_done(tx: &DatabaseTransaction, settlements: &[Settlement]) -> Result<HashSet<i64>, DbErr> {
    let done: Vec<&Lease> = settlements
        .iter()
        .filter(|settlement| settlement.end == End::Done)
        .map(|settlement| &settlement.lease)
        .collect();
    if done.is_empty() {
        return Ok(HashSet::new());
    }
    let backend = tx.get_database_backend();
    let sql = format!("DELETE FROM jobs WHERE {} RETURNING id", among(backend));
    ids(tx, Statement::from_sql_and_values(backend, sql, [list(&done)])).await
}

/// Every end but [`End::Done`].
async fn write_end(tx: &DatabaseTransaction, settlement: &Settlement) -> Result<bool, DbErr> {
    let backend = tx.get_database_backend();
    let now = clock::now(backend);
    let free = "lease_owner = NULL, leased_until = NULL";
    let (set, values): (String, Vec<Value>) = match &settlement.end {
        End::Done => return Ok(false),
        End::Released => (format!("state = 'ready', {free}"), Vec::new()),
        End::Again { pause, why } => (
            format!("state = 'waiting', run_at = {now} + $4, attempts = attempts + 1, last_error = $5, {free}"),
            vec![milliseconds(*pause).into(), readable(why).into()],
        ),
        End::Later { pause } => {
            (format!("state = 'waiting', run_at = {now} + $4, {free}"), vec![milliseconds(*pause).into()])
        }
        End::Dead { why } => (
            format!("state = $4, died_at = {now}, attempts = attempts + 1, last_error = $5, {free}"),
            vec![JobState::Dead.into(), readable(why).into()],
        ),
        End::Quarantined { why } => (
            format!("state = $4, died_at = {now}, last_error = $5, {free}"),
            vec![JobState::Quarantined.into(), readable(why).into()],
        ),
    };
    let sql = format!("UPDATE jobs SET {set} WHERE id = $1 AND fence = $2 AND lease_owner = $3");
    let Lease { id, fence, owner } = &settlement.lease;
    let named = [(*id).into(), (*fence).into(), owner.as_str().into()];
    let statement = Statement::from_sql_and_values(backend, sql, named.into_iter().chain(values));
    Ok(tx.execute_raw(statement).await?.rows_affected() > 0)
}

/// Renews leases for another `length` from now. Answers with the jobs that are still ours.
///
/// # Errors
/// The database's.
pub async fn heartbeat(db: &Db, leases: &[Lease], length: Duration) -> Result<HashSet<i64>, DbErr> {
    let leases: Vec<&Lease> = leases.iter().collect();
    db.write(async |tx| {
        lock_rows(tx, &leases).await?;
        let backend = tx.get_database_backend();
        let now = clock::now(backend);
        let sql = format!("UPDATE jobs SET leased_until = {now} + $2 WHERE {} RETURNING id", among(backend));
        ids(tx, Statement::from_sql_and_values(backend, sql, [list(&leases), milliseconds(length).into()])).await
    })
    .await
}

/// Gives back leases that ran out, because their owner died or is stalled, except those `in_hand`: their owner is the
/// one who asks, and knows better. Answers with how many.
///
/// # Errors
/// The database's.
pub async fn reclaim_expired(db: &Db, in_hand: &[Lease]) -> Result<u64, DbErr> {
    let now = clock::now_once(db.reader().get_database_backend());
    reclaim(db, &format!("leased_until < {now}"), in_hand, None).await
}

/// Gives back every lease: for the start of the only process that works on a database.
///
/// # Errors
/// The database's.
pub async fn reclaim_all(db: &Db) -> Result<u64, DbErr> {
    reclaim(db, "TRUE", &[], None).await
}

/// Gives back, on PostgreSQL, the leases of owners who are known to be gone.
///
/// # Errors
/// The database's.
pub(super) async fn reclaim_from(db: &Db, gone: &HashSet<String>) -> Result<u64, DbErr> {
    let gone = serde_json::json!(gone);
    reclaim(db, "lease_owner IN (SELECT jsonb_array_elements_text($2))", &[], Some(gone.into())).await
}

/// `$2` in `which` is `more`.
async fn reclaim(db: &Db, which: &str, in_hand: &[Lease], more: Option<Value>) -> Result<u64, DbErr> {
    let backend = db.reader().get_database_backend();
    let values: Vec<Value> = [list(&in_hand.iter().collect::<Vec<_>>())].into_iter().chain(more).collect();
    let which = format!("FROM jobs WHERE state = 'leased' AND {which} AND NOT ({})", among(backend));
    // Usually there is none, and on SQLite looking first leaves the writer to others.
    let any = Statement::from_sql_and_values(backend, format!("SELECT 1 {which} LIMIT 1"), values.clone());
    if db.reader().query_one_raw(any).await?.is_none() {
        return Ok(0);
    }
    let others = if backend == DbBackend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
    // The lane stays as it is: a job that is ready again is still its head.
    let sql = format!(
        "UPDATE jobs SET state = 'ready', deaths = deaths + 1, lease_owner = NULL, leased_until = NULL,
             last_error = 'the process that had it ended or was stalled'
         WHERE id IN (SELECT id {which} LIMIT 500 {others})"
    );
    let statement = Statement::from_sql_and_values(backend, sql, values);
    let mut all = 0;
    loop {
        let some = db.write(async |tx| tx.execute_raw(statement.clone()).await).await?.rows_affected();
        all += some;
        if some < 500 {
            return Ok(all);
        }
    }
}

/// Gives back what `owner` has by the rows but not in its hands: a claim whose commit was not heard of. It was never
/// begun, so it counts neither as an attempt nor as a death.
///
/// # Errors
/// The database's.
pub async fn release_strays(db: &Db, owner: &Owner, in_hand: &[Lease]) -> Result<u64, DbErr> {
    let in_hand: Vec<&Lease> = in_hand.iter().collect();
    db.write(async |tx| {
        let backend = tx.get_database_backend();
        let sql = format!(
            "UPDATE jobs SET state = 'ready', lease_owner = NULL, leased_until = NULL
             WHERE state = 'leased' AND lease_owner = $2 AND NOT ({})",
            among(backend)
        );
        let statement = Statement::from_sql_and_values(backend, sql, [list(&in_hand), owner.as_str().into()]);
        Ok(tx.execute_raw(statement).await?.rows_affected())
    })
    .await
}

/// Takes hold of the rows one after the other in a fixed order, so that a heartbeat and a settlement of the same jobs
/// can't wait for each other.
async fn lock_rows(tx: &DatabaseTransaction, leases: &[&Lease]) -> Result<(), DbErr> {
    let backend = tx.get_database_backend();
    if backend == DbBackend::Postgres && leases.len() > 1 {
        let sql = format!("SELECT id FROM jobs WHERE {} ORDER BY id FOR UPDATE", among(backend));
        tx.query_all_raw(Statement::from_sql_and_values(backend, sql, [list(leases)])).await?;
    }
    Ok(())
}

/// "The row is under one of these leases", `$1` being their [`list`]: one statement text for any number of them.
fn among(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => {
            "(id, fence, lease_owner) IN (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1))"
        }
        _ => {
            "(id, fence, lease_owner) IN
             (SELECT (value ->> 0)::bigint, (value ->> 1)::bigint, value ->> 2 FROM jsonb_array_elements($1))"
        }
    }
}

fn list(leases: &[&Lease]) -> Value {
    let list: Vec<_> =
        leases.iter().map(|lease| serde_json::json!([lease.id, lease.fence, lease.owner.as_str()])).collect();
    serde_json::Value::Array(list).into()
}

async fn ids(tx: &DatabaseTransaction, statement: Statement) -> Result<HashSet<i64>, DbErr> {
    tx.query_all_raw(statement).await?.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// A duration as the rows have it.
pub(super) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A reason as it is kept: no longer than a paragraph, and without the one character PostgreSQL can't store.
fn readable(why: &str) -> String {
    why.chars().take(1000).map(|character| if character == '\0' { '\u{fffd}' } else { character }).collect()
}
