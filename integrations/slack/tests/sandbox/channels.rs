//! Conversations: lists and their pages, what is hidden, joining.

use serde_json::{Value, json};

use super::ground::{ACME, BOB, DONE, Ground, OLD_NEWS, PLANS, SCOPES};

fn names(answer: &Value) -> Vec<&str> {
    answer["channels"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_list_has_public_channels_and_private_ones_the_bot_is_in() {
    let ground = Ground::new().await;
    let app = ground.install("ada", SCOPES).await;
    let list = async |body: Value| ground.call("conversations.list", &app.token, body).await;

    let default = list(json!({})).await;
    assert_eq!(names(&default), ["done", "general", "old-news", "random"]);
    assert_eq!(default["response_metadata"]["next_cursor"], "");
    assert_eq!(names(&list(json!({"exclude_archived": true})).await), ["done", "general", "random"]);
    let both = json!({"types": "public_channel,private_channel"});
    assert!(!names(&list(both.clone()).await).contains(&"secret-plans"), "the bot is not in it");
    let invited = ground.form("U0ADA00001", &format!("/client/{ACME}/{PLANS}/invite"), &[("user", &app.bot)]).await;
    assert_eq!(invited.status, 303);
    let listed = list(both).await;
    let plans = listed["channels"].as_array().unwrap().iter().find(|it| it["id"] == PLANS).unwrap();
    assert_eq!((&plans["is_private"], &plans["is_member"]), (&json!(true), &json!(true)));
    assert_eq!(ground.refused("conversations.list", &app.token, json!({"types": "secret"})).await, "invalid_types");
}

#[tokio::test]
async fn pages_may_be_short_and_a_cursor_leads_through_all() {
    let ground = Ground::new().await;
    let app = ground.install("ada", SCOPES).await;
    ground.control("/channels", json!({"team": ACME, "prefix": "kata", "count": 30})).await;
    ground.control("/channels", json!({"team": ACME, "prefix": "hidden", "count": 30, "private": true})).await;
    let mut cursor = String::new();
    let (mut seen, mut short) = (Vec::new(), false);

    loop {
        let body = json!({"types": "public_channel,private_channel", "limit": 5, "cursor": cursor});
        let page = ground.call("conversations.list", &app.token, body).await;
        let next = page["response_metadata"]["next_cursor"].as_str().unwrap().to_owned();
        short |= !next.is_empty() && names(&page).len() < 5;
        seen.extend(names(&page).into_iter().map(str::to_owned));
        if next.is_empty() {
            break;
        }
        cursor = next;
    }

    assert_eq!(seen.len(), 34, "{seen:?}");
    assert!(short, "what is hidden shortens its page");
    let call = async |body: Value| ground.refused("conversations.list", &app.token, body).await;
    assert_eq!(call(json!({"cursor": "bm9uc2Vuc2U="})).await, "invalid_cursor");
    assert_eq!(call(json!({"limit": 1001})).await, "invalid_limit");
    assert_eq!(call(json!({"limit": "many"})).await, "invalid_limit");
}

#[tokio::test]
async fn a_bot_joins_public_channels_only() {
    let ground = Ground::new().await;
    let app = ground.install("ada", SCOPES).await;
    let join = async |channel: &str| ground.call("conversations.join", &app.token, json!({"channel": channel})).await;

    assert_eq!(join(DONE).await["channel"]["is_member"], true);
    let again = join(DONE).await;
    assert_eq!((&again["ok"], &again["warning"]), (&json!(true), &json!("already_in_channel")));
    assert_eq!(again["response_metadata"]["warnings"], json!(["already_in_channel"]));
    assert_eq!(join(OLD_NEWS).await["error"], "is_archived");
    assert_eq!(join(PLANS).await["error"], "channel_not_found", "it may not even know of it");
    assert_eq!(join("C0UMBRADON").await["error"], "channel_not_found", "of another workspace");
    let members = ground.call("conversations.members", &app.token, json!({"channel": DONE})).await;
    assert_eq!(members["members"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn archiving_takes_the_bot_out() {
    let ground = Ground::new().await;
    let app = ground.install("ada", SCOPES).await;
    ground.call("conversations.join", &app.token, json!({"channel": DONE})).await;
    let message = json!({"channel": DONE, "text": "hello"});

    assert_eq!(ground.form("U0ADA00001", &format!("/client/{ACME}/{DONE}/archive"), &[]).await.status, 303);
    assert_eq!(ground.refused("chat.postMessage", &app.token, message.clone()).await, "is_archived");
    assert_eq!(ground.form(BOB, &format!("/client/{ACME}/{DONE}/unarchive"), &[]).await.status, 303);
    assert_eq!(ground.refused("chat.postMessage", &app.token, message.clone()).await, "not_in_channel");
    ground.call("conversations.join", &app.token, json!({"channel": DONE})).await;
    assert_eq!(ground.call("chat.postMessage", &app.token, message).await["ok"], true);
}

#[tokio::test]
async fn a_renamed_channel_keeps_its_id_and_remembers() {
    let ground = Ground::new().await;
    let app = ground.install("ada", SCOPES).await;
    let rename = async |name: &str| {
        ground.form("U0ADA00001", &format!("/client/{ACME}/{DONE}/rename"), &[("name", name)]).await.status
    };

    assert_eq!((rename("general").await, rename("No Way").await, rename("shipped").await), (422, 422, 303));

    let channel = ground.call("conversations.info", &app.token, json!({"channel": DONE})).await["channel"].clone();
    assert_eq!((&channel["name"], &channel["previous_names"]), (&json!("shipped"), &json!(["done"])));
    assert!(channel["updated"].as_i64().unwrap() > 1_000_000_000_000, "milliseconds, here alone");
    assert!(channel["created"].as_i64().unwrap() < 10_000_000_000);
}
