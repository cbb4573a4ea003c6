//! Adding jobs, in the transaction of the rows they are about.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement, Value};

use super::{
    clock,
    lane::{self, Lane},
};
use crate::db::OrganizationId;

/// The PostgreSQL channel on which workers are told of new jobs.
pub(super) const CHANNEL: &str = "patchbay_jobs";

/// A job to add.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// For which tenant; tenants take turns.
    pub organization: OrganizationId,
    /// What kind of job; [`super::Work`] knows what to do with it.
    pub kind: &'static str,
    /// Ids, never content.
    pub payload: serde_json::Value,
    /// Jobs of one lane run one after the other, in the order of adding.
    pub lane: Option<String>,
    /// Not before, unix milliseconds.
    pub run_at: Option<i64>,
}

/// Adds a job: it exists when `tx` is committed, and only then.
///
/// After the commit call [`super::Queue::wake`]. When one transaction adds to several lanes, do it with one
/// [`add_many`]: two that take the same lanes one by one in a different order would wait for each other.
///
/// # Errors
/// The database's.
pub async fn add(tx: &DatabaseTransaction, job: NewJob) -> Result<(), DbErr> {
    add_many(tx, vec![job]).await
}

/// Holds lanes of a tenant until the end of the transaction: for who adds to some of them now and to others later.
///
/// # Errors
/// The database's.
pub async fn hold_lanes(
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    names: impl IntoIterator<Item = String>,
) -> Result<(), DbErr> {
    let lanes = names.into_iter().map(|name| Lane { organization, name }).collect();
    lane::lock(tx, &lanes).await
}

/// How many jobs a statement may add: both databases limit its parameters.
const MOST: usize = 1000;

/// Adds jobs, in this order, with two statements for up to a thousand.
///
/// # Errors
/// The database's.
pub async fn add_many(tx: &DatabaseTransaction, mut jobs: Vec<NewJob>) -> Result<(), DbErr> {
    lane::lock(tx, &jobs.iter().filter_map(NewJob::lane).collect()).await?;
    while !jobs.is_empty() {
        let rest = jobs.split_off(jobs.len().min(MOST));
        insert(tx, jobs).await?;
        jobs = rest;
    }
    Ok(())
}

/// The lanes must be held.
async fn insert(tx: &DatabaseTransaction, jobs: Vec<NewJob>) -> Result<(), DbErr> {
    let backend = tx.get_database_backend();
    let mut lanes_so_far = BTreeSet::new();
    let mut rows = Vec::with_capacity(jobs.len());
    let mut values: Vec<Value> = Vec::with_capacity(5 * jobs.len());
    for (place, job) in jobs.into_iter().enumerate() {
        let behind = job.lane().is_some_and(|lane| !lanes_so_far.insert(lane));
        let at = values.len();
        let parameters: Vec<String> = (at + 1..=at + 5).map(|number| format!("${number}")).collect();
        rows.push(format!("({place}, {}, {})", i32::from(behind), parameters.join(", ")));
        values.extend([
            job.organization.into(),
            job.kind.into(),
            job.payload.into(),
            job.lane.into(),
            job.run_at.into(),
        ]);
    }
    let rows = rows.join(", ");
    let now = clock::now(backend);
    let incoming =
        format!("WITH incoming (place, behind, organization_id, kind, payload, lane, run_at) AS (VALUES {rows})");
    let insert = format!(
        "INSERT INTO jobs (organization_id, kind, payload, lane, state, run_at, created_at)
         SELECT organization_id, kind, payload, lane,
             CASE WHEN behind = 1 OR {} IS NOT NULL OR {} IS NOT NULL THEN 'blocked'
                  WHEN run_at > {now} THEN 'waiting' ELSE 'ready' END,
             coalesce(run_at, {now}), {now}
         FROM incoming ORDER BY place",
        lane::head_of("incoming"),
        lane::next_of("incoming"),
    );
    let sql = match backend {
        DbBackend::Sqlite => format!("{incoming} {insert}"),
        // The workers of all machines are told at the commit.
        _ => format!(
            "{incoming}, added AS ({insert} RETURNING state)
             SELECT pg_notify('{CHANNEL}', '') FROM added WHERE state = 'ready' LIMIT 1"
        ),
    };
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    Ok(())
}

impl NewJob {
    fn lane(&self) -> Option<Lane> {
        let name = self.lane.clone()?;
        Some(Lane { organization: self.organization, name })
    }
}
