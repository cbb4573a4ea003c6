//! Faults, the record of calls, the clock.

use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Answer, Ground, issue};

#[tokio::test]
async fn a_rule_meets_the_calls_it_names_and_no_others() {
    let ground = Ground::new().await;
    let (id, token) = ground.source("widgets").await;
    let post = async || ground.post_as_source(&token, issue(1, "open", "green")).await;
    let who = format!("source:{id}");
    ground.control("/rules", json!({"path": "/messages", "who": who, "effect": "status", "status": 503})).await;
    let refused = json!({"path": "/messages", "effect": "refused", "status": 400, "message": "Validation error",
                         "errors": {"thread.title": ["is odd"]}});
    ground.control("/rules", refused).await;

    assert_eq!(ground.get("ada", "/user").await.status, 200);
    assert_eq!(post().await.status, 503);
    let answer = post().await;
    assert_eq!((answer.status, answer.json()["errors"]["thread.title"][0].clone()), (400, json!("is odd")));
    assert_eq!(post().await.status, 202);
    ground.control("/rules", json!({"path": "/messages", "effect": "lost_answer"})).await;
    let mut message = issue(2, "open", "green");
    message["flow_token"] = json!(token);
    assert!(ground.call(Method::POST, "/messages").json(&message).send().await.is_err(), "no answer");
    assert_eq!(ground.thread_titled("Issue 2").await["activities"], 1, "and done all the same");
}

#[tokio::test]
async fn the_token_endpoint_answers_wrongly_when_told_to() {
    let ground = Ground::new().await;
    let password = async || {
        let fields = [
            ("grant_type", "password"),
            ("username", "ada@example.com"),
            ("password", "patchbay"),
            ("scope", "profile integration offline_access"),
            ("client_id", ground.setting("CLIENT_ID")),
            ("client_secret", ground.setting("CLIENT_SECRET")),
        ];
        let call = ground.call(Method::POST, "/oauth/token").form(&fields).header("accept", "application/json");
        Answer::of(call).await
    };
    let with = async |answer: &str| {
        ground.control("/rules", json!({"path": "/oauth/token", "effect": "token", "answer": answer})).await;
        password().await
    };

    assert_eq!(with("error").await.json(), json!({"error": "invalid_grant"}));
    assert!(with("html").await.header("content-type").starts_with("text/html"));
    assert_eq!(with("empty").await.json(), json!({}));
    assert_eq!(with("empty_token").await.json()["access_token"], "");
    assert!(with("no_refresh").await.json().get("refresh_token").is_none());
    assert_eq!(with("fewer_scopes").await.json()["scope"], "profile");
    assert_eq!(with("more_scopes").await.json()["scope"], "profile,integration,offline_access,manage");
    assert_eq!(with("mac").await.json()["token_type"], "mac");
    assert!(with("no_lifetime").await.json().get("expires_in").is_none());
    assert!(password().await.json()["refresh_token"].is_string(), "once each");
}

#[tokio::test]
async fn calls_are_recorded_and_tokens_ended() {
    let ground = Ground::new().await;
    let token = ground.token("bob", "profile").await;
    let user = async || Answer::of(ground.call(Method::GET, "/user").bearer_auth(&token)).await.status;
    assert_eq!(user().await, 200);

    let calls: Value = ground.look("/calls?path=/user&who=bob").await;
    assert_eq!((&calls[0]["method"], &calls[0]["status"]), (&json!("GET"), &json!(200)));
    ground.control("/tokens/end", json!({"user": "ada", "how": "revoked"})).await;
    assert_eq!(user().await, 200, "another's");
    ground.control("/tokens/end", json!({"how": "expired"})).await;
    assert_eq!(user().await, 401);
}

#[tokio::test]
async fn a_reset_ends_faults_and_keeps_the_world() {
    let ground = Ground::new().await;
    let (_, token) = ground.source("widgets").await;
    ground.control("/clock", json!({"seconds": 1_000_000})).await;
    ground.control("/strict", json!({"expires_in": 1})).await;
    ground.control("/rules", json!({"path": "*", "effect": "status", "status": 500, "times": 0})).await;
    ground.control("/forgeries", json!({"forgery": "expired", "times": 5})).await;
    assert_eq!(ground.get("ada", "/user").await.status, 500);

    ground.control("/reset", json!({})).await;
    assert_eq!(ground.get("ada", "/user").await.status, 200);
    assert_eq!(ground.look("/clock").await["seconds"], 0);
    assert_eq!(ground.look("/strict").await["expires_in"], 7200);
    assert_eq!(ground.look("/forgeries").await, json!([]));
    assert_eq!(ground.post_as_source(&token, issue(1, "open", "green")).await.status, 202);
}

#[tokio::test]
async fn the_overview_tells_how_to_begin() {
    let ground = Ground::new().await;
    let overview = ground.look("/").await;

    assert_eq!(overview["api"], ground.at);
    assert_eq!(overview["applications"][0]["client_id"], ground.setting("CLIENT_ID"));
    assert_eq!(overview["users"].as_array().unwrap().len(), 4);
    for table in ["control", "effects_of_rules", "forgeries"] {
        assert!(overview[table].as_array().unwrap().len() > 3, "{table}");
    }
    let flow = ground.look("/flows/acme/main").await;
    assert_eq!(flow["threads"].as_array().unwrap().len(), 3);
}
