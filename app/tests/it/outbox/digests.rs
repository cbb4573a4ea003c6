//! Digests: gathered over the day, told at the hour, once.

use std::time::Duration;

use integration_contract::{ErrorKind, Told};
use integration_testkit::Trouble::{Fails, LosesAnswer};
use jiff::Timestamp;
use patchbay::{
    core::{entries, integration_links, mail::digest as team_digest, outbox},
    db::entity::{
        entry::EntryStatus,
        outbox_message::{
            OutboxKind,
            OutboxState::{Cancelled, Delivered, Failed, Gathered, Held, Skipped},
        },
    },
};

use super::World;
use crate::harness::{TestDatabase, on_both_databases};

/// Noon in Vienna, the day before its clocks are put forward. In the future, as the queue does not wait for the past.
const NOON: &str = "2096-03-24T11:00:00Z";

fn at(moment: &str) -> i64 {
    moment.parse::<Timestamp>().unwrap().as_millisecond()
}

/// The hour strikes: as many seconds from now as the job says.
async fn strike(world: &World) {
    world
        .core
        .clock
        .advance(Duration::from_millis(u64::try_from(next_strike(world).await - world.core.clock.now()).unwrap()));
    world.sql("UPDATE jobs SET run_at = 0 WHERE kind = 'send_digest'").await;
    world.run_to_the_end().await;
}

async fn next_strike(world: &World) -> i64 {
    world.jobs_of(outbox::SEND_DIGEST).await[0].run_at
}

fn texts(told: &Told) -> Vec<&str> {
    let Told::Digest(entries) = told else { panic!("{told:?}") };
    entries.iter().map(|entry| entry.text.as_str()).collect()
}

async fn a_digest_tells_the_day_at_its_hour_also_when_the_clocks_change(test: TestDatabase) {
    let world = World::at(test, at(NOON)).await;
    world.link("workshop", "digest-18").await;
    let ids = world.write("one\ntwo\n[] three").await;
    world.archive(ids[1]).await;
    world.edit(ids[0], "first", EntryStatus::Done).await;
    world.run().await;
    assert!(world.fake.heard().is_empty());
    assert_eq!(world.states().await, [Gathered; 4]);
    assert_eq!(next_strike(&world).await, at("2096-03-24T17:00:00Z"));

    strike(&world).await;

    let heard = world.fake.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!(texts(&heard[0].message.what), ["first", "three"]);
    assert_eq!(world.standing(), ["Ada: first\nAda: three"]);
    assert_eq!(world.states().await, [Delivered; 4]);

    // What was told is no news any more, however it is reworded; that a goal was reached is.
    world.edit(ids[0], "the first", EntryStatus::Done).await;
    assert!(world.jobs_of(outbox::SEND_DIGEST).await.is_empty());
    entries::complete(&world.core, &world.ada, world.team, ids[2]).await.unwrap();
    // Six in the evening again, an hour less by the sun.
    assert_eq!(next_strike(&world).await, at("2096-03-25T16:00:00Z"));
    strike(&world).await;
    assert_eq!(texts(&world.fake.heard()[1].message.what), ["three"]);
    world.finish().await;
}

async fn a_link_may_leave_the_hour_to_the_team(test: TestDatabase) {
    let world = World::at(test, at(NOON)).await;
    world.link("workshop", "digest").await;
    world.write("one").await;
    assert_eq!(
        next_strike(&world).await,
        at("2096-03-24T16:00:00Z"),
        "five in the evening, where nobody chose an hour"
    );
    strike(&world).await;
    assert_eq!(texts(&world.fake.heard()[0].message.what), ["one"]);

    team_digest::choose(&world.core, &world.ada, world.team, Some(9)).await.unwrap();
    world.write("two").await;
    // An hour less by the sun from that night on.
    assert_eq!(next_strike(&world).await, at("2096-03-25T07:00:00Z"));
    strike(&world).await;
    assert_eq!(texts(&world.fake.heard()[1].message.what), ["two"]);
    world.finish().await;
}

async fn a_digest_with_nothing_left_to_tell_is_not_sent(test: TestDatabase) {
    let world = World::at(test, at(NOON)).await;
    world.link("workshop", "digest-18").await;
    let id = world.write("one").await[0];
    world.archive(id).await;
    strike(&world).await;
    assert!(world.fake.heard().is_empty());
    assert_eq!(world.states().await, [Skipped; 2]);
    world.finish().await;
}

async fn a_second_attempt_at_a_digest_tells_the_same(test: TestDatabase) {
    let world = World::at(test, at(NOON)).await;
    world.link("workshop", "digest-18").await;
    world.write("one").await;
    world.fake.trouble_delivering(LosesAnswer);
    world.core.clock.advance(Duration::from_millis(u64::try_from(next_strike(&world).await - at(NOON)).unwrap()));
    world.sql("UPDATE jobs SET run_at = 0 WHERE kind = 'send_digest'").await;
    world.run().await;
    world.write("two").await;
    assert_eq!(next_strike(&world).await, at("2096-03-25T16:00:00Z"));
    world.pass(world.next_try().await.unwrap()).await;
    world.run().await;

    let heard = world.fake.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(texts(&heard[1].message.what), ["one"]);
    assert_eq!(world.standing(), ["Ada: one"]);
    world.finish().await;
}

async fn a_digest_that_failed_can_be_sent_again_with_all_that_was_in_it(test: TestDatabase) {
    let world = World::at(test, at(NOON)).await;
    let link = world.link("workshop", "digest-18").await;
    world.write("one\ntwo").await;
    world.fake.trouble_delivering(Fails(ErrorKind::Refused));
    strike(&world).await;
    assert_eq!(world.states().await, [Failed; 3]);

    let messages = world.messages().await;
    let digest = messages.iter().find(|message| message.kind == OutboxKind::Digest).unwrap();
    let member = messages.iter().find(|message| message.kind == OutboxKind::Entry).unwrap();
    assert!(outbox::replay(&world.core, &world.ada, link, member.id).await.is_err());
    outbox::replay(&world.core, &world.ada, link, digest.id).await.unwrap();
    world.run().await;
    assert_eq!(world.standing(), ["Ada: one\nAda: two"]);
    assert_eq!(world.states().await, [Delivered; 3]);
    world.finish().await;
}

async fn a_digest_waits_for_its_link_and_goes_with_it(test: TestDatabase) {
    let world = World::at(test, at(NOON)).await;
    let link = world.link("workshop", "digest-18").await;
    world.write("one").await;
    world.fake.trouble_delivering(Fails(ErrorKind::Forbidden));
    strike(&world).await;
    assert_eq!(world.states().await, [Gathered, Held]);
    integration_links::resume(&world.core, &world.ada, &world.link_row(link).await).await.unwrap();
    world.run().await;
    assert_eq!(world.standing(), ["Ada: one"]);

    world.write("two").await;
    world.remove(link).await;
    assert_eq!(world.states().await, [Delivered, Delivered, Cancelled, Cancelled]);
    world.sql("UPDATE jobs SET run_at = 0 WHERE kind = 'send_digest'").await;
    world.run().await;
    assert_eq!(world.fake.heard().len(), 2);
    world.finish().await;
}

on_both_databases!(
    a_digest_tells_the_day_at_its_hour_also_when_the_clocks_change,
    a_link_may_leave_the_hour_to_the_team,
    a_digest_with_nothing_left_to_tell_is_not_sent,
    a_second_attempt_at_a_digest_tells_the_same,
    a_digest_that_failed_can_be_sent_again_with_all_that_was_in_it,
    a_digest_waits_for_its_link_and_goes_with_it,
);
