//! What is kept of a hook, and in which order.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use patchbay::{
    core::inbox::{self, Arrival, NewMessage, READ_MESSAGE, Received},
    db::entity::{inbox_message::MessageState, job::JobState},
};
use serde_json::json;

use super::World;
use crate::harness::{TestDatabase, on_both_databases};

async fn a_new_hook_is_kept_whole_with_marks_and_job(test: TestDatabase) {
    let world = World::new(test).await;

    assert_eq!(world.receive("d1", "{}").await, Received::New);

    let kept = world.messages().await.remove(0);
    assert_eq!((kept.organization_id, kept.link_id), (world.organization, world.link));
    assert_eq!(
        (kept.event.as_str(), kept.delivery.as_str(), kept.body.as_slice()),
        ("issues.opened", "d1", &b"{}"[..])
    );
    assert_eq!(kept.headers, json!({ "x-github-event": ["issues"] }));
    assert_eq!(kept.digest, digest(&SHA256, b"{}").as_ref());
    assert_eq!(
        (kept.state, kept.received_at, kept.finished_at),
        (MessageState::Received, world.core.clock.now(), None)
    );
    assert_eq!(world.marks().await, 2);
    let job = world.jobs().await.remove(0);
    assert_eq!(
        (job.kind.as_str(), job.payload, job.state),
        (READ_MESSAGE, json!({ "message": kept.id }), JobState::Ready)
    );
    assert_eq!(job.lane, Some(format!("link:{}:issue:1", world.link)));
    assert_eq!(inbox::load(&world.core, world.organization, kept.id).await.unwrap(), kept);
}

async fn an_ignored_hook_is_kept_with_its_reason_and_without_a_job(test: TestDatabase) {
    let world = World::new(test).await;
    let state = Arrival::Ignored { reason: "The link is paused.".into() };
    let message = NewMessage { state, ..world.message("d1", "{}") };

    assert_eq!(world.inbox.receive(message.clone()).await.unwrap(), Received::New);
    assert_eq!(world.inbox.receive(message).await.unwrap(), Received::Repeated);

    let kept = world.messages().await.remove(0);
    assert_eq!((kept.state, kept.reason.as_deref()), (MessageState::Ignored, Some("The link is paused.")));
    assert!(kept.finished_at.is_some());
    assert!(world.jobs().await.is_empty());
}

async fn of_rejected_hooks_the_beginning_of_the_last_hundred_is_kept(test: TestDatabase) {
    let world = World::new(test).await;
    let rejected = |number: usize| {
        let state = Arrival::Rejected { reason: "Its body is not JSON.".into() };
        NewMessage { state, ..world.message("same", &format!("{number:03}{}", "x".repeat(5000))) }
    };
    for ten in 0..12 {
        let receiving = (0..10).map(|number| world.inbox.receive(rejected(10 * ten + number)));
        for received in futures::future::join_all(receiving).await {
            assert_eq!(received.unwrap(), Received::New);
        }
    }

    let kept = world.messages().await;
    assert_eq!(kept.len(), 100);
    assert!(kept[0].body.starts_with(b"020") && kept[99].body.starts_with(b"119"));
    assert_eq!(kept[0].body.len(), 1024);
    assert_eq!(kept[99].digest, digest(&SHA256, &rejected(119).body).as_ref());
    assert_eq!((world.marks().await, world.jobs().await.len()), (0, 0));
    assert_eq!(world.receive("same", "{}").await, Received::New);
}

async fn names_of_any_kind_are_made_fit_to_store(test: TestDatabase) {
    let world = World::new(test).await;
    let long = "\0ä".repeat(5000);
    let message = NewMessage {
        event: long.clone(),
        delivery: long.clone(),
        lane: long.clone(),
        headers: BTreeMap::from([("x".into(), vec!["a\0b".into()])]),
        state: Arrival::Received,
        ..world.message("", "\0")
    };
    assert_eq!(world.inbox.receive(message).await.unwrap(), Received::New);

    let kept = world.messages().await.remove(0);
    assert_eq!(kept.event, "\u{fffd}ä".repeat(100));
    assert_eq!(kept.headers, json!({ "x": ["a\u{fffd}b"] }));
    assert_eq!(kept.body, b"\0");
    // Names that differ only beyond what is kept are different names.
    let longer = NewMessage { delivery: format!("{long}!"), ..world.message("", "another") };
    assert_eq!(world.inbox.receive(longer).await.unwrap(), Received::New);
}

async fn a_flood_is_kept_and_its_jobs_stand_in_the_order_of_arrival(test: TestDatabase) {
    let world = World::new(test).await;
    for number in 0..50 {
        let receiving = ["a", "b"].map(|lane| {
            let message = world.message(&format!("{lane}{number}"), &format!("{lane}{number:02}"));
            world.inbox.receive(NewMessage { lane: lane.into(), ..message })
        });
        for received in futures::future::join_all(receiving).await {
            received.unwrap();
        }
    }
    let bodies: Vec<_> = world.messages().await.into_iter().map(|message| (message.id, message.body)).collect();
    for lane in ["a", "b"] {
        let name = format!("link:{}:{lane}", world.link);
        let jobs: Vec<_> = world.jobs().await.into_iter().filter(|job| job.lane.as_deref() == Some(&name)).collect();
        let order: Vec<_> = jobs
            .iter()
            .map(|job| {
                let id = job.payload["message"].as_str().unwrap();
                bodies.iter().find(|(of, _)| of.to_string() == id).unwrap().1.clone()
            })
            .collect();
        assert!(order.is_sorted() && order.len() == 50);
        assert_eq!(jobs[0].state, JobState::Ready);
        assert!(jobs[1..].iter().all(|job| job.state == JobState::Blocked));
    }
}

on_both_databases!(
    a_new_hook_is_kept_whole_with_marks_and_job,
    an_ignored_hook_is_kept_with_its_reason_and_without_a_job,
    of_rejected_hooks_the_beginning_of_the_last_hundred_is_kept,
    names_of_any_kind_are_made_fit_to_store,
    a_flood_is_kept_and_its_jobs_stand_in_the_order_of_arrival,
);
