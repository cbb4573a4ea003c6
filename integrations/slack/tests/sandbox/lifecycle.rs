//! The end of tokens and installations, and coming back.

use serde_json::json;

use super::ground::{ACME, ADA, APP, DONE, Ground, SCOPES, a_while};

#[tokio::test]
async fn a_revoked_token_is_dead_and_its_app_is_told() {
    let (ground, app, receiver) = Ground::installed().await;

    assert_eq!(ground.call("auth.revoke", &app.token, json!({"test": true})).await["revoked"], false);
    let revoked = ground.call("auth.revoke", &app.token, json!({})).await;

    assert_eq!(revoked, json!({"ok": true, "revoked": true}));
    assert_eq!(ground.refused("auth.test", &app.token, json!({})).await, "token_revoked");
    let arrivals = receiver.wait_for(2).await;
    assert_eq!(receiver.kinds(), ["tokens_revoked", "app_uninstalled"], "it was the last token");
    let event = arrivals[0].json()["event"].clone();
    assert_eq!(event["tokens"], json!({"oauth": [], "bot": [app.bot]}), "ids of users, not tokens");
    assert_eq!(arrivals[1].json()["event"], json!({"type": "app_uninstalled"}));
    let members = ground.look(&format!("/channels/{DONE}")).await["members"].clone();
    assert!(!members.as_array().unwrap().contains(&json!(app.bot)), "the bot is out of its channels");
}

#[tokio::test]
async fn uninstalling_needs_the_apps_own_name_and_secret() {
    let (ground, app, receiver) = Ground::installed().await;
    let (id, secret) = (ground.setting("CLIENT_ID"), ground.setting("CLIENT_SECRET"));
    let uninstall = async |id: &str, secret: &str| {
        ground.call("apps.uninstall", &app.token, json!({"client_id": id, "client_secret": secret})).await
    };
    ground.control("/limits", json!({"tier_1": 10})).await;
    let other = ground.control("/apps", json!({"name": "Other"})).await;

    assert_eq!(uninstall("1.2", secret).await["error"], "invalid_client_id");
    assert_eq!(uninstall(id, "wrong").await["error"], "bad_client_secret");
    let of_other = (other["client_id"].as_str().unwrap(), other["client_secret"].as_str().unwrap());
    assert_eq!(uninstall(of_other.0, of_other.1).await["error"], "client_id_token_mismatch");
    ground.strict(json!({"bots_may_uninstall": false})).await;
    assert_eq!(uninstall(id, secret).await["error"], "no_permission");
    ground.strict(json!({})).await;
    assert_eq!(uninstall(id, secret).await["ok"], true);
    assert_eq!(ground.refused("auth.test", &app.token, json!({})).await, "account_inactive");
    receiver.wait_for(2).await;
}

#[tokio::test]
async fn an_app_that_was_removed_on_the_page_can_be_installed_again() {
    let (ground, app, receiver) = Ground::installed().await;
    assert!(ground.page(ADA, &format!("/client/{ACME}/apps")).await.body.contains("Patchbay"));

    let removed = ground.form(ADA, &format!("/client/{ACME}/apps/{APP}/uninstall"), &[]).await;
    assert_eq!(removed.status, 303);
    receiver.wait_for(2).await;
    receiver.forget();
    ground.say("ada", DONE, "Nobody listens").await;
    a_while().await;
    assert_eq!(receiver.all().len(), 0);
    let again = ground.install("ada", SCOPES).await;

    assert_eq!((&again.bot, &again.bot_id), (&app.bot, &app.bot_id), "the bot keeps its name");
    assert_ne!(again.token, app.token);
    assert_eq!(ground.refused("auth.test", &app.token, json!({})).await, "account_inactive", "the old token is dead");
    let post = json!({"channel": DONE, "text": "I am back"});
    assert_eq!(ground.refused("chat.postMessage", &again.token, post).await, "not_in_channel");
}

#[tokio::test]
async fn an_administrator_may_revoke_all_tokens() {
    let (ground, app, receiver) = Ground::installed().await;

    ground.form(ADA, &format!("/client/{ACME}/apps/{APP}/revoke"), &[]).await;

    receiver.wait_for(2).await;
    assert_eq!(receiver.kinds(), ["tokens_revoked", "app_uninstalled"]);
    assert_eq!(ground.refused("auth.test", &app.token, json!({})).await, "token_revoked");
}

#[tokio::test]
async fn with_rotation_revoking_is_silent() {
    let (ground, _, receiver) = Ground::installed().await;
    ground.form(ADA, &format!("/client/{ACME}/apps/{APP}/uninstall"), &[]).await;
    receiver.wait_for(2).await;
    receiver.forget();
    ground.control(&format!("/apps/{APP}"), json!({"token_rotation": true})).await;
    let app = ground.install("ada", SCOPES).await;

    assert_eq!(ground.call("auth.revoke", &app.token, json!({})).await["revoked"], true);

    a_while().await;
    assert_eq!(receiver.kinds(), Vec::<String>::new());
    assert_eq!(ground.refused("auth.test", &app.token, json!({})).await, "token_revoked");
}

#[tokio::test]
async fn scopes_only_grow() {
    let ground = Ground::new().await;
    let first = ground.install("ada", "chat:write").await;
    let second = ground.install("bob", "users:read").await;

    assert_eq!(first.token, second.token);
    assert_eq!(ground.call("users.info", &first.token, json!({"user": ADA})).await["ok"], true);
}
