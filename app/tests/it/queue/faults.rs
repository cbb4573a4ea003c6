//! A database that goes away ends no worker.

use std::time::Duration;

use patchbay::{
    db::{Backend, OrganizationId},
    queue::{Queue, WorkerOptions, Workers},
};

use super::{Do, FakeWork, add, in_lane, numbered, quick, rows, sql, until, until_empty};
use crate::harness::{TestDatabase, on_both_databases};

pub const END_ALL_CONNECTIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()";

async fn workers_outlive_a_database_that_fails(test: TestDatabase) {
    let work = FakeWork::new(|_| Do::Finish);
    let queue = Queue::new(test.db.clone());
    let options = WorkerOptions { heartbeat: Duration::from_millis(50), ..quick() };
    let workers = Workers::start(queue.clone(), work.clone(), options);
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
    until_empty(&test.db).await;

    // Every statement of theirs fails for a while.
    sql(&test.db, "ALTER TABLE jobs RENAME TO jobs_elsewhere").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    sql(&test.db, "ALTER TABLE jobs_elsewhere RENAME TO jobs").await.unwrap();

    add(&test.db, vec![numbered(OrganizationId::new(), 2)]).await;
    until("the next job ran", async || work.numbers() == [1, 2]).await;
    workers.drain(Duration::from_secs(5)).await;
}

async fn what_ended_while_the_database_was_away_is_settled_later(test: TestDatabase) {
    let work = FakeWork::new(|_| Do::FinishAfter(Duration::from_millis(300)));
    let organization = OrganizationId::new();
    add(&test.db, (1..=2).map(|number| in_lane(organization, "a", number)).collect()).await;
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), quick());
    until("it runs", async || work.runs().len() == 1).await;

    sql(&test.db, "ALTER TABLE jobs RENAME TO jobs_elsewhere").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1000)).await;
    assert!(work.runs()[0].ended.is_some());
    sql(&test.db, "ALTER TABLE jobs_elsewhere RENAME TO jobs").await.unwrap();

    until_empty(&test.db).await;
    assert_eq!(work.numbers(), [1, 2]);
    workers.drain(Duration::from_secs(5)).await;
}

async fn one_job_that_cant_be_settled_holds_up_no_other(test: TestDatabase) {
    let refuse = match test.db.backend() {
        Backend::Sqlite => {
            "CREATE TRIGGER refuse BEFORE DELETE ON jobs WHEN OLD.payload ->> 'number' = 13
             BEGIN SELECT RAISE(ABORT, 'unlucky'); END"
        }
        Backend::Postgres => {
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF OLD.payload ->> 'number' = '13' THEN RAISE EXCEPTION 'unlucky'; END IF;
                 RETURN OLD;
             END $$;
             CREATE TRIGGER refuse BEFORE DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION refuse()"
        }
    };
    sql(&test.db, refuse).await.unwrap();
    let work = FakeWork::new(|_| Do::Finish);
    add(&test.db, (0..50).map(|number| numbered(OrganizationId::new(), number)).collect()).await;
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), quick());

    until("one is left", async || rows(&test.db).await.len() == 1).await;
    assert_eq!(rows(&test.db).await[0].payload["number"], 13);

    let permit = match test.db.backend() {
        Backend::Sqlite => "DROP TRIGGER refuse",
        Backend::Postgres => "DROP TRIGGER refuse ON jobs",
    };
    sql(&test.db, permit).await.unwrap();
    until_empty(&test.db).await;
    assert_eq!(work.runs().len(), 50);
    workers.drain(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_connections_that_are_cut_again_and_again_lose_no_job() {
    let test = TestDatabase::postgres().await;
    let work = FakeWork::new(|_| Do::FinishAfter(Duration::from_millis(3)));
    let queue = Queue::new(test.db.clone());
    let organization = OrganizationId::new();
    let jobs = (0..300).map(|number| in_lane(organization, &format!("lane {}", number % 40), number)).collect();
    add(&test.db, jobs).await;
    let workers = Workers::start(queue, work.clone(), quick());

    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        // It may meet a connection that was just cut itself.
        let _cut = sql(&test.db, END_ALL_CONNECTIONS).await;
    }
    until("no job is left", async || sql(&test.db, "SELECT 1 FROM jobs LIMIT 1").await.is_ok_and(|some| some == 0))
        .await;

    let mut numbers = work.numbers();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 300);
    assert!(work.runs().iter().all(|run| run.deaths == 0), "a cut connection counted as a death");
    workers.drain(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_the_listener_hears_again_after_its_connection_was_cut() {
    let test = TestDatabase::postgres().await;
    let work = FakeWork::new(|_| Do::Finish);
    let options = WorkerOptions { poll: Duration::from_secs(600), ..quick() };
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), options);
    tokio::time::sleep(Duration::from_millis(300)).await;

    sql(&test.db, END_ALL_CONNECTIONS).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1000)).await;
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;

    until("it was heard of", async || work.runs().len() == 1).await;
    workers.drain(Duration::from_secs(5)).await;
    assert!(rows(&test.db).await.is_empty());
}

on_both_databases!(
    one_job_that_cant_be_settled_holds_up_no_other,
    workers_outlive_a_database_that_fails,
    what_ended_while_the_database_was_away_is_settled_later,
);
