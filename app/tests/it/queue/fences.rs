//! Leases and fences: a dead owner's job goes on, a stalled owner's late writes touch nothing.

use std::time::{Duration, Instant};

use patchbay::{
    db::{Db, OrganizationId, entity::job::JobState},
    queue::{
        Job, Queue, WorkerOptions, Workers,
        claim::{Slots, Turn, claim},
        lease::{self, End, Owner, Settlement},
    },
};

use super::{
    Do, FakeWork, add, faults::END_ALL_CONNECTIONS, in_lane, numbered, quick, rows, short_leases, sql, until,
    until_empty,
};
use crate::harness::{TestDatabase, on_both_databases};

/// Takes everything there is, as `owner`.
async fn take(db: &Db, owner: &Owner, length: Duration) -> Vec<Job> {
    claim(db, owner, &Slots::new(100), &mut Turn::default(), length).await.unwrap().jobs
}

fn every_end() -> [End; 6] {
    let why = || "late".to_owned();
    [
        End::Done,
        End::Again { pause: Duration::ZERO, why: why() },
        End::Later { pause: Duration::ZERO },
        End::Dead { why: why() },
        End::Quarantined { why: why() },
        End::Released,
    ]
}

fn settlement(job: &Job, end: End) -> Settlement {
    Settlement { lease: job.lease.clone(), lane: job.lane(), end }
}

async fn a_stalled_owners_late_writes_touch_no_row(test: TestDatabase) {
    let (stalled, other) = (Owner::new(), Owner::new());
    let organization = OrganizationId::new();
    add(&test.db, vec![in_lane(organization, "a", 1), in_lane(organization, "a", 2)]).await;
    let old = take(&test.db, &stalled, Duration::from_millis(1)).await.remove(0);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(lease::reclaim_expired(&test.db, &[]).await.unwrap(), 1);

    // Both while nobody has the job and when another has it.
    for _ in 0..2 {
        let before = rows(&test.db).await;
        let long = Duration::from_secs(30);
        assert!(lease::heartbeat(&test.db, std::slice::from_ref(&old.lease), long).await.unwrap().is_empty());
        for end in every_end() {
            assert!(lease::settle(&test.db, &[settlement(&old, end)]).await.unwrap().is_empty());
        }
        assert_eq!(lease::release_strays(&test.db, &stalled, &[]).await.unwrap(), 0);
        assert_eq!(rows(&test.db).await, before);
        if before[0].state == JobState::Ready {
            let new = take(&test.db, &other, long).await.remove(0);
            assert_eq!((new.lease.id, new.lease.fence), (old.lease.id, old.lease.fence + 1));
        }
    }
    assert_eq!(rows(&test.db).await[0].lease_owner.as_deref(), Some(other.as_str()));
}

async fn an_older_lease_of_the_same_owner_is_fenced_off_too(test: TestDatabase) {
    let owner = Owner::new();
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
    let old = take(&test.db, &owner, Duration::from_millis(1)).await.remove(0);
    tokio::time::sleep(Duration::from_millis(20)).await;
    lease::reclaim_expired(&test.db, &[]).await.unwrap();
    let new = take(&test.db, &owner, Duration::from_secs(30)).await.remove(0);

    for end in every_end() {
        assert!(lease::settle(&test.db, &[settlement(&old, end)]).await.unwrap().is_empty());
    }

    assert_eq!(lease::settle(&test.db, &[settlement(&new, End::Done)]).await.unwrap().len(), 1);
}

async fn every_end_does_what_it_says(test: TestDatabase) {
    let owner = Owner::new();
    for end in every_end() {
        add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
        let job = take(&test.db, &owner, Duration::from_secs(30)).await.remove(0);
        assert_eq!(lease::settle(&test.db, &[settlement(&job, end.clone())]).await.unwrap().len(), 1);

        let row = rows(&test.db).await.pop();
        let after = row.map(|row| (row.state, row.attempts, row.died_at.is_some(), row.lease_owner.is_none()));
        let expected = match end {
            End::Done => None,
            End::Again { .. } => Some((JobState::Waiting, 1, false, true)),
            End::Later { .. } => Some((JobState::Waiting, 0, false, true)),
            End::Dead { .. } => Some((JobState::Dead, 1, true, true)),
            End::Quarantined { .. } => Some((JobState::Quarantined, 0, true, true)),
            End::Released => Some((JobState::Ready, 0, false, true)),
        };
        assert_eq!(after, expected);
        sql(&test.db, "DELETE FROM jobs").await.unwrap();
    }
}

async fn a_lease_is_counted_from_the_databases_clock(test: TestDatabase) {
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
    let job = take(&test.db, &Owner::new(), Duration::from_millis(300)).await.remove(0);
    assert_eq!(lease::reclaim_expired(&test.db, &[]).await.unwrap(), 0);
    tokio::time::sleep(Duration::from_millis(200)).await;

    assert_eq!(lease::heartbeat(&test.db, &[job.lease], Duration::from_millis(300)).await.unwrap().len(), 1);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(lease::reclaim_expired(&test.db, &[]).await.unwrap(), 0);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(lease::reclaim_expired(&test.db, &[]).await.unwrap(), 1);
}

async fn nobody_declares_itself_dead(test: TestDatabase) {
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
    let job = take(&test.db, &Owner::new(), Duration::from_millis(1)).await.remove(0);
    tokio::time::sleep(Duration::from_millis(20)).await;

    assert_eq!(lease::reclaim_expired(&test.db, std::slice::from_ref(&job.lease)).await.unwrap(), 0);

    // A heartbeat that comes late but in time is as good as any.
    assert_eq!(lease::heartbeat(&test.db, &[job.lease], Duration::from_secs(30)).await.unwrap().len(), 1);
}

async fn a_dead_workers_job_runs_again(test: TestDatabase) {
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
    take(&test.db, &Owner::new(), Duration::from_secs(30)).await;

    let begun = Instant::now();
    let work = FakeWork::new(|_| Do::Finish);
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), WorkerOptions::default());
    until_empty(&test.db).await;

    assert_eq!(work.runs()[0].deaths, 1);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    workers.drain(Duration::from_secs(5)).await;
}

async fn a_long_run_keeps_its_lease(test: TestDatabase) {
    let work = FakeWork::new(|_| Do::FinishAfter(Duration::from_millis(1500)));
    let queue = Queue::new(test.db.clone());
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
    let workers = [(); 2].map(|()| Workers::start(queue.clone(), work.clone(), short_leases()));

    until_empty(&test.db).await;

    assert_eq!(work.runs().len(), 1);
    for workers in workers {
        workers.drain(Duration::from_secs(5)).await;
    }
}

async fn a_run_whose_lease_is_lost_is_stopped_and_its_result_dropped(test: TestDatabase) {
    let work = FakeWork::new(|_| Do::FinishAfter(Duration::from_millis(2000)));
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), short_leases());
    until("it runs", async || work.runs().len() == 1).await;

    let stolen = "UPDATE jobs SET fence = fence + 1, lease_owner = 'another', leased_until = leased_until + 600000";
    sql(&test.db, stolen).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2500)).await;

    assert!(work.runs()[0].ended.is_none(), "the run was not stopped");
    assert_eq!(rows(&test.db).await[0].lease_owner.as_deref(), Some("another"));
    workers.drain(Duration::from_secs(5)).await;
}

async fn a_job_that_ends_processes_is_quarantined(test: TestDatabase) {
    let organization = OrganizationId::new();
    add(&test.db, (1..=2).map(|number| in_lane(organization, "a", number)).collect()).await;
    die_with_it(&test.db, 3).await;

    let work = FakeWork::new(|_| Do::Finish);
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), quick());
    until("the next of the lane ran", async || work.numbers() == [2]).await;
    workers.drain(Duration::from_secs(5)).await;

    assert_eq!(work.given_up(), [(1, "3 processes ended with this job in hand".to_owned())]);
    assert_eq!(rows(&test.db).await[0].state, JobState::Quarantined);
}

async fn two_deaths_are_forgiven(test: TestDatabase) {
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
    die_with_it(&test.db, 2).await;

    let work = FakeWork::new(|_| Do::Finish);
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), quick());
    until_empty(&test.db).await;

    assert_eq!(work.runs().len(), 1);
    workers.drain(Duration::from_secs(5)).await;
}

async fn a_job_whose_giving_up_ends_processes_is_quarantined_unasked(test: TestDatabase) {
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
    die_with_it(&test.db, 4).await;

    let work = FakeWork::new(|_| Do::Finish);
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), quick());
    until("it is quarantined", async || rows(&test.db).await[0].state == JobState::Quarantined).await;

    assert!(work.runs().is_empty() && work.given_up().is_empty());
    workers.drain(Duration::from_secs(5)).await;
}

async fn die_with_it(db: &Db, times: i32) {
    for time in 1..=times {
        assert_eq!(take(db, &Owner::new(), Duration::from_millis(1)).await.len(), 1);
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(lease::reclaim_expired(db, &[]).await.unwrap(), 1);
        assert_eq!(rows(db).await[0].deaths, time);
    }
}

async fn a_claim_that_was_not_heard_of_is_given_back(test: TestDatabase) {
    let (owner, other) = (Owner::new(), Owner::new());
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
    let heard = take(&test.db, &owner, Duration::from_secs(30)).await.remove(0);
    add(&test.db, vec![numbered(OrganizationId::new(), 2)]).await;
    take(&test.db, &owner, Duration::from_secs(30)).await;
    add(&test.db, vec![numbered(OrganizationId::new(), 3)]).await;
    take(&test.db, &other, Duration::from_secs(30)).await;

    assert_eq!(lease::release_strays(&test.db, &owner, &[heard.lease]).await.unwrap(), 1);

    let states: Vec<_> = rows(&test.db).await.iter().map(|row| (row.state, row.deaths)).collect();
    assert_eq!(states, [(JobState::Leased, 0), (JobState::Ready, 0), (JobState::Leased, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_second_process_works_only_when_the_first_is_gone() {
    let test = TestDatabase::sqlite().await;
    let (first, second) = (FakeWork::new(|_| Do::Finish), FakeWork::new(|_| Do::Finish));
    let queue = Queue::new(test.db.clone());
    let old = Workers::start(queue.clone(), first.clone(), quick());
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
    until_empty(&test.db).await;
    let new = Workers::start(Queue::new(Db::open(&test.url).await.unwrap()), second.clone(), quick());

    for number in 2..20 {
        add(&test.db, vec![numbered(OrganizationId::new(), number)]).await;
        queue.wake();
        until_empty(&test.db).await;
    }
    assert_eq!((first.runs().len(), second.runs().len()), (19, 0));

    old.drain(Duration::from_secs(5)).await;
    add(&test.db, vec![numbered(OrganizationId::new(), 20)]).await;
    until_empty(&test.db).await;
    assert_eq!(second.numbers(), [20]);
    new.drain(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_who_starts_takes_no_job_from_one_that_lives() {
    let test = TestDatabase::postgres().await;
    let (theirs, ours) = (FakeWork::new(|_| Do::FinishAfter(Duration::from_secs(7))), FakeWork::new(|_| Do::Finish));
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
    let db = Db::open(&test.url).await.unwrap();
    let old = Workers::start(Queue::new(db.clone()), theirs.clone(), WorkerOptions::default());
    until("it runs", async || theirs.runs().len() == 1).await;

    let new = Workers::start(Queue::new(test.db.clone()), ours.clone(), WorkerOptions::default());
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        // Not even when its sessions are cut all the time.
        let _cut = sql(&test.db, END_ALL_CONNECTIONS).await;
    }
    until_empty(&test.db).await;

    assert_eq!((theirs.runs().len(), ours.runs().len()), (1, 0));
    assert!(theirs.runs()[0].ended.is_some());
    for workers in [old, new] {
        workers.drain(Duration::from_secs(5)).await;
    }
}

#[test]
fn leases_outlast_two_missed_heartbeats() {
    let WorkerOptions { lease, heartbeat, .. } = WorkerOptions::default();
    assert!(lease >= 3 * heartbeat);
}

on_both_databases!(
    a_stalled_owners_late_writes_touch_no_row,
    an_older_lease_of_the_same_owner_is_fenced_off_too,
    every_end_does_what_it_says,
    a_lease_is_counted_from_the_databases_clock,
    nobody_declares_itself_dead,
    a_dead_workers_job_runs_again,
    a_long_run_keeps_its_lease,
    a_run_whose_lease_is_lost_is_stopped_and_its_result_dropped,
    a_job_that_ends_processes_is_quarantined,
    two_deaths_are_forgiven,
    a_job_whose_giving_up_ends_processes_is_quarantined_unasked,
    a_claim_that_was_not_heard_of_is_given_back,
);
