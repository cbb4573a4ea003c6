//! The durable queue: each job once, in order, fairly, whatever happens to those who have it in hand.

mod fake_work;
mod faults;
mod fences;
mod lanes;
mod workers;

use std::time::{Duration, Instant};

use patchbay::{
    db::{Db, OrganizationId, entity::job},
    queue::{self, NewJob, WorkerOptions},
};
use sea_orm::{DbErr, EntityTrait, QueryOrder};
use serde_json::json;

pub use fake_work::{Do, FakeWork};

/// Options under which a test need not wait: everything but leases is quick.
pub fn quick() -> WorkerOptions {
    WorkerOptions { slots: 8, poll: Duration::from_millis(20), ..WorkerOptions::default() }
}

/// Short leases as well.
pub fn short_leases() -> WorkerOptions {
    WorkerOptions { lease: Duration::from_millis(400), heartbeat: Duration::from_millis(100), ..quick() }
}

/// A job that is told from others by a number.
pub fn numbered(organization: OrganizationId, number: usize) -> NewJob {
    NewJob { organization, kind: "test", payload: json!({ "number": number }), lane: None, run_at: None }
}

/// One that stands in a lane.
pub fn in_lane(organization: OrganizationId, lane: &str, number: usize) -> NewJob {
    NewJob { lane: Some(lane.to_owned()), ..numbered(organization, number) }
}

/// Adds jobs in one commit.
pub async fn add(db: &Db, jobs: Vec<NewJob>) {
    db.write(async |tx| queue::add_many(tx, jobs).await).await.unwrap();
}

/// All rows, by number.
pub async fn rows(db: &Db) -> Vec<job::Model> {
    job::Entity::find().order_by_asc(job::Column::Id).all(db.reader()).await.unwrap()
}

/// Waits for something to become true, or fails.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until no job is left.
pub async fn until_empty(db: &Db) {
    until("no job is left", async || rows(db).await.is_empty()).await;
}

/// One statement, outside of everything.
pub async fn sql(db: &Db, statement: &str) -> Result<u64, DbErr> {
    use sea_orm::ConnectionTrait;
    Ok(db.writer_for_tests().execute_unprepared(statement).await?.rows_affected())
}
