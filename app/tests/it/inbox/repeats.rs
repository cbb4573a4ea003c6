//! A hook that comes again is known, whatever it is called and however many bring it at once.

use std::{collections::HashSet, sync::Arc, time::Duration};

use patchbay::core::inbox::{NewMessage, Received};

use super::{World, link};
use crate::harness::{TestDatabase, on_both_databases};

async fn a_repeated_delivery_is_known_by_its_name_and_by_its_body(test: TestDatabase) {
    let world = World::new(test).await;
    assert_eq!(world.receive("d1", "one").await, Received::New);

    assert_eq!(world.receive("d1", "one").await, Received::Repeated);
    assert_eq!(world.receive("d1", "other").await, Received::Repeated);
    assert_eq!(world.receive("d2", "one").await, Received::Repeated);
    // The name of a repeat is a name that was seen.
    assert_eq!(world.receive("d2", "a third").await, Received::Repeated);

    let other_event = NewMessage { event: "issues.closed".into(), ..world.message("d3", "one") };
    assert_eq!(world.inbox.receive(other_event).await.unwrap(), Received::New);
    let (organization, link) = link(&world.core).await;
    let other_link = NewMessage { organization, link, ..world.message("d1", "one") };
    assert_eq!(world.inbox.receive(other_link).await.unwrap(), Received::New);
    assert_eq!((world.messages().await.len(), world.jobs().await.len()), (3, 3));
}

async fn deliveries_without_a_name_are_told_apart_by_their_bodies(test: TestDatabase) {
    let world = World::new(test).await;
    assert_eq!(world.receive("", "one").await, Received::New);
    assert_eq!(world.receive("", "two").await, Received::New);
    assert_eq!(world.receive("", "one").await, Received::Repeated);
}

async fn two_hundred_deliveries_twenty_times_each_from_eight_callers_are_two_hundred_messages(test: TestDatabase) {
    let world = Arc::new(World::new(test).await);
    let callers = (0..8).map(|caller| {
        let world = world.clone();
        tokio::spawn(async move {
            let mut new = 0;
            for copy in 0..20 {
                // Every caller brings every copy it is responsible for, each round from another place.
                let mine = (0..200).filter(|id| (id + copy) % 8 == caller).map(|id| (id + 40 * copy) % 200);
                let receiving = mine.map(|id| world.receive_owned(id));
                let received = futures::future::join_all(receiving).await;
                new += received.iter().filter(|received| **received == Received::New).count();
            }
            new
        })
    });
    let new: usize = futures::future::join_all(callers).await.into_iter().map(Result::unwrap).sum();

    assert_eq!(new, 200);
    let (messages, jobs) = (world.messages().await, world.jobs().await);
    assert_eq!((messages.len(), jobs.len(), world.marks().await), (200, 200, 400));
    let names: HashSet<_> = messages.iter().map(|message| message.delivery.clone()).collect();
    assert_eq!(names.len(), 200);
}

async fn of_those_alike_in_one_commit_the_first_is_new(test: TestDatabase) {
    let world = World::new(test).await;
    let held = world.hold_the_marks().await;
    // The first fills the writer's hands; the others wait, and are committed together.
    let calls = [("x", "x"), ("a", "1"), ("a", "2"), ("b", "1"), ("b", "3"), ("c", "4"), ("c", "4")];
    let receiving = calls.map(|(delivery, body)| world.receive(delivery, body));
    let release = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        held.rollback().await.unwrap();
    };
    let (received, ()) = futures::join!(futures::future::join_all(receiving), release);

    use Received::{New, Repeated};
    assert_eq!(received, [New, New, Repeated, Repeated, Repeated, New, Repeated]);
    let kept: Vec<_> = world.messages().await.into_iter().map(|message| message.delivery).collect();
    assert_eq!(kept, ["x", "a", "c"]);
    assert_eq!(world.jobs().await.len(), 3);
}

on_both_databases!(
    a_repeated_delivery_is_known_by_its_name_and_by_its_body,
    deliveries_without_a_name_are_told_apart_by_their_bodies,
    two_hundred_deliveries_twenty_times_each_from_eight_callers_are_two_hundred_messages,
    of_those_alike_in_one_commit_the_first_is_new,
);
