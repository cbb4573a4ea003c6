//! Doing again what failed.

use patchbay::{
    core::{inbox, outbox},
    db::entity::{
        inbox_message::MessageState,
        outbox_message::OutboxState::{Delivered, Waiting},
    },
};
use serde_json::json;

use super::{activity, hooks, path, world};
use crate::{
    harness::{TestDatabase, on_both_databases},
    outbox::page::browser,
};

async fn everything_that_failed_is_done_again_once(test: TestDatabase) {
    let world = world(test).await;
    let (link, other) = (world.link("workshop", "now").await, world.link("lobby", "no").await);
    world.write("one\ntwo").await;
    for (link, what) in [(link, "works"), (link, "works"), (link, "stars"), (other, "works")] {
        world.hook(link, json!({ "do": what })).await;
    }
    // Nobody works yet, so that it stays so until somebody presses.
    world.sql("DELETE FROM jobs").await;
    world.sql("UPDATE outbox_messages SET state = 'failed', finished_at = 1").await;
    world.sql("UPDATE inbox_messages SET state = 'failed', finished_at = 1 WHERE event <> 'stars'").await;
    world.sql("UPDATE inbox_messages SET state = 'ignored', finished_at = 1 WHERE event = 'stars'").await;

    let ada = browser(&world, "ada@example.com").await;
    let all = activity(link);
    let press = [("action", "replay_failed"), ("next", all.as_str())];
    let answer = ada.post_form(&path(link), &press).await;
    assert_eq!((answer.status, answer.location()), (303, all.as_str()));
    let states: Vec<_> = hooks(&world).await.iter().map(|hook| hook.state).collect();
    assert_eq!(states, [MessageState::Received, MessageState::Received, MessageState::Ignored, MessageState::Failed]);
    assert_eq!(world.states().await, [Waiting; 2]);
    let page = ada.get(&all).await.text;
    assert!(page.contains("Being read again: 2. On their way again: 2."), "{page}");
    // Pressed twice, nothing more goes.
    ada.post_form(&path(link), &press).await;
    assert!(ada.get(&all).await.text.contains("Nothing here has failed."));
    assert_eq!((world.jobs_of(inbox::READ_MESSAGE).await.len(), world.jobs_of(outbox::DELIVER).await.len()), (2, 2));

    world.run().await;
    assert_eq!(world.states().await, [Delivered; 2]);
    assert_eq!(world.standing().len(), 2);
    world.finish().await;
}

async fn no_more_than_a_few_are_done_again_at_once(test: TestDatabase) {
    let world = world(test).await;
    let link = world.link("workshop", "no").await;
    for _ in 0..205 {
        world.hook(link, json!({ "do": "works" })).await;
    }
    world.sql("DELETE FROM jobs").await;
    world.sql("UPDATE inbox_messages SET state = 'failed', finished_at = 1").await;
    let ada = browser(&world, "ada@example.com").await;
    assert!(ada.get(&activity(link)).await.text.contains("Replay what failed (the first 200)"));
    for (read, says) in [(200, "Being read again: 200. Left: 5."), (205, "Being read again: 5.")] {
        ada.post_form(&path(link), &[("action", "replay_failed")]).await;
        assert_eq!(world.jobs_of(inbox::READ_MESSAGE).await.len(), read);
        let page = ada.get(&path(link)).await.text;
        assert!(page.contains(says), "{page}");
    }
    world.finish().await;
}

async fn only_who_manages_the_link_may(test: TestDatabase) {
    let world = world(test).await;
    let link = world.link("workshop", "now").await;
    world.hook(link, json!({ "do": "malformed" })).await;
    world.run().await;
    let before = world.test.rows().await;
    let bob = browser(&world, "bob@example.com").await;
    assert!(!bob.get(&activity(link)).await.text.contains("Replay what failed"));
    assert_eq!(bob.post_form(&path(link), &[("action", "replay_failed")]).await.status, 403);
    assert_eq!(world.test.rows().await, before);

    world.remove(link).await;
    world.run().await;
    let ada = browser(&world, "ada@example.com").await;
    assert_eq!(ada.post_form(&path(link), &[("action", "replay_failed")]).await.status, 422);
    let page = ada.get(&activity(link)).await;
    assert!(page.status == 200 && !page.text.contains("name=\"action\""), "{}", page.text);
    assert!(hooks(&world).await.iter().all(|hook| hook.state == MessageState::Failed));
    world.finish().await;
}

on_both_databases!(
    everything_that_failed_is_done_again_once,
    no_more_than_a_few_are_done_again_at_once,
    only_who_manages_the_link_may,
);
