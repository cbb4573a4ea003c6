//! A removed link never posts again: nothing is begun at the partner after the removal was answered.

use std::time::{Duration, Instant};

use patchbay::{
    core::outbox,
    db::entity::{
        job::JobState,
        outbox_message::OutboxState::{Cancelled, Delivered, Waiting},
    },
};
use uuid::Uuid;

use super::{World, calls};
use crate::harness::{TestDatabase, on_both_databases};

/// How many rounds; the failure this looks for is a race.
const ROUNDS: usize = 15;

async fn no_call_begins_after_a_removal_was_answered(test: TestDatabase) {
    let (world, exchange) = calls::world(test, 3).await;
    exchange.answers(200, "{}", Duration::from_millis(8));
    world.work(8);
    for round in 0..ROUNDS {
        let link = world.link(&format!("room-{round}"), "now").await;
        world.write(&(0..20).map(|number| format!("entry {number}")).collect::<Vec<_>>().join("\n")).await;
        // At a random moment, before, between or while calls are made.
        let chance = Uuid::new_v4().as_u128() % 150;
        tokio::time::sleep(Duration::from_millis(chance as u64)).await;

        world.remove(link).await;
        let answered = Instant::now();

        tokio::time::sleep(Duration::from_millis(300)).await;
        let calls = exchange.calls();
        let after = calls.iter().filter(|call| call.arrived > answered).count();
        let in_hand = calls.iter().any(|call| call.arrived <= answered && call.answered.is_none_or(|at| at > answered));
        // A link makes one call at a time. One that was begun before may still have been on its way.
        assert!(after <= usize::from(!in_hand), "round {round}: {after} calls after the removal, {in_hand}");
        let states = world.states().await;
        assert!(states.iter().all(|state| matches!(state, Delivered | Cancelled)), "{states:?}");
    }
    world.run().await;
    assert!(world.job_rows().await.iter().all(|job| !matches!(job.state, JobState::Dead | JobState::Quarantined)));
    assert!(world.jobs_of(outbox::DELIVER).await.is_empty());
    world.finish().await;
}

async fn a_delivery_of_two_calls_stops_between_them(test: TestDatabase) {
    let (world, exchange) = calls::world(test, 2).await;
    exchange.answers(200, "{}", Duration::from_millis(500));
    let link = world.link("workshop", "now").await;
    world.write("one\ntwo").await;
    world.work(2);
    while exchange.calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    world.remove(link).await;
    assert_eq!(world.states().await, [Cancelled; 2]);
    world.run().await;

    assert_eq!(exchange.calls().len(), 1);
    let lines = world.told_through(link).await;
    let attempt = &lines[1].tried[0];
    assert_eq!(attempt.outcome.as_deref(), Some("cancelled"));
    assert_eq!(attempt.calls.len(), 1);
    world.finish().await;
}

async fn what_was_on_the_wire_says_so(test: TestDatabase) {
    let (world, exchange) = calls::world(test, 1).await;
    exchange.answers(200, "{}", Duration::from_millis(500));
    let link = world.link("workshop", "now").await;
    world.write("one").await;
    world.work(2);
    while exchange.calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.remove(link).await;
    world.run().await;

    let message = world.messages().await.remove(0);
    assert_eq!(message.state, Cancelled);
    assert_eq!(message.note.as_deref(), Some("It was on its way already when the link was removed."));
    world.finish().await;
}

async fn a_job_that_waited_through_a_removal_does_nothing(test: TestDatabase) {
    let world = World::new(test).await;
    let link = world.link("workshop", "now").await;
    world.write("one").await;
    let stalled = world.claim(outbox::DELIVER).await;
    assert_eq!(world.states().await, [Waiting]);
    world.remove(link).await;

    world.do_job(&stalled).await;
    assert!(world.fake.heard().is_empty());
    assert_eq!(world.states().await, [Cancelled]);
    world.write("two").await;
    assert_eq!(world.states().await, [Cancelled]);
    world.finish().await;
}

on_both_databases!(
    no_call_begins_after_a_removal_was_answered,
    a_delivery_of_two_calls_stops_between_them,
    what_was_on_the_wire_says_so,
    a_job_that_waited_through_a_removal_does_nothing,
);
