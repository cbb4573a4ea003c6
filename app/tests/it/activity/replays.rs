//! Doing again what failed.

use integration_contract::ErrorKind;
use integration_testkit::Trouble::Fails;
use patchbay::{
    core::inbox,
    db::entity::{inbox_message::MessageState, outbox_message::OutboxState::Delivered},
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
    for _ in 0..2 {
        world.fake.trouble_delivering(Fails(ErrorKind::Refused));
    }
    world.write("one\ntwo\nthree").await;
    world.run().await;
    for link in [link, link, link, other] {
        world.hook(link, json!({ "do": "malformed" })).await;
    }
    world.hook(link, json!({ "do": "stars" })).await;
    world.run().await;

    let ada = browser(&world, "ada@example.com").await;
    let all = activity(link);
    let press = [("action", "replay_failed"), ("next", all.as_str())];
    let answer = ada.post_form(&path(link), &press).await;
    assert_eq!((answer.status, answer.location()), (303, all.as_str()));
    let waiting = hooks(&world).await.iter().filter(|hook| hook.state == MessageState::Received).count();
    assert_eq!(waiting, 3, "what was ignored, and what is another link's, is left alone");
    let page = ada.get(&all).await.text;
    assert!(page.contains("Being read again: 3. On their way again: 2."), "{page}");
    // Pressed twice, nothing more goes.
    ada.post_form(&path(link), &press).await;
    assert!(ada.get(&all).await.text.contains("Nothing here has failed."));
    assert_eq!(world.jobs_of(inbox::READ_MESSAGE).await.len(), 3);

    world.run().await;
    assert_eq!(world.states().await, [Delivered; 3]);
    assert_eq!(world.standing().len(), 3);
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

on_both_databases!(everything_that_failed_is_done_again_once, only_who_manages_the_link_may);
