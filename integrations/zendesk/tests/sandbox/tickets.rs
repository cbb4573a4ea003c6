//! Tickets and comments: what is taken, what follows, what is refused.

use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Answer, CHART, EXPORT, Ground};

fn problem(answer: &Answer, field: &str) -> String {
    let json = answer.json();
    assert_eq!(json["error"], "RecordInvalid", "{json}");
    json["details"][field][0]["description"].as_str().unwrap_or_else(|| panic!("{json}")).to_owned()
}

#[tokio::test]
async fn a_ticket_is_made_with_all_that_was_said() {
    let ground = Ground::new().await;
    let ticket = json!({
        "subject": "From elsewhere",
        "comment": {"html_body": "<p>One <b>two</b></p><script>x</script>"},
        "external_id": "gh:1:13",
        "requester": {"name": "Gil Hub", "email": "gil@hub.example"},
        "priority": "high",
        "type": "incident",
        "tags": ["From GitHub", "bug", "bug"],
        "nobody_knows": "this attribute",
    });

    let made = ground.call(&ground.ada, Method::POST, "tickets.json", json!({"ticket": ticket})).await;

    assert_eq!(made.status, 201, "{}", made.body);
    let json = made.json();
    let it = &json["ticket"];
    assert!(made.header("location").ends_with(&format!("/acme/api/v2/tickets/{}.json", it["id"])));
    assert_eq!((&it["status"], &it["priority"], &it["type"]), (&json!("new"), &json!("high"), &json!("incident")));
    assert_eq!((&it["tags"], &it["external_id"]), (&json!(["bug", "from_github"]), &json!("gh:1:13")));
    assert_eq!((&it["description"], &it["via"]["channel"]), (&json!("One two"), &json!("api")));
    assert_ne!(it["requester_id"], json!(ground.user("ada").await));
    assert_eq!(json["audit"]["author_id"], json!(ground.user("ada").await));
    let comments = ground.get(&format!("tickets/{}/comments.json", it["id"])).await["comments"].clone();
    assert_eq!(comments[0]["author_id"], it["requester_id"], "the requester's");
    let html = comments[0]["html_body"].as_str().unwrap();
    assert!(html.contains("<b>two</b>") && !html.contains("script"), "{html}");
}

#[tokio::test]
async fn what_is_wrong_is_said_field_by_field() {
    let ground = Ground::new().await;
    let refuse = async |ticket: Value| ground.refused(Method::POST, "tickets", json!({"ticket": ticket}), 422).await;
    assert_eq!(problem(&refuse(json!({"subject": "x"})).await, "base"), "Description: cannot be blank");
    assert_eq!(problem(&refuse(json!({"comment": {"body": " "}})).await, "base"), "Description: cannot be blank");
    let said = |more: Value| {
        let mut ticket = json!({"comment": {"body": "x"}});
        ticket.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ticket
    };
    for (more, field) in [
        (json!({"status": "done"}), "status"),
        (json!({"priority": "asap"}), "priority"),
        (json!({"type": "bug"}), "type"),
        (json!({"assignee_id": 1}), "assignee"),
        (json!({"assignee_id": ground.user("carol").await}), "assignee"),
        (json!({"requester_id": 1}), "requester"),
        (json!({"requester": {"email": "new@x.example"}}), "requester"),
        (json!({"group_id": 1}), "group"),
        (json!({"external_id": "x".repeat(256)}), "external_id"),
        (json!({"comment": {"body": "x", "author_id": 1}}), "comment"),
        (json!({"comment": {"body": "x", "uploads": ["unknown"]}}), "comment"),
        (json!({"comment": {"body": "x".repeat(65_536)}}), "comment"),
    ] {
        let refused = refuse(said(more.clone())).await;
        assert!(!problem(&refused, field).is_empty(), "{more}");
    }
    ground.refused(Method::POST, "tickets", json!({"subject": "no wrapper"}), 400).await;
    ground.refused(Method::GET, "tickets/abc", Value::Null, 400).await;
    let gone = ground.refused(Method::GET, "tickets/999", Value::Null, 404).await.json();
    assert_eq!(gone, json!({"error": "RecordNotFound", "description": "Not found"}));
    let garbled = ground.http.post(format!("{}/acme/api/v2/tickets", ground.at)).bearer_auth(&ground.ada).body("{\"ti");
    assert_eq!(Answer::of(garbled).await.status, 400);
}

#[tokio::test]
async fn a_status_goes_its_ways_and_no_others() {
    let ground = Ground::new().await;
    let (bob, ada) = (ground.user("bob").await, ground.user("ada").await);
    assert_eq!(ground.update(EXPORT, json!({"assignee_id": bob})).await["ticket"]["status"], "open", "no longer new");
    let back =
        ground.refused(Method::PUT, "tickets/2", json!({"ticket": {"status": "new", "assignee_id": null}}), 422).await;
    assert!(problem(&back, "status").contains("new"));
    let id = ground.ticket("Nobody's", "x").await;
    let solve = json!({"ticket": {"status": "solved"}});
    let nobodys = ground.refused(Method::PUT, &format!("tickets/{id}"), solve.clone(), 422).await;
    assert_eq!(problem(&nobodys, "base"), "Assignee: is required when solving a ticket");
    ground.control("/accounts/acme", json!({"auto_assign_on_solve": true, "required_on_solve": ["type"]})).await;
    let typeless = ground.refused(Method::PUT, &format!("tickets/{id}"), solve, 422).await;
    assert_eq!(problem(&typeless, "base"), "Type:: is required when solving a ticket");

    let solved = ground.update(id, json!({"status": "solved", "type": "task"})).await["ticket"].clone();

    assert_eq!((&solved["status"], &solved["assignee_id"]), (&json!("solved"), &json!(ada)));
    ground.control("/say", json!({"user": "ada", "ticket": id, "body": "more"})).await;
    assert_eq!(
        ground.get(&format!("tickets/{id}")).await["ticket"]["status"],
        "solved",
        "an agent's words change nothing"
    );
}

#[tokio::test]
async fn a_customers_word_opens_an_answered_ticket_again() {
    let ground = Ground::new().await;
    ground.update(CHART, json!({"status": "pending"})).await;

    ground.control("/say", json!({"user": "carol", "ticket": CHART, "body": "It is still empty."})).await;

    assert_eq!(ground.get("tickets/1").await["ticket"]["status"], "open");
}

#[tokio::test]
async fn closed_is_the_end_but_for_labels() {
    let ground = Ground::new().await;
    ground.update(CHART, json!({"status": "closed"})).await;
    for change in [json!({"comment": {"body": "x"}}), json!({"status": "open"}), json!({"assignee_id": null})] {
        let refused = ground.refused(Method::PUT, "tickets/1", json!({"ticket": change}), 422).await;
        assert_eq!(problem(&refused, "status"), "Status closed prevents ticket update");
    }
    let labelled = ground.update(CHART, json!({"tags": ["old"], "subject": "Was", "priority": "low"})).await;
    assert_eq!(labelled["ticket"]["tags"], json!(["old"]));
    let follow = json!({"ticket": {"comment": {"body": "again"}, "via_followup_source_id": CHART}});

    let id = ground.post("tickets", follow).await["ticket"]["id"].clone();

    assert_eq!(ground.get("tickets/1").await["ticket"]["followup_ids"], json!([id]));
    let early = json!({"ticket": {"comment": {"body": "x"}, "via_followup_source_id": EXPORT}});
    ground.refused(Method::POST, "tickets", early, 422).await;
}

#[tokio::test]
async fn comments_are_public_as_the_first_one_unless_said() {
    let ground = Ground::new().await;
    let bob = ground.user("bob").await;
    let note = json!({"ticket": {"comment": {"body": "internal", "public": false}}});
    let id = ground.post("tickets", note).await["ticket"]["id"].as_u64().unwrap();
    let first = ground.update(id, json!({"comment": {"body": "as the first", "author_id": bob}})).await;
    ground.update(id, json!({"comment": {"body": "to all", "public": true}})).await;
    ground.update(id, json!({"comment": {"body": ""}})).await;

    let comments = ground.get(&format!("tickets/{id}/comments")).await["comments"].clone();

    let public: Vec<Value> = comments.as_array().unwrap().iter().map(|it| it["public"].clone()).collect();
    assert_eq!(public, [json!(false), json!(false), json!(true)]);
    assert_eq!(comments[1]["author_id"], json!(bob));
    let event = &first["audit"]["events"][0];
    assert_eq!((&event["type"], &event["body"]), (&json!("Comment"), &json!("as the first")));
    assert_eq!(event["id"], comments[1]["id"], "how one learns a comment's id");
    let hide = format!("tickets/{id}/comments/{}/make_private", comments[2]["id"]);
    ground.put(&hide, json!({})).await;
    assert_eq!(ground.get(&format!("tickets/{id}/comments")).await["comments"][2]["public"], false);
    let redact = format!("tickets/{id}/comments/{}/redact", comments[2]["id"]);
    assert_eq!(ground.put(&redact, json!({"text": "all"})).await["comment"]["body"], "to ▇▇▇");
    ground.refused(Method::POST, &format!("tickets/{id}/comments"), json!({}), 404).await;
}

#[tokio::test]
async fn the_same_key_makes_one_ticket() {
    let ground = Ground::new().await;
    let send = async |key: &str, subject: &str| {
        let body = json!({"ticket": {"subject": subject, "comment": {"body": "x"}}});
        let request = ground.http.post(format!("{}/acme/api/v2/tickets", ground.at)).bearer_auth(&ground.ada);
        Answer::of(request.header("idempotency-key", key).json(&body)).await
    };
    let (first, again) = (send("k1", "one").await, send("k1", "one").await);

    assert_eq!((first.header("x-idempotency-lookup"), again.header("x-idempotency-lookup")), ("miss", "hit"));
    assert_eq!((again.status, &first.json()["ticket"]["id"]), (201, &again.json()["ticket"]["id"]));
    let other = send("k1", "another").await;
    assert_eq!((other.status, other.json()["error"].clone()), (400, json!("IdempotentRequestError")));
    assert_eq!(send(&"k".repeat(256), "one").await.status, 400);
    ground.control("/idempotency/expire", json!({})).await;
    assert_eq!(send("k1", "one").await.header("x-idempotency-lookup"), "miss");
    // What was refused is not remembered.
    assert_eq!(send("k2", "one").await.status, 201);
}

#[tokio::test]
async fn an_update_can_insist_on_what_it_saw() {
    let ground = Ground::new().await;
    let seen = ground.get("tickets/1").await["ticket"]["updated_at"].clone();
    let safe = |stamp: Value, subject: &str| json!({"ticket": {"subject": subject, "safe_update": true, "updated_stamp": stamp}});

    let stale = ground.refused(Method::PUT, "tickets/1", safe(json!("2020-01-01T00:00:00Z"), "a"), 409).await.json();
    assert_eq!(stale["error"], "UpdateConflict");
    assert_eq!(ground.put("tickets/1", safe(seen, "b")).await["ticket"]["subject"], "b");
    ground.refused(Method::PUT, "tickets/1", json!({"ticket": {"safe_update": true}}), 400).await;
    ground.strict(json!({"conflict_ms": 60_000})).await;
    let collided = ground.refused(Method::PUT, "tickets/1", json!({"ticket": {"subject": "c"}}), 409).await.json();
    assert_eq!(collided, json!({"error": "DatabaseConflict", "description": "Database collision"}));
}

#[tokio::test]
async fn tags_are_set_added_and_taken() {
    let ground = Ground::new().await;
    let tags = async |method: Method, tags: Value| {
        ground.call(&ground.ada, method, "tickets/1/tags", json!({"tags": tags})).await.json()["tags"].clone()
    };
    assert_eq!(tags(Method::POST, json!(["a", "b"])).await, json!(["a", "b"]));
    assert_eq!(tags(Method::PUT, json!(["c"])).await, json!(["a", "b", "c"]));
    assert_eq!(tags(Method::DELETE, json!(["a"])).await, json!(["b", "c"]));

    let changed = ground.update(CHART, json!({"additional_tags": ["d"], "remove_tags": ["b"]})).await;

    assert_eq!(changed["ticket"]["tags"], json!(["c", "d"]));
}

#[tokio::test]
async fn custom_statuses_stand_for_their_category() {
    let ground = Ground::new().await;
    let all = ground.get("custom_statuses").await["custom_statuses"].clone();
    let id = |label: &str| all.as_array().unwrap().iter().find(|it| it["agent_label"] == label).unwrap()["id"].clone();

    let waiting =
        ground.update(CHART, json!({"custom_status_id": id("Waiting for engineering")})).await["ticket"].clone();
    assert_eq!(waiting["status"], "open");
    let pending = ground.update(CHART, json!({"status": "pending"})).await["ticket"].clone();
    assert_eq!(pending["custom_status_id"], id("Pending"));
    ground.refused(Method::PUT, "tickets/1", json!({"ticket": {"custom_status_id": 1}}), 422).await;
}

#[tokio::test]
async fn a_deleted_ticket_is_gone() {
    let ground = Ground::new().await;

    assert_eq!(ground.call(&ground.ada, Method::DELETE, "tickets/1", Value::Null).await.status, 204);

    ground.refused(Method::GET, "tickets/1", Value::Null, 404).await;
    ground.refused(Method::PUT, "tickets/1", json!({"ticket": {"subject": "x"}}), 404).await;
    assert_eq!(ground.get("tickets/count").await["count"]["value"], 2);
}

#[tokio::test]
async fn files_are_uploaded_and_used_once() {
    let ground = Ground::new().await;
    let request =
        ground.http.post(format!("{}/acme/api/v2/uploads?filename=log.txt", ground.at)).bearer_auth(&ground.ada);
    let upload = Answer::of(request.header("content-type", "text/plain").body("a line")).await.json()["upload"].clone();
    let comment = json!({"comment": {"body": "see there", "uploads": [upload["token"]]}});

    ground.update(CHART, comment.clone()).await;

    let comments = ground.get("tickets/1/comments").await["comments"].clone();
    let file = comments.as_array().unwrap().last().unwrap()["attachments"][0].clone();
    assert_eq!((&file["file_name"], &file["size"]), (&json!("log.txt"), &json!(6)));
    let content = Answer::of(ground.http.get(file["content_url"].as_str().unwrap())).await;
    assert_eq!((content.body.as_str(), content.header("content-disposition")), ("a line", "attachment"));
    ground.refused(Method::PUT, "tickets/1", json!({"ticket": comment}), 422).await;
}

#[tokio::test]
async fn many_are_changed_as_a_job() {
    let ground = Ground::new().await;

    let job =
        ground.put("tickets/update_many.json?ids=1,2,999", json!({"ticket": {"priority": "low"}})).await["job_status"]
            .clone();

    assert_eq!(job["results"].as_array().unwrap().iter().filter(|it| it["success"] == true).count(), 2);
    let shown = ground.get(&format!("job_statuses/{}", job["id"].as_str().unwrap())).await;
    assert_eq!(shown["job_status"]["status"], "completed");
    assert_eq!(ground.get("tickets/2").await["ticket"]["priority"], "low");
}
