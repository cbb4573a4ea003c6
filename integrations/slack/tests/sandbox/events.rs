//! Events: their envelopes, who hears them, signatures, retries.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::ground::{ACME, ADA, APP, Arrival, BOB, DONE, GENERAL, Ground, PLANS, Receiver, SCOPES, a_while};

/// Signed with that secret, over the body as it arrived.
fn is_signed(arrival: &Arrival, secret: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let base = format!("v0:{}:{}", arrival.header("x-slack-request-timestamp"), String::from_utf8_lossy(&arrival.body));
    let signature = arrival.header("x-slack-signature").strip_prefix("v0=").unwrap_or_default();
    hmac::verify(&key, base.as_bytes(), &hex::decode(signature).unwrap()).is_ok()
}

#[tokio::test]
async fn a_message_comes_in_slacks_envelope_signed() {
    let (ground, app, receiver) = Ground::installed().await;
    let ts = ground.say("bob", DONE, "Fixed <that> & told @ada in #general").await;

    let arrival = receiver.wait_for(1).await.remove(0);

    assert!(is_signed(&arrival, ground.setting("SIGNING_SECRET")));
    assert!(!is_signed(&arrival, "another"));
    assert_eq!(arrival.header("content-type"), "application/json");
    assert_eq!(arrival.header("x-slack-retry-num"), "");
    let body = arrival.json();
    assert_eq!(
        (&body["type"], &body["team_id"], &body["api_app_id"]),
        (&json!("event_callback"), &json!(ACME), &json!(APP))
    );
    assert!(body["event_id"].as_str().unwrap().starts_with("Ev"));
    let authorization = json!({
        "enterprise_id": null, "team_id": ACME, "user_id": app.bot, "is_bot": true, "is_enterprise_install": false,
    });
    assert_eq!(body["authorizations"], json!([authorization]));
    let event = &body["event"];
    assert_eq!(
        (&event["type"], &event["channel"], &event["channel_type"]),
        (&json!("message"), &json!(DONE), &json!("channel"))
    );
    assert_eq!((&event["ts"], &event["event_ts"], &event["user"]), (&json!(ts), &json!(ts), &json!(BOB)));
    assert_eq!(event["text"], "Fixed &lt;that&gt; &amp; told <@U0ADA00001> in <#C0ACMEGEN1|general>");
    assert_eq!(event["blocks"][0]["type"], "rich_text");
    assert!(event["client_msg_id"].is_string() && event["subtype"].is_null() && event["bot_id"].is_null());
}

#[tokio::test]
async fn edits_deletions_and_reactions_follow() {
    let (ground, _, receiver) = Ground::installed().await;
    let ts = ground.say("ada", DONE, "Shiped").await;
    let path = |deed: &str| format!("/client/{ACME}/{DONE}/{deed}");
    ground.form(ADA, &path("edit"), &[("ts", &ts), ("text", "Shipped")]).await;
    ground.form(BOB, &path("react"), &[("ts", &ts), ("name", "tada")]).await;
    ground.form(BOB, &path("react"), &[("ts", &ts), ("name", "tada")]).await;
    ground.form(ADA, &path("delete"), &[("ts", &ts)]).await;

    let arrivals = receiver.wait_for(5).await;

    let kinds = ["message", "message.message_changed", "reaction_added", "reaction_removed", "message.message_deleted"];
    assert_eq!(receiver.kinds(), kinds);
    let changed = &arrivals[1].json()["event"];
    assert_eq!(
        (&changed["message"]["text"], &changed["previous_message"]["text"]),
        (&json!("Shipped"), &json!("Shiped"))
    );
    assert_eq!(
        (&changed["message"]["ts"], &changed["hidden"], &changed["text"]),
        (&json!(ts), &json!(true), &Value::Null)
    );
    assert!(changed["message"]["edited"]["ts"].is_string() && changed["user"].is_null());
    let reaction = &arrivals[2].json()["event"];
    assert_eq!(
        (&reaction["user"], &reaction["reaction"], &reaction["item_user"]),
        (&json!(BOB), &json!("tada"), &json!(ADA))
    );
    assert_eq!(reaction["item"], json!({"type": "message", "channel": DONE, "ts": ts}));
    let deleted = &arrivals[4].json()["event"];
    assert_eq!((&deleted["deleted_ts"], &deleted["previous_message"]["text"]), (&json!(ts), &json!("Shipped")));
}

#[tokio::test]
async fn a_mention_comes_twice_under_two_names() {
    let (ground, app, receiver) = Ground::installed().await;
    ground.say("ada", DONE, "@patchbay shipped it").await;

    let arrivals = receiver.wait_for(2).await;

    assert_eq!(receiver.kinds(), ["message", "app_mention"]);
    let (message, mention) = (arrivals[0].json(), arrivals[1].json());
    assert_ne!(message["event_id"], mention["event_id"]);
    assert_eq!(message["event"]["ts"], mention["event"]["ts"]);
    assert_eq!(mention["event"]["text"], format!("<@{}> shipped it", app.bot));
    ground.say("ada", GENERAL, "@patchbay not here").await;
    a_while().await;
    assert_eq!(receiver.all().len(), 2, "it is not in that channel");
}

#[tokio::test]
async fn the_bots_own_messages_are_told_too() {
    let (ground, app, receiver) = Ground::installed().await;
    let posted = ground.call("chat.postMessage", &app.token, json!({"channel": DONE, "text": "hello"})).await;
    let body = json!({"channel": DONE, "ts": posted["ts"], "text": "Hello"});
    ground.call("chat.update", &app.token, body).await;

    let arrivals = receiver.wait_for(2).await;

    let event = &arrivals[0].json()["event"];
    assert_eq!(
        (&event["bot_id"], &event["user"], &event["subtype"]),
        (&json!(app.bot_id), &json!(app.bot), &Value::Null)
    );
    assert_eq!(event["bot_profile"]["id"], json!(app.bot_id));
    let changed = &arrivals[1].json()["event"];
    assert_eq!((&changed["subtype"], &changed["message"]["bot_id"]), (&json!("message_changed"), &json!(app.bot_id)));
}

#[tokio::test]
async fn an_app_hears_where_it_is_what_it_may_and_what_it_asked_for() {
    let (ground, app, receiver) = Ground::installed().await;
    ground.say("ada", GENERAL, "Not for the bot").await;
    ground.say("ada", PLANS, "Nor this").await;
    ground.say("eve", "C0UMBRADON", "Nor this").await;
    a_while().await;
    assert_eq!(receiver.kinds(), Vec::<String>::new());

    ground.form(ADA, &format!("/client/{ACME}/{PLANS}/invite"), &[("user", &app.bot)]).await;
    ground.say("ada", PLANS, "Now it is").await;
    let arrivals = receiver.wait_for(2).await;
    assert_eq!(receiver.kinds(), ["member_joined_channel", "message"]);
    assert_eq!(
        (&arrivals[0].json()["event"]["inviter"], &arrivals[0].json()["event"]["user"]),
        (&json!(ADA), &json!(app.bot))
    );
    assert_eq!(arrivals[1].json()["event"]["channel_type"], "group");

    receiver.forget();
    ground.control(&format!("/apps/{APP}"), json!({"events": ["reaction_added"]})).await;
    ground.say("ada", DONE, "Nobody asked").await;
    a_while().await;
    assert_eq!(receiver.kinds(), Vec::<String>::new());
}

#[tokio::test]
async fn an_event_needs_its_scope() {
    let (ground, receiver) = (Ground::new().await, Receiver::new().await);
    ground.control(&format!("/apps/{APP}"), json!({"request_url": receiver.url})).await;
    let app = ground.install("ada", "channels:join,reactions:read").await;
    ground.call("conversations.join", &app.token, json!({"channel": DONE})).await;
    let ts = ground.say("ada", DONE, "hello").await;
    ground.form(ADA, &format!("/client/{ACME}/{DONE}/react"), &[("ts", &ts), ("name", "eyes")]).await;

    receiver.wait_for(1).await;
    a_while().await;

    assert_eq!(receiver.kinds(), ["reaction_added"], "it may not read messages");
}

#[tokio::test]
async fn what_happens_to_channels_is_told() {
    let (ground, app, receiver) = Ground::installed().await;
    let deed = async |channel: &str, deed: &str, fields: &[(&str, &str)]| {
        let answer = ground.form(ADA, &format!("/client/{ACME}/{channel}/{deed}"), fields).await;
        assert_eq!(answer.status, 303, "{deed}: {}", answer.body);
    };
    deed(GENERAL, "rename", &[("name", "all")]).await;
    deed(DONE, "archive", &[]).await;
    deed(DONE, "unarchive", &[]).await;
    deed("C0ACMERND1", "delete_channel", &[]).await;
    deed(PLANS, "archive", &[]).await;
    deed(PLANS, "unarchive", &[]).await;
    deed(PLANS, "invite", &[("user", &app.bot)]).await;
    deed(PLANS, "remove", &[("user", &app.bot)]).await;

    receiver.wait_for(6).await;
    a_while().await;

    let kinds = [
        "channel_rename",
        "channel_archive",
        "channel_unarchive",
        "channel_deleted",
        "member_joined_channel",
        "group_left",
    ];
    assert_eq!(receiver.kinds(), kinds, "of a private channel only while the bot is in it");
    let all = receiver.all();
    let renamed = &all[0].json()["event"]["channel"];
    assert_eq!((&renamed["id"], &renamed["name"]), (&json!(GENERAL), &json!("all")));
    assert_eq!((&all[1].json()["event"]["channel"], &all[1].json()["event"]["user"]), (&json!(DONE), &json!(ADA)));
}

#[tokio::test]
async fn a_delivery_that_is_not_taken_comes_back_three_times() {
    let (ground, _, _old) = Ground::installed().await;
    let receiver = Receiver::answering(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()).await;
    ground.control(&format!("/apps/{APP}"), json!({"request_url": receiver.url})).await;
    ground.strict(json!({"retry_scale": 0.001})).await;
    ground.say("ada", DONE, "hello?").await;

    let arrivals = receiver.wait_for(4).await;
    tokio::time::sleep(Duration::from_millis(500)).await;

    assert_eq!(receiver.all().len(), 4, "then it is given up");
    let numbers: Vec<&str> = arrivals.iter().map(|it| it.header("x-slack-retry-num")).collect();
    assert_eq!(numbers, ["", "1", "2", "3"]);
    assert!(arrivals[1..].iter().all(|it| it.header("x-slack-retry-reason") == "http_error"));
    assert!(arrivals.iter().all(|it| it.body == arrivals[0].body), "the same event_id and body");
    assert!(arrivals.iter().all(|it| is_signed(it, ground.setting("SIGNING_SECRET"))), "each signed anew");
    assert_eq!(ground.look("/deliveries").await["waiting"], 0);
}

#[tokio::test]
async fn a_retry_that_is_taken_is_the_last_and_no_retry_is_heard() {
    let (ground, _, _old) = Ground::installed().await;
    let second = |number: usize| if number == 1 { StatusCode::BAD_GATEWAY } else { StatusCode::OK }.into_response();
    let receiver = Receiver::answering(second).await;
    ground.control(&format!("/apps/{APP}"), json!({"request_url": receiver.url})).await;
    ground.say("ada", DONE, "once more").await;
    // The first retry comes at once, without any scale.
    receiver.wait_for(2).await;

    let never = Receiver::answering(|_| (StatusCode::NOT_FOUND, [("x-slack-no-retry", "1")]).into_response()).await;
    ground.control(&format!("/apps/{APP}"), json!({"request_url": never.url})).await;
    ground.strict(json!({"retry_scale": 0.0001})).await;
    ground.say("ada", DONE, "not again").await;
    never.wait_for(1).await;
    a_while().await;

    assert_eq!((receiver.all().len(), never.all().len()), (2, 1));
}

#[tokio::test]
async fn each_failure_has_its_reason() {
    let (ground, _, _old) = Ground::installed().await;
    let slow = Receiver::behaving(Arc::new(|number| {
        (Duration::from_millis(if number == 1 { 1000 } else { 0 }), StatusCode::OK.into_response())
    }))
    .await;
    let round = Receiver::answering(|number| match number {
        1..=3 => (StatusCode::TEMPORARY_REDIRECT, [("location", "/again")]).into_response(),
        _ => StatusCode::OK.into_response(),
    })
    .await;
    ground.strict(json!({"answer_ms": 300, "retry_scale": 0.0001})).await;
    for (receiver, arrivals, reason) in [(slow, 2, "http_timeout"), (round, 4, "too_many_redirects")] {
        ground.control(&format!("/apps/{APP}"), json!({"request_url": receiver.url})).await;
        ground.say("ada", DONE, "hello").await;
        let last = receiver.wait_for(arrivals).await.pop().unwrap();
        assert_eq!(last.header("x-slack-retry-reason"), reason);
    }
    ground.control(&format!("/apps/{APP}"), json!({"request_url": "http://127.0.0.1:1/"})).await;
    ground.say("ada", DONE, "anyone?").await;
    for _ in 0..100 {
        if ground.look("/deliveries").await["sent"][0]["retry"] == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(ground.look("/deliveries").await["sent"][0]["retried_for"], "connection_failed");
}

#[tokio::test]
async fn above_its_hourly_share_an_app_is_told_that_it_hears_no_more() {
    let (ground, _, receiver) = Ground::installed().await;
    // One was its own arrival.
    ground.strict(json!({"events_per_hour": 3})).await;
    for number in 0..5 {
        ground.say("ada", DONE, &format!("number {number}")).await;
    }

    let arrivals = receiver.wait_for(3).await;
    a_while().await;

    let kinds = receiver.kinds();
    assert_eq!(kinds.iter().filter(|kind| *kind == "message").count(), 2, "{kinds:?}");
    let limited = arrivals.iter().find(|it| it.kind() == "app_rate_limited").unwrap().json();
    assert_eq!((&limited["team_id"], &limited["api_app_id"]), (&json!(ACME), &json!(APP)));
    assert_eq!(limited["minute_rate_limited"].as_i64().unwrap() % 60, 0);
    assert!(limited["event"].is_null());
}

#[tokio::test]
async fn a_request_url_is_verified_by_its_challenge() {
    let ground = Ground::new().await;
    let echo = axum::Router::new()
        .fallback(async |body: axum::Json<Value>| axum::Json(json!({"challenge": body.0["challenge"]})));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, echo).await });
    let deaf = Receiver::new().await;
    let verify = async |url: &str| {
        ground.control(&format!("/apps/{APP}"), json!({"request_url": url})).await;
        ground.control(&format!("/apps/{APP}/verify"), json!({})).await["passed"].clone()
    };

    assert_eq!(verify(&url).await, true);
    assert_eq!(verify(&deaf.url).await, false);
    let asked = deaf.all().remove(0);
    assert_eq!(asked.json()["type"], "url_verification");
    assert!(is_signed(&asked, ground.setting("SIGNING_SECRET")));
    assert_eq!(ground.control(&format!("/apps/{APP}/ssl_check"), json!({})).await["passed"], true);
    let probe = deaf.all().remove(1);
    assert_eq!(
        (probe.field("ssl_check"), probe.header("content-type")),
        ("1".into(), "application/x-www-form-urlencoded")
    );
}

#[tokio::test]
async fn faults_of_deliveries_do_what_they_say() {
    let (ground, _, receiver) = Ground::installed().await;
    let secret = ground.setting("SIGNING_SECRET");
    let fault = async |fault: Value| ground.control("/deliveries", fault).await;
    let after = async |say: &[&str], count: usize| {
        receiver.forget();
        for line in say {
            ground.say("ada", DONE, line).await;
        }
        receiver.wait_for(count).await
    };

    fault(json!({"effect": "duplicate", "copies": 2})).await;
    let same = after(&["one"], 3).await;
    assert!(same.iter().all(|it| it.json()["event_id"] == same[0].json()["event_id"]));
    fault(json!({"effect": "renamed"})).await;
    let twice = after(&["two"], 2).await;
    assert_ne!(twice[0].json()["event_id"], twice[1].json()["event_id"]);
    assert_eq!(twice[0].json()["event"]["ts"], twice[1].json()["event"]["ts"]);
    fault(json!({"effect": "reorder"})).await;
    let turned = after(&["three", "four"], 2).await;
    assert_eq!(turned[0].json()["event"]["text"], "four");
    fault(json!({"effect": "drop"})).await;
    assert_eq!(after(&["five", "six"], 1).await[0].json()["event"]["text"], "six");
    fault(json!({"effect": "wrong_signature"})).await;
    assert!(!is_signed(&after(&["seven"], 1).await[0], secret));
    fault(json!({"effect": "no_signature"})).await;
    assert_eq!(after(&["eight"], 1).await[0].header("x-slack-signature"), "");
    fault(json!({"effect": "stale"})).await;
    let stale = after(&["nine"], 1).await;
    let sent: i64 = stale[0].header("x-slack-request-timestamp").parse().unwrap();
    assert!(is_signed(&stale[0], secret) && Timestamp::now().as_second() - sent > 300);
    fault(json!({"effect": "hold"})).await;
    receiver.forget();
    ground.say("ada", DONE, "ten").await;
    a_while().await;
    assert_eq!(receiver.all().len(), 0);
    fault(json!({"effect": "release"})).await;
    receiver.wait_for(1).await;
}

#[tokio::test]
async fn an_organizations_events_name_it_and_no_workspace() {
    let (ground, receiver) = (Ground::new().await, Receiver::new().await);
    ground.control(&format!("/apps/{APP}"), json!({"request_url": receiver.url})).await;
    ground.control("/enterprise", json!({"id": "E0INITECH1"})).await;
    let made = ground.control("/installations", json!({"user": "ada", "scopes": SCOPES, "enterprise": true})).await;
    let token = made["bot_token"].as_str().unwrap();
    ground.call("conversations.join", token, json!({"channel": "C0UMBRADON"})).await;
    ground.say("eve", "C0UMBRADON", "From Umbra").await;

    let body = receiver.wait_for(2).await[1].json();

    assert_eq!((&body["team_id"], &body["enterprise_id"]), (&json!("T0UMBRA001"), &json!("E0INITECH1")));
    assert_eq!(body["authorizations"][0]["team_id"], Value::Null);
    assert_eq!(body["authorizations"][0]["is_enterprise_install"], true);
}
