//! Event subscriptions: which events there are, and how they look.

use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Arrival, CHART, Ground, a_while};

const CREATED: &str = "zen:event-type:ticket.created";
const ADDED: &str = "zen:event-type:ticket.comment_added";
const STATUS: &str = "zen:event-type:ticket.status_changed";
const TAGS: &str = "zen:event-type:ticket.tags_changed";
const ASSIGNED: &str = "zen:event-type:ticket.agent_assignment_changed";

fn kinds(arrivals: &[Arrival]) -> Vec<String> {
    arrivals.iter().map(|it| it.json()["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_comment_is_told_in_the_words_of_events() {
    let (ground, receiver, _) = Ground::hooked(&[ADDED]).await;
    let bob = ground.user("bob").await.to_string();
    ground.update(CHART, json!({"external_id": "gh:1:13"})).await;
    ground.control("/say", json!({"user": "bob", "ticket": CHART, "body": "just between us", "public": false})).await;

    let event = receiver.wait_for(1).await[0].json();

    assert_eq!((&event["type"], &event["subject"]), (&json!(ADDED), &json!("zen:ticket:1")));
    assert_eq!(event["zendesk_event_version"], "2022-11-06");
    assert!(event["account_id"].is_u64() && event["id"].as_str().unwrap().len() == 36);
    let comment = &event["event"]["comment"];
    assert_eq!((&comment["body"], &comment["is_public"]), (&json!("just between us"), &json!(false)));
    assert_eq!(comment["author"], json!({"id": bob, "is_staff": true, "name": "Bob Kahn"}));
    let detail = &event["detail"];
    assert_eq!((&detail["id"], &detail["actor_id"]), (&json!("1"), &json!(bob)));
    assert_eq!((&detail["status"], &detail["priority"]), (&json!("OPEN"), &json!("HIGH")));
    assert_eq!((&detail["external_id"], &detail["via"]["channel"]), (&json!("gh:1:13"), &json!("web")));
    assert!(detail["requester_id"].is_string() && detail["tags"].is_array() && detail["type"].is_null());
}

#[tokio::test]
async fn one_update_is_several_events_of_one_sequence() {
    let (ground, receiver, _) = Ground::hooked(&[STATUS, ADDED, TAGS, ASSIGNED]).await;
    let ada = ground.user("ada").await;
    ground
        .update(
            2,
            json!({"status": "solved", "assignee_id": ada, "tags": ["export", "done"], "comment": {"body": "there"}}),
        )
        .await;

    let all = receiver.wait_for(4).await;
    a_while().await;

    assert_eq!(receiver.all().len(), 4);
    let of =
        |kind: &str| all.iter().map(Arrival::json).find(|it| it["type"] == kind).unwrap_or_else(|| panic!("{kind}"));
    let status = of(STATUS);
    assert_eq!((&status["event"]["previous"], &status["event"]["current"]), (&json!("NEW"), &json!("SOLVED")));
    assert_eq!(status["detail"]["via"]["channel"], "api");
    assert_eq!(of(TAGS)["event"]["tags_added"], json!(["done"]));
    assert_eq!(of(ASSIGNED)["event"]["current"], json!(ada.to_string()));
    let sequence = |kind| of(kind)["event"]["meta"]["sequence"].clone();
    assert_eq!(sequence(STATUS)["id"], sequence(ADDED)["id"]);
    assert_ne!(sequence(STATUS)["position"], sequence(ADDED)["position"]);
}

#[tokio::test]
async fn a_new_ticket_is_told_with_its_first_comment_or_without() {
    let (ground, receiver, _) = Ground::hooked(&[CREATED, ADDED, STATUS]).await;
    ground.ticket("New", "first words").await;
    assert_eq!(kinds(&receiver.wait_for(2).await), [CREATED, ADDED]);
    receiver.forget();
    ground.control("/accounts/acme", json!({"first_comment_is_told": false})).await;

    ground.control("/tickets", json!({"user": "carol", "subject": "Newer", "body": "x"})).await;
    receiver.wait_for(1).await;
    a_while().await;

    assert_eq!(kinds(&receiver.all()), [CREATED]);
}

#[tokio::test]
async fn what_changes_nothing_is_not_told() {
    let (ground, receiver, _) = Ground::hooked(&[STATUS, TAGS, ADDED]).await;

    ground.update(CHART, json!({"status": "open", "tags": ["charts"]})).await;
    a_while().await;

    assert!(receiver.all().is_empty());
}

#[tokio::test]
async fn deleting_and_hiding_are_told() {
    let hears = ["zen:event-type:ticket.soft_deleted", "zen:event-type:ticket.comment_made_private"];
    let (ground, receiver, _) = Ground::hooked(&hears).await;
    let comment = ground.get("tickets/1/comments").await["comments"][1]["id"].clone();
    ground.put(&format!("tickets/1/comments/{comment}/make_private"), json!({})).await;
    ground.call(&ground.ada, Method::DELETE, "tickets/1", Value::Null).await;

    let all = receiver.wait_for(2).await;

    assert_eq!(all[0].json()["event"]["comment"]["id"], json!(comment.to_string()));
    assert_eq!(all[1].json()["detail"]["status"], "DELETED");
}

#[tokio::test]
async fn another_accounts_tickets_are_not_told() {
    let (ground, receiver, _) = Ground::hooked(&[ADDED, CREATED]).await;

    ground.control("/say", json!({"account": "umbra", "user": "eve", "ticket": 1, "body": "x"})).await;
    a_while().await;

    assert!(receiver.all().is_empty());
}
