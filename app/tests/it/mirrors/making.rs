//! Making mirrors: what can be joined, what copies are called, and who may.

use integration_contract::ItemState;
use integration_testkit::FakePartner;
use patchbay::{
    core::{
        Error, integration_links,
        mirrors::{self, End, NewMirror},
        people::Member,
        users,
    },
    db::entity::{
        integration_link::LinkState,
        member::Role,
        mirror::Side::{Left, Right},
    },
};

use super::{ALL, World, core, new_end, partner};
use crate::{
    harness::{TestDatabase, on_both_databases},
    outbox::founder,
};

fn refused(made: Result<patchbay::db::entity::mirror::Model, Error>) -> String {
    match made {
        Err(Error::Conflict(sentence)) => sentence,
        other => panic!("{other:?}"),
    }
}

async fn both_links_are_made_with_it(test: TestDatabase) {
    let world = World::new(test).await;
    let mirror = world.mirror_row().await;
    assert_eq!((mirror.name.as_str(), mirror.made_left, mirror.made_right), ("issues ↔ tickets", true, true));
    for side in [Left, Right] {
        assert_eq!(world.link_row(side).await.state, LinkState::Active);
        assert_eq!(world.partner(side).subscriptions().len(), 1);
    }
    let listed = mirrors::for_team(&world.core, world.ada.organization, world.team).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].pairs, listed[0].waiting, listed[0].failed), (0, 0, 0));
    world.open(Left, "It breaks");
    world.run().await;
    let listed = mirrors::for_team(&world.core, world.ada.organization, world.team).await.unwrap();
    assert_eq!(listed[0].pairs, 1);
    let lines = mirrors::changes(&world.core, &mirror, None, 10).await.unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (lines[1].what.as_str(), lines[1].author.as_str(), lines[1].item_name.as_str()),
        ("opened", "somebody", "issues#1")
    );
    assert_eq!(mirrors::changes(&world.core, &mirror, Some(lines[0].id), 10).await.unwrap(), lines[1..]);
}

async fn a_link_that_is_there_is_taken_and_one_that_is_not_is_not_found(test: TestDatabase) {
    let world = World::new(test).await;
    let there = world.link_row(Left).await;
    let new = NewMirror {
        team: world.team,
        left: new_end("left", "issues"),
        right: new_end("right", "questions"),
        options: ALL,
        since: None,
        backfill: None,
    };
    let mirror = mirrors::make(&world.core, &world.ada, new).await.unwrap();
    assert_eq!((mirror.left_link, mirror.made_left, mirror.made_right), (there.id, false, true));

    let stranger = patchbay::db::LinkId::new();
    let new = NewMirror {
        team: world.team,
        left: End::Link(there.id),
        right: End::Link(stranger),
        options: ALL,
        since: None,
        backfill: None,
    };
    let made = mirrors::make(&world.core, &world.ada, new).await;
    assert!(matches!(made, Err(Error::NotFound)), "{made:?}");
}

async fn nothing_can_go_round_in_a_circle(test: TestDatabase) {
    let world = World::new(test).await;
    let join = async |left: (&str, &str), right: (&str, &str)| {
        let (left, right) = (new_end(left.0, left.1), new_end(right.0, right.1));
        let new = NewMirror { team: world.team, left, right, options: ALL, since: None, backfill: None };
        mirrors::make(&world.core, &world.ada, new).await
    };
    let again = refused(join(("right", "tickets"), ("left", "issues")).await);
    assert!(again.contains("are joined already"), "{again}");
    assert_eq!(refused(join(("left", "x"), ("left", "x")).await), "A mirror joins two different places.");
    join(("left", "issues"), ("right", "b")).await.unwrap();
    join(("left", "c"), ("right", "b")).await.unwrap();
    let circle = refused(join(("left", "c"), ("right", "tickets")).await);
    assert!(circle.starts_with("c and tickets are joined already"), "{circle}");
    // What was refused left no link behind.
    assert_eq!(integration_links::in_sight(&world.core, &world.ada).await.unwrap().len(), 4);
    // Once the way between is gone, it is no circle.
    mirrors::remove(&world.core, &world.ada, &world.mirror_row().await).await.unwrap();
    join(("left", "c"), ("right", "tickets")).await.unwrap();
}

async fn copies_of_two_places_are_never_called_the_same(test: TestDatabase) {
    let world = World::new(test).await;
    world.open(Left, "first");
    world.run().await;
    let mirror = world.mirror_row().await;
    // The first one is gone; what it made is not.
    mirrors::remove(&world.core, &world.ada, &mirror).await.unwrap();
    let name_of = async |left: &str| {
        let (left, right) = (new_end("left", left), new_end("right", "tickets"));
        let new = NewMirror { team: world.team, left, right, options: ALL, since: Some(0), backfill: None };
        let mirror = mirrors::make(&world.core, &world.ada, new).await.unwrap();
        let settings = mirror.settings["left"].clone();
        mirrors::remove(&world.core, &world.ada, &mirror).await.unwrap();
        settings
    };
    assert_eq!(name_of("others").await, serde_json::json!({ "short": "left", "place": "room-others" }));
    // Of the same place, a name is the same thing's.
    assert_eq!(mirror.settings["left"], serde_json::json!({ "short": "left", "place": null }));
}

async fn only_admins_make_mirrors(test: TestDatabase) {
    let world = World::new(test).await;
    let bob = Member { role: Role::Member, ..world.ada };
    let mirror = world.mirror_row().await;
    let new = NewMirror {
        team: world.team,
        left: new_end("left", "a"),
        right: new_end("right", "b"),
        options: ALL,
        since: None,
        backfill: None,
    };
    let refused = [
        mirrors::make(&world.core, &bob, new).await.map(drop),
        mirrors::change(&world.core, &bob, &mirror, ALL).await,
        mirrors::pause(&world.core, &bob, &mirror).await,
        mirrors::resume(&world.core, &bob, &mirror).await,
        mirrors::remove(&world.core, &bob, &mirror).await.map(drop),
    ];
    for answer in refused {
        assert!(matches!(answer, Err(Error::Forbidden(_))), "{answer:?}");
    }
}

async fn a_mirror_of_another_organization_is_not_found(test: TestDatabase) {
    let world = World::new(test).await;
    let (eve, lab) = founder(&world.core, "eve", "Eve").await;
    let person = users::person(&world.core, eve.user).await.unwrap();
    assert!(matches!(mirrors::find(&world.core, &person, world.mirror).await, Err(Error::NotFound)));
    let ada = users::person(&world.core, world.ada.user).await.unwrap();
    assert_eq!(mirrors::find(&world.core, &ada, world.mirror).await.unwrap().1.id, world.mirror);
    assert!(mirrors::for_team(&world.core, eve.organization, lab).await.unwrap().is_empty());
    let mirror = world.mirror_row().await;
    for removed in [
        mirrors::remove(&world.core, &eve, &mirror).await.map(drop),
        mirrors::change(&world.core, &eve, &mirror, ALL).await,
        mirrors::pause(&world.core, &eve, &mirror).await,
        mirrors::again(&world.core, &eve, &mirror, patchbay::db::MirrorChangeId::new()).await,
    ] {
        assert!(matches!(removed, Err(Error::NotFound)), "{removed:?}");
    }
    // Nor can theirs be joined to it.
    let left = End::Link(world.link_row(Left).await.id);
    let new = NewMirror { team: lab, left, right: new_end("right", "x"), options: ALL, since: None, backfill: None };
    assert!(matches!(mirrors::make(&world.core, &eve, new).await, Err(Error::NotFound)));
    assert_eq!(world.mirror_row().await, mirror);
}

/// The same two places, mirrored by two organizations that know nothing of each other.
async fn what_one_organization_mirrors_another_does_not_see(test: TestDatabase) {
    let world = World::new(test).await;
    let (eve, lab) = founder(&world.core, "eve", "Eve").await;
    let (left, right) = (new_end("left", "issues-of-eve"), new_end("right", "tickets-of-eve"));
    let new = NewMirror { team: lab, left, right, options: ALL, since: Some(0), backfill: None };
    mirrors::make(&world.core, &eve, new).await.unwrap();
    world.open(Left, "It breaks");
    world.run().await;
    let rooms: Vec<_> = world.right.items().into_iter().map(|there| there.room).collect();
    assert_eq!(rooms, ["tickets"]);
    assert_eq!(world.item(Right, "It breaks").item.state, ItemState::Open);
}

async fn a_partner_without_items_can_not_be_mirrored(test: TestDatabase) {
    let (left, plain) = (partner("left", "Left"), FakePartner::default());
    let core = core(&test, &[&left, &plain]);
    let (ada, team) = founder(&core, "ada", "Ada").await;
    let new = NewMirror {
        team,
        left: new_end("left", "a"),
        right: new_end("fake", "b"),
        options: ALL,
        since: None,
        backfill: None,
    };
    assert_eq!(refused(mirrors::make(&core, &ada, new).await), "Fake has nothing that could be mirrored.");
    assert!(integration_links::in_sight(&core, &ada).await.unwrap().is_empty());
}

on_both_databases!(
    both_links_are_made_with_it,
    a_link_that_is_there_is_taken_and_one_that_is_not_is_not_found,
    nothing_can_go_round_in_a_circle,
    copies_of_two_places_are_never_called_the_same,
    only_admins_make_mirrors,
    a_mirror_of_another_organization_is_not_found,
    what_one_organization_mirrors_another_does_not_see,
    a_partner_without_items_can_not_be_mirrored,
);
