//! Lanes: one after the other, in the order of adding, whatever happens to each.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use patchbay::{
    db::{Db, OrganizationId, entity::job::JobState},
    queue::{
        self, Job, Queue, Workers,
        claim::{Slots, Turn, claim},
        lease::{self, End, Owner, Settlement},
    },
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::{Do, FakeWork, add, in_lane, numbered, quick, rows, sql, until, until_empty};
use crate::harness::{TestDatabase, on_both_databases};

async fn lanes_keep_their_order_while_jobs_are_added_and_retried(test: TestDatabase) {
    let organization = OrganizationId::new();
    let work = FakeWork::new(|job| match (job.lease.id + i64::from(job.attempts)) % 3 {
        0 if job.attempts < 3 => Do::FailForNow(Duration::from_millis(1)),
        1 => Do::FinishAfter(Duration::from_millis(1)),
        _ => Do::Finish,
    });
    let queue = Queue::new(test.db.clone());
    let workers = [(); 3].map(|()| Workers::start(queue.clone(), work.clone(), quick()));

    // Eight tasks add to the same ten lanes, each commit to three of them.
    let adding = (0..8).map(|task| {
        let (db, queue) = (test.db.clone(), queue.clone());
        tokio::spawn(async move {
            for number in 0..10 {
                let lanes = [number, (number + task) % 10, 9 - number];
                add(&db, lanes.map(|lane| in_lane(organization, &format!("lane {lane}"), number)).into()).await;
                queue.wake();
            }
        })
    });
    for task in futures::future::join_all(adding).await {
        task.unwrap();
    }
    until_empty(&test.db).await;

    let mut lanes: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for run in work.runs() {
        lanes.entry(run.lane.clone().unwrap()).or_default().push(run);
    }
    assert_eq!(lanes.len(), 10);
    let finished: usize = lanes.values().map(|runs| runs.iter().filter(|run| run.ended.is_some()).count()).sum();
    assert!(finished > 240, "no job was tried twice");
    for (lane, runs) in lanes {
        for pair in runs.windows(2) {
            assert!(pair[0].id <= pair[1].id, "{lane}: {} ran before {}", pair[0].id, pair[1].id);
            assert!(pair[0].ended.unwrap() <= pair[1].begun, "{lane}: two ran at once");
        }
    }
    for workers in workers {
        workers.drain(Duration::from_secs(5)).await;
    }
}

async fn a_lane_waits_while_its_head_does_and_other_lanes_go_on(test: TestDatabase) {
    let organization = OrganizationId::new();
    let work = FakeWork::new(|job| match (super::fake_work::number(job), job.attempts) {
        (1, 0) => Do::FailForNow(Duration::from_millis(500)),
        _ => Do::Finish,
    });
    let jobs = [("a", 1), ("a", 2), ("b", 3), ("b", 4)].map(|(lane, number)| in_lane(organization, lane, number));
    add(&test.db, jobs.into()).await;
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), quick());
    until_empty(&test.db).await;

    let numbers = work.numbers();
    let order = |of: [usize; 2]| numbers.iter().copied().filter(|number| of.contains(number)).collect::<Vec<_>>();
    assert_eq!(order([1, 2]), [1, 1, 2]);
    assert_eq!(numbers.last(), Some(&2));
    assert_eq!(order([3, 4]), [3, 4]);
    workers.drain(Duration::from_secs(5)).await;
}

async fn the_same_lane_of_two_tenants_is_two_lanes(test: TestDatabase) {
    let work = FakeWork::new(|_| Do::NeverEnd);
    add(&test.db, (1..=2).map(|number| in_lane(OrganizationId::new(), "a", number)).collect()).await;
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), quick());

    until("both run", async || work.runs().len() == 2).await;

    workers.drain(Duration::ZERO).await;
}

async fn a_lane_whose_head_was_removed_by_hand_is_found(test: TestDatabase) {
    let organization = OrganizationId::new();
    add(&test.db, (1..=3).map(|number| in_lane(organization, "a", number)).collect()).await;
    sql(&test.db, "DELETE FROM jobs WHERE state = 'ready'").await.unwrap();

    assert_eq!(queue::move_lanes_on(&test.db).await.unwrap(), 1);
    assert_eq!(queue::move_lanes_on(&test.db).await.unwrap(), 0);

    let states: Vec<_> = rows(&test.db).await.iter().map(|job| job.state).collect();
    assert_eq!(states, [JobState::Ready, JobState::Blocked]);
}

async fn with_20000_jobs_no_statement_reads_rows_it_does_not_need(mut test: TestDatabase) {
    let organization = OrganizationId::new();
    for chunk in (0..20_000).collect::<Vec<_>>().chunks(2000) {
        // The long lane comes last: who expects it anywhere reads all of the others before.
        let of = |number: &usize| match number {
            15_000.. => in_lane(organization, "long", *number),
            10_000.. => in_lane(organization, &format!("lane {number}"), *number),
            5000.. => queue::NewJob { run_at: Some(i64::MAX / 2), ..numbered(organization, *number) },
            _ => numbered(OrganizationId::new(), *number),
        };
        add(&test.db, chunk.iter().map(of).collect()).await;
    }
    // PostgreSQL does this by itself some time after so many new rows.
    test.db.writer_for_tests().execute_unprepared("ANALYZE jobs").await.unwrap();

    let heard: Arc<Mutex<Vec<Statement>>> = Arc::default();
    let told = heard.clone();
    test.db.tell_of_statements(move |statement| told.lock().unwrap().push(statement.clone()));
    let (owner, mut turn) = (Owner::new(), Turn::default());
    let jobs = claim(&test.db, &owner, &Slots::new(8), &mut turn, Duration::from_secs(30)).await.unwrap().jobs;
    assert_eq!(jobs.len(), 8);
    add(&test.db, vec![in_lane(organization, "long", 0)]).await;
    queue::let_due_go_on(&test.db).await.unwrap();
    lease::reclaim_expired(&test.db, &[]).await.unwrap();
    let leases: Vec<_> = jobs.iter().map(|job| job.lease.clone()).collect();
    lease::heartbeat(&test.db, &leases, Duration::from_secs(30)).await.unwrap();
    settle_all(&test.db, &jobs, &End::Done).await;

    let statements = std::mem::take(&mut *heard.lock().unwrap());
    let of_jobs = statements.into_iter().filter(|statement| statement.sql.contains(" jobs"));
    let mut explained = 0;
    for statement in of_jobs {
        let plan = plan(&test.db, statement.clone()).await;
        assert!(!walks_the_table(&plan), "{statement}\n{}", plan.join("\n"));
        explained += 1;
    }
    assert!(explained >= 6, "{explained} statements of the queue were heard");
}

/// How the database runs a statement, a step in each line. Nothing of what it does is kept.
async fn plan(db: &Db, mut statement: Statement) -> Vec<String> {
    let explain = match statement.db_backend {
        DbBackend::Sqlite => "EXPLAIN QUERY PLAN",
        _ => "EXPLAIN (ANALYZE, TIMING OFF)",
    };
    statement.sql = format!("{explain} {}", statement.sql);
    let column = if statement.db_backend == DbBackend::Sqlite { "detail" } else { "QUERY PLAN" };
    let tx = db.begin().await.unwrap();
    let lines = tx.query_all_raw(statement).await.unwrap();
    lines.iter().map(|line| line.try_get("", column).unwrap()).collect()
}

/// Whether a statement read more than a few rows only to leave them. SQLite says it beforehand, PostgreSQL afterwards:
/// it may read the table in order where it expects what it looks for soon.
fn walks_the_table(plan: &[String]) -> bool {
    plan.iter().any(|line| {
        let left = line.trim().strip_prefix("Rows Removed by Filter: ").map(|rows| rows.parse::<u64>().unwrap());
        line.starts_with("SCAN jobs") || left.is_some_and(|rows| rows > 100)
    })
}

async fn settle_all(db: &Db, jobs: &[Job], end: &End) {
    let settlements: Vec<_> =
        jobs.iter().map(|job| Settlement { lease: job.lease.clone(), lane: job.lane(), end: end.clone() }).collect();
    assert_eq!(lease::settle(db, &settlements).await.unwrap().len(), jobs.len());
}

/// One thing that may happen to a queue with three lanes.
#[derive(Clone, Debug)]
enum Step {
    Add(Vec<usize>),
    Claim,
    End(usize, Ending),
    LetDueGoOn,
    LoseAll,
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Done,
    Again,
    Dead,
    Released,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ending = prop_oneof![3 => Just(Ending::Done), 1 => Just(Ending::Again), 1 => Just(Ending::Dead), 1 => Just(Ending::Released)];
    let step = prop_oneof![
        3 => prop::collection::vec(0_usize..3, 1..5).prop_map(Step::Add),
        4 => Just(Step::Claim),
        6 => (any::<usize>(), ending).prop_map(|(which, ending)| Step::End(which, ending)),
        2 => Just(Step::LetDueGoOn),
        1 => Just(Step::LoseAll),
    ];
    prop::collection::vec(step, 1..40)
}

async fn in_any_interleaving_a_lane_has_one_head_and_loses_nothing(test: TestDatabase) {
    let runner = || {
        let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
        runner.run(&steps(), |steps| {
            tokio::runtime::Handle::current().block_on(check(&test.db, steps));
            Ok(())
        })
    };
    tokio::task::block_in_place(runner).unwrap();
}

async fn check(db: &Db, steps: Vec<Step>) {
    sql(db, "DELETE FROM jobs").await.unwrap();
    let organization = OrganizationId::new();
    let (mut added, mut ended) = (0, 0);
    let mut held: Vec<Job> = Vec::new();
    // The job each lane may give out next: no older one of it may be unfinished.
    for step in steps {
        match step {
            Step::Add(lanes) => {
                added += lanes.len();
                add(db, lanes.iter().map(|lane| in_lane(organization, &lane.to_string(), 0)).collect()).await;
            }
            Step::Claim => held.extend(claim_checked(db).await),
            Step::End(which, ending) if !held.is_empty() => {
                let job = held.swap_remove(which % held.len());
                let end = match ending {
                    Ending::Done => End::Done,
                    Ending::Again => End::Again { pause: Duration::ZERO, why: String::new() },
                    Ending::Dead => End::Dead { why: String::new() },
                    Ending::Released => End::Released,
                };
                ended += usize::from(matches!(end, End::Done));
                settle_all(db, &[job], &end).await;
            }
            Step::End(..) => {}
            Step::LetDueGoOn => {
                queue::let_due_go_on(db).await.unwrap();
            }
            Step::LoseAll => {
                assert_eq!(lease::reclaim_all(db).await.unwrap() as usize, held.len());
                held.clear();
            }
        }
        one_head_each(db).await;
    }
    // And in the end everything gets done.
    settle_all(db, &held, &End::Done).await;
    ended += held.len();
    loop {
        queue::let_due_go_on(db).await.unwrap();
        let jobs = claim_checked(db).await;
        if jobs.is_empty() {
            break;
        }
        settle_all(db, &jobs, &End::Done).await;
        ended += jobs.len();
        one_head_each(db).await;
    }
    let left = rows(db).await;
    assert!(left.iter().all(|job| job.state == JobState::Dead), "{left:?}");
    assert_eq!(added, ended + left.len());
}

/// Claims; each job must be the oldest unfinished of its lane.
async fn claim_checked(db: &Db) -> Vec<Job> {
    let before = rows(db).await;
    let claimed =
        claim(db, &Owner::new(), &Slots::new(8), &mut Turn::default(), Duration::from_secs(30)).await.unwrap();
    for job in &claimed.jobs {
        let oldest = before.iter().find(|row| row.lane == job.lane && row.state != JobState::Dead).unwrap();
        assert_eq!(oldest.id, job.lease.id);
    }
    claimed.jobs
}

/// Of each lane with something unfinished exactly one is not blocked.
async fn one_head_each(db: &Db) {
    let mut heads: HashMap<Option<String>, usize> = HashMap::new();
    for row in rows(db).await.into_iter().filter(|row| row.state != JobState::Dead) {
        *heads.entry(row.lane).or_default() += usize::from(row.state != JobState::Blocked);
    }
    assert!(heads.values().all(|heads| *heads == 1), "{heads:?}");
}

on_both_databases!(
    lanes_keep_their_order_while_jobs_are_added_and_retried,
    a_lane_waits_while_its_head_does_and_other_lanes_go_on,
    the_same_lane_of_two_tenants_is_two_lanes,
    a_lane_whose_head_was_removed_by_hand_is_found,
    with_20000_jobs_no_statement_reads_rows_it_does_not_need,
    in_any_interleaving_a_lane_has_one_head_and_loses_nothing,
);
