//! What holds for every call: tokens, bodies, scopes, limits.

use serde_json::{Value, json};

use super::ground::{ACME, Answer, DONE, Ground};

#[tokio::test]
async fn a_token_is_taken_from_header_form_and_query_but_not_from_json() {
    let ground = Ground::new().await;
    let token = ground.install("ada", "users:read").await.token;
    let url = format!("{}/api/users.info", ground.at);
    let ok = async |request: reqwest::RequestBuilder| Answer::of(request).await.json();

    let query = format!("{url}?token={token}&user=U0BOB00002");
    assert_eq!(ok(ground.http.get(&query)).await["user"]["name"], "bob");
    let form = [("token", &*token), ("user", "U0BOB00002")];
    assert_eq!(ok(ground.http.post(&url).form(&form)).await["user"]["name"], "bob");
    let header = ground.http.get(format!("{url}?user=U0BOB00002")).bearer_auth(&token);
    assert_eq!(ok(header).await["user"]["name"], "bob");
    let in_json = ground.http.post(&url).json(&json!({"token": token, "user": "U0BOB00002"}));
    assert_eq!(ok(in_json).await["error"], "not_authed");
    assert_eq!(ok(ground.http.get(&url)).await["error"], "not_authed");
    assert_eq!(ok(ground.http.get(&url).bearer_auth("xoxb-nobody")).await["error"], "invalid_auth");
}

#[tokio::test]
async fn bodies_must_be_what_they_say() {
    let ground = Ground::new().await;
    let token = ground.install("ada", "users:read").await.token;
    let post = async |kind: Option<&str>, body: &str| {
        let request = ground.http.post(format!("{}/api/users.info", ground.at)).bearer_auth(&token);
        let request = match kind {
            Some(kind) => request.header("content-type", kind),
            None => request,
        };
        Answer::of(request.body(body.to_owned())).await.json()
    };
    let bob = r#"{"user": "U0BOB00002"}"#;

    assert_eq!(post(Some("application/json; charset=utf-8"), bob).await["warning"], Value::Null);
    let warned = post(Some("application/json"), bob).await;
    assert_eq!((&warned["ok"], &warned["warning"]), (&json!(true), &json!("missing_charset")));
    assert_eq!(warned["response_metadata"]["warnings"], json!(["missing_charset"]));
    assert_eq!(post(Some("application/json"), "{").await["error"], "invalid_json");
    assert_eq!(post(Some("application/json"), "[1]").await["error"], "json_not_object");
    assert_eq!(post(Some("text/plain"), bob).await["error"], "invalid_post_type");
    assert_eq!(post(None, bob).await["error"], "missing_post_type");
    let missing = post(Some("application/json; charset=utf-8"), "{}").await;
    assert_eq!(missing["error"], "invalid_arguments");
    assert_eq!(missing["response_metadata"]["messages"], json!(["[ERROR] missing required field: user"]));
    assert_eq!(ground.refused("users.fly", &token, json!({})).await, "unknown_method");
}

#[tokio::test]
async fn scopes_are_told_in_headers_and_missing_ones_by_name() {
    let ground = Ground::new().await;
    let token = ground.install("ada", "channels:read,chat:write").await.token;

    let list = ground.call_raw("conversations.list", &token, json!({})).await;
    let refused = ground.call("users.info", &token, json!({"user": "U0BOB00002"})).await;
    let private = ground.call("conversations.list", &token, json!({"types": "public_channel,private_channel"})).await;

    assert_eq!(list.header("x-oauth-scopes"), "channels:read,chat:write");
    assert!(list.header("x-accepted-oauth-scopes").contains("channels:read"));
    assert_eq!((&refused["error"], &refused["needed"]), (&json!("missing_scope"), &json!("users:read")));
    assert_eq!(refused["provided"], "channels:read,chat:write");
    assert_eq!((&private["error"], &private["needed"]), (&json!("missing_scope"), &json!("groups:read")));
}

#[tokio::test]
async fn an_address_of_mail_needs_its_own_scope() {
    let ground = Ground::new().await;
    let without = ground.install("ada", "users:read").await.token;
    let bob = json!({"user": "U0BOB00002"});

    let user = ground.call("users.info", &without, bob.clone()).await["user"].clone();
    assert_eq!((&user["real_name"], &user["profile"]["email"]), (&json!("Bob Builds"), &Value::Null));
    let with = ground.install("ada", "users:read.email").await.token;
    assert_eq!(ground.call("users.info", &with, bob).await["user"]["profile"]["email"], "bob@example.com");
    let found = ground.call("users.lookupByEmail", &with, json!({"email": "BOB@example.com"})).await;
    assert_eq!(found["user"]["id"], "U0BOB00002");
    let eve = json!({"user": super::ground::EVE});
    assert_eq!(ground.refused("users.info", &with, eve).await, "user_not_found", "of another workspace");
}

#[tokio::test]
async fn a_tier_ends_with_429_and_says_when_to_come_back() {
    let ground = Ground::new().await;
    let app = ground.install("ada", "channels:read").await;
    ground.control("/limits", json!({"tier_2": 2, "burst": 0})).await;
    let list = async || ground.call_raw("conversations.list", &app.token, json!({})).await;

    assert_eq!((list().await.status, list().await.status), (200, 200));
    let third = list().await;

    assert_eq!((third.status, third.json()["error"].clone()), (429, json!("ratelimited")));
    let wait: u64 = third.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(ground.call("auth.test", &app.token, json!({})).await["ok"], true, "another method has its own");
    let umbra = ground.install("eve", "channels:read").await;
    assert_eq!(ground.call("conversations.list", &umbra.token, json!({})).await["ok"], true, "another workspace too");
}

#[tokio::test]
async fn a_channel_takes_one_message_a_second_and_a_few_at_once() {
    let ground = Ground::new().await;
    let app = ground.install("ada", "chat:write,chat:write.public").await;
    ground.control("/limits", json!({"message_burst": 3})).await;
    let post = async |channel: &str| {
        ground.call_raw("chat.postMessage", &app.token, json!({"channel": channel, "text": "hello"})).await
    };

    for _ in 0..3 {
        assert_eq!(post(DONE).await.status, 200);
    }
    let fourth = post(DONE).await;

    assert_eq!((fourth.status, fourth.header("retry-after")), (429, "1"));
    assert_eq!(post(super::ground::GENERAL).await.status, 200, "another channel has its own");
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(post(DONE).await.status, 200);
    let calls = ground.look("/calls?path=/api/chat.postMessage").await;
    assert_eq!(calls.as_array().unwrap().len(), 6);
    assert_eq!((&calls[3]["status"], &calls[3]["who"]), (&json!(429), &json!(ACME)));
}
