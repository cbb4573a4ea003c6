//! Faults of answers that are Slack's own; the others are the kit's, and tried where they matter.

use serde_json::{Value, json};

use super::ground::{DONE, Ground, parameter};

#[tokio::test]
async fn limits_and_refusals_can_be_met_on_demand() {
    let (ground, app, _receiver) = Ground::installed().await;
    let post = async || ground.call_raw("chat.postMessage", &app.token, json!({"channel": DONE, "text": "x"})).await;
    let rule = async |rule: Value| {
        let mut rule = rule;
        rule["path"] = json!("/api/chat.postMessage");
        ground.control("/rules", rule).await;
    };

    rule(json!({"effect": "rate_limited", "seconds": 7})).await;
    let limited = post().await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "7"));
    rule(json!({"effect": "rate_limited", "seconds": null})).await;
    assert_eq!(post().await.header("retry-after"), "");
    rule(json!({"effect": "refused", "error": "restricted_action", "fields": {"why": "because"}})).await;
    assert_eq!(post().await.json(), json!({"ok": false, "error": "restricted_action", "why": "because"}));
    rule(json!({"effect": "status", "status": 503})).await;
    assert_eq!(post().await.status, 503);
    assert_eq!(post().await.json()["ok"], true, "each was for one call");
    ground.control("/tokens/end", json!({"team": super::ground::ACME, "how": "uninstalled"})).await;
    assert_eq!(post().await.json()["error"], "account_inactive");
}

#[tokio::test]
async fn the_token_method_can_answer_in_every_wrong_way() {
    let ground = Ground::new().await;
    let url = format!(
        "{}?client_id={}&scope=commands,users:read",
        ground.setting("AUTHORIZE_URL"),
        ground.setting("CLIENT_ID")
    );
    let access = async |answer: Value| {
        let mut rule = json!({"path": "/api/oauth.v2.access", "effect": "token"});
        rule.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
        ground.control("/rules", rule).await;
        let redirect = ground.control("/authorize", json!({"user": "eve", "url": url})).await["redirect"].clone();
        let code = parameter(redirect.as_str().unwrap(), "code").unwrap();
        let request = ground.http.post(format!("{}/api/oauth.v2.access", ground.at)).form(&[("code", code)]);
        let request = request.basic_auth(ground.setting("CLIENT_ID"), Some(ground.setting("CLIENT_SECRET")));
        super::ground::Answer::of(request).await
    };

    assert_eq!(
        access(json!({"answer": "error", "error": "user_email_unverified"})).await.json()["error"],
        "user_email_unverified"
    );
    assert_eq!(access(json!({"answer": "html"})).await.header("content-type"), "text/html");
    assert_eq!(access(json!({"answer": "empty"})).await.body, "{}");
    assert_eq!(access(json!({"answer": "fewer_scopes"})).await.json()["scope"], "commands");
    assert_eq!(access(json!({"answer": "more_scopes"})).await.json()["scope"], "commands,users:read,files:write");
    assert_eq!(access(json!({"answer": "empty_token"})).await.json()["access_token"], "");
    assert_eq!(access(json!({"answer": "other_type"})).await.json()["token_type"], "mac");
    assert_eq!(access(json!({"answer": "no_team"})).await.json()["team"], Value::Null);
}

#[tokio::test]
async fn reset_ends_every_fault() {
    let (ground, app, _receiver) = Ground::installed().await;
    ground.control("/rules", json!({"path": "*", "times": 0, "effect": "status", "status": 500})).await;
    ground.control("/limits", json!({"tier_3": 0, "burst": 0})).await;
    assert_eq!(ground.call_raw("auth.test", &app.token, json!({})).await.status, 500);

    ground.control("/reset", json!({})).await;

    assert_eq!(ground.call("conversations.info", &app.token, json!({"channel": DONE})).await["ok"], true);
}
