//! The pages: a person can do everything on them, and nobody else can.

use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{CHART, Ground, a_while};

#[tokio::test]
async fn an_agent_answers_publicly_and_internally() {
    let (ground, receiver, _) = Ground::hooked(&["zen:event-type:ticket.comment_added"]).await;
    assert_eq!(ground.page("bob", "/acme").await.header("location"), format!("{}/acme/agent", ground.at));
    let list = ground.page("bob", "/acme/agent").await.body;
    assert!(list.contains("The chart is empty on Sundays") && list.contains("Carol Customer → Bob Kahn"), "{list}");
    let path = format!("/acme/agent/tickets/{CHART}");
    let page = ground.page("bob", &path).await.body;
    assert!(page.contains("internal note") && page.contains("Public reply"), "{page}");

    for (visibility, body) in [("public", "To all"), ("internal", "To us <b>")] {
        assert_eq!(ground.form("bob", &path, &[("visibility", visibility), ("body", body)]).await.status, 303);
    }

    let told = receiver.wait_for(2).await;
    assert_eq!(told[1].json()["event"]["comment"]["is_public"], false);
    let page = ground.page("bob", &path).await.body;
    assert!(page.contains("To us &#60;b&#62;") || page.contains("To us &lt;b&gt;"), "{page}");
    let comments = ground.get("tickets/1/comments").await["comments"].as_array().unwrap().len();
    assert_eq!(comments, 5);
}

#[tokio::test]
async fn the_form_changes_everything_at_once_and_only_what_changed() {
    let (ground, receiver, _) =
        Ground::hooked(&["zen:event-type:ticket.status_changed", "zen:event-type:ticket.agent_assignment_changed"])
            .await;
    let ada = ground.user("ada").await.to_string();
    let path = "/acme/agent/tickets/2";
    let fields = [
        ("status", "pending"),
        ("assignee", ada.as_str()),
        ("priority", "urgent"),
        ("tags", "Export two"),
        ("body", ""),
    ];
    assert_eq!(ground.form("bob", path, &fields).await.status, 303);

    let ticket = ground.get("tickets/2").await["ticket"].clone();
    assert_eq!((&ticket["status"], &ticket["priority"]), (&json!("pending"), &json!("urgent")));
    assert_eq!(ticket["tags"], json!(["export", "two"]));
    receiver.wait_for(2).await;
    ground.form("bob", path, &fields).await;
    a_while().await;
    assert_eq!(receiver.all().len(), 2, "the same once more is nothing new");
    let again = ground.form("bob", path, &[("status", "new")]).await;
    assert_eq!(again.status, 422, "{}", again.body);
    assert_eq!(ground.form("bob", path, &[("status", "solved"), ("assignee", "none")]).await.status, 303);
    assert_eq!(
        ground.get("tickets/2").await["ticket"]["assignee_id"],
        json!(ground.user("bob").await),
        "who solves takes it"
    );
}

#[tokio::test]
async fn a_customer_writes_and_sees_no_internal_note() {
    let ground = Ground::new().await;
    let made = ground.form("carol", "/acme/hc/requests", &[("subject", "Help"), ("body", "I am lost.")]).await;
    let path = made.header("location").strip_prefix(&ground.at).unwrap().to_owned();
    assert!(ground.page("carol", &path).await.body.contains("I am lost."));
    let seen = ground.page("carol", "/acme/hc/requests/1").await.body;
    assert!(seen.contains("We are looking into it.") && !seen.contains("time zone"), "{seen}");

    ground.update(CHART, json!({"status": "solved"})).await;
    assert_eq!(ground.form("carol", "/acme/hc/requests/1", &[("body", "No, it is not.")]).await.status, 303);

    assert_eq!(ground.get("tickets/1").await["ticket"]["status"], "open");
    assert_eq!(ground.page("bob", &path).await.status, 404, "somebody else's");
    assert_eq!(ground.page("carol", "/acme/agent").await.status, 403);
    assert_eq!(ground.form("carol", "/acme/hc/requests", &[("subject", "x"), ("body", " ")]).await.status, 422);
}

#[tokio::test]
async fn an_admin_sees_webhooks_triggers_clients_and_the_log() {
    let (ground, receiver, hook) = Ground::hooked(&["zen:event-type:ticket.comment_added"]).await;
    ground.control("/say", json!({"user": "bob", "ticket": 1, "body": "logged"})).await;
    receiver.wait_for(1).await;
    a_while().await;

    let admin = ground.page("ada", "/acme/admin").await.body;
    let log = ground.page("ada", &format!("/acme/admin/webhooks/{hook}")).await.body;

    assert!(
        admin.contains("Tell another product") && admin.contains("zdg-patchbay") && admin.contains(&hook),
        "{admin}"
    );
    assert!(log.contains("success") && log.contains("x-zendesk-webhook-signature") && log.contains("logged"), "{log}");
    assert_eq!(ground.page("bob", "/acme/admin").await.status, 403);
    let client = ground.look("/clients").await["acme"][0]["id"].clone();
    let path = format!("/acme/admin/clients/{client}");
    assert_eq!(ground.form("ada", &path, &[("redirect_uris", "https://log.example/cb")]).await.status, 303);
    assert_eq!(ground.look("/clients").await["acme"][0]["redirect_uri"], json!(["https://log.example/cb"]));
    assert_eq!(ground.form("ada", &path, &[("redirect_uris", "http://log.example/cb")]).await.status, 422);
}

#[tokio::test]
async fn only_people_of_the_account_come_in_and_only_from_its_pages() {
    let ground = Ground::new().await;
    let home = ground.page("", "").await.body;
    assert!(home.contains("Acme") && home.contains("Umbra") && home.contains("Be Ada Lovelace"), "{home}");
    for (who, path, status) in [
        ("", "/acme/agent", 403),
        ("eve", "/acme/agent", 403),
        ("eve", "/umbra/agent/tickets/1", 200),
        ("ada", "/nobody/agent", 404),
        ("ada", "/acme/agent/tickets/99", 404),
        ("ada", "/acme/agent/tickets/x", 404),
        ("ada", "/no/such/page", 404),
    ] {
        assert_eq!(ground.page(who, path).await.status, status, "{who} {path}");
    }
    let id = ground.user("bob").await;
    let foreign = ground.http.post(format!("{}/acme/agent/tickets/1", ground.at)).form(&[("body", "x")]);
    let foreign = foreign.header("cookie", format!("zendesk_sandbox_user={id}")).header("sec-fetch-site", "cross-site");
    assert_eq!(foreign.send().await.unwrap().status(), 403);
    let login = ground.form("", "/login", &[("user", &id.to_string()), ("return_to", "/acme")]).await;
    assert!(login.status == 303 && login.header("set-cookie").contains("Path=/zendesk; HttpOnly"));
    assert_eq!(ground.form("", "/login", &[("user", "1")]).await.status, 404);
    assert_eq!(ground.form("bob", "/acme/agent/tickets/1/delete", &[]).await.status, 303);
    assert_eq!(ground.call(&ground.ada, Method::GET, "tickets/1", Value::Null).await.status, 404);
}
