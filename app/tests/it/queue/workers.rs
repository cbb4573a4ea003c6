//! What workers do with jobs when nothing breaks, and when the work does.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use patchbay::{
    db::{Backend, Db, OrganizationId, entity::job::JobState},
    queue::{NewJob, Policy, Queue, WorkerOptions, Workers, claim, dead, lease},
};
use sea_orm::DbErr;

use super::{Do, FakeWork, add, in_lane, numbered, quick, rows, sql, until, until_empty};
use crate::harness::{TestDatabase, on_both_databases};

async fn eight_workers_run_500_jobs_once_each(test: TestDatabase) {
    let tenants: Vec<_> = (0..5).map(|_| OrganizationId::new()).collect();
    let work = FakeWork::new(|_| Do::Finish);
    let queue = Queue::new(test.db.clone());
    let workers: Vec<_> = (0..8).map(|_| Workers::start(queue.clone(), work.clone(), quick())).collect();

    let adding = (0..10).map(|ten| {
        let jobs = (0..50).map(|number| numbered(tenants[number % 5], ten * 50 + number)).collect();
        add(&test.db, jobs)
    });
    futures::future::join_all(adding).await;
    until_empty(&test.db).await;

    let numbers = work.numbers();
    assert_eq!(numbers.len(), 500);
    assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), 500);
    for workers in workers {
        workers.drain(Duration::from_secs(5)).await;
    }
}

async fn what_only_waits_makes_no_attempt_and_stays_in_front_of_its_lane(test: TestDatabase) {
    let tenant = OrganizationId::new();
    let waits = Arc::new(AtomicUsize::new(20));
    let left = waits.clone();
    let work = FakeWork::with_policy(Policy { attempts: 1, ..Policy::FEW_TRIES }, move |job| {
        assert_eq!(job.attempts, 0);
        let first = super::fake_work::number(job) == 0;
        let waits = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(usize::from(first)));
        if first && waits.is_ok() { Do::Later(Duration::from_millis(1)) } else { Do::Finish }
    });
    add(&test.db, (0..3).map(|number| in_lane(tenant, "lane", number)).collect()).await;
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), quick());
    until_empty(&test.db).await;

    let expected: Vec<usize> = [0; 21].into_iter().chain([1, 2]).collect();
    assert_eq!(work.numbers(), expected);
    assert!(work.given_up().is_empty());
    workers.drain(Duration::from_secs(5)).await;
}

async fn eight_claimants_at_once_never_get_the_same_job(test: TestDatabase) {
    let tenants: Vec<_> = (0..5).map(|_| OrganizationId::new()).collect();
    add(&test.db, (0..500).map(|number| numbered(tenants[number % 5], number)).collect()).await;

    let claimants = (0..8).map(|_| {
        let db = test.db.clone();
        tokio::spawn(async move {
            let (owner, mut turn, mut mine) = (lease::Owner::new(), claim::Turn::default(), Vec::new());
            loop {
                let slots = claim::Slots::new(7);
                let claimed = claim::claim(&db, &owner, &slots, &mut turn, Duration::from_secs(30)).await.unwrap();
                if claimed.jobs.is_empty() {
                    return mine;
                }
                mine.extend(claimed.jobs.iter().map(|job| job.lease.id));
            }
        })
    });
    let all: Vec<i64> = futures::future::join_all(claimants).await.into_iter().flat_map(Result::unwrap).collect();

    assert_eq!(all.len(), 500);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 500);
}

async fn a_tenant_with_one_job_does_not_wait_for_one_with_5000(test: TestDatabase) {
    let (flood, quiet) = (OrganizationId::new(), OrganizationId::new());
    add(&test.db, (0..5000).map(|number| numbered(flood, number)).collect()).await;
    add(&test.db, vec![numbered(quiet, 9999)]).await;

    let work = FakeWork::new(|_| Do::FinishAfter(Duration::from_millis(5)));
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), quick());
    until("the quiet tenant's job ran", async || work.numbers().contains(&9999)).await;

    let place = work.numbers().iter().position(|number| *number == 9999).unwrap();
    assert!(place < 8, "it ran as number {place}");
    workers.drain(Duration::from_secs(5)).await;
}

async fn any_number_of_jobs_is_added_in_one_commit_and_in_order(test: TestDatabase) {
    let organization = OrganizationId::new();
    let jobs = (0..7000).map(|number| in_lane(organization, &(number % 2).to_string(), number)).collect();
    add(&test.db, jobs).await;
    add(&test.db, Vec::new()).await;

    let rows = rows(&test.db).await;
    assert!(rows.iter().enumerate().all(|(place, job)| job.payload["number"] == place));
    let heads: Vec<_> = rows.iter().filter(|job| job.state != JobState::Blocked).map(|job| job.id).collect();
    assert_eq!(heads, [rows[0].id, rows[1].id]);
}

async fn tenants_take_turns_in_a_circle(test: TestDatabase) {
    let mut tenants: Vec<_> = (0..3).map(|_| OrganizationId::new()).collect();
    tenants.sort();
    add(&test.db, (0..30).map(|number| numbered(tenants[number / 10], number)).collect()).await;

    let (owner, mut turn, mut served) = (lease::Owner::new(), claim::Turn::default(), Vec::new());
    for slots in [1, 1, 1, 1, 1, 2, 3, 3] {
        let slots = claim::Slots::new(slots);
        let claimed = claim::claim(&test.db, &owner, &slots, &mut turn, Duration::from_secs(30)).await.unwrap();
        assert!(claimed.more);
        served.extend(claimed.jobs.iter().map(|job| job.organization));
    }

    assert_eq!(served, tenants.iter().copied().cycle().take(13).collect::<Vec<_>>());
}

async fn a_tenant_whose_jobs_hang_leaves_slots_to_others(test: TestDatabase) {
    let (hanging, quiet) = (OrganizationId::new(), OrganizationId::new());
    add(&test.db, (0..100).map(|number| numbered(hanging, number)).collect()).await;
    let work = FakeWork::new(move |job| if job.organization == hanging { Do::NeverEnd } else { Do::Finish });
    let queue = Queue::new(test.db.clone());
    let workers = Workers::start(queue.clone(), work.clone(), quick());
    until("the hanging jobs hang", async || work.runs().len() == 4).await;

    add(&test.db, (1000..1050).map(|number| numbered(quiet, number)).collect()).await;
    queue.wake();

    until("the others ran", async || work.runs().len() == 54).await;
    workers.drain(Duration::ZERO).await;
}

async fn a_job_runs_at_once_although_the_poll_is_far(test: TestDatabase) {
    let work = FakeWork::new(|_| Do::Finish);
    let queue = Queue::new(test.db.clone());
    let options = WorkerOptions { poll: Duration::from_secs(600), ..quick() };
    let workers = Workers::start(queue.clone(), work.clone(), options);
    tokio::time::sleep(Duration::from_millis(300)).await;

    let mut pauses = Vec::new();
    for number in 0..20 {
        add(&test.db, vec![numbered(OrganizationId::new(), number)]).await;
        let committed = Instant::now();
        // PostgreSQL tells by itself.
        if test.db.backend() == Backend::Sqlite {
            queue.wake();
        }
        until("it ran", async || work.runs().len() > number).await;
        pauses.push(work.runs()[number].begun.duration_since(committed));
    }

    pauses.sort();
    assert!(pauses[10] < Duration::from_millis(100), "{pauses:?}");
    workers.drain(Duration::from_secs(5)).await;
}

async fn a_job_waits_for_its_time(test: TestDatabase) {
    let organization = OrganizationId::new();
    let now = jiff::Timestamp::now().as_millisecond();
    let later = NewJob { run_at: Some(now + 700), ..numbered(organization, 1) };
    let past = NewJob { run_at: Some(now - 700), ..numbered(organization, 2) };
    add(&test.db, vec![later, past]).await;
    let begun = Instant::now();

    let work = FakeWork::new(|_| Do::Finish);
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), quick());
    until_empty(&test.db).await;

    assert_eq!(work.numbers(), [2, 1]);
    assert!(begun.elapsed() >= Duration::from_millis(600));
    workers.drain(Duration::from_secs(5)).await;
}

async fn a_rolled_back_add_leaves_no_job(test: TestDatabase) {
    let added: Result<(), DbErr> = test
        .db
        .write(async |tx| {
            patchbay::queue::add(tx, in_lane(OrganizationId::new(), "a", 1)).await?;
            Err(DbErr::Custom("something else went wrong".into()))
        })
        .await;
    assert!(added.is_err());
    assert!(rows(&test.db).await.is_empty());
}

async fn a_panic_is_an_attempt_and_the_worker_lives(test: TestDatabase) {
    let organization = OrganizationId::new();
    let policy = Policy { first_pause: Duration::from_millis(1), ..Policy::FEW_TRIES };
    let work = FakeWork::with_policy(policy, |job| match super::fake_work::number(job) {
        1 => Do::Panic,
        _ => Do::Finish,
    });
    add(&test.db, vec![in_lane(organization, "a", 1), in_lane(organization, "a", 2)]).await;
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), quick());

    until("the next of the lane ran", async || work.numbers().contains(&2)).await;

    assert_eq!(work.numbers(), [1, 1, 1, 1, 1, 2]);
    assert_eq!(work.given_up(), [(1, "our code panicked: out of coffee".to_owned())]);
    workers.drain(Duration::from_secs(5)).await;
    let left = rows(&test.db).await;
    assert_eq!((left.len(), left[0].state, left[0].attempts, left[0].deaths), (1, JobState::Dead, 5, 0));
    assert!(left[0].died_at.is_some());
}

async fn a_run_without_end_is_cut_off_and_counts_as_an_attempt(test: TestDatabase) {
    let policy = Policy { attempts: 1, timeout: Duration::from_millis(100), ..Policy::FEW_TRIES };
    let work = FakeWork::with_policy(policy, |_| Do::NeverEnd);
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), quick());

    until("it died", async || rows(&test.db).await[0].state == JobState::Dead).await;

    assert_eq!(work.given_up(), [(1, "took longer than 100ms".to_owned())]);
    workers.drain(Duration::from_secs(5)).await;
}

async fn what_failed_for_good_is_not_tried_again(test: TestDatabase) {
    let organization = OrganizationId::new();
    let work = FakeWork::new(|_| Do::FailForGood);
    add(&test.db, vec![numbered(organization, 1)]).await;
    let queue = Queue::new(test.db.clone());
    let workers = Workers::start(queue.clone(), work.clone(), quick());

    until("it died", async || rows(&test.db).await[0].state == JobState::Dead).await;

    assert_eq!(work.runs().len(), 1);
    let letters = dead::list(&test.db, organization, None, 10).await.unwrap();
    assert_eq!(letters[0].why.as_deref(), Some("never\u{fffd} ever"));
    assert_eq!(patchbay::queue::count(&queue).await.unwrap()[&JobState::Dead], 1);
    workers.drain(Duration::from_secs(5)).await;
}

async fn a_pause_outlives_the_process(test: TestDatabase) {
    let begun = Instant::now();
    let work = FakeWork::new(|job| match job.attempts {
        0 => Do::FailForNow(Duration::from_millis(800)),
        _ => Do::Finish,
    });
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
    let queue = Queue::new(test.db.clone());
    let workers = Workers::start(queue.clone(), work.clone(), quick());
    until("it waits", async || rows(&test.db).await[0].state == JobState::Waiting).await;
    workers.drain(Duration::from_secs(5)).await;
    assert_eq!(rows(&test.db).await[0].attempts, 1);

    let workers = Workers::start(queue, work.clone(), quick());
    until_empty(&test.db).await;

    assert_eq!(work.runs().len(), 2);
    assert!(begun.elapsed() >= Duration::from_millis(800), "{:?}", begun.elapsed());
    workers.drain(Duration::from_secs(5)).await;
}

async fn work_at_a_partner_is_not_given_up_before_its_patience_ends(test: TestDatabase) {
    let policy = Policy { attempts: 2, longest_pause: Duration::from_millis(1), ..Policy::DAYS };
    let policy = Policy { first_pause: Duration::from_millis(1), ..policy };
    let work = FakeWork::with_policy(policy, |_| Do::Panic);
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), quick());
    until("it was tried more often than twice", async || work.runs().len() > 4).await;
    assert!(work.given_up().is_empty());

    // Four days later.
    sql(&test.db, "UPDATE jobs SET created_at = created_at - 345600000").await.unwrap();

    until("it was given up", async || rows(&test.db).await[0].state == JobState::Dead).await;
    workers.drain(Duration::from_secs(5)).await;
}

async fn draining_waits_for_what_ends_in_time_and_gives_back_the_rest(test: TestDatabase) {
    let organization = OrganizationId::new();
    let released = Arc::new(AtomicUsize::new(0));
    let again = released.clone();
    let work = FakeWork::new(move |job| match super::fake_work::number(job) {
        1 => Do::FinishAfter(Duration::from_millis(300)),
        _ if again.load(Ordering::SeqCst) == 0 => Do::NeverEnd,
        _ => Do::Finish,
    });
    let queue = Queue::new(test.db.clone());
    add(&test.db, vec![numbered(organization, 1), numbered(organization, 2), in_lane(organization, "a", 3)]).await;
    let workers = Workers::start(queue.clone(), work.clone(), quick());
    until("all run", async || work.runs().len() == 3).await;
    add(&test.db, vec![numbered(organization, 4)]).await;

    let begun = Instant::now();
    workers.drain(Duration::from_millis(800)).await;

    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    let left = rows(&test.db).await;
    assert_eq!(left.len(), 3);
    for job in left {
        assert_eq!((job.state, job.attempts, job.deaths), (JobState::Ready, 0, 0));
        assert_eq!((job.lease_owner, job.leased_until), (None, None));
    }

    released.store(1, Ordering::SeqCst);
    let workers = Workers::start(queue, work.clone(), quick());
    until_empty(&test.db).await;
    workers.drain(Duration::from_secs(5)).await;
}

async fn dropped_workers_give_back_what_they_had(test: TestDatabase) {
    let work = FakeWork::new(|_| Do::NeverEnd);
    add(&test.db, vec![numbered(OrganizationId::new(), 1)]).await;
    let workers = Workers::start(Queue::new(test.db.clone()), work.clone(), quick());
    until("it runs", async || work.runs().len() == 1).await;

    drop(workers);

    until("it was given back", async || rows(&test.db).await[0].state == JobState::Ready).await;
}

async fn a_dead_letter_can_be_replayed_and_discarded_by_its_tenant_only(test: TestDatabase) {
    let (ours, theirs) = (OrganizationId::new(), OrganizationId::new());
    let kill = dead_ones(&test.db, ours).await;
    let queue = Queue::new(test.db.clone());

    assert!(dead::list(&test.db, theirs, None, 10).await.unwrap().is_empty());
    assert!(!dead::replay(&queue, theirs, kill[0]).await.unwrap());
    assert!(!dead::discard(&test.db, theirs, kill[0]).await.unwrap());
    assert_eq!(dead::list(&test.db, ours, None, 2).await.unwrap().len(), 2);
    assert_eq!(dead::list(&test.db, ours, Some(kill[1]), 2).await.unwrap()[0].id, kill[0]);

    assert!(dead::discard(&test.db, ours, kill[2]).await.unwrap());
    assert!(!dead::discard(&test.db, ours, kill[2]).await.unwrap());
    // The second of the lane first: the first takes its place again all the same once both wait.
    assert!(dead::replay(&queue, ours, kill[1]).await.unwrap());
    assert!(dead::replay(&queue, ours, kill[0]).await.unwrap());
    assert!(!dead::replay(&queue, ours, kill[0]).await.unwrap());

    let states: Vec<_> = rows(&test.db).await.into_iter().map(|job| (job.state, job.attempts)).collect();
    assert_eq!(states, [(JobState::Blocked, 0), (JobState::Ready, 0)]);
    let work = FakeWork::new(|_| Do::Finish);
    let workers = Workers::start(queue, work.clone(), quick());
    until_empty(&test.db).await;
    assert_eq!(work.numbers(), [2, 1]);
    workers.drain(Duration::from_secs(5)).await;
}

async fn old_dead_letters_are_forgotten_and_nothing_else_is(test: TestDatabase) {
    let organization = OrganizationId::new();
    let old = dead_ones(&test.db, organization).await;
    sql(&test.db, "UPDATE jobs SET died_at = died_at - 172800000").await.unwrap();
    let young = dead_ones(&test.db, OrganizationId::new()).await.split_off(old.len());
    add(&test.db, vec![numbered(organization, 4)]).await;
    // However long it has been waiting.
    sql(&test.db, "UPDATE jobs SET created_at = 0").await.unwrap();
    let day = Duration::from_secs(24 * 3600);

    assert_eq!(dead::forget(&test.db, 3 * day).await.unwrap(), 0);
    assert_eq!(dead::forget(&test.db, day).await.unwrap(), 3);
    let left = rows(&test.db).await;
    assert_eq!(left[..3].iter().map(|job| job.id).collect::<Vec<_>>(), young);
    assert_eq!((left.len(), left[3].state), (4, JobState::Ready));
}

/// Three jobs of one lane, all given up; their numbers in the table.
async fn dead_ones(db: &Db, organization: OrganizationId) -> Vec<i64> {
    let work = FakeWork::new(|_| Do::FailForGood);
    add(db, (1..=3).map(|number| in_lane(organization, "a", number)).collect()).await;
    let workers = Workers::start(Queue::new(db.clone()), work, quick());
    until("all died", async || rows(db).await.iter().all(|job| job.state == JobState::Dead)).await;
    workers.drain(Duration::from_secs(5)).await;
    rows(db).await.iter().map(|job| job.id).collect()
}

on_both_databases!(
    eight_workers_run_500_jobs_once_each,
    what_only_waits_makes_no_attempt_and_stays_in_front_of_its_lane,
    eight_claimants_at_once_never_get_the_same_job,
    a_tenant_with_one_job_does_not_wait_for_one_with_5000,
    any_number_of_jobs_is_added_in_one_commit_and_in_order,
    tenants_take_turns_in_a_circle,
    a_tenant_whose_jobs_hang_leaves_slots_to_others,
    a_job_runs_at_once_although_the_poll_is_far,
    a_job_waits_for_its_time,
    a_rolled_back_add_leaves_no_job,
    a_panic_is_an_attempt_and_the_worker_lives,
    a_run_without_end_is_cut_off_and_counts_as_an_attempt,
    what_failed_for_good_is_not_tried_again,
    a_pause_outlives_the_process,
    work_at_a_partner_is_not_given_up_before_its_patience_ends,
    draining_waits_for_what_ends_in_time_and_gives_back_the_rest,
    dropped_workers_give_back_what_they_had,
    a_dead_letter_can_be_replayed_and_discarded_by_its_tenant_only,
    old_dead_letters_are_forgotten_and_nothing_else_is,
);
