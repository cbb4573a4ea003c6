//! Adding jobs, in the transaction of the rows they are about.

use std::collections::BTreeSet;

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement,
    sea_query::{Expr, ExprTrait, Query},
};

use super::{
    clock,
    lane::{self, Lane},
};
use crate::db::{
    OrganizationId,
    entity::job::{self, JobState},
};

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

/// Adds jobs, in this order, with a fixed number of statements.
///
/// # Errors
/// The database's.
pub async fn add_many(tx: &DatabaseTransaction, jobs: Vec<NewJob>) -> Result<(), DbErr> {
    if jobs.is_empty() {
        return Ok(());
    }
    let lanes: BTreeSet<Lane> = jobs.iter().filter_map(NewJob::lane).collect();
    lane::lock(tx, &lanes).await?;
    let mut taken = lane::taken(tx, &lanes).await?;

    let now = clock::now(tx.get_database_backend());
    let mut insert = Query::insert();
    insert.into_table(job::Entity).columns([
        job::Column::OrganizationId,
        job::Column::Kind,
        job::Column::Payload,
        job::Column::Lane,
        job::Column::State,
        job::Column::RunAt,
        job::Column::CreatedAt,
    ]);
    let mut some_ready = false;
    for job in jobs {
        let behind_another = job.lane().is_some_and(|lane| !taken.insert(lane));
        let run_at = job.run_at.map_or_else(|| Expr::cust(now), Expr::val);
        let state = match (behind_another, job.run_at) {
            (true, _) => Expr::val(JobState::Blocked),
            (false, None) => Expr::val(JobState::Ready),
            (false, Some(run_at)) => Expr::case(Expr::val(run_at).gt(Expr::cust(now)), Expr::val(JobState::Waiting))
                .finally(Expr::val(JobState::Ready))
                .into(),
        };
        some_ready |= !behind_another;
        insert.values_panic([
            Expr::val(job.organization),
            Expr::val(job.kind),
            Expr::val(job.payload),
            Expr::val(job.lane),
            state,
            run_at,
            Expr::cust(now),
        ]);
    }
    tx.execute(&insert).await?;
    if some_ready {
        notify(tx).await?;
    }
    Ok(())
}

/// On PostgreSQL: tells the workers of all machines, at the commit.
pub(super) async fn notify(tx: &impl ConnectionTrait) -> Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        let sql = "SELECT pg_notify($1, '')";
        tx.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [CHANNEL.into()])).await?;
    }
    Ok(())
}

impl NewJob {
    fn lane(&self) -> Option<Lane> {
        let name = self.lane.clone()?;
        Some(Lane { organization: self.organization, name })
    }
}
