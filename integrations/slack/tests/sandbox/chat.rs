//! Messages of an app: what is refused, history, metadata, reactions.

use serde_json::{Value, json};

use super::ground::{ADA, DONE, GENERAL, Ground, Installed, PLANS};

impl Ground {
    async fn post(&self, app: &Installed, body: Value) -> Value {
        let mut body = body;
        if body["channel"].is_null() {
            body["channel"] = json!(DONE);
        }
        self.call("chat.postMessage", &app.token, body).await
    }
}

#[tokio::test]
async fn a_message_goes_to_a_channel_by_id_or_name() {
    let (ground, app, _receiver) = Ground::installed().await;

    for channel in [DONE, "#done", "done"] {
        let answer = ground.post(&app, json!({"channel": channel, "text": "Shipped &amp; done"})).await;
        assert_eq!((&answer["ok"], &answer["channel"]), (&json!(true), &json!(DONE)), "{answer}");
        let message = &answer["message"];
        assert_eq!((&message["text"], &message["ts"]), (&json!("Shipped &amp; done"), &answer["ts"]));
        assert_eq!((&message["bot_id"], &message["user"]), (&json!(app.bot_id), &json!(app.bot)));
        assert_eq!(message["bot_profile"]["app_id"], super::ground::APP);
        assert!(message["subtype"].is_null());
    }
}

#[tokio::test]
async fn each_thing_wrong_with_a_message_has_its_word() {
    let (ground, app, _receiver) = Ground::installed().await;
    let section = |text: &str| json!([{"type": "section", "text": {"type": "mrkdwn", "text": text}}]);
    let fifty_one: Vec<Value> = (0..51).map(|_| json!({"type": "divider"})).collect();
    for (body, word) in [
        (json!({}), "no_text"),
        (json!({"text": ""}), "no_text"),
        (json!({"text": "x", "channel": "C0NOTHING1"}), "channel_not_found"),
        (json!({"text": "x", "channel": "#nothing"}), "channel_not_found"),
        (json!({"text": "x", "channel": PLANS}), "channel_not_found"),
        (json!({"text": "x", "channel": GENERAL}), "not_in_channel"),
        (json!({"text": "x".repeat(40_001)}), "msg_too_long"),
        (json!({"text": "x", "thread_ts": "1.000001"}), "thread_not_found"),
        (json!({"text": "x", "username": "Somebody"}), "missing_scope"),
        (json!({"blocks": "nonsense"}), "invalid_blocks_format"),
        (json!({"blocks": {"type": "divider"}}), "invalid_blocks_format"),
        (json!({"blocks": fifty_one}), "invalid_blocks"),
        (json!({"blocks": section(&"x".repeat(3001))}), "invalid_blocks"),
        (json!({"blocks": section("")}), "invalid_blocks"),
        (json!({"blocks": [{"type": "section"}]}), "invalid_blocks"),
        (json!({"blocks": [{"type": "carousel"}]}), "invalid_blocks"),
        (json!({"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]}), "invalid_blocks"),
        (json!({"blocks": [{"type": "actions", "elements": [{"type": "button"}]}]}), "invalid_blocks"),
        (json!({"text": "x", "metadata": {"event_type": "entry"}}), "invalid_metadata_schema"),
        (json!({"text": "x", "metadata": "nonsense"}), "invalid_metadata_format"),
    ] {
        let answer = ground.post(&app, body.clone()).await;
        assert_eq!((&answer["ok"], &answer["error"]), (&json!(false), &json!(word)), "{body}: {answer}");
    }
    let told = ground.post(&app, json!({"blocks": [{"type": "section"}]})).await;
    let messages = json!(["[ERROR] missing required field: text [json-pointer:/blocks/0]"]);
    assert_eq!(told["response_metadata"]["messages"], messages);
}

#[tokio::test]
async fn blocks_that_are_right_are_taken_from_json_and_from_a_form() {
    let (ground, app, _receiver) = Ground::installed().await;
    let blocks = json!([
        {"type": "header", "text": {"type": "plain_text", "text": "Done"}},
        {"type": "section", "block_id": "a", "text": {"type": "mrkdwn", "text": "*Shipped*"},
         "accessory": {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": "https://log.example/1"}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "by <@U0ADA00001>"}]},
        {"type": "divider"},
    ]);

    let as_json = ground.post(&app, json!({"text": "fallback", "blocks": blocks})).await;
    let form = [("channel", DONE), ("text", "fallback"), ("blocks", &blocks.to_string())];
    let request = ground.http.post(format!("{}/api/chat.postMessage", ground.at)).bearer_auth(&app.token).form(&form);
    let as_form: Value = request.send().await.unwrap().json().await.unwrap();

    assert_eq!((&as_json["message"]["blocks"], &as_form["message"]["blocks"]), (&blocks, &blocks));
}

#[tokio::test]
async fn an_app_changes_and_deletes_its_own_messages_only() {
    let (ground, app, _receiver) = Ground::installed().await;
    let theirs = ground.say("ada", DONE, "Mine").await;
    let mine = ground.post(&app, json!({"text": "Theirs"})).await["ts"].as_str().unwrap().to_owned();
    let update = async |ts: &str, text: &str| {
        ground.call("chat.update", &app.token, json!({"channel": DONE, "ts": ts, "text": text})).await
    };

    let changed = update(&mine, "Better").await;
    assert_eq!((&changed["text"], &changed["ts"]), (&json!("Better"), &json!(mine)));
    assert_eq!(update(&theirs, "x").await["error"], "cant_update_message");
    assert_eq!(update("1.000001", "x").await["error"], "message_not_found");
    assert_eq!(update(&mine, &"x".repeat(4001)).await["error"], "msg_too_long");
    assert_eq!(update(&mine, "").await["error"], "no_text");
    let delete = async |ts: &str| ground.call("chat.delete", &app.token, json!({"channel": DONE, "ts": ts})).await;
    assert_eq!(delete(&theirs).await["error"], "cant_delete_message");
    assert_eq!(delete(&mine).await["ok"], true);
    assert_eq!(delete(&mine).await["error"], "message_not_found");
}

#[tokio::test]
async fn an_update_keeps_what_it_does_not_send() {
    let (ground, app, _receiver) = Ground::installed().await;
    let blocks = json!([{"type": "divider"}]);
    let body = json!({"text": "a", "blocks": blocks, "metadata": {"event_type": "entry", "event_payload": {"id": 1}}});
    let ts = ground.post(&app, body).await["ts"].clone();

    let body = json!({"channel": DONE, "ts": ts, "text": "b"});
    let changed = ground.call("chat.update", &app.token, body).await["message"].clone();
    assert_eq!((&changed["text"], &changed["blocks"]), (&json!("b"), &blocks));
    assert_eq!(changed["metadata"]["event_type"], "entry");
    let body = json!({"channel": DONE, "ts": ts, "text": "c", "blocks": []});
    let changed = ground.call("chat.update", &app.token, body).await["message"].clone();
    assert_eq!(changed["blocks"], json!([]));
}

#[tokio::test]
async fn history_shows_metadata_to_who_asks_so_a_lost_answer_can_be_told() {
    let (ground, app, _receiver) = Ground::installed().await;
    ground.control("/rules", json!({"path": "/api/chat.postMessage", "effect": "lost_answer"})).await;
    let metadata = json!({"event_type": "entry", "event_payload": {"id": "e1"}});
    let body = json!({"channel": DONE, "text": "Was it heard?", "metadata": metadata});
    let request = ground.http.post(format!("{}/api/chat.postMessage", ground.at)).bearer_auth(&app.token).json(&body);
    assert!(request.send().await.is_err(), "no answer came");

    let history = async |more: Value| {
        let mut body = json!({"channel": DONE, "limit": 1});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ground.call("conversations.history", &app.token, body).await
    };

    assert!(history(json!({})).await["messages"][0]["metadata"].is_null());
    let newest = history(json!({"include_all_metadata": true})).await;
    assert_eq!(newest["messages"][0]["metadata"], metadata);
    assert_eq!(newest["has_more"], true);
    let cursor = newest["response_metadata"]["next_cursor"].clone();
    assert_eq!(
        history(json!({"cursor": cursor})).await["messages"][0]["text"],
        "Nice. Does <#C0ACMEGEN1|general> know?"
    );
    let oldest = newest["messages"][0]["ts"].clone();
    assert_eq!(history(json!({"oldest": oldest})).await["messages"], json!([]));
    assert_eq!(history(json!({"oldest": oldest, "inclusive": true})).await["messages"][0]["ts"], oldest);
    assert_eq!(
        ground.refused("conversations.history", &app.token, json!({"channel": GENERAL})).await,
        "not_in_channel"
    );
    assert_eq!(
        ground.refused("conversations.history", &app.token, json!({"channel": PLANS})).await,
        "channel_not_found"
    );
}

#[tokio::test]
async fn a_thread_has_its_first_message_and_its_replies() {
    let (ground, app, _receiver) = Ground::installed().await;
    let first = ground.say("ada", DONE, "Shall we?").await;
    ground.post(&app, json!({"text": "Yes", "thread_ts": first})).await;
    ground.post(&app, json!({"text": "And tell all", "thread_ts": first, "reply_broadcast": true})).await;

    let replies = ground.call("conversations.replies", &app.token, json!({"channel": DONE, "ts": first})).await;
    let texts: Vec<&str> =
        replies["messages"].as_array().unwrap().iter().map(|it| it["text"].as_str().unwrap()).collect();
    let history = ground.call("conversations.history", &app.token, json!({"channel": DONE, "limit": 2})).await;

    assert_eq!(texts, ["Shall we?", "Yes", "And tell all"]);
    assert_eq!(
        (&replies["messages"][0]["reply_count"], &replies["messages"][1]["parent_user_id"]),
        (&json!(2), &json!(ADA))
    );
    assert_eq!(
        history["messages"][0]["text"], "And tell all",
        "replies stand in the channel only if they were sent there"
    );
    assert_eq!(history["messages"][1]["text"], "Shall we?");
    ground.form(ADA, &format!("/client/{}/{DONE}/delete", super::ground::ACME), &[("ts", &first)]).await;
    let replies = ground.call("conversations.replies", &app.token, json!({"channel": DONE, "ts": first})).await;
    assert_eq!(replies["messages"][0]["subtype"], "tombstone", "the thread keeps its place");
    assert_eq!(replies["messages"].as_array().unwrap().len(), 3);
    let body = json!({"channel": DONE, "ts": "1.000001"});
    assert_eq!(ground.refused("conversations.replies", &app.token, body).await, "thread_not_found");
}

#[tokio::test]
async fn reactions_are_added_seen_and_removed_once() {
    let (ground, _, _receiver) = Ground::installed().await;
    let app = ground.install("ada", "reactions:write").await;
    let ts = ground.say("ada", DONE, "Look").await;
    let body = json!({"channel": DONE, "timestamp": ts, "name": "eyes"});

    assert_eq!(ground.call("reactions.add", &app.token, body.clone()).await["ok"], true);
    assert_eq!(ground.refused("reactions.add", &app.token, body.clone()).await, "already_reacted");
    let seen = ground.call("reactions.get", &app.token, body.clone()).await;
    assert_eq!(seen["message"]["reactions"], json!([{"name": "eyes", "users": [app.bot], "count": 1}]));
    assert_eq!(ground.call("reactions.remove", &app.token, body.clone()).await["ok"], true);
    assert_eq!(ground.refused("reactions.remove", &app.token, body).await, "no_reaction");
    for (body, word) in [
        (json!({"channel": DONE, "timestamp": ts, "name": "No!"}), "invalid_name"),
        (json!({"channel": DONE, "timestamp": "yesterday", "name": "eyes"}), "bad_timestamp"),
        (json!({"channel": DONE, "timestamp": "1.000001", "name": "eyes"}), "message_not_found"),
        (json!({"channel": DONE, "name": "eyes"}), "no_item_specified"),
    ] {
        assert_eq!(ground.refused("reactions.add", &app.token, body).await, word);
    }
}
