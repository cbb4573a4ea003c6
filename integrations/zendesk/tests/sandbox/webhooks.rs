//! Webhooks: made, checked, signed, tried again, logged.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Ground, Receiver, a_while};

const ADDED: &str = "zen:event-type:ticket.comment_added";

fn hook(more: Value) -> Value {
    let mut hook = json!({
        "name": "Ours", "endpoint": "https://log.example/hook", "http_method": "POST", "request_format": "json",
        "status": "active", "subscriptions": ["conditional_ticket_events"],
    });
    hook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"webhook": hook})
}

#[tokio::test]
async fn a_webhook_is_made_changed_and_deleted() {
    let ground = Ground::new().await;
    let made = ground.post("webhooks", hook(json!({}))).await["webhook"].clone();
    let id = made["id"].as_str().unwrap();
    assert!(id.len() == 26 && made.get("signing_secret").is_none(), "{made}");
    assert!(made["created_by"].is_string());
    let path = format!("webhooks/{id}");

    let send = async |method: Method, body: Value| ground.call(&ground.ada, method, &path, body).await.status;
    assert_eq!(send(Method::PATCH, json!({"webhook": {"status": "inactive"}})).await, 204);
    assert_eq!(send(Method::PUT, json!({"webhook": {"name": "Half"}})).await, 400, "the whole of it");
    assert_eq!(send(Method::PUT, hook(json!({"name": "Whole"}))).await, 204);
    assert_eq!(ground.get(&path).await["webhook"]["name"], "Whole");
    let list = ground.get("webhooks?filter[name_contains]=Whole&page[size]=1").await;
    assert_eq!((list["webhooks"].as_array().unwrap().len(), &list["meta"]["has_more"]), (1, &json!(false)));
    assert_eq!(send(Method::DELETE, Value::Null).await, 204);
    let gone = ground.refused(Method::GET, &path, Value::Null, 404).await.json();
    assert_eq!(gone["errors"][0]["code"], "WebhookNotFound");
    assert_eq!(ground.get("webhooks").await["webhooks"][0]["name"], "Another product", "and nothing else");
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let ground = Ground::new().await;
    for wrong in [
        json!({"name": ""}),
        json!({"endpoint": "nonsense"}),
        json!({"endpoint": "ftp://x.example/"}),
        json!({"http_method": "HEAD"}),
        json!({"request_format": "yaml"}),
        json!({"status": "asleep"}),
        json!({"subscriptions": ["zen:event-type:ticket.solved"]}),
        json!({"subscriptions": ["conditional_ticket_events", ADDED]}),
        json!({"subscriptions": [ADDED], "http_method": "PUT"}),
        json!({"subscriptions": [ADDED], "request_format": "xml"}),
        json!({"subscriptions": "conditional_ticket_events"}),
        json!({"authentication": {"type": "magic"}}),
        json!({"authentication": {"type": "bearer_token", "data": {}}}),
    ] {
        let refused = ground.refused(Method::POST, "webhooks", hook(wrong.clone()), 400).await.json();
        assert!(refused["errors"][0]["detail"].is_string(), "{wrong}: {refused}");
    }
    ground.refused(Method::POST, "webhooks", json!({}), 400).await;
    let id = ground.hook("https://log.example/", &[ADDED]).await;
    let other_mode = json!({"webhook": {"subscriptions": ["conditional_ticket_events"]}});
    ground.refused(Method::PATCH, &format!("webhooks/{id}"), other_mode, 400).await;
    ground.control("/accounts/acme", json!({"webhooks_max": 2})).await;
    ground.refused(Method::POST, "webhooks", hook(json!({})), 403).await;
}

#[tokio::test]
async fn deliveries_are_signed_with_the_webhooks_own_secret() {
    let (ground, receiver, id) = Ground::hooked(&[ADDED]).await;
    let with = json!({"webhook": {
        "authentication": {"type": "bearer_token", "add_position": "header", "data": {"token": "t0"}},
        "custom_headers": {"x-own": "1"},
    }});
    assert_eq!(ground.call(&ground.ada, Method::PATCH, &format!("webhooks/{id}"), with).await.status, 204);
    let secret = ground.secret(&id).await;
    ground.control("/say", json!({"user": "bob", "ticket": 1, "body": "signed?"})).await;

    let arrival = receiver.wait_for(1).await.remove(0);

    assert!(arrival.is_signed(&secret));
    assert_eq!(
        (arrival.header("x-zendesk-webhook-id"), arrival.header("user-agent")),
        (id.as_str(), "Zendesk Webhook")
    );
    assert_eq!((arrival.header("authorization"), arrival.header("x-own")), ("Bearer t0", "1"));
    assert!(arrival.header("x-zendesk-account-id").parse::<u64>().is_ok() && arrival.invocation().len() == 26);
    let time = arrival.header("x-zendesk-webhook-signature-timestamp");
    assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
    let shown = ground.get(&format!("webhooks/{id}")).await;
    assert!(!shown.to_string().contains("t0"), "secrets are not shown: {shown}");
    let fresh = ground.post(&format!("webhooks/{id}/signing_secret"), json!({})).await;
    assert_eq!(fresh["signing_secret"]["algorithm"], "SHA256");
    ground.control("/say", json!({"user": "bob", "ticket": 1, "body": "and now?"})).await;
    let next = receiver.wait_for(2).await.remove(1);
    assert!(!next.is_signed(&secret) && next.is_signed(fresh["signing_secret"]["secret"].as_str().unwrap()));
}

#[tokio::test]
async fn a_test_call_is_answered_with_what_the_receiver_said() {
    let ground = Ground::new().await;
    let receiver = Receiver::answering(|_| (StatusCode::ACCEPTED, "thanks").into_response()).await;
    let request =
        json!({"endpoint": receiver.url, "http_method": "POST", "request_format": "json", "payload": "{\"a\":1}"});

    let answer = ground.call(&ground.ada, Method::POST, "webhooks/test", json!({"request": request})).await;

    let response = &answer.json()["response"];
    assert_eq!((answer.status, &response["status"], &response["payload"]), (200, &json!(202), &json!("thanks")));
    assert!(receiver.all()[0].is_signed("dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="));
}

/// Says something, and how often it then arrived, at a receiver that answers so.
async fn tries(status: StatusCode, retry_after: Option<&'static str>) -> (Ground, Receiver, String) {
    let ground = Ground::new().await;
    let receiver = Receiver::answering(move |_| match retry_after {
        Some(seconds) => (status, [("retry-after", seconds)]).into_response(),
        None => status.into_response(),
    })
    .await;
    ground.strict(json!({"retry_scale": 0.001})).await;
    let id = ground.hook(&receiver.url, &[ADDED]).await;
    ground.control("/say", json!({"user": "bob", "ticket": 1, "body": "x"})).await;
    receiver.wait_for(1).await;
    a_while().await;
    (ground, receiver, id)
}

#[tokio::test]
async fn only_some_answers_are_tried_again() {
    for (status, retry_after, arrivals, word) in [
        (StatusCode::CONFLICT, None, 4, "client error"),
        (StatusCode::TOO_MANY_REQUESTS, Some("1"), 4, "client error"),
        (StatusCode::SERVICE_UNAVAILABLE, Some("2"), 4, "server error"),
        (StatusCode::SERVICE_UNAVAILABLE, None, 1, "server error"),
        (StatusCode::TOO_MANY_REQUESTS, Some("60"), 1, "client error"),
        (StatusCode::INTERNAL_SERVER_ERROR, None, 1, "server error"),
        (StatusCode::FOUND, None, 1, "failed"),
        (StatusCode::NO_CONTENT, None, 1, "success"),
    ] {
        let (ground, receiver, id) = tries(status, retry_after).await;
        let all = receiver.all();
        assert_eq!(all.len(), arrivals, "{status} {retry_after:?}");
        assert!(all.iter().all(|it| it.invocation() == all[0].invocation()), "one invocation");
        let log = ground.get(&format!("webhooks/{id}/invocations")).await["invocations"].clone();
        assert_eq!((&log[0]["status"], &log[0]["status_code"]), (&json!(word), &json!(status.as_u16().to_string())));
        let attempts = format!("webhooks/{id}/invocations/{}/attempts", log[0]["id"].as_str().unwrap());
        let attempts = ground.get(&attempts).await["attempts"].clone();
        assert_eq!(attempts.as_array().unwrap().len(), arrivals);
        assert!(attempts[0]["request"]["payload"].as_str().unwrap().contains(ADDED));
    }
}

#[tokio::test]
async fn a_time_out_is_tried_again_five_times() {
    let ground = Ground::new().await;
    let slow = Receiver::behaving(Arc::new(|_| (Duration::from_millis(400), StatusCode::OK.into_response()))).await;
    ground.strict(json!({"answer_ms": 30, "retry_scale": 0.001})).await;
    let id = ground.hook(&slow.url, &[ADDED]).await;
    ground.control("/say", json!({"user": "bob", "ticket": 1, "body": "x"})).await;

    slow.wait_for(6).await;
    a_while().await;

    assert_eq!(slow.all().len(), 6);
    assert_eq!(
        ground.get(&format!("webhooks/{id}/invocations?filter[status]=timeout")).await["invocations"][0]["status"],
        "timeout"
    );
}

#[tokio::test]
async fn a_webhook_that_keeps_failing_is_given_a_rest() {
    let ground = Ground::new().await;
    let receiver = Receiver::answering(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()).await;
    let id = ground.hook(&receiver.url, &[ADDED]).await;
    let say = async || ground.control("/say", json!({"user": "bob", "ticket": 1, "body": "x"})).await;
    for _ in 0..10 {
        say().await;
    }
    receiver.wait_for(10).await;
    a_while().await;

    say().await;
    a_while().await;

    assert_eq!(receiver.all().len(), 10);
    let log = ground.get(&format!("webhooks/{id}/invocations")).await["invocations"].clone();
    assert_eq!(log[0]["status"], "circuit broken");
    ground.control("/reset", json!({})).await;
    say().await;
    receiver.wait_for(11).await;
}

#[tokio::test]
async fn an_inactive_webhook_hears_nothing() {
    let (ground, receiver, id) = Ground::hooked(&[ADDED]).await;
    ground
        .call(&ground.ada, Method::PATCH, &format!("webhooks/{id}"), json!({"webhook": {"status": "inactive"}}))
        .await;

    ground.control("/say", json!({"user": "bob", "ticket": 1, "body": "x"})).await;
    a_while().await;

    assert!(receiver.all().is_empty());
}
