//! Upkeep: renewing leases, letting jobs go on whose time has come, taking back what dead processes had, counting.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::{ActiveEnum, ConnectionTrait, DbBackend, DbErr, Iterable, Statement};
use tokio::time::sleep;
use tracing::{debug, warn};

use super::{
    PATIENCE, Queue, clock, lane, lease, within,
    worker::{Crew, Pause},
};
use crate::db::{Db, entity::job::JobState};

/// How often jobs are counted for the metrics.
const COUNT: Duration = Duration::from_secs(15);

/// How often lanes are looked over for ones that nobody moved on.
const SWEEP: Duration = Duration::from_secs(60);

/// Renews the leases of what is in hand, and tells the runs whose lease is lost.
pub(super) async fn renew_leases(crew: Arc<Crew>) {
    let mut pause = Pause::default();
    loop {
        sleep(crew.options.heartbeat).await;
        loop {
            let leases = crew.leases();
            if leases.is_empty() {
                break;
            }
            // What is slower than a heartbeat is as good as failed.
            let renewing = lease::heartbeat(&crew.queue.db, &leases, crew.options.lease);
            match within(crew.options.heartbeat, renewing).await {
                Ok(ours) => {
                    pause.is_over();
                    leases.iter().filter(|lease| !ours.contains(&lease.id)).for_each(|lease| crew.lose(lease));
                    break;
                }
                Err(error) => pause.after(&error, "renewing leases").await,
            }
        }
    }
}

/// Everything else that has to be done from time to time.
pub(super) async fn keep_up(crew: Arc<Crew>) {
    let Crew { queue, options, .. } = &*crew;
    let mut pause = Pause::default();
    let mut answering_since = Instant::now();
    let (mut counted, mut swept) = (None, Instant::now());
    loop {
        let round = async {
            let mut some_ready = within(PATIENCE, let_due_go_on(&queue.db)).await? > 0;
            // After an outage the leases of all have run out. First give each a heartbeat's time to renew its own.
            if answering_since.elapsed() > options.heartbeat {
                let taken_back = within(PATIENCE, lease::reclaim_expired(&queue.db, &crew.leases())).await?;
                if taken_back > 0 {
                    warn!(jobs = taken_back, "took back jobs whose lease ran out");
                }
                some_ready |= taken_back > 0;
            }
            if swept.elapsed() > SWEEP {
                swept = Instant::now();
                let moved = within(PATIENCE, lane::move_lanes_on(&queue.db)).await?;
                if moved > 0 {
                    warn!(lanes = moved, "moved on lanes that nobody had moved on");
                }
                some_ready |= moved > 0;
            }
            if counted.is_none_or(|counted: Instant| counted.elapsed() > COUNT) {
                counted = Some(Instant::now());
                publish(&within(PATIENCE, count(queue)).await?);
            }
            Ok::<_, DbErr>(some_ready)
        };
        match round.await {
            Ok(some_ready) => {
                pause.is_over();
                if some_ready {
                    queue.wake();
                }
                sleep(options.poll).await;
            }
            Err(error) => {
                pause.after(&error, "the upkeep of jobs").await;
                answering_since = Instant::now();
            }
        }
    }
}

/// Waiting jobs whose time has come are ready. Answers with how many.
///
/// # Errors
/// The database's.
pub async fn let_due_go_on(db: &Db) -> Result<u64, DbErr> {
    let backend = db.reader().get_database_backend();
    let now = clock::now_once(backend);
    let due = format!("FROM jobs WHERE state = 'waiting' AND run_at <= {now}");
    // Usually there is none, and on SQLite looking first leaves the writer to others. The order is that of the index:
    // without it PostgreSQL expects to find one soon, and reads every job that waits.
    let any = Statement::from_string(backend, format!("SELECT 1 {due} ORDER BY run_at LIMIT 1"));
    if db.reader().query_one_raw(any).await?.is_none() {
        return Ok(0);
    }
    let others = if backend == DbBackend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
    let sql =
        format!("UPDATE jobs SET state = 'ready' WHERE id IN (SELECT id {due} ORDER BY run_at LIMIT 1000 {others})");
    let moved = db.write(async |tx| tx.execute_unprepared(&sql).await).await?.rows_affected();
    if moved > 0 {
        debug!(jobs = moved, "their time has come");
    }
    Ok(moved)
}

/// How many jobs there are in each state.
///
/// # Errors
/// The database's.
pub async fn count(queue: &Queue) -> Result<HashMap<JobState, u64>, DbErr> {
    let reader = queue.db.reader();
    let sql = "SELECT state, count(*) FROM jobs GROUP BY state";
    let rows = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), sql)).await?;
    let mut counts: HashMap<JobState, u64> = JobState::iter().map(|state| (state, 0)).collect();
    for row in rows {
        counts.insert(row.try_get_by_index(0)?, row.try_get_by_index::<i64>(1)?.unsigned_abs());
    }
    Ok(counts)
}

fn publish(counts: &HashMap<JobState, u64>) {
    for (state, number) in counts {
        metrics::gauge!("patchbay_jobs", "state" => state.to_value()).set(*number as f64);
    }
}
