//! A partner that fails in every way it can, and processes that die.

use std::{collections::BTreeMap, time::Duration};

use integration_contract::{ErrorKind, Posted};
use integration_testkit::Trouble::{AnswersLate, Fails, Limits, LosesAnswer};
use patchbay::{
    core::{Error, integration_links, outbox},
    db::{
        LinkId,
        entity::{
            Tenant,
            entry::EntryStatus,
            integration_link::LinkState,
            outbox_attempt,
            outbox_message::OutboxState::{Delivered, Failed, Held, Skipped, Waiting},
        },
    },
    queue::Outcome,
};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

use super::World;
use crate::harness::{TestDatabase, on_both_databases};

const HOUR: Duration = Duration::from_secs(3600);

/// The outcomes of all attempts, in their order.
async fn outcomes(world: &World) -> Vec<Option<String>> {
    let attempts = outbox_attempt::Entity::of(world.ada.organization).order_by_asc(outbox_attempt::Column::Id);
    attempts.all(world.core.db.reader()).await.unwrap().into_iter().map(|attempt| attempt.outcome).collect()
}

async fn a_lost_answer_is_looked_for_and_nothing_stands_there_twice(test: TestDatabase) {
    let world = World::new(test).await;
    world.link("workshop", "now").await;
    world.fake.trouble_delivering(LosesAnswer);
    let before = world.core.clock.now_seconds();
    world.write("once").await;
    world.run_to_the_end().await;

    assert_eq!(world.standing(), ["Ada: once"]);
    let heard = world.fake.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0].message.id, heard[1].message.id);
    assert_eq!(heard[1].message.posted, Posted::Maybe { since: before });
    assert_eq!(outcomes(&world).await, [Some("unknown_outcome".into()), Some("delivered".into())]);
    world.finish().await;
}

async fn a_lost_answer_is_looked_for_by_the_message_that_was_given_up_too(test: TestDatabase) {
    let world = World::new(test).await;
    let link = world.link("workshop", "now").await;
    world.fake.trouble_delivering(LosesAnswer);
    world.fake.trouble_delivering(Fails(ErrorKind::Refused));
    let id = world.write("frist").await[0];
    world.run_to_the_end().await;
    assert_eq!(world.states().await, [Failed]);

    // Another message, about the same entry.
    world.edit(id, "first", EntryStatus::Done).await;
    world.run().await;
    assert_eq!(world.standing(), ["Ada: first"]);
    assert_eq!(world.message_of(id, link).await.state, Delivered);
    assert_eq!(world.fake.heard()[2].message.id, world.fake.heard()[0].message.id);
    world.finish().await;
}

async fn a_process_that_dies_between_sending_and_committing_leaves_a_maybe(test: TestDatabase) {
    let world = World::new(test).await;
    world.link("workshop", "now").await;
    world.write("once").await;
    world.fake.trouble_delivering(AnswersLate(HOUR));
    let job = world.claim(outbox::DELIVER).await;

    // The run is cut off as it is when its lease is lost.
    let cut_off = tokio::time::timeout(Duration::from_millis(500), world.do_job(&job)).await;
    assert!(cut_off.is_err());
    assert_eq!(world.standing(), ["Ada: once"]);
    assert_eq!(outcomes(&world).await, [None]);

    assert_eq!(world.do_job(&job).await, Outcome::Done);
    assert_eq!(world.standing(), ["Ada: once"]);
    assert!(matches!(world.fake.heard()[1].message.posted, Posted::Maybe { .. }));
    assert_eq!(outcomes(&world).await, [Some("unknown_outcome".into()), Some("delivered".into())]);
    // And a third worker that still has it in hand does nothing.
    assert_eq!(world.do_job(&job).await, Outcome::Done);
    assert_eq!(world.fake.heard().len(), 2);
    world.finish().await;
}

async fn what_is_certain_not_to_be_there_is_not_looked_for(test: TestDatabase) {
    let world = World::new(test).await;
    world.link("workshop", "now").await;
    world.fake.trouble_delivering(Fails(ErrorKind::Unavailable));
    world.write("once").await;
    world.run_to_the_end().await;
    assert_eq!(world.fake.heard()[1].message.posted, Posted::Never);
    assert_eq!(world.standing(), ["Ada: once"]);
    world.finish().await;
}

async fn an_outage_of_a_day_loses_nothing_and_keeps_the_order(test: TestDatabase) {
    let world = World::new(test).await;
    let links = [world.link("one", "now").await, world.link("two", "now").await];
    world.fake.outage(Some(Fails(ErrorKind::Unavailable)));
    let texts: Vec<String> = (0..8).map(|number| format!("entry {number}")).collect();
    world.write(&texts.join("\n")).await;

    let mut left = 24 * HOUR;
    world.run().await;
    while let Some(wait) = world.next_try().await {
        world.pass(wait.min(left)).await;
        left = left.saturating_sub(wait);
        if left.is_zero() {
            break;
        }
        world.run().await;
    }
    let in_trouble = world.link_row(links[0]).await;
    assert_eq!(in_trouble.state, LinkState::Active);
    assert_eq!(in_trouble.reason.as_deref(), Some("The fake partner was told to fail: Unavailable. Trying again."));
    let attempts = world.messages().await.iter().map(|message| message.attempts).max().unwrap();
    assert!((5..=40).contains(&attempts), "{attempts}");
    world.fake.outage(None);
    world.run_to_the_end().await;

    let mut rooms: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for post in world.fake.posts() {
        rooms.entry(post.room).or_default().push(post.text);
    }
    let expected: Vec<String> = texts.iter().map(|text| format!("Ada: {text}")).collect();
    assert_eq!(rooms.into_values().collect::<Vec<_>>(), [expected.clone(), expected]);
    assert!(world.messages().await.iter().all(|message| message.state == Delivered && message.attempts <= 40));
    assert_eq!(world.link_row(links[0]).await.reason, None);
    world.finish().await;
}

async fn a_partner_that_never_answers_is_given_up_after_three_days_and_can_be_tried_again(test: TestDatabase) {
    let world = World::new(test).await;
    let link = world.link("workshop", "now").await;
    world.fake.outage(Some(Fails(ErrorKind::Unavailable)));
    let id = world.write("patience").await[0];
    let began = world.core.clock.now();
    world.run_to_the_end().await;

    let message = world.message_of(id, link).await;
    assert_eq!(message.state, Failed);
    assert_eq!(message.reason.as_deref(), Some("The fake partner was told to fail: Unavailable."));
    assert!(world.core.clock.now() - began >= 72 * 3_600_000);

    world.fake.outage(None);
    let again = outbox::replay(&world.core, &world.ada, link, message.id);
    again.await.unwrap();
    world.pass(HOUR).await;
    world.run_to_the_end().await;
    assert_eq!(world.message_of(id, link).await.state, Delivered);
    assert_eq!(world.standing(), ["Ada: patience"]);
    assert!(world.jobs_of(outbox::DELIVER).await.is_empty());
    let twice = outbox::replay(&world.core, &world.ada, link, message.id).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
    let elsewhere = outbox::replay(&world.core, &world.ada, LinkId::new(), message.id).await;
    assert!(matches!(elsewhere, Err(Error::NotFound)), "{elsewhere:?}");
    world.finish().await;
}

async fn being_asked_to_slow_down_is_no_attempt(test: TestDatabase) {
    let world = World::new(test).await;
    world.link("workshop", "now").await;
    (0..20).for_each(|_| world.fake.trouble_delivering(Limits(Duration::from_secs(60))));
    world.write("patience").await;
    world.run().await;
    for _ in 0..20 {
        let job = world.jobs_of(outbox::DELIVER).await.remove(0);
        assert_eq!(job.attempts, 0);
        let wait = world.next_try().await.unwrap();
        assert!(wait > Duration::from_secs(55) && wait < Duration::from_secs(67), "{wait:?}");
        world.pass(wait).await;
        world.run().await;
    }
    assert_eq!(world.standing(), ["Ada: patience"]);
    world.finish().await;
}

async fn one_refused_message_does_not_hold_up_the_others(test: TestDatabase) {
    let world = World::new(test).await;
    let link = world.link("workshop", "now").await;
    world.fake.trouble_delivering(Fails(ErrorKind::Refused));
    let ids = world.write("bad\ngood").await;
    world.run().await;

    assert_eq!(world.states().await, [Failed, Delivered]);
    assert_eq!(world.standing(), ["Ada: good"]);
    assert_eq!(world.link_row(link).await.state, LinkState::Active);
    let failed = world.message_of(ids[0], link).await;
    assert_eq!(failed.reason.as_deref(), Some("The fake partner was told to fail: Refused."));
    outbox::replay(&world.core, &world.ada, link, failed.id).await.unwrap();
    world.run().await;
    assert_eq!(world.standing(), ["Ada: good", "Ada: bad"]);
    world.finish().await;
}

async fn a_breaker_gives_a_partner_that_is_down_a_rest(test: TestDatabase) {
    let world = World::new(test).await;
    for room in 0..10 {
        world.link(&format!("room-{room}"), "now").await;
    }
    world.fake.outage(Some(Fails(ErrorKind::Unavailable)));
    world.work(1);
    world.write("hello").await;
    world.run().await;

    // Five were enough to know.
    assert_eq!(world.fake.heard().len(), 5);
    let untried = world.jobs_of(outbox::DELIVER).await.into_iter().filter(|job| job.attempts == 0).count();
    assert_eq!(untried, 5);
    world.fake.outage(None);
    world.run_to_the_end().await;
    assert_eq!(world.standing().len(), 10);
    world.finish().await;
}

async fn what_a_broken_link_has_to_tell_is_held_and_goes_on_in_order(test: TestDatabase) {
    for kind in [ErrorKind::Forbidden, ErrorKind::NotFound, ErrorKind::Unauthorized] {
        let world = World::new(test_again(&test).await).await;
        let link = world.link("workshop", "now").await;
        world.fake.trouble_delivering(Fails(kind));
        world.write("one\ntwo\nthree").await;
        world.run().await;

        let broken = world.link_row(link).await;
        assert_eq!(broken.state, LinkState::Broken);
        assert_eq!(broken.reason, Some(format!("The fake partner was told to fail: {kind:?}.")));
        assert_eq!(world.states().await, [Held; 3]);
        assert_eq!(world.fake.heard().len(), 1);

        world.write("four").await;
        world.run().await;
        assert_eq!(world.states().await, [Held; 4]);

        integration_links::resume(&world.core, &world.ada, &broken).await.unwrap();
        world.write("five").await;
        world.run().await;
        let jobs = world.job_rows().await;
        assert_eq!(world.states().await, [Delivered; 5], "{jobs:?}");
        assert_eq!(world.standing(), ["Ada: one", "Ada: two", "Ada: three", "Ada: four", "Ada: five"]);
        world.finish().await;
    }
}

async fn what_was_held_for_days_is_old_news_but_a_change_is_not(test: TestDatabase) {
    let world = World::new(test).await;
    let link = world.link("workshop", "now").await;
    let stands = world.write("stands").await[0];
    world.run().await;
    world.fake.trouble_delivering(Fails(ErrorKind::Forbidden));
    world.write("old").await;
    world.archive(stands).await;
    world.run().await;
    assert_eq!(world.states().await, [Delivered, Held, Held]);

    world.pass(4 * 24 * HOUR).await;
    world.write("new").await;
    let broken = world.link_row(link).await;
    integration_links::resume(&world.core, &world.ada, &broken).await.unwrap();
    world.run().await;

    assert_eq!(world.states().await, [Delivered, Skipped, Delivered, Delivered]);
    assert_eq!(world.standing(), ["Ada: new"]);
    world.finish().await;
}

async fn a_paused_link_is_not_told_and_says_so(test: TestDatabase) {
    let world = World::new(test).await;
    let link = world.link("workshop", "now").await;
    integration_links::pause(&world.core, &world.ada, &world.link_row(link).await).await.unwrap();
    let id = world.write("quiet").await[0];
    world.run().await;

    let skipped = world.message_of(id, link).await;
    assert_eq!((skipped.state, skipped.reason.as_deref()), (Skipped, Some("The link is paused.")));
    integration_links::resume(&world.core, &world.ada, &world.link_row(link).await).await.unwrap();
    world.run().await;
    assert!(world.standing().is_empty());
    outbox::replay(&world.core, &world.ada, link, skipped.id).await.unwrap();
    world.run().await;
    assert_eq!(world.standing(), ["Ada: quiet"]);
    world.finish().await;
}

async fn a_job_that_was_given_up_fails_its_message_unless_another_has_it(test: TestDatabase) {
    let world = World::new(test).await;
    let link = world.link("workshop", "now").await;
    let id = world.write("once").await[0];
    let message = world.message_of(id, link).await;
    let gave_up = async |turn| {
        outbox::gave_up(&world.core, world.ada.organization, message.id, Some(turn), "it died").await.unwrap();
        world.message_of(id, link).await.state
    };
    assert_eq!(gave_up(message.turn + 1).await, Waiting);
    assert_eq!(gave_up(message.turn).await, Failed);
    world.finish().await;
}

async fn what_is_over_its_time_is_forgotten_with_its_attempts(test: TestDatabase) {
    let world = World::new(test).await;
    let link = world.link("workshop", "now").await;
    let id = world.write("old").await[0];
    world.run().await;
    world.pass(31 * 24 * HOUR).await;
    world.fake.outage(Some(Fails(ErrorKind::Unavailable)));
    world.write("waits").await;
    world.run().await;

    assert_eq!(outbox::forget_messages(&world.core).await.unwrap(), 1);
    assert_eq!(world.states().await, [Waiting]);
    let left = outbox_attempt::Entity::of(world.ada.organization)
        .filter(outbox_attempt::Column::LinkId.eq(link))
        .all(world.core.db.reader());
    assert_eq!(left.await.unwrap().len(), 1);

    // What stands there is remembered for longer: it still follows.
    assert_eq!(outbox::forget_posts(&world.core, outbox::POSTS_KEPT).await.unwrap(), 0);
    world.fake.outage(None);
    world.run_to_the_end().await;
    world.archive(id).await;
    world.run_to_the_end().await;
    assert_eq!(world.standing(), ["Ada: waits"]);
    world.finish().await;
}

async fn unfinished_messages_are_counted(test: TestDatabase) {
    let world = World::new(test).await;
    world.link("workshop", "now").await;
    world.write("one\ntwo").await;
    let counts = outbox::count(&world.core.db).await.unwrap();
    assert_eq!(counts[&Waiting], 2);
    assert_eq!(counts[&Held], 0);
    world.finish().await;
}

/// Another database of the same kind.
async fn test_again(test: &TestDatabase) -> TestDatabase {
    match test.db.backend() {
        patchbay::db::Backend::Sqlite => TestDatabase::sqlite().await,
        patchbay::db::Backend::Postgres => TestDatabase::postgres().await,
    }
}

on_both_databases!(
    a_lost_answer_is_looked_for_and_nothing_stands_there_twice,
    a_lost_answer_is_looked_for_by_the_message_that_was_given_up_too,
    a_process_that_dies_between_sending_and_committing_leaves_a_maybe,
    what_is_certain_not_to_be_there_is_not_looked_for,
    an_outage_of_a_day_loses_nothing_and_keeps_the_order,
    a_partner_that_never_answers_is_given_up_after_three_days_and_can_be_tried_again,
    being_asked_to_slow_down_is_no_attempt,
    one_refused_message_does_not_hold_up_the_others,
    a_breaker_gives_a_partner_that_is_down_a_rest,
    what_a_broken_link_has_to_tell_is_held_and_goes_on_in_order,
    what_was_held_for_days_is_old_news_but_a_change_is_not,
    a_paused_link_is_not_told_and_says_so,
    a_job_that_was_given_up_fails_its_message_unless_another_has_it,
    what_is_over_its_time_is_forgotten_with_its_attempts,
    unfinished_messages_are_counted,
);
