//! Webhooks: what may be registered, what is delivered, and what goes wrong on the way.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::ground::{Answer, Arrival, Ground, Receiver, SECRET, a_while, eventually};

const WIDGETS: &str = "acme/widgets";

fn is_genuine(arrival: &Arrival, secret: &str) -> bool {
    let signed = |algorithm, name| {
        let tag = hmac::sign(&hmac::Key::new(algorithm, secret.as_bytes()), &arrival.body);
        format!("{name}={}", hex::encode(tag))
    };
    arrival.header("x-hub-signature-256") == signed(hmac::HMAC_SHA256, "sha256")
        && arrival.header("x-hub-signature") == signed(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, "sha1")
}

async fn deliveries(ground: &Ground, hook: u64, count: usize) -> Vec<Value> {
    let ada = ground.token("ada-codes").await;
    eventually("recorded deliveries", async || {
        let list = ground.get(&format!("/repos/{WIDGETS}/hooks/{hook}/deliveries"), &ada).await.json();
        Some(list.as_array().unwrap().clone()).filter(|list| list.len() >= count)
    })
    .await
}

#[tokio::test]
async fn a_hook_lives_from_ping_to_meta_and_leaves_the_foreign_one_alone() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let receiver = Receiver::new().await;
    let hooks = format!("/repos/{WIDGETS}/hooks");
    let body = json!({
        "name": "web", "active": true, "events": ["issues", "meta"],
        "config": {"url": receiver.url, "content_type": "json", "secret": SECRET, "insecure_ssl": "0"},
    });

    let made = ground.post(&hooks, &ada, body).await;
    assert_eq!(made.status, 201);
    let hook = made.json();
    assert_eq!(made.header("location"), hook["url"].as_str().unwrap());
    assert_eq!(hook["config"]["secret"], "********");
    assert_eq!(hook["last_response"], json!({"code": null, "status": "unused", "message": null}));
    let ping = receiver.wait_for(1).await.remove(0);
    assert_eq!(ping.event(), "ping");
    assert_eq!(ping.json()["hook_id"], hook["id"]);
    assert!(is_genuine(&ping, SECRET));

    ground.open_issue(WIDGETS, "Ünïcode 🎉").await;
    let opened = receiver.wait_for(2).await.remove(1);
    assert!(is_genuine(&opened, SECRET));
    assert_eq!(opened.json()["issue"]["title"], "Ünïcode 🎉");
    assert_eq!(opened.json()["sender"]["login"], "ada-codes");
    assert_eq!(opened.header("x-github-hook-id"), hook["id"].to_string());
    assert_eq!(opened.header("x-github-hook-installation-target-type"), "repository");
    assert_eq!(opened.header("accept"), "*/*");
    assert_eq!(opened.header("content-type"), "application/json");
    assert!(opened.header("user-agent").starts_with("GitHub-Hookshot/"));
    assert_eq!(opened.header("x-github-delivery").len(), 36);
    ground.form("ada-codes", "/acme/widgets/star", &[("starred", "yes")]).await;

    assert_eq!(ground.delete(&format!("{hooks}/{}", hook["id"]), &ada).await.status, 204);
    let all = receiver.wait_for(3).await;
    assert_eq!((all[2].event(), all.len()), ("meta", 3), "the star was not asked for");
    let left = ground.get(&hooks, &ada).await.json();
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["config"]["url"], "https://ci.example/hooks");
}

#[tokio::test]
async fn what_github_would_not_register_is_refused_in_its_words() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let try_to = async |body: Value| ground.post(&format!("/repos/{WIDGETS}/hooks"), &ada, body).await;
    let url = "https://hooks.example/one";

    assert_eq!(try_to(json!({"config": {"url": url}, "events": ["issues"]})).await.status, 201);
    let twin = try_to(json!({"config": {"url": url}, "events": ["issues", "push"]})).await;
    assert_eq!(twin.status, 422);
    assert_eq!(
        twin.json()["errors"],
        json!([{"resource": "Hook", "code": "custom", "message": "Hook already exists on this repository"}])
    );
    let beside = try_to(json!({"config": {"url": url}, "events": ["release"]})).await;
    assert_eq!(beside.status, 201, "same address, other events");
    assert_eq!(beside.json()["config"]["content_type"], "form", "the default");
    let config = json!({"url": "https://hooks.example/two"});
    for (what, body) in [
        ("unknown event", json!({"config": config, "events": ["isues"]})),
        ("another key", json!({"config": config, "evnets": ["issues"]})),
        ("no address", json!({"config": {}})),
        ("no config", json!({"events": ["issues"]})),
        ("another name", json!({"name": "email", "config": config})),
        ("ftp", json!({"config": {"url": "ftp://hooks.example/"}})),
        ("content type", json!({"config": {"url": "https://hooks.example/", "content_type": "xml"}})),
        ("events as text", json!({"config": config, "events": "push"})),
        ("config as text", json!({"config": "https://hooks.example/"})),
    ] {
        assert_eq!(try_to(body).await.status, 422, "{what}");
    }
    let loopback = json!({"config": {"url": "http://127.0.0.1:9/"}});
    assert_eq!(try_to(loopback.clone()).await.status, 201, "a choice of ours");
    ground.control("/strict", json!({"refuse_loopback_hooks": true})).await;
    for host in ["127.0.0.1:9", "localhost", "[::1]", "a.localhost"] {
        assert_eq!(try_to(json!({"config": {"url": format!("http://{host}/")}})).await.status, 422, "{host}");
    }
}

#[tokio::test]
async fn twenty_hooks_may_hear_an_event_and_no_more() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let add = async |number: usize| {
        let body = json!({"config": {"url": format!("https://hooks.example/{number}")}, "events": ["issues"]});
        ground.post("/repos/acme/website/hooks", &ada, body).await.status
    };

    for number in 0..20 {
        assert_eq!(add(number).await, 201);
    }
    assert_eq!(add(20).await, 422);
}

#[tokio::test]
async fn changing_a_hook_keeps_what_is_not_said_and_forgets_a_secret_that_is_not_repeated() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let receiver = Receiver::new().await;
    let hook = ground.hook(WIDGETS, &receiver, &["issues"]).await;
    let path = format!("/repos/{WIDGETS}/hooks/{hook}");

    let added = ground.patch(&path, &ada, json!({"add_events": ["push"], "active": false})).await.json();
    assert_eq!((&added["events"], &added["active"]), (&json!(["issues", "push"]), &json!(false)));
    assert_eq!(added["config"]["secret"], "********");
    ground.open_issue(WIDGETS, "Not heard").await;
    let kept = ground.patch(&format!("{path}/config"), &ada, json!({"content_type": "form"})).await.json();
    assert_eq!(kept["secret"], "********", "the config call changes only what is said");
    let bare = ground
        .patch(&path, &ada, json!({"active": true, "config": {"url": receiver.url, "content_type": "json"}}))
        .await;
    assert_eq!(bare.json()["config"].get("secret"), None);

    ground.open_issue(WIDGETS, "Heard").await;
    let all = receiver.wait_for(2).await;
    assert_eq!(all[1].json()["issue"]["title"], "Heard");
    assert!(!all[1].headers.contains_key("x-hub-signature-256"), "no secret, no signature");
}

#[tokio::test]
async fn a_form_delivery_is_signed_as_a_form() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let receiver = Receiver::new().await;
    let config = json!({"url": receiver.url, "secret": SECRET});

    ground.post(&format!("/repos/{WIDGETS}/hooks"), &ada, json!({"config": config})).await;

    let ping = receiver.wait_for(1).await.remove(0);
    assert_eq!(ping.header("content-type"), "application/x-www-form-urlencoded");
    assert!(is_genuine(&ping, SECRET));
    let (name, json) = url::form_urlencoded::parse(&ping.body).next().unwrap();
    assert_eq!(name, "payload");
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["hook"]["config"]["content_type"], "form");
}

#[tokio::test]
async fn deliveries_of_one_hook_keep_their_order() {
    let ground = Ground::new().await;
    let receiver = Receiver::new().await;
    ground.hook(WIDGETS, &receiver, &["issues"]).await;
    for number in 0..30 {
        ground.open_issue(WIDGETS, &format!("Number {number}")).await;
    }

    let titles: Vec<Value> =
        receiver.wait_for(31).await[1..].iter().map(|arrival| arrival.json()["issue"]["title"].clone()).collect();

    assert_eq!(titles, (0..30).map(|number| json!(format!("Number {number}"))).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_push_is_told_with_integer_times_and_tags_without_commits() {
    let ground = Ground::new().await;
    let receiver = Receiver::new().await;
    ground.hook(WIDGETS, &receiver, &["push", "create"]).await;

    ground.form("bob-builds", "/acme/widgets/push", &[("branch", "main"), ("messages", "One\nTwo\n")]).await;
    ground.form("bob-builds", "/acme/widgets/tags", &[("tag", "v2"), ("target", "main")]).await;

    let all = receiver.wait_for(4).await;
    let push = all[1].json();
    assert_eq!(push["ref"], "refs/heads/main");
    assert_eq!(push["commits"].as_array().unwrap().len(), 2);
    assert_eq!(push["head_commit"]["message"], "Two");
    assert_eq!(push["head_commit"]["id"], push["after"]);
    assert!(push["repository"]["created_at"].is_u64());
    assert_eq!(push["pusher"]["name"], "bob-builds");
    assert_eq!(push.get("action"), None);
    assert_eq!((all[2].event(), all[2].json()["ref_type"].clone()), ("create", json!("tag")));
    let tag = all[3].json();
    assert_eq!(
        (&tag["ref"], &tag["commits"], &tag["base_ref"]),
        (&json!("refs/tags/v2"), &json!([]), &json!("refs/heads/main"))
    );
    assert_eq!(tag["head_commit"]["message"], "Two");
}

#[tokio::test]
async fn a_failure_is_recorded_and_never_tried_again() {
    let ground = Ground::new().await;
    ground.control("/strict", json!({"hook_timeout_ms": 1000})).await;
    let slow = Receiver::answering(Arc::new(|| (Duration::from_secs(5), StatusCode::OK.into_response()))).await;
    let astray = Receiver::answering(Arc::new(|| {
        (Duration::ZERO, (StatusCode::FOUND, [("location", "http://127.0.0.1:9/")]).into_response())
    }))
    .await;
    let broken =
        Receiver::answering(Arc::new(|| (Duration::ZERO, (StatusCode::BAD_GATEWAY, "so sorry").into_response()))).await;
    let mut hooks = Vec::new();
    for receiver in [&slow, &astray, &broken] {
        hooks.push(ground.hook(WIDGETS, receiver, &["issues"]).await);
    }

    let timed_out = deliveries(&ground, hooks[0], 1).await.remove(0);
    assert_eq!((&timed_out["status_code"], &timed_out["status"]), (&json!(504), &json!("timed out")));
    let redirected = deliveries(&ground, hooks[1], 1).await.remove(0);
    assert_eq!(redirected["status_code"], 302);
    let refused = deliveries(&ground, hooks[2], 1).await.remove(0);
    assert_eq!((&refused["status_code"], &refused["status"]), (&json!(502), &json!("Invalid HTTP Response: 502")));
    let ada = ground.token("ada-codes").await;
    let path = format!("/repos/{WIDGETS}/hooks/{}", hooks[2]);
    let full = ground.get(&format!("{path}/deliveries/{}", refused["id"]), &ada).await.json();
    assert_eq!(full["response"]["payload"], "so sorry");
    assert_eq!(ground.get(&path, &ada).await.json()["last_response"]["code"], 502);
    a_while().await;
    assert_eq!([slow.all().len(), astray.all().len(), broken.all().len()], [1, 1, 1]);
}

#[tokio::test]
async fn a_redelivery_carries_the_same_guid_and_is_marked_in_the_list() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let receiver = Receiver::new().await;
    let hook = ground.hook(WIDGETS, &receiver, &["issues"]).await;
    ground.open_issue(WIDGETS, "Once more").await;
    let first = deliveries(&ground, hook, 2).await.remove(0);

    let path = format!("/repos/{WIDGETS}/hooks/{hook}/deliveries/{}/attempts", first["id"]);
    assert_eq!(ground.post(&path, &ada, json!({})).await.status, 202);

    let all = receiver.wait_for(3).await;
    assert_eq!(all[1].header("x-github-delivery"), all[2].header("x-github-delivery"));
    assert_eq!(all[1].body, all[2].body);
    let list = deliveries(&ground, hook, 3).await;
    assert_eq!((&list[0]["redelivery"], &list[0]["guid"]), (&json!(true), &first["guid"]));
    let page = ground.get(&format!("/repos/{WIDGETS}/hooks/{hook}/deliveries?per_page=2"), &ada).await;
    let link = page.header("link");
    assert!(link.contains("cursor=v1_") && link.ends_with("rel=\"next\""), "{link}");
    let rest = Answer::of(ground.http.get(&link[1..link.find('>').unwrap()]).bearer_auth(&ada)).await;
    assert_eq!(rest.json().as_array().unwrap().len(), 1);
    assert_eq!(rest.header("link"), "");
}

#[tokio::test]
async fn repositories_tell_of_their_changes_but_not_of_their_end() {
    let ground = Ground::new().await;
    let receiver = Receiver::new().await;
    ground.hook("acme/website", &receiver, &["repository"]).await;
    for (path, fields) in [
        ("/acme/website/settings/rename", [("name", "site")]),
        ("/acme/site/settings/visibility", [("visibility", "private")]),
        ("/acme/site/settings/archive", [("archived", "yes")]),
        ("/acme/site/settings/transfer", [("owner", "ada-codes")]),
        ("/ada-codes/site/settings/delete", [("sure", "yes")]),
    ] {
        let answer = ground.form("ada-codes", path, &fields).await;
        assert_eq!(answer.status, 303, "{path} {}", answer.body);
    }

    let all = receiver.wait_for(5).await;
    a_while().await;

    let actions: Vec<Value> = all[1..].iter().map(|arrival| arrival.json()["action"].clone()).collect();
    assert_eq!(actions, ["renamed", "privatized", "archived", "transferred"].map(Value::from));
    assert_eq!(all[1].json()["changes"]["repository"]["name"]["from"], "website");
    assert_eq!(all[4].json()["changes"]["owner"]["from"]["organization"]["login"], "acme");
    assert_eq!(receiver.all().len(), 5);
}

#[tokio::test]
async fn faults_of_the_post_do_what_they_say() {
    let ground = Ground::new().await;
    let receiver = Receiver::new().await;
    let hook = ground.hook(WIDGETS, &receiver, &["issues"]).await;
    let fault = async |body: Value| ground.control("/deliveries", body).await;
    let titles = |all: &[Arrival]| {
        all.iter().map(|it| it.json()["issue"]["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };

    fault(json!({"effect": "duplicate", "copies": 2})).await;
    ground.open_issue(WIDGETS, "thrice").await;
    let all = receiver.wait_for(4).await;
    assert_eq!(all[1].header("x-github-delivery"), all[3].header("x-github-delivery"));

    fault(json!({"effect": "drop", "hook": hook})).await;
    ground.open_issue(WIDGETS, "lost").await;
    fault(json!({"effect": "reorder"})).await;
    ground.open_issue(WIDGETS, "first").await;
    a_while().await;
    assert_eq!(receiver.all().len(), 4, "waits for the second");
    ground.open_issue(WIDGETS, "second").await;
    assert_eq!(titles(&receiver.wait_for(6).await[4..]), ["second", "first"]);

    fault(json!({"effect": "hold"})).await;
    ground.open_issue(WIDGETS, "held").await;
    a_while().await;
    assert_eq!(receiver.all().len(), 6);
    assert_eq!(ground.look("/deliveries").await["waiting"], 1);
    fault(json!({"effect": "release"})).await;
    assert_eq!(titles(&receiver.wait_for(7).await[6..]), ["held"]);

    let ada = ground.token("ada-codes").await;
    let path = format!("/repos/{WIDGETS}/hooks/{hook}/config");
    ground.patch(&path, &ada, json!({"secret": "a newer secret"})).await;
    for effect in ["old_secret", "wrong_signature", "no_signature"] {
        fault(json!({"effect": effect})).await;
    }
    // Each letter takes one fault, in the order of this list.
    for title in ["wrong", "none", "old", "good"] {
        ground.open_issue(WIDGETS, title).await;
    }
    let all = receiver.wait_for(11).await;
    assert!(!is_genuine(&all[7], "a newer secret") && !is_genuine(&all[7], SECRET));
    assert!(!all[8].headers.contains_key("x-hub-signature-256"));
    assert!(is_genuine(&all[9], SECRET));
    assert!(is_genuine(&all[10], "a newer secret"));
}

#[tokio::test]
async fn any_event_can_be_sent_as_it_is() {
    let ground = Ground::new().await;
    let receiver = Receiver::new().await;
    ground.hook(WIDGETS, &receiver, &["issues"]).await;
    let payload = json!({"action": "sprouted", "new": true});

    let body = json!({"repository": WIDGETS, "event": "garden", "payload": payload});
    assert_eq!(ground.control("/events", body).await["heard"], true);

    let all = receiver.wait_for(2).await;
    assert_eq!((all[1].event(), all[1].json()), ("garden", payload));
    assert!(is_genuine(&all[1], SECRET));
}
