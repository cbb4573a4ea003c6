//! Faults: of answers, and of deliveries.

use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Ground, a_while};

const ADDED: &str = "zen:event-type:ticket.comment_added";

#[tokio::test]
async fn faults_of_answers_do_what_they_say() {
    let ground = Ground::new().await;
    let suffer = async |effect: Value| {
        let mut rule = json!({"path": "/acme/api/v2/tickets*"});
        rule.as_object_mut().unwrap().extend(effect.as_object().unwrap().clone());
        ground.control("/rules", rule).await;
        ground.call(&ground.ada, Method::GET, "tickets", Value::Null).await
    };

    let limited = suffer(json!({"effect": "rate_limited", "seconds": 7})).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "7"));
    assert_eq!(suffer(json!({"effect": "conflict"})).await.json()["error"], "DatabaseConflict");
    assert_eq!(suffer(json!({"effect": "update_conflict"})).await.json()["error"], "UpdateConflict");
    let deadlock = suffer(json!({"effect": "deadlock"})).await;
    assert_eq!((deadlock.status, deadlock.header("retry-after")), (503, "1"));
    assert_eq!(suffer(json!({"effect": "invalid_token"})).await.json()["error"], "invalid_token");
    assert_eq!(suffer(json!({"effect": "anonymous"})).await.status, 401);
    assert_eq!(suffer(json!({"effect": "refused", "status": 418, "error": "Teapot"})).await.status, 418);
    assert_eq!(ground.call(&ground.ada, Method::GET, "tickets", Value::Null).await.status, 200, "once only");
    let calls = ground.look("/calls?who=acme&path=*tickets*").await;
    assert_eq!(calls.as_array().unwrap().len(), 8);
}

#[tokio::test]
async fn a_lost_answer_has_done_its_work() {
    let ground = Ground::new().await;
    ground.control("/rules", json!({"path": "/acme/api/v2/tickets", "method": "POST", "effect": "lost_answer"})).await;
    let body = json!({"ticket": {"external_id": "lost", "comment": {"body": "x"}}});
    let request = ground.http.post(format!("{}/acme/api/v2/tickets", ground.at)).bearer_auth(&ground.ada).json(&body);

    assert!(request.send().await.is_err());

    assert_eq!(ground.get("tickets?external_id=lost").await["count"], 1);
}

#[tokio::test]
async fn faults_of_deliveries_do_what_they_say() {
    let (ground, receiver, hook) = Ground::hooked(&[ADDED]).await;
    let secret = ground.secret(&hook).await;
    let fault = async |fault: Value| ground.control("/deliveries", fault).await;
    let after = async |say: &[&str], count: usize| {
        receiver.forget();
        for line in say {
            ground.control("/say", json!({"user": "bob", "ticket": 1, "body": line})).await;
        }
        receiver.wait_for(count).await
    };
    let said =
        |arrival: &super::ground::Arrival| arrival.json()["event"]["comment"]["body"].as_str().unwrap().to_owned();

    fault(json!({"effect": "duplicate", "copies": 2})).await;
    let same = after(&["one"], 3).await;
    assert!(same.iter().all(|it| it.invocation() == same[0].invocation()));
    fault(json!({"effect": "renamed"})).await;
    let twice = after(&["two"], 2).await;
    assert_ne!(twice[0].invocation(), twice[1].invocation());
    assert_eq!(twice[0].json()["id"], twice[1].json()["id"], "the same event");
    fault(json!({"effect": "reorder"})).await;
    assert_eq!(said(&after(&["three", "four"], 2).await[0]), "four");
    fault(json!({"effect": "drop"})).await;
    assert_eq!(said(&after(&["five", "six"], 1).await[0]), "six");
    fault(json!({"effect": "wrong_signature"})).await;
    assert!(!after(&["seven"], 1).await[0].is_signed(&secret));
    fault(json!({"effect": "no_signature"})).await;
    assert_eq!(after(&["eight"], 1).await[0].header("x-zendesk-webhook-signature"), "");
    fault(json!({"effect": "stale"})).await;
    let stale = after(&["nine"], 1).await.remove(0);
    let fresh = after(&["ten"], 1).await.remove(0);
    let time = "x-zendesk-webhook-signature-timestamp";
    assert!(stale.is_signed(&secret) && stale.header(time) < fresh.header(time));
    fault(json!({"effect": "hold"})).await;
    receiver.forget();
    ground.control("/say", json!({"user": "bob", "ticket": 1, "body": "eleven"})).await;
    a_while().await;
    assert!(receiver.all().is_empty());
    fault(json!({"effect": "release"})).await;
    receiver.wait_for(1).await;
    assert_eq!(ground.look("/deliveries").await["acme"]["waiting"], 0);
}

#[tokio::test]
async fn tokens_can_be_odd() {
    let ground = Ground::new().await;
    let grant = async |answer: &str| {
        ground.control("/rules", json!({"path": "/acme/oauth/tokens", "effect": "token", "answer": answer})).await;
        let body = json!({
            "grant_type": "refresh_token", "client_id": ground.setting("CLIENT_ID"),
            "client_secret": ground.setting("CLIENT_SECRET"),
            "refresh_token": ground.control("/tokens", json!({"user": "ada", "expires_in": 600})).await["refresh_token"],
        });
        let request = ground.http.post(format!("{}/acme/oauth/tokens", ground.at)).json(&body);
        super::ground::Answer::of(request).await
    };

    assert_eq!(grant("error").await.status, 400);
    assert!(grant("html").await.body.starts_with("<!DOCTYPE"));
    assert_eq!(grant("empty").await.json(), json!({}));
    assert_eq!(grant("empty_token").await.json()["access_token"], "");
    assert_eq!(grant("other_type").await.json()["token_type"], "mac");
    let lasting = grant("lasting").await.json();
    assert!(lasting["expires_in"].is_null() && lasting.get("refresh_token").is_none());
}
