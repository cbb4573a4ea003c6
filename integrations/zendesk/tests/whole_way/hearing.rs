//! What arrives from the sandbox, both ways it can be told.

use integration_contract::{Author, Change, Happening, ItemState};
use serde_json::json;

use super::world::{CHART, World};

fn handle(author: &Author) -> &str {
    &author.name
}

/// Every way to hear of tickets.
async fn worlds() -> [World; 2] {
    let by_events = World::new().await;
    let mut by_trigger = World::unlinked().await;
    by_trigger.set(&["solved", "tickets", "comments"]).await;
    let refused = json!({
        "path": "/acme/api/v2/webhooks", "method": "POST", "times": 1,
        "effect": "refused", "status": 400, "error": "InvalidParameter", "description": "subscriptions are not supported",
    });
    by_trigger.control("rules", refused).await;
    by_trigger.make().await.expect("made");
    assert_eq!(by_trigger.ledger.now().len(), 2);
    [by_events, by_trigger]
}

#[tokio::test]
async fn a_ticket_is_told_from_its_first_word_to_its_last() {
    for mut world in worlds().await {
        let id = world.write("The export \"stops\"", "At line 7.\nWhy?").await;
        let opened = world.changes_until(|change| change.what == Change::Opened).await.pop().expect("the last");
        assert_eq!(opened.item.id, id);
        assert_eq!(
            (opened.item.title.as_str(), opened.item.body.as_str()),
            ("The export \"stops\"", "At line 7.\nWhy?")
        );
        assert_eq!((handle(&opened.by), handle(&opened.item.author)), ("Carol Customer", "Carol Customer"));
        assert_eq!(opened.item.name, format!("acme.zendesk.com #{id}"));
        assert_eq!(opened.item.url.as_deref(), Some(format!("{}/acme/agent/tickets/{id}", world.at).as_str()));
        assert_eq!((opened.item.state, opened.item.state_word.as_str()), (ItemState::Open, "new"));

        world.say("bob", &id, json!({ "body": "They have \"no\" plan", "public": false })).await;
        world.say("bob", &id, json!({ "body": "We are on it.", "status": "pending" })).await;
        let told = world.changes_until(|change| matches!(change.what, Change::Commented(_))).await;
        let Change::Commented(comment) = &told.last().expect("one").what else { panic!("a comment") };
        assert_eq!((comment.body.as_str(), handle(&comment.author)), ("We are on it.", "Bob Kahn"));
        assert!(comment.author.id.as_deref().is_some_and(|id| id.starts_with("acme/")));
        assert!(!format!("{told:?}").contains("no\\\" plan"), "an internal note leaves");

        world.say("carol", &id, json!({ "body": "Thanks!" })).await;
        world.changes_until(|change| matches!(&change.what, Change::Commented(it) if it.body == "Thanks!")).await;
        world.say("bob", &id, json!({ "status": "solved", "tags": ["export"] })).await;
        let solved = world.changes_until(|change| change.what == Change::Closed).await.pop().expect("the last");
        assert_eq!((solved.item.state, solved.item.labels.as_slice()), (ItemState::Closed, &["export".to_owned()][..]));
        assert_eq!(solved.item.assignees.iter().map(handle).collect::<Vec<_>>(), ["Bob Kahn"]);
        world.say("carol", &id, json!({ "body": "It is back." })).await;
        let again = world.changes_until(|change| change.what == Change::Reopened).await.pop().expect("the last");
        assert_eq!((again.item.state, handle(&again.by)), (ItemState::Open, "Carol Customer"));
        assert_eq!(*world.refused.lock().expect("no panic before"), 0);
    }
}

#[tokio::test]
async fn a_solved_ticket_is_an_entry_of_whoever_solved_it() {
    for mut world in worlds().await {
        world.say("bob", CHART, json!({ "status": "solved" })).await;
        let entry = loop {
            let happenings = world.next().await.happenings.into_iter();
            let mut entries =
                happenings.filter_map(|it| if let Happening::Entry(entry) = it { Some(entry) } else { None });
            if let Some(entry) = entries.next() {
                break entry;
            }
        };
        assert_eq!(entry.text, "Solved ticket #1: The chart is empty on Sundays");
        assert_eq!((handle(&entry.author), entry.source.as_str()), ("Bob Kahn", "acme.zendesk.com #1"));
        assert_eq!(entry.item.as_deref(), Some(CHART));
    }
}

#[tokio::test]
async fn a_first_comment_is_told_once() {
    let mut world = World::new().await;
    world.write("New", "first words").await;
    let reasons = [world.next().await, world.next().await].map(|reading| (reading.happenings.len(), reading.ignored));
    assert_eq!(reasons[0], (1, None));
    assert_eq!(reasons[1], (0, Some("It is what the ticket began with, and is told as such.".to_owned())));
}

#[tokio::test]
async fn an_internal_ticket_is_neither_kept_nor_told() {
    let [mut by_events, mut by_trigger] = worlds().await;
    let ticket = json!({ "ticket": { "subject": "Among us", "comment": { "body": "secret", "public": false } } });
    by_events.admin(http::Method::POST, "tickets", ticket.clone()).await;
    assert!(by_events.is_quiet().await);
    by_trigger.admin(http::Method::POST, "tickets", ticket).await;
    let reading = by_trigger.next().await;
    assert_eq!(reading.happenings, []);
    assert!(!format!("{reading:?}").contains("secret"));
}

#[tokio::test]
async fn what_was_hidden_or_deleted_is_taken_back() {
    let mut world = World::new().await;
    world.say("bob", CHART, json!({ "body": "Oops, a password." })).await;
    let said = world.changes_until(|change| matches!(change.what, Change::Commented(_))).await.pop().expect("the last");
    let Change::Commented(comment) = said.what else { panic!("a comment") };
    let path = format!("tickets/{CHART}/comments/{}/make_private", comment.id);
    world.admin(http::Method::PUT, &path, json!({})).await;
    let hidden = world.changes_until(|_| true).await.pop().expect("one");
    assert_eq!(hidden.what, Change::CommentDeleted(comment.id));

    world.admin(http::Method::DELETE, &format!("tickets/{CHART}"), serde_json::Value::Null).await;
    let deleted = world.changes_until(|_| true).await.pop().expect("one");
    assert_eq!((deleted.what, deleted.item.state), (Change::Deleted, ItemState::Closed));
    assert_eq!((deleted.item.title.as_str(), deleted.item.body.as_str()), ("The chart is empty on Sundays", ""));
    assert_eq!(world.items().item(&world.account, &world.link, CHART).await.expect("asked"), None);
}

#[tokio::test]
async fn forged_and_stale_hooks_are_refused() {
    let mut world = World::new().await;
    for effect in ["wrong_signature", "no_signature", "stale"] {
        world.control("deliveries", json!({ "effect": effect })).await;
        world.say("bob", CHART, json!({ "body": effect })).await;
    }
    assert!(world.is_quiet().await);
    assert_eq!(*world.refused.lock().expect("no panic before"), 3);
}
