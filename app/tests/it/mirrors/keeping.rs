//! Pausing a mirror, taking it away with what was made for it and nothing else, and forgetting.

use std::time::Duration;

use integration_contract::ItemState;
use patchbay::{
    core::{
        Error, integration_links,
        mirrors::{self, End, NewMirror, Removal},
        retention,
    },
    db::entity::{
        integration_link::LinkState,
        mirror::{
            MirrorState,
            Side::{Left, Right},
        },
        mirror_change::ChangeState::Skipped,
    },
};

use super::{ALL, World, new_end};
use crate::harness::{TestDatabase, on_both_databases};

async fn what_happens_during_a_pause_is_not_made_up_for_but_states_are(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    let writes = world.writes(Right);
    mirrors::pause(&world.core, &world.ada, &world.mirror_row().await).await.unwrap();
    let twice = mirrors::pause(&world.core, &world.ada, &world.mirror_row().await).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
    world.comment(Left, &issue, "during the pause");
    world.close(Left, &issue);
    world.run().await;
    assert_eq!(world.writes(Right), writes);
    assert_eq!(world.last(Left, "closed").await, (Skipped, Some("The mirror is paused.".into())));

    mirrors::resume(&world.core, &world.ada, &world.mirror_row().await).await.unwrap();
    world.retitle(Left, &issue, "It breaks often");
    world.run().await;
    let ticket = world.item(Right, "It breaks often");
    assert_eq!((ticket.item.state, ticket.comments.len()), (ItemState::Closed, 0));
}

async fn what_waits_when_it_is_paused_is_skipped(test: TestDatabase) {
    let world = World::new(test).await;
    world.open(Left, "It breaks");
    world.deliver_all().await;
    mirrors::pause(&world.core, &world.ada, &world.mirror_row().await).await.unwrap();
    world.run().await;
    assert_eq!(world.count(Right), 0);
    assert_eq!(world.last(Left, "opened").await, (Skipped, Some("The mirror is paused.".into())));
}

async fn a_paused_link_is_written_nothing(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    integration_links::pause(&world.core, &world.ada, &world.link_row(Right).await).await.unwrap();
    world.comment(Left, &issue, "Hello?");
    world.run().await;
    assert!(world.item(Right, "It breaks").comments.is_empty());
    assert_eq!(world.last(Left, "commented").await, (Skipped, Some("The link to tickets is paused.".into())));
}

async fn removing_takes_what_was_made_for_it_and_nothing_else(test: TestDatabase) {
    let world = World::new(test).await;
    let foreign = [world.left.subscribe_somebody_else("issues"), world.right.subscribe_somebody_else("tickets")];
    let issue = world.open(Left, "It breaks");
    world.run().await;
    world.comment(Left, &issue, "the last words");
    world.deliver_all().await;
    let mirror = world.mirror_row().await;
    assert_eq!(mirrors::remove(&world.core, &world.ada, &mirror).await.unwrap(), Removal::Removed);
    assert_eq!(mirrors::remove(&world.core, &world.ada, &mirror).await.unwrap(), Removal::Already);
    let writes = world.writes(Right);
    world.run().await;

    assert_eq!(world.writes(Right), writes);
    assert_eq!(world.last(Left, "commented").await, (Skipped, Some("The mirror was removed.".into())));
    assert_eq!(world.left.subscriptions(), [foreign[0].clone()]);
    assert_eq!(world.right.subscriptions(), [foreign[1].clone()]);
    let mirror = world.mirror_row().await;
    assert_eq!(mirror.state, MirrorState::Removed);
    let receipt = mirror.receipt.unwrap().to_string();
    assert!(
        receipt.contains("the subscription to issues") && receipt.contains("the subscription to tickets"),
        "{receipt}"
    );
    // People's things are people's.
    assert_eq!((world.count(Left), world.count(Right)), (1, 1));
    for gone in [
        mirrors::pause(&world.core, &world.ada, &world.mirror_row().await).await,
        mirrors::resume(&world.core, &world.ada, &world.mirror_row().await).await,
        mirrors::change(&world.core, &world.ada, &world.mirror_row().await, ALL).await,
    ] {
        assert!(matches!(gone, Err(Error::Conflict(_))), "{gone:?}");
    }
    let listed = mirrors::for_team(&world.core, world.ada.organization, world.team).await.unwrap();
    assert_eq!(listed[0].mirror.state, MirrorState::Removed);
}

async fn a_link_that_the_team_had_before_stays(test: TestDatabase) {
    let world = World::new(test).await;
    let (left, right) = (End::Link(world.link_row(Left).await.id), new_end("right", "questions"));
    let new = NewMirror { team: world.team, left, right, options: ALL, since: None, backfill: None };
    let second = mirrors::make(&world.core, &world.ada, new).await.unwrap();
    world.set_up_links().await;

    // It was made for the first one, and goes with the last.
    mirrors::remove(&world.core, &world.ada, &world.mirror_row().await).await.unwrap();
    world.run().await;
    assert_eq!(world.link_row(Left).await.state, LinkState::Active);
    assert_eq!(world.link_row(Right).await.state, LinkState::Removed);
    assert_eq!(world.mirror_row().await.state, MirrorState::Removed);
    let second = mirrors::load(world.core.db.reader(), world.ada.organization, second.id).await.unwrap().unwrap();
    assert_eq!((second.state, second.made_left), (MirrorState::Active, true));
    mirrors::remove(&world.core, &world.ada, &second).await.unwrap();
    world.run().await;
    assert_eq!(world.link_row(Left).await.state, LinkState::Removed);
}

async fn a_mirror_without_its_link_stops(test: TestDatabase) {
    let world = World::new(test).await;
    integration_links::remove(&world.core, &world.ada, &world.link_row(Left).await).await.unwrap();
    let mirror = world.mirror_row().await;
    assert_eq!(mirror.state, MirrorState::Broken);
    assert!(mirror.reason.as_deref().unwrap().starts_with("Its link to issues was removed."));
    let resumed = mirrors::resume(&world.core, &world.ada, &mirror).await;
    assert!(matches!(resumed, Err(Error::Conflict(_))), "{resumed:?}");
    mirrors::remove(&world.core, &world.ada, &mirror).await.unwrap();
    world.run().await;
    assert_eq!(world.mirror_row().await.state, MirrorState::Removed);
    assert!(world.right.subscriptions().is_empty());
}

async fn what_is_over_its_time_is_forgotten_and_copies_are_not(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    world.core.clock.advance(retention::KEPT + Duration::from_secs(60));
    let forgotten = retention::forget(&world.core).await.unwrap();
    assert_eq!((forgotten.mirror_changes, forgotten.mirror_pairs), (2, 0));

    // What was forgotten is not what is known.
    world.comment(Left, &issue, "Still there?");
    world.run().await;
    assert_eq!((world.count(Right), world.item(Right, "It breaks").comments.len()), (1, 1));

    mirrors::remove(&world.core, &world.ada, &world.mirror_row().await).await.unwrap();
    world.run().await;
    assert_eq!(retention::forget(&world.core).await.unwrap().mirror_pairs, 0);
    world.core.clock.advance(retention::KEPT + Duration::from_secs(60));
    assert_eq!(retention::forget(&world.core).await.unwrap().mirror_pairs, 1);
    assert!(world.pairs().await.is_empty());
}

on_both_databases!(
    what_happens_during_a_pause_is_not_made_up_for_but_states_are,
    what_waits_when_it_is_paused_is_skipped,
    a_paused_link_is_written_nothing,
    removing_takes_what_was_made_for_it_and_nothing_else,
    a_link_that_the_team_had_before_stays,
    a_mirror_without_its_link_stops,
    what_is_over_its_time_is_forgotten_and_copies_are_not,
);
