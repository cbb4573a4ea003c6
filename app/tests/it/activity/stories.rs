//! The story of one event, from its arrival to the last attempt of the last delivery.

use integration_contract::ErrorKind;
use integration_testkit::Trouble::Fails;
use patchbay::db::entity::integration_link::LinkLevel;
use serde_json::json;

use super::{activity, entry, hooks, world};
use crate::{
    harness::{TestDatabase, on_both_databases},
    outbox::{World, page::browser},
};

async fn a_hook_is_followed_to_each_attempt_of_each_delivery(test: TestDatabase) {
    let world = world(test).await;
    let (source, room) = (world.link("workshop", "no").await, world.link("lobby", "now").await);
    world.fake.trouble_delivering(Fails(ErrorKind::Unavailable));
    world.hook(source, entry("1", "Shipped <the> charts")).await;
    world.run_to_the_end().await;

    let ada = browser(&world, "ada@example.com").await;
    let hook = hooks(&world).await.remove(0);
    let trace = format!("{}/{}", activity(source), hook.id);
    let page = ada.get(&trace).await.text;
    let steps = [
        "Arrived from",
        "Verified",
        "What it says, by the link&#39;s settings of today",
        "Read, and something came of it",
        "Wrote the entry",
        "Delivery to",
        "Attempt 1: unavailable",
        "Attempt 2: delivered",
    ];
    let mut at = 0;
    for step in steps {
        let found = page[at..].find(step).unwrap_or_else(|| panic!("{step:?} after what came before it in {page}"));
        at += found;
    }
    assert!(page.contains("Shipped &#60;the&#62; charts") && !page.contains("<the>"));
    let entry = world.messages().await[0].entry_id.unwrap();
    assert!(page.contains(&format!("href=\"/teams/{}/entries/{entry}\"", world.team)));
    assert!(!page.contains("data-live"), "it is over");

    // The other way round, from the message to what led to it.
    let message = world.messages().await[0].id;
    assert!(page.contains(&format!("href=\"{}/{message}\"", activity(room))));
    let page = ada.get(&format!("{}/{message}", activity(room))).await.text;
    for text in ["Arrived from", "Attempt 1: unavailable", "Attempt 2: delivered", "Delivered", trace.as_str()] {
        assert!(page.contains(text), "{text:?} in {page}");
    }
    // Through another link it is not there.
    assert_eq!(ada.get(&format!("{}/{}", activity(room), hook.id)).await.status, 404);
    world.finish().await;
}

async fn items_are_followed_too(test: TestDatabase) {
    let world = world(test).await;
    let (source, _) = (world.link("workshop", "no").await, world.link("lobby", "items").await);
    let change = json!({ "do": "item", "id": "42", "change": "closed", "at": 1, "title": "The door sticks" });
    world.hook(source, change).await;
    world.run().await;
    let ada = browser(&world, "ada@example.com").await;
    let hook = hooks(&world).await.remove(0);
    let page = ada.get(&format!("{}/{}", activity(source), hook.id)).await.text;
    for text in ["Followed the item", "workshop#42: closed", "Attempt 1: delivered", "lobby: workshop#42: closed"] {
        assert!(page.contains(text), "{text:?} in {page}");
    }
    let found = ada.get(&format!("{}?q=42", activity(source))).await.text;
    assert!(found.contains("Followed an item"), "{found}");
    world.finish().await;
}

async fn why_nothing_came_of_it_is_said(test: TestDatabase) {
    let world = world(test).await;
    let link = world.link("workshop", "no").await;
    world.hook(link, entry("1", "Told twice")).await;
    world.run().await;
    world.hook(link, entry("1", "Told twice")).await;
    world.hook(link, json!({ "do": "stars" })).await;
    world.hook(link, json!({ "do": "malformed" })).await;
    world.run().await;
    let ada = browser(&world, "ada@example.com").await;
    let texts: [&[&str]; 4] = [
        &["Wrote the entry", "Told to nobody"],
        &["The log has this already.", "The log had the entry", "Told twice", "Read it again"],
        &["“stars” is nothing that the fake partner does.", "nothing came of it", "Read it again"],
        &["The hook asked to be malformed.", "It could not be read", "Read it again"],
    ];
    for (hook, texts) in hooks(&world).await.iter().zip(texts) {
        let page = ada.get(&format!("{}/{}", activity(link), hook.id)).await.text;
        for text in texts {
            assert!(page.contains(text), "{text:?} in {page}");
        }
    }
    world.finish().await;
}

async fn what_came_is_for_who_manages_the_link_and_masked(test: TestDatabase) {
    let world = world(test).await;
    let link = world.link("workshop", "no").await;
    let mut body = entry("1", "Shipped");
    body["token"] = json!("very-secret-7");
    body["nested"] = json!([{ "client_secret": "also-secret" }, "see ghp_0123456789abcdefABCD"]);
    body["html"] = json!("<img src=x onerror=alert(1)>");
    world.hook(link, body).await;
    world.run().await;
    let hook = hooks(&world).await.remove(0);
    let trace = format!("{}/{}", activity(link), hook.id);

    let page = browser(&world, "ada@example.com").await.get(&trace).await.text;
    assert!(page.contains("As it came") && page.contains("&#34;text&#34;: &#34;Shipped&#34;"), "{page}");
    assert!(!page.contains("<img src=x") && page.contains("&#60;img src=x"));
    for secret in ["very-secret-7", "also-secret", "ghp_0123456789abcdefABCD"] {
        assert!(!page.contains(secret), "{secret}");
    }
    // A plain member reads what happened, and not what came.
    let bob = browser(&world, "bob@example.com").await.get(&trace).await;
    assert_eq!(bob.status, 200);
    assert!(bob.text.contains("Wrote the entry") && !bob.text.contains("As it came") && !bob.text.contains("onerror"));
    assert!(!bob.text.contains("name=\"action\""), "{}", bob.text);
    world.finish().await;
}

async fn somebodys_own_link_is_left_out_for_the_others(test: TestDatabase) {
    let world = world(test).await;
    let source = world.link("workshop", "no").await;
    let (own, team) = (
        world.link_of(&world.ada, world.team, LinkLevel::User, "diary", "now").await,
        world.link("lobby", "now").await,
    );
    world.account(Some(world.ada.user), "7", None).await;
    world.hook(source, entry("1", "Shipped")).await;
    world.run().await;
    assert_eq!(world.messages().await.len(), 2);
    let hook = hooks(&world).await.remove(0);
    let trace = format!("{}/{}", activity(source), hook.id);
    let page = browser(&world, "ada@example.com").await.get(&trace).await.text;
    assert!(page.contains("diary") && page.contains("lobby"), "{page}");
    let page = browser(&world, "bob@example.com").await.get(&trace).await.text;
    assert!(!page.contains("diary") && !page.contains(&own.to_string()) && page.contains("lobby"), "{page}");
    let bob = browser(&world, "bob@example.com").await;
    for message in world.messages().await {
        let status = bob.get(&format!("{}/{}", activity(message.link_id), message.id)).await.status;
        assert_eq!(status, if message.link_id == team { 200 } else { 404 });
    }
    world.finish().await;
}

async fn what_a_hook_led_to_goes_with_it(test: TestDatabase) {
    let world: World = world(test).await;
    let link = world.link("workshop", "no").await;
    world.hook(link, entry("1", "Shipped")).await;
    world.run().await;
    assert_eq!(world.test.rows().await["inbox_outcomes"].len(), 1);
    world.core.clock.advance(patchbay::core::retention::KEPT + std::time::Duration::from_secs(1));
    patchbay::core::retention::forget(&world.core).await.unwrap();
    let rows = world.test.rows().await;
    assert_eq!((rows["inbox_messages"].len(), rows["inbox_outcomes"].len(), rows["entries"].len()), (0, 0, 1));
    world.finish().await;
}

on_both_databases!(
    a_hook_is_followed_to_each_attempt_of_each_delivery,
    items_are_followed_too,
    why_nothing_came_of_it_is_said,
    what_came_is_for_who_manages_the_link_and_masked,
    somebodys_own_link_is_left_out_for_the_others,
    what_a_hook_led_to_goes_with_it,
);
