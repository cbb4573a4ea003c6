//! Partners that fail in every way they can, processes that die, and hooks that come before their answer.

use std::time::Duration;

use integration_contract::{ErrorKind, ItemState};
use integration_testkit::{
    ItemCall,
    Trouble::{AnswersLate, Fails, Limits, LosesAnswer},
};
use patchbay::{
    core::mirrors::{self, MOST_IN_A_ROW, MOST_WRITES},
    db::entity::{
        integration_link::LinkState,
        mirror::{
            MirrorState,
            Side::{self, Left, Right},
        },
        mirror_change::ChangeState::{Done, Failed, Skipped},
        mirror_pair::PairState,
    },
    queue::Outcome,
};

use super::World;
use crate::harness::{TestDatabase, on_both_databases};

async fn a_lost_answer_makes_no_second_ticket(test: TestDatabase) {
    let world = World::new(test).await;
    world.right.trouble_with_items(ItemCall::CreateItem, LosesAnswer);
    world.open(Left, "It breaks");
    world.run().await;
    assert_eq!((world.count(Left), world.count(Right)), (1, 1));
    assert_eq!(world.calls(Right, ItemCall::CreateItem), 1);
    assert_eq!(world.pairs().await[0].state, PairState::Joined);
}

async fn a_lost_answer_makes_no_second_comment(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    world.right.trouble_with_items(ItemCall::Comment, LosesAnswer);
    world.comment(Left, &issue, "On Mondays.");
    world.run().await;
    assert_eq!(world.item(Right, "It breaks").comments.len(), 1);
    assert_eq!(world.item(Left, "It breaks").comments.len(), 1);
    assert_eq!(world.calls(Right, ItemCall::Comment), 1);
}

/// While nobody knows whether it was told, the text changes again, and another change is what is carried first.
async fn a_lost_answer_makes_no_second_telling_of_a_text(test: TestDatabase) {
    for changes_again in [false, true] {
        let world = World::of(&test, &format!("ada-{changes_again}"), super::ALL, Some(0)).await;
        let issue = world.open(Left, "It breaks");
        world.run().await;
        let ticket = world.item(Right, "It breaks").item.id;
        world.change(Right, &ticket, |ticket| ticket.labels.push("vip".to_owned()));
        world.deliver_all().await;
        world.change(Left, &issue, |issue| issue.body = "On Mondays.".to_owned());
        world.right.trouble_with_items(ItemCall::Comment, LosesAnswer);
        // The label brings the text along, and its answer gets lost.
        assert!(world.step().await);
        assert_eq!(world.item(Right, "It breaks").comments.len(), 1);
        if changes_again {
            world.change(Left, &issue, |issue| issue.body = "On Tuesdays.".to_owned());
        }
        world.run().await;
        let told: Vec<_> = world.item(Right, "It breaks").comments.into_iter().map(|told| told.body).collect();
        let last = if changes_again { "On Tuesdays." } else { "On Mondays." };
        assert_eq!(told.len(), if changes_again { 2 } else { 1 }, "{told:?}");
        assert!(told.last().unwrap().ends_with(last), "{told:?}");
        assert_eq!(world.item(Left, "It breaks").comments, [], "what the mirror wrote was copied back");
        assert!(world.pairs().await.iter().all(|pair| pair.saying.is_none()));
    }
}

/// Who carried it gave up before anybody knew: what comes next finds out first.
async fn what_was_said_by_a_change_that_gave_up_is_known_all_the_same(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    world.right.trouble_with_items(ItemCall::Comment, LosesAnswer);
    world.comment(Left, &issue, "On Mondays.");
    world.deliver_all().await;
    let job = world.claim().await.unwrap();
    assert!(matches!(world.do_job(&job).await, Outcome::Again { .. }));
    world.settle(&job, Some(Outcome::Failed { why: "The fake partner was away for days.".into() })).await;
    // At rest, what is being said can be read by nobody who only has the database.
    let saying = world.pairs().await[0].saying.clone().expect("nobody knows yet");
    assert!(!String::from_utf8_lossy(&saying).contains("Mondays"));

    world.run().await;
    assert_eq!(world.last(Left, "commented").await.0, Failed);
    assert_eq!(world.last(Right, "commented").await, (Skipped, Some("The mirror wrote this itself.".to_owned())));
    assert_eq!((world.item(Left, "It breaks").comments.len(), world.item(Right, "It breaks").comments.len()), (1, 1));
    let failed = world.changes().await.into_iter().find(|change| change.state == Failed).unwrap();
    mirrors::again(&world.core, &world.ada, &world.mirror_row().await, failed.id).await.unwrap();
    world.run().await;
    assert_eq!(world.last(Left, "commented").await.0, Done);
    assert_eq!(world.item(Right, "It breaks").comments.len(), 1);
}

async fn a_lost_answer_of_a_deed_is_found_to_be_so(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    world.right.trouble_with_items(ItemCall::Act, LosesAnswer);
    world.close(Left, &issue);
    world.run().await;
    assert_eq!(world.item(Right, "It breaks").item.state, ItemState::Closed);
    assert_eq!(world.calls(Right, ItemCall::Act), 1);
    assert_eq!(world.item(Left, "It breaks").item.state, ItemState::Closed);
}

/// The job is cut off when the partner did what was asked and before we wrote down that it did; the hook that tells of it
/// is read before the job runs again.
async fn dies_in(world: &World, side: Side, call: ItemCall) {
    world.partner(side).trouble_with_items(call, AnswersLate(Duration::from_secs(3600)));
    world.deliver_all().await;
    loop {
        let job = world.claim().await.expect("there is a job");
        match tokio::time::timeout(Duration::from_millis(700), world.do_job(&job)).await {
            Ok(outcome) => world.settle(&job, Some(outcome)).await,
            Err(_) => {
                world.look();
                world.deliver_all().await;
                world.settle(&job, None).await;
                return;
            }
        }
    }
}

async fn a_process_that_dies_leaves_no_double(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    dies_in(&world, Right, ItemCall::CreateItem).await;
    // The ticket's hook came while nobody knew whose it is. Somebody writes there, and closes it.
    let ticket = world.item(Right, "It breaks").item.id;
    world.comment(Right, &ticket, "Already?");
    world.close(Right, &ticket);
    world.run().await;
    assert_eq!((world.count(Left), world.count(Right)), (1, 1));
    let there = world.item(Left, "It breaks");
    assert_eq!((there.comments.len(), there.item.state), (1, ItemState::Closed));
    assert_eq!(world.pairs().await.len(), 1);

    world.comment(Left, &issue, "Yes.");
    dies_in(&world, Right, ItemCall::Comment).await;
    world.run().await;
    world.reopen(Left, &issue);
    dies_in(&world, Right, ItemCall::Act).await;
    world.run().await;
    for side in [Left, Right] {
        let there = world.item(side, "It breaks");
        assert_eq!((there.comments.len(), there.item.state), (2, ItemState::Open));
    }
    assert_eq!(world.writes(Right), 3);
    assert_eq!(world.writes(Left), 2);
}

async fn a_stranger_waits_only_while_a_copy_is_on_its_way(test: TestDatabase) {
    let world = World::new(test).await;
    world.open(Left, "mine");
    dies_in(&world, Right, ItemCall::CreateItem).await;
    world.open(Right, "somebody else's");
    world.run().await;
    assert_eq!((world.count(Left), world.count(Right)), (2, 2));
    for side in [Left, Right] {
        world.item(side, "mine");
        world.item(side, "somebody else's");
    }
    assert_eq!(world.writes(Left) + world.writes(Right), 2);
}

async fn what_is_refused_fails_alone_and_can_be_tried_again(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    world.right.trouble_with_items(ItemCall::Comment, Fails(ErrorKind::Refused));
    world.comment(Left, &issue, "one");
    world.comment(Left, &issue, "two");
    world.run().await;
    assert_eq!(world.item(Right, "It breaks").comments.len(), 1);
    let failed = world.changes().await.into_iter().find(|change| change.state == Failed).unwrap();
    let sentence = "The fake partner was told to fail: Refused.";
    assert_eq!(failed.reason.as_deref(), Some(sentence));

    let mirror = world.mirror_row().await;
    mirrors::again(&world.core, &world.ada, &mirror, failed.id).await.unwrap();
    world.run().await;
    assert_eq!(world.item(Right, "It breaks").comments.len(), 2);
    let twice = mirrors::again(&world.core, &world.ada, &mirror, failed.id).await;
    assert!(matches!(twice, Err(patchbay::core::Error::Conflict(_))), "{twice:?}");
}

async fn a_state_that_is_refused_comes_with_the_next_change(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    world.right.trouble_with_items(ItemCall::Act, Fails(ErrorKind::Refused));
    world.close(Left, &issue);
    world.run().await;
    assert_eq!(world.last(Left, "closed").await.0, Failed);
    assert_eq!(world.mirror_row().await.reason.as_deref(), Some("The fake partner was told to fail: Refused."));

    world.retitle(Left, &issue, "It breaks often");
    world.run().await;
    assert_eq!(world.item(Right, "It breaks often").item.state, ItemState::Closed);
    assert_eq!(world.mirror_row().await.reason, None);
}

async fn a_ticket_that_is_refused_is_made_with_the_next_change(test: TestDatabase) {
    let world = World::new(test).await;
    world.right.trouble_with_items(ItemCall::CreateItem, Fails(ErrorKind::Refused));
    let issue = world.open(Left, "It breaks");
    world.run().await;
    assert_eq!((world.count(Right), world.last(Left, "opened").await.0), (0, Failed));
    world.comment(Left, &issue, "On Mondays.");
    world.run().await;
    assert_eq!(world.item(Right, "It breaks").comments.len(), 1);
}

async fn a_partner_that_is_away_is_waited_for_in_order(test: TestDatabase) {
    let world = World::new(test).await;
    for _ in 0..3 {
        world.right.trouble_with_items(ItemCall::CreateItem, Fails(ErrorKind::Unavailable));
    }
    world.right.trouble_with_items(ItemCall::Comment, Limits(Duration::from_secs(1)));
    let issue = world.open(Left, "It breaks");
    for number in 0..3 {
        world.comment(Left, &issue, &format!("comment {number}"));
    }
    world.run().await;
    let comments = world.item(Right, "It breaks").comments;
    let said: Vec<_> = comments.iter().map(|comment| comment.body.rsplit("\n\n").next().unwrap()).collect();
    assert_eq!(said, ["comment 0", "comment 1", "comment 2"]);
    // What is certain not to be there is not looked for.
    assert_eq!(world.calls(Right, ItemCall::FindItem) + world.calls(Right, ItemCall::FindComment), 0);
}

async fn an_account_that_is_gone_breaks_the_link_and_its_changes_wait(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    world.right.trouble_with_items(ItemCall::Comment, Fails(ErrorKind::Unauthorized));
    world.comment(Left, &issue, "On Mondays.");
    world.deliver_all().await;
    let job = world.claim().await.unwrap();
    let outcome = world.do_job(&job).await;
    assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
    world.settle(&job, Some(outcome)).await;
    let link = world.link_row(Right).await;
    assert_eq!(link.state, LinkState::Broken);
    world.step().await;
    assert!(world.item(Right, "It breaks").comments.is_empty());

    patchbay::core::integration_links::resume(&world.core, &world.ada, &link).await.unwrap();
    world.set_up_links().await;
    world.run().await;
    assert_eq!(world.item(Right, "It breaks").comments.len(), 1);
}

async fn what_waited_three_days_for_its_link_is_old_news(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    world.sql("UPDATE integration_links SET state = 'broken' WHERE partner = 'right'").await;
    world.comment(Left, &issue, "On Mondays.");
    world.deliver_all().await;
    world.step().await;
    world.pass(mirrors::TOO_OLD + Duration::from_secs(60)).await;
    world.run().await;
    let (state, reason) = world.last(Left, "commented").await;
    assert_eq!((state, reason.as_deref()), (Failed, Some("The link to tickets did not work for three days.")));
}

/// Another tool answers to each comment, as a mirror between the same two places would.
async fn a_conversation_of_machines_slows_down_and_ends(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    world.core.clock.advance(Duration::from_secs(1));
    let (mut said, begun) = (0, world.core.clock.now());
    while world.mirror_row().await.state == MirrorState::Active {
        for _ in 0..2 * MOST_WRITES {
            world.comment(Left, &issue, "I am only a machine.");
            said += 1;
        }
        world.run().await;
        let copied = world.item(Right, "It breaks").comments.len();
        let minutes = (world.core.clock.now() - begun) / 60_000;
        assert!(copied <= MOST_WRITES * (usize::try_from(minutes).unwrap() + 1), "{copied} after {minutes} minutes");
        assert!(said <= 4 * MOST_IN_A_ROW, "it never ends");
    }
    assert_eq!(world.item(Right, "It breaks").comments.len(), MOST_IN_A_ROW);
    let mirror = world.mirror_row().await;
    assert_eq!(mirror.state, MirrorState::Broken);
    assert!(mirror.reason.as_deref().unwrap().starts_with("More than 40 changes of issues#1 were to be carried over"));
    world.comment(Left, &issue, "Still here.");
    world.run().await;
    let stopped = Some("The mirror stopped by itself; its page says why.".to_owned());
    assert_eq!(world.last(Left, "commented").await, (Skipped, stopped));

    // Whoever looked at it starts it again.
    mirrors::resume(&world.core, &world.ada, &mirror).await.unwrap();
    world.core.clock.advance(Duration::from_secs(1));
    world.comment(Left, &issue, "By hand.");
    world.run().await;
    assert_eq!(world.last(Left, "commented").await.0, Done);
}

async fn people_who_write_much_are_no_machines(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    for number in 0..MOST_IN_A_ROW + 5 {
        world.comment(Left, &issue, &format!("comment {number}"));
        world.core.clock.advance(Duration::from_secs(8));
        world.run().await;
    }
    assert_eq!(world.mirror_row().await.state, MirrorState::Active);
    assert_eq!(world.item(Right, "It breaks").comments.len(), MOST_IN_A_ROW + 5);
}

async fn a_job_that_was_given_up_leaves_a_failure_and_looks_first_the_next_time(test: TestDatabase) {
    let world = World::new(test).await;
    world.right.trouble_with_items(ItemCall::CreateItem, LosesAnswer);
    let issue = world.open(Left, "It breaks");
    world.deliver_all().await;
    let job = world.claim().await.unwrap();
    let outcome = world.do_job(&job).await;
    assert!(matches!(outcome, Outcome::Again { .. }), "{outcome:?}");
    world.settle(&job, Some(Outcome::Failed { why: "The partner did not answer for three days.".into() })).await;
    assert_eq!(world.last(Left, "opened").await.0, Failed);
    assert_eq!(world.pairs().await[0].state, PairState::Reserved);

    let _later = world.hooks();
    world.comment(Left, &issue, "Hello?");
    world.run().await;
    assert_eq!((world.count(Left), world.item(Right, "It breaks").comments.len()), (1, 1));
    assert_eq!(world.calls(Right, ItemCall::CreateItem), 1);
}

on_both_databases!(
    a_lost_answer_makes_no_second_ticket,
    a_lost_answer_makes_no_second_comment,
    a_lost_answer_makes_no_second_telling_of_a_text,
    what_was_said_by_a_change_that_gave_up_is_known_all_the_same,
    a_lost_answer_of_a_deed_is_found_to_be_so,
    a_process_that_dies_leaves_no_double,
    a_stranger_waits_only_while_a_copy_is_on_its_way,
    what_is_refused_fails_alone_and_can_be_tried_again,
    a_state_that_is_refused_comes_with_the_next_change,
    a_ticket_that_is_refused_is_made_with_the_next_change,
    a_partner_that_is_away_is_waited_for_in_order,
    an_account_that_is_gone_breaks_the_link_and_its_changes_wait,
    what_waited_three_days_for_its_link_is_old_news,
    a_conversation_of_machines_slows_down_and_ends,
    people_who_write_much_are_no_machines,
    a_job_that_was_given_up_leaves_a_failure_and_looks_first_the_next_time,
);
