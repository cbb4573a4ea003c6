//! What applications post: activities, discussions, and the threads they keep.

use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Answer, Ground, issue};

#[tokio::test]
async fn one_external_id_is_one_thread_and_every_post_replaces_its_state() {
    let ground = Ground::new().await;
    let (_, token) = ground.source("widgets").await;
    let (_, other) = ground.source("website").await;

    let first = ground.post_as_source(&token, issue(1, "open", "green")).await;
    assert_eq!((first.status, first.json()), (202, json!({})), "no id is told");
    let before = ground.thread_titled("Issue 1").await;
    assert_eq!(before["status"], json!({"value": "open", "color": "green"}));
    assert_eq!((&before["activities"], before.get("external_comments")), (&json!(1), None), "none is not counted");
    assert_eq!(before["source"]["name"], "widgets");

    let mut closed = issue(1, "closed", "red");
    closed["thread"] = json!({"title": "Issue 1", "status": {"value": "closed", "color": "red"}});
    ground.post_as_source(&token, closed).await;
    let after = ground.thread_titled("Issue 1").await;
    assert_eq!((&after["id"], &after["fields"], &after["body"]), (&before["id"], &json!([]), &json!("")));
    assert_eq!((&after["activities"], &after["external_url"]), (&json!(2), &Value::Null));

    let comment = json!({
        "event": "discussion", "author": {"name": "Octo"}, "title": "commented", "body": "Seen it too",
        "external_thread_id": "issue:1",
    });
    assert_eq!(ground.post_as_source(&token, comment).await.status, 202, "a known thread needs no state");
    ground.post_as_source(&other, issue(1, "open", "green")).await;
    let path = format!("/flows/acme/main/threads/{}", before["id"].as_str().unwrap());
    let same = ground.get("ada", &path).await.json();
    assert_eq!(
        (&same["external_comments"], &same["activities"]),
        (&json!(1), &json!(2)),
        "another source's is another"
    );
    let messages = ground.get("ada", &format!("{path}/messages")).await.json();
    assert_eq!(messages.as_array().unwrap().len(), 3);
    assert_eq!(messages[0]["thread"], same, "with the state it has now");
    assert_eq!((&messages[0]["user"], &messages[0]["app"]), (&json!("0"), &json!("influx")));
}

#[tokio::test]
async fn who_waits_gets_the_message() {
    let ground = Ground::new().await;
    let (_, token) = ground.source("widgets").await;
    let mut message = issue(2, "open", "green");
    message["flow_token"] = json!(token);

    let post = ground.call(Method::POST, "/messages").header("X-flowdock-wait-for-message", "true").json(&message);
    let posted = Answer::of(post).await;
    assert_eq!(posted.status, 200);
    assert_eq!(posted.json()["thread"]["title"], "Issue 2");
    assert!(posted.json()["id"].is_u64() && posted.json()["content"].is_null());
    assert!(posted.header("link").ends_with("/comments>; rel=\"comments\""), "{}", posted.header("link"));
    assert_eq!(posted.header("flowdock-user"), "", "a source is nobody");
}

#[tokio::test]
async fn all_that_is_wrong_with_a_post_is_said_at_once() {
    let ground = Ground::new().await;
    let (_, token) = ground.source("widgets").await;
    let problems = async |message: Value| {
        let answer = ground.post_as_source(&token, message).await;
        assert_eq!(
            (answer.status, answer.json()["message"].clone()),
            (400, json!("Validation error")),
            "{}",
            answer.body
        );
        answer.json()["errors"].clone()
    };
    let with = |path: &str, value: Value| {
        let mut message = issue(3, "open", "green");
        *message.pointer_mut(path).unwrap() = value;
        message
    };

    let blank = json!(["can't be blank"]);
    assert_eq!(problems(json!({})).await, json!({"event": blank}));
    let nothing = problems(json!({"event": "activity"})).await;
    assert_eq!(nothing, json!({"author.name": blank, "external_thread_id": blank, "title": blank}));
    assert_eq!(problems(with("/event", json!("party"))).await["event"][0], "is not included in the list");
    assert_eq!(problems(with("/thread/title", json!(""))).await["thread.title"], blank);
    for colour in ["gray", "pink", "GREEN", "#0f0"] {
        let found = problems(with("/thread/status/color", json!(colour))).await;
        assert_eq!(found["thread.status.color"][0], "is not included in the list", "{colour}");
    }
    assert_eq!(problems(with("/thread/status", json!("open"))).await["thread.status"][0], "must be an object");
    assert_eq!(
        problems(with("/thread/fields", json!([{"value": "x"}]))).await["thread.fields"][0],
        "label can't be blank"
    );
    let mut threadless = issue(4, "open", "green");
    threadless.as_object_mut().unwrap().remove("thread");
    assert_eq!(problems(threadless).await["thread"], blank);
    let unknown = json!({"event": "activity", "title": "x", "author": {"name": "y"}, "thread_id": "nothing"});
    assert_eq!(problems(unknown).await["thread_id"][0], "is invalid");
    for colour in ["red", "green", "yellow", "cyan", "orange", "grey", "black", "lime", "purple", "blue"] {
        assert_eq!(ground.post_as_source(&token, issue(5, "x", colour)).await.status, 202, "{colour}");
    }
    let by_person = ground.post("ada", "/flows/acme/main/messages", issue(6, "open", "green")).await;
    assert_eq!((by_person.status, by_person.json()["errors"]["flow_token"].clone()), (400, blank));
}

#[tokio::test]
async fn titles_keep_links_and_bodies_plain_html() {
    let ground = Ground::new().await;
    let (_, token) = ground.source("widgets").await;
    let mut message = issue(8, "open", "green");
    message["title"] = json!("closed <a href='https://x.example'>it</a> <b>now</b>");
    message["thread"]["title"] = json!("<img src=x onerror=alert(1)>Eight");
    message["thread"]["body"] = json!("<p onclick='x()'>Hello</p><script>alert(1)</script>");

    ground.post_as_source(&token, message).await;
    let thread = ground.thread_titled("&lt;img src=x onerror=alert(1)>Eight").await;
    assert_eq!(thread["body"], "<p>Hello</p>&lt;script>alert(1)&lt;/script>");
    let messages = ground.get("ada", "/flows/acme/main/messages?event=activity&limit=1").await.json();
    assert_eq!(messages[0]["title"], "closed <a href=\"https://x.example\">it</a> &lt;b>now&lt;/b>");
}

#[tokio::test]
async fn forms_with_brackets_post_whole_threads() {
    let ground = Ground::new().await;
    let (_, token) = ground.source("widgets").await;
    let fields = [
        ("flow_token", token.as_str()),
        ("event", "activity"),
        ("title", "opened"),
        ("author[name]", "Octo"),
        ("external_thread_id", "form:1"),
        ("thread[title]", "By form"),
        ("thread[status][value]", "open"),
        ("thread[status][color]", "lime"),
        ("thread[fields][0][label]", "One"),
        ("thread[fields][0][value]", "1"),
    ];

    assert_eq!(Answer::of(ground.call(Method::POST, "/messages").form(&fields)).await.status, 202);
    let thread = ground.thread_titled("By form").await;
    assert_eq!(thread["fields"], json!([{"label": "One", "value": "1"}]));
    assert_eq!(thread["status"]["color"], "lime");
}

#[tokio::test]
async fn a_thread_can_be_named_by_flowdock_s_id_and_an_unknown_one_falls_back_to_the_own() {
    let ground = Ground::new().await;
    let (_, token) = ground.source("widgets").await;
    let mut message = issue(9, "open", "green");
    message["thread_id"] = json!("WT5yWsIpdvUPxP07lfgQDmLoGQQ");
    assert_eq!(ground.post_as_source(&token, message).await.status, 202, "as in the guide's example");
    let id = ground.thread_titled("Issue 9").await["id"].clone();
    assert_eq!(id.as_str().unwrap().len(), 27);

    let named = json!({"event": "discussion", "title": "said", "author": {"name": "Octo"}, "thread_id": id});
    assert_eq!(ground.post_as_source(&token, named.clone()).await.status, 202);
    let (_, other) = ground.source("website").await;
    let mut foreign = named;
    foreign["thread"] = json!({"title": "Taken over"});
    let refused = ground.post_as_source(&other, foreign).await;
    assert_eq!(refused.json()["errors"]["thread"][0], "belongs to another source");
}

#[tokio::test]
async fn threads_are_listed_newest_first_page_by_page() {
    let ground = Ground::new().await;
    let (_, token) = ground.source("widgets").await;
    for number in 1..=5 {
        ground.post_as_source(&token, issue(number, "open", "green")).await;
    }
    ground.post_as_source(&token, issue(1, "open", "green")).await;

    let mut path = "/flows/acme/main/threads?limit=2&application=inbox".to_owned();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let page = ground.get("ada", &path).await;
        seen.extend(page.json().as_array().unwrap().iter().map(|it| it["title"].as_str().unwrap().to_owned()));
        let next = page.header("link").strip_prefix('<').and_then(|it| it.split('>').next()).unwrap_or_default();
        path = next.strip_prefix(&ground.at).unwrap_or_default().to_owned();
    }
    assert_eq!(seen, ["Issue 1", "Issue 5", "Issue 4", "Issue 3", "Issue 2", "Build of widgets"]);
    assert_eq!(path, "", "the last page leads nowhere");
    let chats = ground.get("ada", "/flows/acme/main/threads?application=chat").await.json();
    assert!(chats.as_array().unwrap().iter().all(|it| it.get("source").is_none()));
    assert_eq!(ground.get("eve", "/flows/acme/main/threads").await.status, 404);
    assert_eq!(ground.get("ada", "/flows/acme/main/threads?until=yesterday").await.status, 400);
}
