//! Callers that hang up, databases that do not answer: all of a message is kept, or nothing.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use patchbay::{
    core::{
        Error,
        inbox::{NewMessage, Received},
    },
    db::LinkId,
};

use super::World;
use crate::harness::{TestDatabase, on_both_databases};

async fn one_message_that_cant_be_kept_does_not_harm_those_beside_it(test: TestDatabase) {
    let world = World::new(test).await;
    let held = world.hold_the_marks().await;
    let gone = NewMessage { link: LinkId::new(), ..world.message("gone", "gone") };
    let mut calls = vec![world.message("x", "x"), world.message("a", "a"), gone];
    calls.extend((0..20).map(|number| world.message(&number.to_string(), &number.to_string())));
    let receiving = calls.into_iter().map(|message| world.inbox.receive(message));
    let release = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        held.rollback().await.unwrap();
    };
    let (received, ()) = futures::join!(futures::future::join_all(receiving), release);

    for (place, received) in received.into_iter().enumerate() {
        match place {
            2 => assert!(matches!(received, Err(Error::NotFound)), "{received:?}"),
            _ => assert_eq!(received.unwrap(), Received::New),
        }
    }
    assert_eq!((world.messages().await.len(), world.jobs().await.len()), (22, 22));
}

async fn a_caller_that_hangs_up_leaves_nothing_half_done(test: TestDatabase) {
    let world = Arc::new(World::new(test).await);
    let callers = (0..300_u64).map(|number| {
        let world = world.clone();
        let message = world.message(&number.to_string(), &number.to_string());
        tokio::spawn(async move {
            let patience = Duration::from_micros(number * 97 % 4000);
            tokio::time::timeout(patience, world.inbox.receive(message)).await
        })
    });
    let outcomes = futures::future::join_all(callers).await;
    let answered = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Ok(Ok(Received::New))))).count();
    // A last one: what stands before it is committed when it is answered.
    world.receive("last", "last").await;

    let (messages, jobs) = (world.messages().await, world.jobs().await);
    assert!(messages.len() > answered, "{} of {answered}", messages.len());
    assert_eq!(world.marks().await, 2 * messages.len());
    let of_jobs: HashSet<_> = jobs.iter().map(|job| job.payload["message"].as_str().unwrap().to_owned()).collect();
    let of_messages: HashSet<_> = messages.iter().map(|message| message.id.to_string()).collect();
    assert_eq!(of_jobs, of_messages);
    // Those who asked again are told the truth.
    let mut new = 0;
    for number in 0..300 {
        let received = world.receive(&number.to_string(), &number.to_string()).await;
        new += usize::from(received == Received::New);
    }
    assert_eq!(messages.len() + new, 301);
}

async fn a_database_that_does_not_answer_is_told_within_the_deadline(test: TestDatabase) {
    let world = World::new(test).await;
    let held = world.hold_the_marks().await;
    let begun = Instant::now();

    let refused = world.inbox.receive(world.message("d1", "{}")).await;

    assert!(matches!(refused, Err(Error::Busy(_))), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
    held.rollback().await.unwrap();
    // Whether the first call was kept after all does not matter: there is one message.
    world.receive("d1", "{}").await;
    assert_eq!((world.messages().await.len(), world.jobs().await.len()), (1, 1));
}

async fn without_its_job_a_message_is_not_kept_and_not_marked(test: TestDatabase) {
    let world = World::new(test).await;
    world.sql("ALTER TABLE jobs RENAME TO jobs_elsewhere").await;

    let refused = world.inbox.receive(world.message("d1", "{}")).await;

    assert!(matches!(refused, Err(Error::Busy(_))), "{refused:?}");
    assert_eq!((world.messages().await.len(), world.marks().await), (0, 0));
    world.sql("ALTER TABLE jobs_elsewhere RENAME TO jobs").await;
    assert_eq!(world.receive("d1", "{}").await, Received::New);
}

on_both_databases!(
    one_message_that_cant_be_kept_does_not_harm_those_beside_it,
    a_caller_that_hangs_up_leaves_nothing_half_done,
    a_database_that_does_not_answer_is_told_within_the_deadline,
    without_its_job_a_message_is_not_kept_and_not_marked,
);
