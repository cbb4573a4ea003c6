//! Sources: made by applications, changed in two ways, removed by people.

use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Answer, Ground, issue};

#[tokio::test]
async fn an_application_makes_a_source_and_learns_its_token_once() {
    let ground = Ground::new().await;
    let token = ground.token("ada", "profile integration").await;
    let make =
        |body: Value| Answer::of(ground.call(Method::POST, "/flows/acme/main/sources").bearer_auth(&token).json(&body));

    let made = make(json!({"name": "acme/widgets", "external_url": "https://github.example/acme/widgets"})).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    let flow_token = made["flow_token"].as_str().unwrap();
    assert!(flow_token.len() == 32 && flow_token.chars().all(|it| it.is_ascii_hexdigit()), "{flow_token}");
    assert_eq!(made["application"]["name"], "Patchbay");
    assert_eq!(made["creator"]["nick"], "ada");
    assert!(made["id"].is_u64() && made["created_at"].as_str().unwrap().ends_with('Z'));
    for path in ["/flows/acme/main/sources".to_owned(), format!("/flows/acme/main/sources/{}", made["id"])] {
        let answer = ground.get("bob", &path).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains("acme/widgets") && !answer.body.contains("flow_token"), "{}", answer.body);
    }
    let all = ground.get("bob", "/sources").await;
    assert!(all.body.contains("acme/widgets") && !all.body.contains(flow_token));
    let nameless = make(json!({})).await;
    assert_eq!((nameless.status, nameless.json()["errors"]["name"][0].clone()), (400, json!("can't be blank")));
    let by_hand = ground.post("ada", "/flows/acme/main/sources", json!({"name": "x"})).await;
    assert_eq!(by_hand.status, 403, "only an application can");
    let inbox = ground.get("ada", "/flows/acme/main/messages?event=source-add").await.json();
    assert_eq!(inbox.as_array().unwrap().last().unwrap()["content"]["source"]["name"], "acme/widgets");
}

#[tokio::test]
async fn error_message_and_configuration_url_change_by_either_way_and_nothing_else_does() {
    let ground = Ground::new().await;
    let (id, flow_token) = ground.source("acme/widgets").await;
    let path = format!("/flows/acme/main/sources/{id}");

    let change = json!({"error_message": "GitHub access was revoked", "configuration_url": "https://app.example/c", "name": "x"});
    let changed = ground.put("bob", &path, change).await;
    assert_eq!((changed.status, changed.json()["name"].clone()), (200, json!("acme/widgets")));
    assert_eq!(changed.json()["error_message"], "GitHub access was revoked");
    let own = json!({"flow_token": flow_token, "error_message": ""});
    let cleared = Answer::of(ground.call(Method::PUT, "/sources").json(&own)).await;
    assert_eq!(cleared.status, 200);
    assert!(cleared.json().get("error_message").is_none(), "an empty text clears");
    assert_eq!(cleared.json()["configuration_url"], "https://app.example/c");
    let wrong = ground.put("bob", &path, json!({"configuration_url": "not an address"})).await;
    assert_eq!(wrong.status, 400);
    assert_eq!(ground.put("eve", &path, json!({"error_message": "?"})).await.status, 404);
    let sees = Answer::of(ground.call(Method::GET, &format!("/sources?flow_token={flow_token}"))).await;
    assert_eq!(sees.json().as_array().unwrap().len(), 1, "its own and no other");
    let elsewhere = Answer::of(ground.call(Method::GET, &format!("{path}?flow_token={flow_token}"))).await;
    assert_eq!(elsewhere.status, 403);
}

#[tokio::test]
async fn a_removed_source_is_gone_and_a_token_that_never_was_is_unknown() {
    let ground = Ground::new().await;
    let (id, flow_token) = ground.source("acme/widgets").await;
    assert_eq!(ground.post_as_source(&flow_token, issue(1, "open", "green")).await.status, 202);

    assert_eq!(ground.delete("eve", &format!("/flows/acme/main/sources/{id}")).await.status, 404);
    let removed = ground.delete("bob", &format!("/flows/acme/main/sources/{id}")).await;
    assert_eq!((removed.status, removed.body.as_str()), (204, ""));
    let gone = ground.post_as_source(&flow_token, issue(1, "open", "green")).await;
    assert_eq!((gone.status, gone.json()["message"].clone()), (410, json!("source has been removed")));
    let change = json!({"flow_token": flow_token, "error_message": "x"});
    assert_eq!(Answer::of(ground.call(Method::PUT, "/sources").json(&change)).await.status, 410);
    assert_eq!(ground.post_as_source(&"0".repeat(32), issue(1, "open", "green")).await.status, 401);
    assert_eq!(ground.get("bob", &format!("/flows/acme/main/sources/{id}")).await.status, 404);
    assert_eq!(ground.thread_titled("Issue 1").await["source"]["id"], id, "its threads stay");
}

#[tokio::test]
async fn the_addresses_before_november_2014_still_work() {
    let ground = Ground::new().await;
    let token = ground.token("ada", "flow integration").await;
    let make = ground.call(Method::POST, "/flows/acme/main/integrations").bearer_auth(&token);

    let made = Answer::of(make.json(&json!({"name": "Polls"}))).await;
    assert_eq!(made.status, 201);
    let mut message = issue(7, "open", "green");
    message["token"] = made.json()["flow_token"].clone();
    let posted = Answer::of(ground.call(Method::POST, "/activities").json(&message)).await;
    assert_eq!((posted.status, posted.json()), (202, json!({})));
}
