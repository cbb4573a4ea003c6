//! Slash commands and `response_url`s.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::ground::{ACME, ADA, APP, Answer, DONE, GENERAL, Ground, PLANS, Receiver, SCOPES};

impl Ground {
    async fn whispers(&self, channel: &str) -> Vec<String> {
        let shown = self.look(&format!("/channels/{channel}")).await;
        shown["whispers"].as_array().unwrap().iter().map(|it| it["text"].as_str().unwrap().to_owned()).collect()
    }

    /// What the app hears when ada types `/done …` in #general.
    async fn command(&self, receiver: &Receiver) -> super::ground::Arrival {
        self.say("ada", GENERAL, "/done shipped the search page").await;
        receiver.all().pop().unwrap()
    }
}

async fn answering(answer: impl Fn() -> axum::response::Response + Send + Sync + 'static) -> (Ground, Receiver) {
    let (ground, receiver) = (Ground::new().await, Receiver::answering(move |_| answer()).await);
    ground.control(&format!("/apps/{APP}"), json!({"request_url": receiver.url})).await;
    ground.install("ada", SCOPES).await;
    (ground, receiver)
}

#[tokio::test]
async fn a_command_is_a_form_with_everything_in_it() {
    let (ground, receiver) = answering(|| StatusCode::OK.into_response()).await;

    let command = ground.command(&receiver).await;

    assert_eq!(command.header("content-type"), "application/x-www-form-urlencoded");
    assert!(command.header("x-slack-signature").starts_with("v0="));
    for (field, value) in [
        ("command", "/done"),
        ("text", "shipped the search page"),
        ("team_id", ACME),
        ("team_domain", "acme"),
        ("channel_id", GENERAL),
        ("channel_name", "general"),
        ("user_id", ADA),
        ("user_name", "ada"),
        ("api_app_id", APP),
        ("is_enterprise_install", "false"),
    ] {
        assert_eq!(command.field(field), value, "{field}");
    }
    assert!(command.field("response_url").starts_with(&format!("{}/commands/{ACME}/", ground.at)));
    assert!(!command.field("trigger_id").is_empty() && !command.field("token").is_empty());
    assert_eq!(ground.whispers(GENERAL).await, Vec::<String>::new(), "an empty answer shows nothing");
    ground.say("ada", PLANS, "/done in secret").await;
    assert_eq!(receiver.all()[1].field("channel_name"), "privategroup");
}

#[tokio::test]
async fn answers_are_for_the_person_unless_they_say_otherwise() {
    let text = || axum::Json(json!({"text": "Noted"})).into_response();
    let (ground, receiver) = answering(text).await;
    ground.command(&receiver).await;
    assert_eq!(ground.whispers(GENERAL).await, ["Noted"]);

    let (ground, receiver) = answering(|| "Just words".into_response()).await;
    ground.command(&receiver).await;
    assert_eq!(ground.whispers(GENERAL).await, ["Just words"]);

    let loud = || axum::Json(json!({"text": "For all", "response_type": "in_channel"})).into_response();
    let (ground, receiver) = answering(loud).await;
    ground.command(&receiver).await;
    let shown = ground.look(&format!("/channels/{GENERAL}")).await;
    assert_eq!(shown["messages"].as_array().unwrap().last().unwrap()["text"], "For all");
}

#[tokio::test]
async fn a_command_that_fails_tells_its_user_and_is_not_sent_again() {
    let (ground, receiver) = answering(|| StatusCode::INTERNAL_SERVER_ERROR.into_response()).await;
    ground.strict(json!({"answer_ms": 200, "retry_scale": 0.0001})).await;
    ground.command(&receiver).await;
    assert_eq!(ground.whispers(GENERAL).await, [r#"/done failed with the error "dispatch_failed""#]);

    let slow = Receiver::behaving(Arc::new(|_| (Duration::from_secs(2), StatusCode::OK.into_response()))).await;
    ground.control(&format!("/apps/{APP}"), json!({"request_url": slow.url})).await;
    ground.command(&slow).await;
    assert_eq!(ground.whispers(GENERAL).await[1], r#"/done failed with the error "operation_timeout""#);
    super::ground::a_while().await;
    assert_eq!((receiver.all().len(), slow.all().len()), (1, 1));

    ground.say("ada", GENERAL, "/fly away").await;
    assert!(ground.whispers(GENERAL).await[2].starts_with("/fly is not a valid command"));
}

#[tokio::test]
async fn a_command_needs_the_scope_it_was_installed_with() {
    let (ground, receiver) = (Ground::new().await, Receiver::new().await);
    ground.control(&format!("/apps/{APP}"), json!({"request_url": receiver.url})).await;
    ground.install("ada", "chat:write").await;

    ground.say("ada", GENERAL, "/done nothing").await;

    assert_eq!(receiver.all().len(), 0);
    assert!(ground.whispers(GENERAL).await[0].contains("not a valid command"));
}

#[tokio::test]
async fn a_response_url_works_five_times() {
    let (ground, receiver) = answering(|| StatusCode::OK.into_response()).await;
    let url = ground.command(&receiver).await.field("response_url");
    let answer = async |body: Value| Answer::of(ground.http.post(&url).json(&body)).await;

    assert_eq!(answer(json!({})).await.status, 400, "nothing said, nothing used");
    let first = answer(json!({"text": "one"})).await;
    assert_eq!((first.status, &*first.body), (200, "ok"));
    assert_eq!(answer(json!({"text": "two", "replace_original": true})).await.status, 200);
    assert_eq!(ground.whispers(GENERAL).await, ["two"]);
    assert_eq!(answer(json!({"delete_original": true})).await.status, 200);
    assert_eq!(ground.whispers(GENERAL).await, Vec::<String>::new());
    for text in ["four", "five"] {
        assert_eq!(answer(json!({"text": text})).await.status, 200);
    }
    let sixth = answer(json!({"text": "six"})).await;

    assert_eq!((sixth.status, sixth.json()["error"].clone()), (404, json!("used_url")));
    assert_eq!(ground.whispers(GENERAL).await, ["four", "five"]);
}

#[tokio::test]
async fn a_response_url_works_for_half_an_hour_and_where_the_bot_is_not() {
    let (ground, receiver) = answering(|| StatusCode::OK.into_response()).await;
    let url = ground.command(&receiver).await.field("response_url");
    let loud = json!({"text": "For all", "response_type": "in_channel"});

    assert_eq!(Answer::of(ground.http.post(&url).json(&loud)).await.status, 200);
    let shown = ground.look(&format!("/channels/{GENERAL}")).await;
    assert_eq!(shown["messages"].as_array().unwrap().last().unwrap()["text"], "For all");
    ground.control("/response_urls/expire", json!({})).await;
    let late = Answer::of(ground.http.post(&url).json(&loud)).await;
    assert_eq!((late.status, late.json()["error"].clone()), (404, json!("expired_url")));
    let nobody = Answer::of(ground.http.post(format!("{url}x")).json(&loud)).await;
    assert_eq!(nobody.status, 404);
    assert_eq!(ground.look(&format!("/channels/{DONE}")).await["whispers"], json!([]));
}
