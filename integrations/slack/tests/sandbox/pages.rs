//! The pages: a person can do everything on them, and nobody else can.

use serde_json::json;

use super::ground::{ACME, ADA, APP, BOB, DONE, EVE, Ground, OLD_NEWS, PLANS, UMBRA};

#[tokio::test]
async fn a_person_signs_in_and_sees_their_workspace() {
    let ground = Ground::new().await;
    let home = ground.page("", "").await;
    assert!(home.body.contains("Acme") && home.body.contains("Umbra") && home.body.contains("Be ada"));

    let signed = ground.form("", "/login", &[("user", ADA), ("return_to", &format!("/client/{ACME}/"))]).await;
    assert_eq!(signed.status, 303);
    assert!(signed.header("set-cookie").contains("Path=/slack") && signed.header("set-cookie").contains("HttpOnly"));
    let workspace = ground.page(ADA, &format!("/client/{ACME}/")).await;
    assert_eq!(workspace.status, 303);
    let channel = ground.page(ADA, &format!("/client/{ACME}/{DONE}")).await.body;

    for said in ["# done", "secret-plans", "old-news", "archived", "Fixed the chart", "#general", "Archive channel"] {
        assert!(channel.contains(said), "{said}: {channel}");
    }
}

#[tokio::test]
async fn only_members_of_a_workspace_come_in() {
    let ground = Ground::new().await;
    assert_eq!(ground.page("", &format!("/client/{ACME}/{DONE}")).await.status, 403);
    assert_eq!(ground.page(EVE, &format!("/client/{ACME}/{DONE}")).await.status, 403);
    assert_eq!(ground.page(EVE, &format!("/client/{UMBRA}/{DONE}")).await.status, 404, "another workspace's channel");
    assert_eq!(ground.page("U0GRACE003", &format!("/client/{ACME}/{PLANS}")).await.status, 404, "a private one");
    let foreign = ground.http.post(format!("{}/client/{ACME}/{DONE}/messages", ground.at)).form(&[("text", "x")]);
    let foreign = foreign.header("cookie", format!("slack_sandbox_user={ADA}")).header("sec-fetch-site", "cross-site");
    assert_eq!(foreign.send().await.unwrap().status(), 403);
    let archived = ground.form(ADA, &format!("/client/{ACME}/{OLD_NEWS}/messages"), &[("text", "still?")]).await;
    assert_eq!(archived.status, 422);
}

#[tokio::test]
async fn everything_written_is_shown_and_nothing_of_it_is_markup() {
    let ground = Ground::new().await;
    let here = format!("/client/{ACME}/{DONE}");
    let text = "<b>bold?</b> *yes* & https://log.example/a?b=1&c=2, @bob";
    ground.form(ADA, &format!("{here}/messages"), &[("text", text)]).await;

    let page = ground.page(BOB, &here).await.body;

    assert!(page.contains("&#60;b&#62;bold?&#60;/b&#62;") || page.contains("&lt;b&gt;bold?&lt;/b&gt;"), "{page}");
    assert!(page.contains("https://log.example/a?b=1&#38;c=2") || page.contains("https://log.example/a?b=1&amp;c=2"));
    assert!(page.contains("<span class=\"mention\">@bob</span>"), "{page}");
    assert!(!page.contains("<b>bold"));
}

#[tokio::test]
async fn editing_again_starts_from_what_was_typed() {
    let ground = Ground::new().await;
    let ts = ground.say("ada", DONE, "a & b for @bob").await;
    let edit = async |text: &str| {
        ground.form(ADA, &format!("/client/{ACME}/{DONE}/edit"), &[("ts", &ts), ("text", text)]).await.status
    };

    assert_eq!(edit("a & c for @bob").await, 303);

    let shown = ground.look(&format!("/channels/{DONE}")).await;
    let message = shown["messages"].as_array().unwrap().iter().find(|it| it["ts"] == json!(ts)).unwrap().clone();
    assert_eq!(message["text"], "a &amp; c for <@U0BOB00002>");
    let page = ground.page(ADA, &format!("/client/{ACME}/{DONE}")).await.body;
    assert!(page.contains("(edited)"));
    assert!(page.contains("a &#38; c for @bob</textarea>") || page.contains("a &amp; c for @bob</textarea>"), "{page}");
    let not_mine = ground.form(BOB, &format!("/client/{ACME}/{DONE}/edit"), &[("ts", &ts), ("text", "x")]).await;
    assert_eq!(not_mine.status, 422);
}

#[tokio::test]
async fn a_channel_is_made_joined_left_and_removed() {
    let ground = Ground::new().await;
    let made = ground.form(BOB, &format!("/client/{ACME}/channels"), &[("name", "launch")]).await;
    let path = made.header("location").strip_prefix(&ground.at).unwrap().to_owned();

    assert!(ground.page(ADA, &path).await.body.contains("Join channel"));
    assert_eq!(ground.form(ADA, &format!("{path}/messages"), &[("text", "hi")]).await.status, 422, "not in it yet");
    assert_eq!(ground.form(ADA, &format!("{path}/join"), &[]).await.status, 303);
    assert_eq!(ground.form(ADA, &format!("{path}/messages"), &[("text", "hi")]).await.status, 303);
    assert_eq!(ground.form(ADA, &format!("{path}/leave"), &[]).await.status, 303);
    assert_eq!(ground.form(BOB, &format!("{path}/delete_channel"), &[]).await.status, 303);
    assert_eq!(ground.page(BOB, &path).await.status, 404);
    let taken = ground.form(BOB, &format!("/client/{ACME}/channels"), &[("name", "done")]).await;
    assert!(taken.status == 422 && taken.body.contains("That name is taken"));
}

#[tokio::test]
async fn the_developers_page_shows_deliveries_and_takes_settings() {
    let (ground, app, receiver) = Ground::installed().await;
    ground.call("chat.postMessage", &app.token, json!({"channel": DONE, "text": "hello"})).await;
    receiver.wait_for(1).await;

    let page = ground.page(ADA, &format!("/apps/{APP}")).await.body;
    assert!(page.contains("message.channels") && page.contains("X-Slack-Signature"), "{page}");
    let verified = ground.form(ADA, &format!("/apps/{APP}/verify"), &[]).await;
    assert!(verified.body.contains("The challenge did not come back."));
    let settings = [
        ("request_url", "http://localhost:1/hook"),
        ("redirect_urls", "https://log.example/cb"),
        ("commands", "/did, /done"),
    ];
    assert_eq!(ground.form(ADA, &format!("/apps/{APP}/settings"), &settings).await.status, 303);
    let now = ground.look("/apps").await[0]["settings"].clone();
    assert_eq!((&now["commands"], &now["token_rotation"]), (&json!(["/did", "/done"]), &json!(false)));
    assert_eq!(ground.page(ADA, "/no/such/page").await.status, 404);
}

#[tokio::test]
async fn the_app_is_registered_with_the_products_addresses() {
    let ground = Ground::new().await;

    let app = ground.look("/apps").await[0].clone();

    assert_eq!(app["settings"]["request_url"], "http://localhost:3000/integrations/slack/hook");
    assert_eq!(app["settings"]["redirect_urls"], json!([super::ground::CALLBACK]));
    assert_eq!(app["client_id"], ground.setting("CLIENT_ID"));
    assert_eq!(app["signing_secret"], ground.setting("SIGNING_SECRET"));
    assert_eq!(ground.setting("API_URL"), format!("{}/api/", ground.at));
}
