//! What people do on one side, and what comes of it on the other.

use integration_contract::ItemState;
use integration_testkit::ItemCall;
use patchbay::{
    core::mirrors::{self, Creates, Options},
    db::entity::{
        mirror::Side::{Left, Right},
        mirror_change::ChangeState::{Done, Skipped},
        mirror_pair::PairState,
    },
};

use super::{ALL, World};
use crate::harness::{TestDatabase, on_both_databases};

async fn an_issue_gets_one_ticket_that_follows_it(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    let ticket = world.item(Right, "It breaks").item;
    assert_eq!(ticket.external_id.as_deref(), Some(format!("left-{issue}").as_str()));
    assert!(
        ticket.body.starts_with("**somebody** wrote in [issues#1](https://fake.example/issues/1):"),
        "{}",
        ticket.body
    );

    world.comment(Left, &issue, "On Mondays only.");
    world.run().await;
    world.comment(Right, &ticket.id, "We are looking into it.");
    world.run().await;
    world.change(Left, &issue, |item| item.labels = vec!["bug".into()]);
    world.run().await;
    world.retitle(Right, &ticket.id, "It breaks on Mondays");
    world.run().await;
    world.close(Left, &issue);
    world.run().await;
    world.reopen(Right, &ticket.id);
    world.run().await;

    let (issue, ticket) = (world.item(Left, "It breaks on Mondays"), world.item(Right, "It breaks on Mondays"));
    for there in [&issue, &ticket] {
        assert_eq!((there.item.state, &there.item.labels), (ItemState::Open, &vec!["bug".to_owned()]));
        assert_eq!(there.comments.len(), 2);
    }
    assert!(ticket.comments[0].body.ends_with(":\n\nOn Mondays only."));
    assert!(issue.comments[1].body.ends_with(":\n\nWe are looking into it."));
    // Each was written once: an item and six changes.
    assert_eq!(world.writes(Left) + world.writes(Right), 7);
    assert!(world.changes().await.iter().all(|change| change.content.is_none()));
}

async fn our_own_hooks_write_nothing(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.comment(Left, &issue, "On Mondays only.");
    world.close(Left, &issue);
    world.run().await;

    world.reopen(Left, &issue);
    world.run().await;

    assert_eq!(world.last(Right, "commented").await, (Skipped, Some("The mirror wrote this itself.".into())));
    for what in ["opened", "reopened"] {
        assert_eq!(world.last(Right, what).await, (Skipped, Some("Both sides are in step about this.".into())));
    }
    assert_eq!((world.writes(Left), world.writes(Right)), (0, 4));
    assert_eq!((world.count(Left), world.count(Right)), (1, 1));
}

async fn a_comment_that_comes_before_its_issue_brings_it(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.comment(Left, &issue, "On Mondays only.");
    let mut hooks = world.hooks();
    let (side, comment) = hooks.pop_back().unwrap();
    world.deliver(side, comment).await;
    world.run().await;
    assert_eq!(world.item(Right, "It breaks").comments.len(), 1);

    let (side, opened) = hooks.pop_back().unwrap();
    world.deliver(side, opened).await;
    world.run().await;
    assert_eq!((world.count(Right), world.item(Right, "It breaks").comments.len()), (1, 1));
    assert_eq!(world.writes(Right), 2);
}

async fn hooks_in_any_order_and_any_number_leave_both_sides_the_same(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "one");
    world.run().await;
    let before = world.writes(Right);
    // All within a second: nothing but asking tells which was the last.
    world.close(Left, &issue);
    world.reopen(Left, &issue);
    world.retitle(Left, &issue, "two");
    world.retitle(Left, &issue, "three");
    let hooks = world.hooks();
    for (side, hook) in hooks.iter().rev().chain(&hooks) {
        world.deliver(*side, hook.clone()).await;
        world.run().await;
    }
    let ticket = world.item(Right, "three").item;
    assert_eq!(ticket.state, ItemState::Open);
    assert_eq!(world.writes(Right) - before, 1);
}

async fn an_edited_comment_is_told_below_and_a_deleted_one_stays(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    let comment = world.comment(Left, &issue, "On Mundays.");
    world.run().await;
    world.edit_comment(Left, &issue, &comment, "On Mondays.");
    world.run().await;
    world.delete_comment(Left, &issue, &comment);
    world.run().await;

    let comments = world.item(Right, "It breaks").comments;
    assert_eq!(comments.len(), 2);
    assert!(comments[0].body.ends_with("On Mundays."));
    assert!(comments[1].body.starts_with("**somebody** edited a comment in [issues#1]("), "{}", comments[1].body);
    assert!(comments[1].body.ends_with(":\n\nOn Mondays."));
    let (state, reason) = world.last(Left, "comment_deleted").await;
    assert_eq!((state, reason.unwrap().starts_with("A deleted comment's copy stays")), (Skipped, true));
}

async fn a_comment_that_was_deleted_first_is_never_copied(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    let comment = world.comment(Left, &issue, "My password is 1234.");
    world.delete_comment(Left, &issue, &comment);
    let hooks = world.hooks();
    for (side, hook) in hooks.into_iter().rev() {
        world.deliver(side, hook).await;
        world.run().await;
    }
    assert!(world.item(Right, "It breaks").comments.is_empty());
    assert_eq!(world.last(Left, "commented").await, (Skipped, Some("It was deleted before it was copied.".into())));
}

async fn an_edit_that_comes_first_is_the_comment(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    let comment = world.comment(Left, &issue, "On Mundays.");
    world.edit_comment(Left, &issue, &comment, "On Mondays.");
    for (side, hook) in world.hooks().into_iter().rev() {
        world.deliver(side, hook).await;
    }
    world.run().await;
    let comments = world.item(Right, "It breaks").comments;
    assert_eq!(comments.len(), 1);
    assert!(comments[0].body.ends_with("On Mondays."));
}

async fn an_edited_text_is_told_as_a_comment(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    world.change(Left, &issue, |item| item.body = "On Mondays, @ada.".into());
    world.run().await;
    let ticket = world.item(Right, "It breaks");
    assert_eq!(ticket.comments.len(), 1);
    assert!(ticket.comments[0].body.starts_with("**somebody** edited the text of [issues#1]("));
    assert!(ticket.comments[0].body.ends_with("On Mondays, @\u{2060}ada."));
    assert!(world.item(Left, "It breaks").comments.is_empty());
}

async fn what_somebody_deletes_or_moves_leaves_a_note_and_its_copy(test: TestDatabase) {
    let world = World::new(test).await;
    let (gone, moved) = (world.open(Left, "gone"), world.open(Left, "moved"));
    world.run().await;
    world.delete(Left, &gone);
    world.move_away(Left, &moved, "https://fake.example/elsewhere/9");
    world.run().await;

    assert!(world.item(Right, "gone").comments[0].body.starts_with("issues#1 was deleted."));
    let note = &world.item(Right, "moved").comments[0].body;
    assert!(
        note.starts_with("[issues#2](https://fake.example/issues/2) was moved to https://fake.example/elsewhere/9.")
    );
    assert!(world.pairs().await.iter().all(|pair| pair.state == PairState::Ended));
    let ticket = world.item(Right, "gone").item.id;
    world.comment(Right, &ticket, "Anybody there?");
    world.run().await;
    let (state, reason) = world.last(Right, "commented").await;
    assert_eq!(
        (state, reason.unwrap().as_str()),
        (Skipped, "issues#1 was deleted. The other one is not kept in step any more.")
    );
    assert_eq!(world.count(Left), 0);
}

async fn what_is_gone_before_it_was_copied_is_not_copied(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.delete(Left, &issue);
    world.run().await;
    assert_eq!((world.count(Right), world.writes(Right)), (0, 0));
}

async fn a_persons_marker_is_a_text_like_any_other(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "[Comment Created in Right] It breaks");
    for text in
        ["[Comment Created in Left] really", "[Comment Created in Right] really", "**somebody** wrote in x:\n\ny"]
    {
        world.comment(Left, &issue, text);
    }
    world.run().await;
    let ticket = world.item(Right, "[Comment Created in Right] It breaks");
    assert_eq!(ticket.comments.len(), 3);
    assert_eq!(world.item(Left, "[Comment Created in Right] It breaks").comments.len(), 3);
}

async fn the_later_title_stays_and_each_side_keeps_its_own_change(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    let ticket = world.item(Right, "It breaks").item.id;
    // Both at once, before anybody heard of either.
    world.retitle(Left, &issue, "left");
    world.close(Left, &issue);
    world.retitle(Right, &ticket, "right");
    world.change(Right, &ticket, |item| item.labels = vec!["vip".into()]);
    world.run().await;
    // The left one's hook was the first to come.
    let (issue, ticket) = (world.item(Left, "left").item, world.item(Right, "left").item);
    for item in [issue, ticket] {
        assert_eq!((item.state, item.labels), (ItemState::Closed, vec!["vip".to_owned()]));
    }
}

async fn only_what_was_chosen_is_mirrored(test: TestDatabase) {
    let none = Options { creates: Creates::Left, comments: false, states: false, labels: false };
    let world = World::with(test, none, Some(0)).await;
    let issue = world.open(Left, "It breaks");
    world.change(Left, &issue, |item| item.labels = vec!["bug".into()]);
    world.comment(Left, &issue, "On Mondays.");
    world.close(Left, &issue);
    world.open(Right, "A question");
    world.run().await;

    let ticket = world.item(Right, "It breaks");
    assert_eq!((ticket.item.state, ticket.item.labels, ticket.comments.len()), (ItemState::Open, Vec::new(), 0));
    assert_eq!(world.count(Left), 1);
    let reasons: Vec<_> = world.changes().await.into_iter().filter_map(|change| change.reason).collect();
    for reason in ["Comments are not mirrored.", "States are not mirrored.", "Labels are not mirrored."] {
        assert!(reasons.iter().any(|one| one == reason), "{reason}");
    }
    assert!(reasons.iter().any(|one| one.contains("makes none of what is opened on this side")));

    // What is chosen later comes in step with the next change.
    mirrors::change(&world.core, &world.ada, &world.mirror_row().await, ALL).await.unwrap();
    world.retitle(Left, &issue, "It breaks often");
    world.run().await;
    let ticket = world.item(Right, "It breaks often").item;
    assert_eq!((ticket.state, ticket.labels), (ItemState::Closed, vec!["bug".to_owned()]));
}

async fn what_was_opened_before_is_left_alone(test: TestDatabase) {
    let world = World::with(test, ALL, None).await;
    let issue = world.open(Left, "old");
    world.comment(Left, &issue, "Anything new?");
    world.run().await;
    assert_eq!(world.count(Right), 0);
    let reason = Some("It was opened before the mirror began.".to_owned());
    assert_eq!(world.last(Left, "commented").await, (Skipped, reason));
    assert!(world.pairs().await.is_empty());

    let now = world.core.clock.now_seconds();
    let issue = world.open(Left, "new");
    world.change(Left, &issue, |item| (item.created_at, item.updated_at) = (Some(now), Some(now)));
    let (side, hook) = world.hooks().pop_front().unwrap();
    let hook = integration_contract::ItemChange {
        item: integration_contract::Item { created_at: Some(now), updated_at: Some(now), ..hook.item },
        ..hook
    };
    world.deliver(side, hook).await;
    world.run().await;
    assert_eq!(world.item(Right, "new").item.state, ItemState::Open);
}

async fn who_works_on_it_is_nobodys_business(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    let calls = world.partner(Right).item_calls().len();
    let (_, mut hook) = {
        world.retitle(Left, &issue, "It breaks ");
        world.hooks().pop_front().unwrap()
    };
    hook.what = integration_contract::Change::Assigned;
    world.deliver(Left, hook).await;
    world.run().await;
    assert_eq!(world.partner(Right).item_calls().len(), calls);
    assert_eq!(world.last(Left, "assigned").await.0, Skipped);
}

async fn a_change_that_is_told_twice_is_carried_once(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.comment(Left, &issue, "On Mondays.");
    let hooks = world.hooks();
    for (side, hook) in hooks.iter().chain(&hooks) {
        world.deliver(*side, hook.clone()).await;
    }
    world.run().await;
    for (side, hook) in hooks {
        world.deliver(side, hook).await;
    }
    world.run().await;
    assert_eq!(world.calls(Right, ItemCall::CreateItem), 1);
    assert_eq!(world.calls(Right, ItemCall::Comment), 1);
    assert_eq!(world.changes().await.iter().filter(|change| change.state == Done).count(), 2);
}

async fn a_hook_that_was_lost_is_made_up_for_by_the_next_comment(test: TestDatabase) {
    let world = World::new(test).await;
    let issue = world.open(Left, "It breaks");
    world.run().await;
    world.close(Left, &issue);
    let _lost = world.hooks();
    world.comment(Left, &issue, "It is mended.");
    world.run().await;
    let ticket = world.item(Right, "It breaks");
    assert_eq!((ticket.item.state, ticket.comments.len()), (ItemState::Closed, 1));
    assert_eq!(world.writes(Left) + world.writes(Right), 3);
}

on_both_databases!(
    an_issue_gets_one_ticket_that_follows_it,
    our_own_hooks_write_nothing,
    a_comment_that_comes_before_its_issue_brings_it,
    hooks_in_any_order_and_any_number_leave_both_sides_the_same,
    an_edited_comment_is_told_below_and_a_deleted_one_stays,
    a_comment_that_was_deleted_first_is_never_copied,
    an_edit_that_comes_first_is_the_comment,
    an_edited_text_is_told_as_a_comment,
    what_somebody_deletes_or_moves_leaves_a_note_and_its_copy,
    what_is_gone_before_it_was_copied_is_not_copied,
    a_persons_marker_is_a_text_like_any_other,
    the_later_title_stays_and_each_side_keeps_its_own_change,
    only_what_was_chosen_is_mirrored,
    what_was_opened_before_is_left_alone,
    who_works_on_it_is_nobodys_business,
    a_change_that_is_told_twice_is_carried_once,
    a_hook_that_was_lost_is_made_up_for_by_the_next_comment,
);
