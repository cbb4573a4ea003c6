//! What leaves: how it looks, which entries and items go, and every trouble on the way.

mod outside;

use integration_contract::{
    Answer, Attachment, Auth, Button, Change, Comment, Error, ErrorKind, Integration, IntegrationLink, Item, ItemKind,
    ItemState, Outgoing, OutgoingEntry, OutgoingItem, Posted, Receipt, Result, Status, Told, Want,
};
use integration_testkit::{ScriptedHttp, reply, reply_json};
use outside::{Dock, TOKEN, account, changed, entry, flowdock, issue, link, link_with, new_link, no, person};
use serde_json::{Value, json};

const POST: &str = "POST /messages";

fn button(name: &str) -> Button {
    let url = "https://patchbay.example/integrations/flowdock/actions/AbC-_1".parse().expect("a URL");
    Button { name: name.into(), url }
}

async fn tell(http: &ScriptedHttp, link: &IntegrationLink, message: Outgoing) -> Result<Receipt> {
    let outcome = flowdock().deliver(&account(http.http()), link, &message).await;
    http.finish();
    outcome
}

fn message(what: Told, posted: Posted) -> Outgoing {
    Outgoing { id: "4b5f6f9a-0000-7000-8000-000000000001".into(), what, posted, buttons: Vec::new() }
}

fn item(what: Change, item: Item) -> Told {
    Told::Item(Box::new(changed(what, item)))
}

fn taken() -> ScriptedHttp {
    ScriptedHttp::silent().then(POST, reply_json(202, &json!({})))
}

/// What goes to Flowdock, without the token.
async fn looks(what: Told, posted: Posted, buttons: Vec<Button>) -> Value {
    let http = taken();
    tell(&http, &link(), Outgoing { buttons, ..message(what, posted) }).await.expect("taken");
    let mut body = http.sent()[0].json();
    assert_eq!(body.as_object_mut().expect("a body").remove("flow_token"), Some(json!(TOKEN)));
    body
}

fn snapshot(name: &str, body: &Value) {
    let page = serde_json::to_string_pretty(body).expect("JSON");
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, page);
    });
}

// ---- how entries look

#[tokio::test]
async fn an_entry_is_a_thread_with_its_state_and_its_buttons() {
    let done = looks(Told::Entry(entry()), Posted::Never, Vec::new()).await;
    snapshot("thread__an_entry", &done);

    let goal = OutgoingEntry { status: Status::Goal, source: None, source_url: None, ..entry() };
    let goal = looks(Told::Entry(goal), Posted::Never, vec![button("Mark as done")]).await;
    snapshot("thread__a_goal", &goal);

    let strange = OutgoingEntry {
        text:
            "waits for <b>certificates</b> & \"keys\"\nsee https://example.com/?a=1&b=2 <script>alert(1)</script>\u{0}"
                .into(),
        status: Status::Blocked,
        author: "*Eve* <script>\nsecond line".into(),
        author_avatar: Some("javascript:alert(1)".into()),
        author_id: None,
        source: Some("a|b <x> \"y\"".into()),
        source_url: Some("javascript:alert(1)".into()),
        team: "<i>Product</i>".into(),
        ..entry()
    };
    let strange = looks(Told::Entry(strange), Posted::As("entry:e1".into()), Vec::new()).await;
    snapshot("thread__a_strange_entry", &strange);
}

#[tokio::test]
async fn an_archived_entry_leaves_no_word_of_itself() {
    let archived = OutgoingEntry { archived: true, ..entry() };
    for posted in [Posted::As("entry:e1".into()), Posted::Maybe { since: 1_795_000_000 }] {
        let http = taken();
        let told = tell(&http, &link(), message(Told::Entry(archived.clone()), posted)).await.expect("taken");
        assert_eq!(told, Receipt::nothing());
    }
    let body = looks(Told::Entry(archived.clone()), Posted::As("entry:e1".into()), vec![button("Mark as done")]).await;
    snapshot("thread__an_archived_entry", &body);
    assert!(!body.to_string().contains("search page"));

    let silent = ScriptedHttp::silent();
    let never = tell(&silent, &link(), message(Told::Entry(archived), Posted::Never)).await.expect("nothing");
    assert_eq!(never, Receipt::nothing());
}

#[tokio::test]
async fn what_is_too_long_is_cut() {
    let long = OutgoingEntry {
        text: "<&> https://example.com/a ".repeat(5000),
        author: "x".repeat(5000),
        team: "y".repeat(5000),
        source: Some("z".repeat(5000)),
        ..entry()
    };
    let body = looks(Told::Entry(long), Posted::Never, vec![button(&"b".repeat(500))]).await;
    assert!(body.to_string().len() < 60_000, "{}", body.to_string().len());
    assert!(body["author"]["name"].as_str().expect("a name").chars().count() <= 100);
    let many = Item {
        assignees: (0..500).map(|nth| person(&format!("person-{nth}"))).collect(),
        labels: (0..500).map(|nth| format!("label-{nth}")).collect(),
        title: "t".repeat(5000),
        body: "b".repeat(100_000),
        state_word: "s".repeat(5000),
        ..issue()
    };
    let body = looks(item(Change::Assigned, many), Posted::Never, Vec::new()).await;
    assert!(body.to_string().len() < 10_000, "{}", body.to_string().len());
    assert!(body["title"].as_str().expect("a title").ends_with("and 490 more"));
}

// ---- how items look

fn comment(body: &str) -> Comment {
    Comment {
        id: "7".into(),
        body: body.into(),
        url: Some("https://github.com/acme/widgets/issues/42#issuecomment-7".into()),
        author: person("bob"),
        attachments: Vec::new(),
    }
}

#[tokio::test]
async fn an_item_is_a_thread_with_its_state_and_its_buttons() {
    let issue =
        Item { assignees: vec![person("ada"), person("bob")], labels: vec!["bug".into(), "ui".into()], ..issue() };
    let body = looks(item(Change::Opened, issue), Posted::Never, vec![button("Assign to me"), button("Close")]).await;
    snapshot("thread__an_issue", &body);
}

#[tokio::test]
async fn a_comment_is_a_discussion_in_the_items_thread() {
    let mut said = comment("I see it, too:\n> nothing\n\n<img src=x onerror=alert(1)>");
    said.attachments = vec![
        Attachment { name: "shot <1>.png".into(), url: "https://github.com/user-attachments/1?a=1&b=2".into() },
        Attachment { name: "evil".into(), url: "javascript:alert(1)".into() },
    ];
    let body = looks(item(Change::Commented(said), issue()), Posted::Never, Vec::new()).await;
    snapshot("thread__a_comment", &body);

    let edited = looks(item(Change::CommentEdited(comment("")), issue()), Posted::Never, Vec::new()).await;
    assert_eq!((&edited["event"], &edited["body"]), (&json!("discussion"), &json!("(nothing)")));
    assert!(edited["title"].as_str().expect("a title").starts_with("edited a comment on <a href="));
}

#[tokio::test]
async fn each_change_of_an_item_says_what_was_done() {
    let closed = |word: &str| Item { state: ItemState::Closed, state_word: word.into(), ..issue() };
    let waiting = Item { state: ItemState::Waiting, state_word: "on-hold".into(), kind: ItemKind::Ticket, ..issue() };
    let assigned = Item { assignees: vec![person("ada")], ..issue() };
    let labelled = Item { labels: vec!["<b>bug</b>".into()], ..issue() };
    let nameless = Item { state_word: "<i>".into(), title: String::new(), url: None, ..issue() };
    let merged = Item { kind: ItemKind::PullRequest, ..closed("merged") };
    let mut rows = Vec::new();
    for (what, item) in [
        (Change::Opened, issue()),
        (Change::Edited, issue()),
        (Change::Closed, closed("closed")),
        (Change::Closed, merged),
        (Change::Closed, closed("solved")),
        (Change::Reopened, issue()),
        (Change::StateChanged, waiting),
        (Change::StateChanged, nameless.clone()),
        (Change::StateChanged, Item { state_word: String::new(), ..nameless }),
        (Change::Assigned, assigned),
        (Change::Assigned, issue()),
        (Change::Labelled, labelled),
        (Change::Labelled, issue()),
        (Change::CommentDeleted("7".into()), issue()),
        (Change::Deleted, issue()),
        (Change::Moved { url: Some("https://github.com/acme/gadgets/issues/1".into()) }, issue()),
        (Change::Moved { url: Some("javascript:alert(1)".into()) }, issue()),
        (Change::Moved { url: None }, issue()),
    ] {
        let over = matches!(what, Change::Deleted | Change::Moved { .. });
        let body = looks(self::item(what, item), Posted::Never, vec![button("Close")]).await;
        assert_eq!((&body["event"], &body["body"]), (&json!("activity"), &Value::Null));
        assert_eq!(body["thread"]["actions"].as_array().expect("actions").is_empty(), over);
        let status = &body["thread"]["status"];
        rows.push(format!(
            "{} | {} {} | {}",
            body["title"].as_str().expect("a title").replace("https://github.com/acme/widgets/issues/42", "URL"),
            status["color"].as_str().expect("a colour"),
            status["value"].as_str().expect("a state"),
            body["thread"]["title"].as_str().expect("a title"),
        ));
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("thread__each_change", rows.join("\n"));
    });
}

#[tokio::test]
async fn what_an_action_could_not_do_is_told_in_the_thread() {
    let trouble = Some("GitHub did not let Bob close it: <b>no rights</b>.".to_owned());
    let told = OutgoingItem { trouble, ..changed(Change::Closed, issue()) };
    let body = looks(Told::Item(Box::new(told)), Posted::As("item:i1".into()), vec![button("Close")]).await;
    snapshot("thread__trouble", &body);
}

// ---- which go

#[test]
fn a_link_wants_what_it_is_set_to() {
    let wants = |tell: Value, entry: &OutgoingEntry| flowdock().wants(&link_with(&[("tell", tell)]), entry);
    let (done, of_item) = (entry(), OutgoingEntry { of_item: true, ..entry() });
    assert_eq!(wants(json!(["done"]), &done), Want::Now);
    assert_eq!(wants(json!(["goal", "blocked", "issue"]), &done), Want::No);
    assert_eq!(wants(json!(["goal"]), &OutgoingEntry { status: Status::Goal, ..entry() }), Want::Now);
    assert_eq!(wants(json!(["blocked"]), &OutgoingEntry { status: Status::Blocked, ..entry() }), Want::Now);
    // What is told as an item is not told as an entry too.
    assert_eq!(wants(json!(["done"]), &of_item), Want::Now);
    for kind in ["issue", "pull_request", "ticket"] {
        assert_eq!(wants(json!(["done", kind]), &of_item), Want::No, "{kind}");
    }

    let wants_item = |tell: Value, kind: ItemKind| {
        let told = changed(Change::Opened, Item { kind, ..issue() });
        flowdock().wants_item(&link_with(&[("tell", tell)]), &told.change)
    };
    assert!(wants_item(json!(["issue"]), ItemKind::Issue) && !wants_item(json!(["issue"]), ItemKind::Ticket));
    assert!(wants_item(json!(["pull_request"]), ItemKind::PullRequest));
    assert!(wants_item(json!(["ticket"]), ItemKind::Ticket) && !wants_item(json!(["done"]), ItemKind::Issue));
    assert!(!wants_item(json!(["strange"]), ItemKind::Issue));
}

// ---- the way there

#[tokio::test]
async fn a_thread_has_one_name_whatever_happens_to_it() {
    let dock = Dock::default();
    dock.state().sources.push(json!({ "id": 36, "flow_token": TOKEN }));
    let http = dock.http();
    let first = tell(&http, &link(), message(Told::Entry(entry()), Posted::Never)).await.expect("told");
    assert_eq!(first, Receipt::posted("entry:e1"));
    let maybe = Posted::Maybe { since: 1_795_000_000 };
    for posted in [maybe.clone(), Posted::As("entry:e1".into())] {
        assert_eq!(tell(&http, &link(), message(Told::Entry(entry()), posted)).await.expect("told"), first);
    }
    for posted in [Posted::Never, maybe, Posted::As("item:i1".into())] {
        let told = message(item(Change::Opened, issue()), posted);
        assert_eq!(tell(&http, &link(), told).await.expect("told"), Receipt::posted("item:i1"));
    }
    let threads: Vec<_> = dock.state().posts.iter().map(|post| post["external_thread_id"].clone()).collect();
    assert_eq!(threads, ["entry:e1", "entry:e1", "entry:e1", "item:i1", "item:i1", "item:i1"]);
    // A second try is the first one's message.
    let uuids: Vec<_> = dock.state().posts.iter().map(|post| post["uuid"].clone()).collect();
    assert!(uuids.iter().all(|uuid| *uuid == "4b5f6f9a-0000-7000-8000-000000000001"));
}

#[tokio::test]
async fn a_post_is_authorised_by_the_source_and_by_nobody_else() {
    let http = taken();
    tell(&http, &link(), message(Told::Entry(entry()), Posted::Never)).await.expect("told");
    assert!(matches!(http.sent()[0].auth, Auth::Nobody) && http.sent()[0].url.query().is_none());

    let silent = ScriptedHttp::silent();
    let error = tell(&silent, &new_link(), message(Told::Entry(entry()), Posted::Never)).await.expect_err("no source");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.sentence().contains("Try again"));
    for unasked in [
        Told::Digest(vec![entry()]),
        Told::Answer { to: "x".into(), answer: Answer { written: vec![], why_not: None, connect: None } },
    ] {
        let error = tell(&silent, &link(), message(unasked, Posted::Never)).await.expect_err("it has none");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}

#[tokio::test]
async fn flowdocks_no_is_about_the_link_the_message_or_passes() {
    let page = &[("content-type", "text/html; charset=utf-8")][..];
    for (answer, kind) in [
        (no(410, "source has been removed"), ErrorKind::Gone),
        (reply(410, &[], ""), ErrorKind::Gone),
        (reply(410, &[("content-type", "text/plain")], "gone"), ErrorKind::Gone),
        (reply(410, page, "<h1>Gone</h1>"), ErrorKind::UnknownOutcome),
        (reply(410, &[], "<html>Gone"), ErrorKind::UnknownOutcome),
        (no(401, "unknown flow_token"), ErrorKind::NotFound),
        (reply(401, page, ""), ErrorKind::UnknownOutcome),
        (no(403, "this flow is disabled"), ErrorKind::Forbidden),
        (reply(403, page, ""), ErrorKind::UnknownOutcome),
        (no(404, "not found"), ErrorKind::NotFound),
        (reply(404, page, "<h1>nginx</h1>"), ErrorKind::UnknownOutcome),
        (no(400, "Validation error"), ErrorKind::Refused),
        (no(413, "too long"), ErrorKind::Refused),
        (no(415, "no type"), ErrorKind::Refused),
        (no(422, "no"), ErrorKind::Refused),
        (reply(429, &[("retry-after", "7")], ""), ErrorKind::RateLimited),
        (reply(302, &[("location", "https://evil.example/")], ""), ErrorKind::UnknownOutcome),
        (reply(500, &[], ""), ErrorKind::UnknownOutcome),
        (reply(503, page, ""), ErrorKind::UnknownOutcome),
        (reply(200, page, "<h1>Welcome to the Wi-Fi</h1>"), ErrorKind::UnknownOutcome),
    ] {
        let shown = format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body));
        let http = ScriptedHttp::silent().then(POST, answer);
        let error = tell(&http, &link(), message(Told::Entry(entry()), Posted::Never)).await.expect_err("no");
        assert_eq!(error.kind(), kind, "{shown}: {error}");
        assert!(error.sentence().ends_with('.') && !error.sentence().contains(TOKEN), "{}", error.sentence());
    }
    for (answer, seconds) in [
        (reply(429, &[("retry-after", "7")], ""), 7),
        (reply(429, &[("retry-after", "soon")], ""), 60),
        (reply(429, &[("retry-after", "999999")], ""), 3600),
        (reply(429, &[], ""), 60),
    ] {
        let http = ScriptedHttp::silent().then(POST, answer);
        let error = tell(&http, &link(), message(Told::Entry(entry()), Posted::Never)).await.expect_err("slower");
        assert_eq!(error.wait().expect("a wait").as_secs(), seconds);
    }
    for kind in [ErrorKind::Unavailable, ErrorKind::UnknownOutcome] {
        let http = ScriptedHttp::silent().then(POST, Error::new(kind, "Silence."));
        let error = tell(&http, &link(), message(Told::Entry(entry()), Posted::Never)).await.expect_err("silence");
        assert_eq!(error.kind(), kind);
    }
    for answer in [reply_json(200, &json!({ "id": 1 })), reply_json(201, &json!({})), reply(202, &[], "")] {
        let http = ScriptedHttp::silent().then(POST, answer);
        tell(&http, &link(), message(Told::Entry(entry()), Posted::Never)).await.expect("taken");
    }
}
