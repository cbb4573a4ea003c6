//! How fast hooks are kept and jobs are run. `cargo bench -p patchbay --bench queue`
//!
//! On SQLite, and on PostgreSQL if `PATCHBAY_TEST_POSTGRES` names a server. What is compared is measured side by side in
//! one run, because machines are noisy; the limits are ratios, and the figures of the library that this queue replaces
//! (docs/decisions). Ends with an error if one is missed. Dated results: docs/results.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a benchmark prints, and may stop")]

use std::{
    collections::BTreeMap,
    process::ExitCode,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use patchbay::{
    clock::Clock,
    core::inbox::{Arrival, Inbox, NewMessage, Received},
    db::{Backend, DatabaseUrl, Db, LinkId, OrganizationId, TeamId, migrate},
    queue::{self, Job, NewJob, Outcome, Queue, Work, WorkerOptions, Workers},
};
use sea_orm::{ConnectionTrait, Statement};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::sync::Notify;
use uuid::Uuid;

/// How often each pair is measured; the best round counts, as whatever else runs on the machine only slows it.
const ROUNDS: usize = 3;

/// How long one measurement of receiving takes.
const SPAN: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> ExitCode {
    let folder = tempfile::tempdir().unwrap();
    let mut limits = Limits::default();
    measure("SQLite", &DatabaseUrl::sqlite(&folder.path().join("bench.db")), &mut limits).await;
    match std::env::var("PATCHBAY_TEST_POSTGRES") {
        Ok(server) => {
            let server = server.trim_end_matches('/');
            let name = format!("patchbay_bench_{}", Uuid::now_v7().simple());
            administer(server, format!("CREATE DATABASE {name}")).await;
            let url = DatabaseUrl::from_str(&format!("{server}/{name}")).unwrap();
            measure("PostgreSQL", &url, &mut limits).await;
            administer(server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
        Err(_) => println!("PATCHBAY_TEST_POSTGRES is not set: SQLite only\n"),
    }
    limits.report()
}

async fn administer(server: &str, statement: String) {
    let mut admin = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
    admin.execute(AssertSqlSafe(statement)).await.unwrap();
}

async fn measure(name: &str, url: &DatabaseUrl, limits: &mut Limits) {
    let db = Db::open(url).await.unwrap();
    migrate(&db, url).await.unwrap();

    println!("{name}: hooks kept per second (7 KB, message + marks + job)\n");
    println!("| callers | one commit each | commits shared | ratio |\n|---|---|---|---|");
    let (organization, link) = a_link(&db).await;
    for callers in [1, 16, 64] {
        let (mut alone, mut together) = (0.0_f64, 0.0_f64);
        for _ in 0..ROUNDS {
            alone = alone.max(receive(&db, organization, link, callers, false).await);
            together = together.max(receive(&db, organization, link, callers, true).await);
        }
        let ratio = together / alone;
        println!("| {callers} | {alone:.0} | {together:.0} | {ratio:.1} |");
        if callers == 64 {
            // PostgreSQL lets connections share a flush by itself; what is gained there is statements.
            let least = if db.backend() == Backend::Sqlite { 3.0 } else { 2.0 };
            limits.at_least(format!("{name}: shared commits against single ones at 64 callers"), ratio, least);
        }
    }

    println!("\n{name}: empty jobs per second, from claim to settled\n");
    println!("| slots | tenants | lanes | jobs/s |\n|---|---|---|---|");
    let slowest = if db.backend() == Backend::Sqlite { 640.0 } else { 453.0 };
    for (slots, tenants, lanes) in [(1, 1, false), (32, 1, false), (32, 8, false), (32, 8, true)] {
        let mut rate = 0.0_f64;
        for _ in 0..ROUNDS {
            rate = rate.max(run_jobs(&db, slots, tenants, lanes).await);
        }
        println!("| {slots} | {tenants} | {} | {rate:.0} |", if lanes { "one each" } else { "none" });
        if slots > 1 {
            limits.at_least(format!("{name}: jobs/s, {tenants} tenants, lanes: {lanes}"), rate, slowest);
        }
    }

    let (median, worst) = latency(&db).await;
    println!("\n{name}: from commit to handler: median {median:.1?}, 99 of 100 within {worst:.1?}\n");
    limits.at_least(format!("{name}: commits per second a handler could follow"), 1.0 / median.as_secs_f64(), 100.0);
    db.close().await.unwrap();
}

/// Hooks kept per second by so many callers, each of which waits for its answer.
async fn receive(db: &Db, organization: OrganizationId, link: LinkId, callers: usize, together: bool) -> f64 {
    for table in ["jobs", "inbox_messages", "inbox_marks"] {
        empty(db, table).await;
    }
    let inbox = Inbox::new(db.clone(), Queue::new(db.clone()), Clock::system());
    let begun = Instant::now();
    let callers = (0..callers).map(|caller| {
        let inbox = inbox.clone();
        tokio::spawn(async move {
            let mut kept = 0;
            while begun.elapsed() < SPAN {
                let message = hook(organization, link, caller, kept);
                let received = if together { inbox.receive(message).await } else { inbox.receive_alone(message).await };
                assert_eq!(received.unwrap(), Received::New);
                kept += 1;
            }
            kept
        })
    });
    let kept: usize = futures::future::join_all(callers).await.into_iter().map(Result::unwrap).sum();
    kept as f64 / begun.elapsed().as_secs_f64()
}

async fn empty(db: &Db, table: &str) {
    // A DELETE would leave PostgreSQL to clean up during the measurement.
    let how = if db.backend() == Backend::Sqlite { "DELETE FROM" } else { "TRUNCATE" };
    db.writer_for_tests().execute_unprepared(&format!("{how} {table}")).await.unwrap();
}

fn hook(organization: OrganizationId, link: LinkId, caller: usize, number: usize) -> NewMessage {
    NewMessage {
        organization,
        link,
        partner: "github".into(),
        event: "issues.opened".into(),
        delivery: format!("{caller}-{number}"),
        lane: format!("issue:{}", number % 50),
        headers: BTreeMap::from([("x-github-event".into(), vec!["issues".into()])]),
        body: Bytes::from(format!("{{\"caller\":{caller},\"number\":{number},\"text\":\"{}\"}}", "x".repeat(7000))),
        state: Arrival::Received,
    }
}

/// Work that counts.
#[derive(Default)]
struct Counter {
    runs: AtomicUsize,
    rung: Notify,
}

#[async_trait]
impl Work for Counter {
    async fn run(&self, _job: &Job) -> Outcome {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.rung.notify_one();
        Outcome::Done
    }

    async fn gave_up(&self, job: &Job, why: &str) {
        panic!("gave up {job:?}: {why}");
    }
}

async fn run_jobs(db: &Db, slots: usize, tenants: usize, lanes: bool) -> f64 {
    empty(db, "jobs").await;
    let jobs = if slots == 1 { 1_000 } else { 10_000 };
    let tenants: Vec<_> = (0..tenants).map(|_| OrganizationId::new()).collect();
    let all: Vec<NewJob> = (0..jobs)
        .map(|number| NewJob {
            organization: tenants[number % tenants.len()],
            kind: "empty",
            payload: serde_json::json!({ "number": number }),
            lane: lanes.then(|| format!("lane {number}")),
            run_at: None,
        })
        .collect();
    for some in all.chunks(500) {
        db.write(async |tx| queue::add_many(tx, some.to_vec()).await).await.unwrap();
    }
    let options = WorkerOptions { slots, ..WorkerOptions::default() };
    let begun = Instant::now();
    let workers = Workers::start(Queue::new(db.clone()), Arc::new(Counter::default()), options);
    while left(db).await > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let rate = jobs as f64 / begun.elapsed().as_secs_f64();
    workers.drain(Duration::from_secs(5)).await;
    rate
}

async fn left(db: &Db) -> i64 {
    let statement = Statement::from_string(db.reader().get_database_backend(), "SELECT count(*) FROM jobs");
    db.reader().query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// From the commit that adds a job to the first line of its handler: the median, and what 99 of 100 stay within.
async fn latency(db: &Db) -> (Duration, Duration) {
    let (work, queue) = (Arc::new(Counter::default()), Queue::new(db.clone()));
    let workers = Workers::start(queue.clone(), work.clone(), WorkerOptions::default());
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut pauses = Vec::new();
    for number in 0..300 {
        let (payload, lane) = (serde_json::json!({ "number": number }), Some("lane".to_owned()));
        let job = NewJob { organization: OrganizationId::new(), kind: "empty", payload, lane, run_at: None };
        db.write(async |tx| queue::add(tx, job).await).await.unwrap();
        let committed = Instant::now();
        queue.wake();
        work.rung.notified().await;
        pauses.push(committed.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    workers.drain(Duration::from_secs(5)).await;
    pauses.sort();
    (pauses[150], pauses[297])
}

async fn a_link(db: &Db) -> (OrganizationId, LinkId) {
    let (organization, team, link) = (OrganizationId::new(), TeamId::new(), LinkId::new());
    let backend = db.reader().get_database_backend();
    let rows: [(&str, Vec<sea_orm::Value>); 3] = [
        ("INSERT INTO organizations (id, name, created_at) VALUES ($1, 'Acme', 0)", vec![organization.into()]),
        (
            "INSERT INTO teams (organization_id, id, name, time_zone, created_at) VALUES ($1, $2, 'Product', 'UTC', 0)",
            vec![organization.into(), team.into()],
        ),
        (
            "INSERT INTO integration_links (organization_id, id, partner, level, team_id, target, settings, name, state,
                 state_since, hook_key, created_at, updated_at)
             VALUES ($1, $2, 'github', 'team', $3, '1', '{}', 'acme/widgets', 'active', 0, 'key', 0, 0)",
            vec![organization.into(), link.into(), team.into()],
        ),
    ];
    for (sql, values) in rows {
        let statement = Statement::from_sql_and_values(backend, sql, values);
        db.writer_for_tests().execute_raw(statement).await.unwrap();
    }
    (organization, link)
}

/// What must be reached.
#[derive(Default)]
struct Limits {
    rows: Vec<(String, f64, f64)>,
}

impl Limits {
    fn at_least(&mut self, what: String, measured: f64, limit: f64) {
        self.rows.push((what, measured, limit));
    }

    fn report(&self) -> ExitCode {
        println!("| limit | at least | measured | |\n|---|---|---|---|");
        for (what, measured, limit) in &self.rows {
            let verdict = if measured >= limit { "ok" } else { "MISSED" };
            println!("| {what} | {limit:.0} | {measured:.1} | {verdict} |");
        }
        if self.rows.iter().all(|(_, measured, limit)| measured >= limit) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
