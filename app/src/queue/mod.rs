//! The durable queue: jobs in the product's own database, so that a job and the row it is about are one commit.
//!
//! ```text
//!                 add                     claim                 Done
//!   (lane free)  ────► ready ───────────────────► leased ─────────────► (no row)
//!   (lane taken) ────► blocked ──► ready           │ │ │
//!   (run_at)     ────► waiting ──► ready           │ │ └─ Again ──► waiting, until its pause is over
//!                        ▲ its time has come       │ │    (Later: the same, but no attempt was made)
//!                        │                         │ └─── Failed, or out of patience ──► dead
//!                                                  └───── the process died ──► ready; the third time: quarantined
//! ```
//!
//! - [`add()`] writes the job in the caller's transaction. A **lane** is an order: of the jobs of one lane at most one is
//!   ready, waiting or leased, the rest are blocked behind it; a job that waits for its next attempt keeps its place.
//! - [`Workers`] claim jobs, fairly over the tenants ([`claim`]), run them, and settle how they ended ([`lease`]).
//! - A **lease** ends by itself when its owner stops renewing it. Each lease raises the row's **fence**, and every later
//!   write of the owner names fence and owner: those of a worker that was stalled and lost its job touch no row.
//! - All times are compared on the database's clock, so that machines whose clocks differ agree.
//! - A job may run twice (its worker may die between the work and the settling). [`Work`] must take that.
//!
//! What the kinds of jobs do, and how patient each is, is not known here: see [`Work`].

mod add;
pub mod claim;
mod clock;
pub mod dead;
mod lane;
pub mod lease;
mod listen;
mod policy;
mod presence;
mod run;
mod seat;
mod settler;
mod upkeep;
mod worker;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, RuntimeErr};
use tokio::sync::Notify;

pub use add::{NewJob, add, add_many, hold_lanes};
pub use lane::{Lane, move_lanes_on};
pub use policy::{Policy, longer_by_chance};
pub use upkeep::{count, let_due_go_on};
pub use worker::{WorkerOptions, Workers};

use crate::db::{
    Db, OrganizationId,
    entity::job::{self, JobState},
};

/// The queue of one database. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    db: Db,
    /// Rung when there may be something to claim.
    bell: Arc<Notify>,
}

impl Queue {
    /// The queue that lives in `db`.
    pub fn new(db: Db) -> Self {
        Self { db, bell: Arc::new(Notify::new()) }
    }

    /// Tells the workers of this process to look for jobs now. Call it after the commit that added some.
    ///
    /// Not needed for jobs to run, only for them to run at once: workers also look every second, and on PostgreSQL
    /// [`add()`] tells the workers of all machines.
    pub fn wake(&self) {
        self.bell.notify_one();
    }
}

/// A job in a worker's hands.
#[derive(Clone, Debug)]
pub struct Job {
    /// The right to settle it.
    pub lease: lease::Lease,
    /// For which tenant.
    pub organization: OrganizationId,
    /// What kind of job.
    pub kind: String,
    /// Ids, never content.
    pub payload: serde_json::Value,
    /// The name of its lane.
    pub lane: Option<String>,
    /// How often it failed before.
    pub attempts: u32,
    /// How often a process died with it in hand.
    pub deaths: u32,
    /// How old it was when it was claimed, by the database's clock.
    pub age: Duration,
}

impl Job {
    /// The order it stands in.
    pub fn lane(&self) -> Option<Lane> {
        self.lane.clone().map(|name| Lane { organization: self.organization, name })
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The work is done; the job's row goes.
    Done,
    /// It did not work out this time.
    Again {
        /// When the partner said how long to wait; else the pause grows with each attempt.
        after: Option<Duration>,
        /// The reason, for the people who look at it.
        why: String,
    },
    /// It was not tried: something has to pass first. This is no attempt, however often it happens.
    Later {
        /// How long that takes.
        after: Duration,
    },
    /// It will never work out: no further attempt.
    Failed {
        /// The reason, for the people who look at it.
        why: String,
    },
}

/// What the workers do with jobs.
#[async_trait]
pub trait Work: Send + Sync {
    /// Does the job. It may have been done before, wholly or in part, by a worker that died or was too late.
    ///
    /// A panic or a run beyond [`Policy::timeout`] counts as [`Outcome::Again`].
    async fn run(&self, job: &Job) -> Outcome;

    /// The job is about to be marked dead, or quarantined because processes died of it. Called before the mark is made,
    /// so it may be called again if this process dies meanwhile.
    async fn gave_up(&self, job: &Job, why: &str);

    /// How patient to be with a kind of job.
    fn policy(&self, kind: &str) -> Policy {
        let _ = kind;
        Policy::FEW_TRIES
    }
}

/// The payloads of an organization's jobs of this kind that are neither done nor given up.
///
/// # Errors
/// The database's.
pub async fn at_work(db: &Db, organization: OrganizationId, kind: &str) -> Result<Vec<serde_json::Value>, DbErr> {
    let at_work = [JobState::Ready, JobState::Blocked, JobState::Waiting, JobState::Leased];
    let jobs = job::Entity::find()
        .filter(job::Column::OrganizationId.eq(organization))
        .filter(job::Column::State.is_in(at_work))
        .filter(job::Column::Kind.eq(kind));
    jobs.select_only().column(job::Column::Payload).into_tuple().all(db.reader()).await
}

/// Whether the database answered, and refused what it was asked: then something in it may be wrong, and asking for the
/// parts one by one can find out which. Else it is away, and every part would only wait as long again.
pub(crate) fn is_refusal(error: &DbErr) -> bool {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            error.as_database_error().is_some()
        }
        _ => false,
    }
}

/// How long a piece of the workers' own database work may take before it counts as an outage.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a piece of database work with an end: a server that stops answering must not hold a worker for good.
async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(DbErr::Custom(format!("the database did not answer within {limit:?}"))),
    }
}
