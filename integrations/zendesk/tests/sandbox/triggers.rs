//! Triggers: conditions, placeholders, actions.

use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{CHART, Ground, a_while};

const MODE: [&str; 1] = ["conditional_ticket_events"];

fn all(conditions: &[(&str, &str, &str)]) -> Value {
    let list: Value = conditions
        .iter()
        .map(|(field, operator, value)| json!({"field": field, "operator": operator, "value": value}))
        .collect();
    json!({"all": list, "any": []})
}

#[tokio::test]
async fn a_trigger_fills_its_placeholders() {
    let (ground, receiver, hook) = Ground::hooked(&MODE).await;
    let template = r#"{"id":"{{ticket.id}}","external":"{{ ticket.external_id }}","status":"{{ticket.status}}","by":"{{current_user.email}}","said":"{{ticket.latest_public_comment}}","via":"{{ticket.via}}","tags":"{{ticket.tags}}","requester":"{{ticket.requester.first_name}}","unknown":"{{ticket.nonsense}}"}"#;
    ground.trigger(&hook, all(&[("update_type", "is", "Change")]), template).await;
    ground.update(CHART, json!({"external_id": "gh:1:13"})).await;
    receiver.wait_for(1).await;
    ground.control("/say", json!({"user": "bob", "ticket": CHART, "body": "hello", "status": "hold"})).await;

    let arrivals = receiver.wait_for(2).await;

    assert!(arrivals[1].is_signed(&ground.secret(&hook).await));
    assert_eq!(
        arrivals[1].json(),
        json!({
            "id": "1", "external": "gh:1:13", "status": "On-hold", "by": "bob@example.com", "said": "hello",
            "via": "Web Form", "tags": "charts", "requester": "Carol", "unknown": "",
        })
    );
}

#[tokio::test]
async fn quotes_break_handmade_json_unless_they_are_escaped() {
    let (ground, receiver, hook) = Ground::hooked(&MODE).await;
    ground.trigger(&hook, all(&[("comment_is_public", "is", "true")]), r#"{"said":"{{ticket.latest_comment}}"}"#).await;
    let say = async || {
        ground.control("/say", json!({"user": "bob", "ticket": CHART, "body": "a \"quote\"\nand a line"})).await
    };
    say().await;
    let raw = receiver.wait_for(1).await[0].body.clone();
    assert!(serde_json::from_slice::<Value>(&raw).is_err());

    ground.control("/accounts/acme", json!({"escape_placeholders": true})).await;
    say().await;

    assert_eq!(receiver.wait_for(2).await[1].json()["said"], "a \"quote\"\nand a line");
}

#[tokio::test]
async fn conditions_hold_or_do_not() {
    let (ground, receiver, hook) = Ground::hooked(&MODE).await;
    for (conditions, fires) in [
        (all(&[("update_type", "is", "Create")]), false),
        (all(&[("status", "changed", "")]), true),
        (all(&[("status", "not_changed", "")]), false),
        (all(&[("status", "value", "pending")]), true),
        (all(&[("status", "value_previous", "open")]), true),
        (all(&[("status", "is", "pending"), ("priority", "greater_than", "normal")]), true),
        (all(&[("status", "less_than", "pending")]), false),
        (all(&[("comment_is_public", "is", "true")]), true),
        (all(&[("comment_is_public", "is", "false")]), false),
        (all(&[("current_via_id", "is_not", "5")]), true),
        (all(&[("current_via_id", "is", "5")]), false),
        (all(&[("current_tags", "includes", "charts other")]), true),
        (all(&[("current_tags", "not_includes", "charts")]), false),
        (all(&[("role", "is", "agent")]), true),
        (all(&[("comment_includes_word", "includes", "looked")]), true),
        (
            json!({"any": [{"field": "status", "operator": "changed"}, {"field": "status", "operator": "not_changed"}]}),
            true,
        ),
    ] {
        receiver.forget();
        ground.update(CHART, json!({"status": "open"})).await;
        let trigger = ground.trigger(&hook, conditions.clone(), "{}").await;
        ground.control("/say", json!({"user": "bob", "ticket": CHART, "body": "I looked", "status": "pending"})).await;
        if fires {
            receiver.wait_for(1).await;
        } else {
            tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        }
        assert_eq!(receiver.all().len(), usize::from(fires), "{conditions}");
        ground.call(&ground.ada, Method::DELETE, &format!("triggers/{trigger}"), Value::Null).await;
    }
}

#[tokio::test]
async fn triggers_change_tickets_each_at_most_once() {
    let (ground, receiver, hook) = Ground::hooked(&MODE).await;
    let act = async |title: &str, conditions: Value, actions: Value| {
        let trigger = json!({"title": title, "conditions": conditions, "actions": actions});
        ground.post("triggers", json!({"trigger": trigger})).await;
    };
    // The first hears of what the second does.
    act(
        "tell",
        all(&[("current_tags", "includes", "seen")]),
        json!([{"field": "notification_webhook", "value": [hook, "{}"]}]),
    )
    .await;
    act(
        "mark",
        all(&[("update_type", "is", "Change")]),
        json!([{"field": "current_tags", "value": "seen"}, {"field": "priority", "value": "urgent"}]),
    )
    .await;

    ground.update(CHART, json!({"subject": "Changed"})).await;
    receiver.wait_for(1).await;
    a_while().await;

    let ticket = ground.get("tickets/1").await["ticket"].clone();
    assert_eq!((&ticket["tags"], &ticket["priority"]), (&json!(["charts", "seen"]), &json!("urgent")));
    assert_eq!(receiver.all().len(), 1);
    let audits = ground.get("tickets/1/audits").await["audits"].clone();
    assert_eq!(audits.as_array().unwrap().last().unwrap()["via"]["channel"], "rule");
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let (ground, _receiver, hook) = Ground::hooked(&MODE).await;
    let events = ground.hook("https://log.example/", &["zen:event-type:ticket.created"]).await;
    let action = |hook: &str| json!([{"field": "notification_webhook", "value": [hook, "{}"]}]);
    let some = all(&[("status", "changed", "")]);
    for (title, conditions, actions) in [
        ("", some.clone(), action(&hook)),
        ("x", json!({"all": [], "any": []}), action(&hook)),
        ("x", all(&[("weather", "is", "fine")]), action(&hook)),
        ("x", all(&[("status", "smells", "")]), action(&hook)),
        ("x", some.clone(), json!([])),
        ("x", some.clone(), action("01ARZ3NDEKTSV4RRFFQ69G5FAV")),
        ("x", some.clone(), action(&events)),
        ("x", some.clone(), json!([{"field": "status", "value": "done"}])),
    ] {
        let trigger = json!({"trigger": {"title": title, "conditions": conditions, "actions": actions}});
        let refused = ground.refused(Method::POST, "triggers", trigger, 422).await.json();
        assert_eq!(refused["error"], "RecordInvalid", "{refused}");
    }
}

#[tokio::test]
async fn a_webhook_goes_before_its_trigger_or_may_not() {
    let (ground, receiver, hook) = Ground::hooked(&MODE).await;
    let trigger = ground.trigger(&hook, all(&[("status", "not_changed", "")]), "{}").await;
    ground.control("/accounts/acme", json!({"used_webhooks_can_go": false})).await;
    let refused = ground.refused(Method::DELETE, &format!("webhooks/{hook}"), Value::Null, 400).await.json();
    assert_eq!(refused["errors"][0]["code"], "WebhookInUse");
    ground.control("/accounts/acme", json!({})).await;

    assert_eq!(ground.call(&ground.ada, Method::DELETE, &format!("webhooks/{hook}"), Value::Null).await.status, 204);

    ground.update(CHART, json!({"subject": "Nobody hears"})).await;
    a_while().await;
    assert!(receiver.all().is_empty());
    assert_eq!(ground.get(&format!("triggers/{trigger}")).await["trigger"]["active"], true, "left behind");
    let others = ground.get("triggers/search?query=another").await["triggers"].clone();
    assert_eq!(others[0]["title"], "Tell another product");
}
