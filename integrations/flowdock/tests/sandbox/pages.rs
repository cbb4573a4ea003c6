//! The web side: what a person sees and does.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use reqwest::Method;
use serde_json::json;

use super::ground::{Answer, Ground, Receiver, issue};

#[tokio::test]
async fn every_page_can_be_seen_and_runs_no_script() {
    let ground = Ground::new().await;
    let (_, token) = ground.source("widgets").await;
    ground.post_as_source(&token, issue(1, "open", "green")).await;
    let thread = ground.thread_titled("Issue 1").await["id"].as_str().unwrap().to_owned();
    for path in [
        "",
        "/login",
        "/app/acme/main",
        "/app/acme/random",
        &format!("/app/acme/main/threads/{thread}"),
        "/app/acme/main/inbox-settings",
        "/oauth/applications",
        "/oauth/applications/new",
        "/oauth/applications/41",
        "/account/authorized_applications",
        "/account/tokens",
    ] {
        let page = ground.page("ada", path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
    }
    for path in ["/_style.css", "/avatars/50001", "/icons/41"] {
        assert_eq!(ground.page("ada", path).await.status, 200, "{path}");
    }
    assert_eq!(ground.page("nobody", "/app/acme/main").await.status, 401);
    assert_eq!(ground.page("eve", "/app/acme/main").await.status, 404);
    assert_eq!(ground.page("bob", "/oauth/applications/41").await.status, 404, "ada's");
    let browser = ground.call(Method::GET, "/nowhere").header("accept", "text/html");
    assert!(Answer::of(browser).await.body.contains("There is nothing at this address"));
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    let ground = Ground::new().await;
    let forged = ground.call(Method::POST, "/app/acme/main/messages").form(&[("text", "Forged")]);
    let forged = forged.header("cookie", "flowdock_sandbox_user=ada").header("sec-fetch-site", "cross-site");

    assert_eq!(Answer::of(forged).await.status, 403);
    assert!(!ground.page("ada", "/app/acme/main").await.body.contains("Forged"));
}

#[tokio::test]
async fn people_say_things_join_and_read_an_inbox_in_which_nothing_runs() {
    let ground = Ground::new().await;
    let said = ground.form("ada", "/app/acme/main/messages", &[("text", "<b>Hello</b>")]).await;
    assert_eq!(said.status, 303);
    assert!(ground.page("bob", "/app/acme/main").await.body.contains("&#60;b&#62;Hello&#60;/b&#62;"));
    assert!(ground.page("ada", "/app/acme/random").await.body.contains("You are not in this flow."));
    ground.form("ada", "/app/acme/random/join", &[]).await;
    assert!(ground.page("ada", "/app/acme/random").await.body.contains("Nobody has said anything."));

    let (_, token) = ground.source("widgets").await;
    let mut message = issue(1, "open", "green");
    message["thread"]["title"] = json!("<script>alert(1)</script> <a href=\"https://x.example\">One</a>");
    message["author"]["name"] = json!("<i>Octo</i>");
    ground.post_as_source(&token, message).await;
    let page = ground.page("bob", "/app/acme/main").await.body;
    assert!(!page.contains("<script>") && !page.contains("<i>Octo"), "{page}");
    let id = page.split("/threads/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let page = ground.page("bob", &format!("/app/acme/main/threads/{id}")).await.body;
    assert!(page.contains("<a href=\"https://x.example\">One</a>") && !page.contains("<script>"), "{page}");
}

#[tokio::test]
async fn the_gear_menu_sends_an_action_as_the_visitor_and_shows_the_challenge() {
    let ground = Ground::new().await;
    let claim = "https://app.example/authorization?claim=a.b.c";
    let receiver = Receiver::answering(Arc::new(move || {
        let challenge = [("www-authenticate", format!("Flowdock-Token url={claim}"))];
        (StatusCode::UNAUTHORIZED, challenge, "{}").into_response()
    }))
    .await;
    let (_, token) = ground.source("widgets").await;
    let mut message = issue(1, "open", "green");
    let target = json!({"@type": "EntryPoint", "urlTemplate": receiver.url, "httpMethod": "POST"});
    message["thread"]["actions"] = json!([{"@type": "UpdateAction", "name": "Assign to me", "target": target}]);
    ground.post_as_source(&token, message).await;
    let id = ground.thread_titled("Issue 1").await["id"].as_str().unwrap().to_owned();
    let path = format!("/app/acme/main/threads/{id}");

    let page = ground.page("grace", &path).await;
    let signed = page.between("name=\"action\" value=\"", "\"").to_owned();
    assert!(page.body.contains("<button>Assign to me</button>"));
    let sent = ground.form("grace", &format!("{path}/actions"), &[("action", &signed)]).await;
    assert_eq!(sent.status, 303);
    let path = sent.location().as_str().strip_prefix(&ground.at).unwrap().to_owned();
    let page = ground.page("grace", &path).await;
    assert_eq!(page.between("id=\"challenge\" href=\"", "\""), claim);
    assert!(!ground.page("bob", &path).await.body.contains("id=\"challenge\""), "for whoever did it");
    assert!(ground.page("ada", "/oauth/applications/41").await.body.contains("as Grace Outside"));
    let stranger = ground.form("eve", &format!("/app/acme/main/threads/{id}/actions"), &[("action", &signed)]).await;
    assert_eq!(stranger.status, 404);
    assert_eq!(receiver.all().len(), 1);
}

#[tokio::test]
async fn inbox_settings_lead_to_setup_and_configuration_and_show_errors() {
    let ground = Ground::new().await;
    let flow = ground.get("ada", "/flows/acme/main").await.json()["id"].as_str().unwrap().to_owned();
    let (id, token) = ground.source("acme/widgets").await;
    let change = json!({"flow_token": token, "error_message": "Access was <revoked>"});
    Answer::of(ground.call(Method::PUT, "/sources").json(&change)).await;

    let page = ground.page("bob", "/app/acme/main/inbox-settings").await.body;
    let setup = format!("http://localhost:3000/integrations/flowdock/setup?flow={flow}");
    assert!(page.contains(&format!("<a href=\"{setup}\">Add Patchbay</a>")), "{page}");
    let configure = "http://localhost:3000/integrations/flowdock/configure?integration_id=";
    assert!(page.contains(&format!("{configure}{id}&#38;flow={flow}")), "{page}");
    assert!(page.contains("Access was &#60;revoked&#62;"));
    assert!(ground.page("bob", "/app/acme/main").await.body.contains("Access was &#60;revoked&#62;"));
    assert!(!page.contains("Add Builds"), "not published, and another's");

    let change = json!({"flow_token": token, "configuration_url": "https://app.example/links/1"});
    Answer::of(ground.call(Method::PUT, "/sources").json(&change)).await;
    let page = ground.page("bob", "/app/acme/main/inbox-settings").await.body;
    assert!(page.contains("<a href=\"https://app.example/links/1\">Configure</a>"), "the source's own counts first");
    ground.form("bob", &format!("/app/acme/main/inbox-settings/{id}/remove"), &[]).await;
    assert_eq!(ground.post_as_source(&token, issue(1, "open", "green")).await.status, 410);
}

#[tokio::test]
async fn a_developer_registers_an_application_with_templates_and_generates_a_source() {
    let ground = Ground::new().await;
    let form = [
        ("name", "Polls"),
        ("redirect_uri", "https://polls.example/callback"),
        ("setup_uri", "https://polls.example/setup?flow={flow_id}&flow_url={flow_url}"),
        ("configuration_uri", "https://polls.example/configure?source={source_id}&source_url={source_url}"),
    ];
    let made = ground.form("bob", "/oauth/applications", &form).await;
    assert_eq!(made.status, 303, "{}", made.body);
    let path = made.location().as_str().strip_prefix(&ground.at).unwrap().to_owned();
    let page = ground.page("bob", &path).await;
    assert_eq!(page.between("id=\"client_secret\" class=\"url\">", "<").len(), 64);
    let flow = ground.get("bob", "/flows/acme/main").await.json()["id"].as_str().unwrap().to_owned();
    let flow_url: String =
        url::form_urlencoded::byte_serialize(format!("{}/flows/acme/main", ground.at).as_bytes()).collect();
    let setup = format!("https://polls.example/setup?flow={flow}&#38;flow_url={flow_url}");
    assert!(page.body.contains(&setup), "{}", page.body);

    let generated = ground.form("bob", &format!("{path}/sources"), &[("name", "Votes"), ("flow", &flow)]).await;
    let token = generated.between("id=\"flow_token\">", "<").to_owned();
    assert_eq!(ground.post_as_source(&token, issue(1, "open", "green")).await.status, 202);
    assert!(!ground.page("bob", &path).await.body.contains(&token), "shown once");
    let settings = ground.page("ada", "/app/acme/main/inbox-settings").await.body;
    assert!(settings.contains("https://polls.example/configure?source=") && settings.contains("Votes"));

    let wrong = ground.form("bob", "/oauth/applications", &[("name", "x"), ("redirect_uri", "nowhere")]).await;
    assert_eq!(wrong.status, 400);
    let changed = [("name", "Votes"), ("redirect_uri", "https://votes.example/callback")];
    assert_eq!(ground.form("bob", &path, &changed).await.status, 303);
    assert!(ground.page("bob", &path).await.body.contains("no setup URI"));
}

#[tokio::test]
async fn a_link_lets_a_stranger_join() {
    let ground = Ground::new().await;
    let link = ground.get("ada", "/flows/acme/main").await.json()["join_url"].as_str().unwrap().to_owned();
    let path = link.strip_prefix(&ground.at).unwrap();

    assert!(ground.page("eve", path).await.body.contains("Join Main"));
    assert_eq!(ground.form("eve", path, &[]).await.status, 303);
    assert_eq!(ground.get("eve", "/flows/acme/main").await.json()["joined"], true);
    assert_eq!(ground.page("eve", "/invitations/nothing").await.status, 404);
}
