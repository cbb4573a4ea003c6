//! Items of other links as threads: how they look, what stands in the channel after each change, and every trouble on the
//! way.

mod outside;

use integration_contract::{
    Attachment, Author, Change, Comment, ErrorKind, Integration, IntegrationLink, Item, ItemChange, ItemKind,
    ItemState, Outgoing, OutgoingItem, Posted, Receipt, Result, Told,
};
use integration_testkit::{ScriptedHttp, reply};
use outside::{Workspace, account, link, link_with, no, slack, yes};
use serde_json::{Value, json};

const POST: &str = "POST /api/chat.postMessage";
const UPDATE: &str = "POST /api/chat.update";
const DELETE: &str = "POST /api/chat.delete";
const THREAD: &str = "C0DONE0001/1795000100.000001";

fn person(name: &str) -> Author {
    Author { id: Some("7".into()), name: name.into(), ..Author::default() }
}

fn item() -> Item {
    Item {
        id: "42".into(),
        kind: ItemKind::Issue,
        name: "acme/widgets#42".into(),
        title: "The chart is empty on Sundays".into(),
        body: "West of Greenwich, that is.\n\nSee https://example.com/chart?a=1&b=2.".into(),
        url: Some("https://github.com/acme/widgets/issues/42".into()),
        state: ItemState::Open,
        state_word: "open".into(),
        author: person("ada"),
        assignees: Vec::new(),
        labels: Vec::new(),
        external_id: None,
        created_at: None,
        updated_at: None,
    }
}

fn closed() -> Item {
    Item { state: ItemState::Closed, state_word: "closed as not planned".into(), ..item() }
}

fn comment(body: &str) -> Comment {
    Comment {
        id: "c1".into(),
        body: body.into(),
        url: Some("https://github.com/acme/widgets/issues/42#c1".into()),
        author: person("bob"),
        attachments: Vec::new(),
    }
}

fn told(what: Change, item: Item, thread: Option<&str>) -> OutgoingItem {
    OutgoingItem {
        id: "i1".into(),
        change: ItemChange { id: "x".into(), what, by: person("bob"), at: None, item: item.clone() },
        item,
        source: "acme/widgets".into(),
        thread: thread.map(str::to_owned),
        trouble: None,
    }
}

async fn tell_as(http: &ScriptedHttp, id: &str, what: OutgoingItem, posted: Posted) -> Result<Receipt> {
    tell_through(http, &link(), id, what, posted).await
}

async fn tell_through(
    http: &ScriptedHttp,
    link: &IntegrationLink,
    id: &str,
    what: OutgoingItem,
    posted: Posted,
) -> Result<Receipt> {
    let message = Outgoing { id: id.into(), what: Told::Item(Box::new(what)), posted, buttons: Vec::new() };
    let outcome = slack().deliver(&account(http.http()), link, &message).await;
    http.finish();
    outcome
}

/// A workspace whose `#done` the app is in.
fn workspace() -> Workspace {
    let workspace = Workspace::default();
    workspace.state().channels[0]["is_member"] = true.into();
    workspace
}

fn posted() -> integration_contract::Response {
    yes(json!({ "channel": "C0DONE0001", "ts": "1795000100.000009" }))
}

// ---- which items go

#[test]
fn a_link_wants_the_kinds_of_items_it_is_set_to() {
    let wants = |changed: &[(&str, Value)], kind| {
        let item = Item { kind, ..item() };
        slack().wants_item(&link_with(changed), &told(Change::Opened, item, None).change)
    };
    assert!(wants(&[], ItemKind::Issue) && wants(&[], ItemKind::Ticket));
    assert!(!wants(&[("items", json!(["pull_request"]))], ItemKind::Issue));
    assert!(wants(&[("items", json!(["pull_request"]))], ItemKind::PullRequest));
    assert!(!wants(&[("direction", json!(["incoming"]))], ItemKind::Issue));
    assert!(!wants(&[("items", json!([]))], ItemKind::Issue));
}

// ---- how it looks

#[tokio::test]
async fn threads_look_well_and_ping_nobody() {
    let strange = Item {
        title: "waits *for* <!channel> & <@U0BOB00001>\nsecond line".into(),
        body: "<!here> <script>".into(),
        url: Some("javascript:alert(1)".into()),
        author: person("*Eve* <!here>"),
        assignees: vec![person("ada"), person("<@U1>")],
        labels: vec!["bug".into(), "a|b <x>".into()],
        name: "#35".into(),
        kind: ItemKind::Ticket,
        ..item()
    };
    let with_file = Comment {
        attachments: vec![Attachment { name: "chart.png".into(), url: "https://example.com/chart.png".into() }],
        ..comment("me too, <!channel>\nsee https://example.com/")
    };
    let changes = [
        told(Change::Opened, item(), None),
        told(Change::Opened, strange, None),
        told(Change::Commented(with_file), item(), Some(THREAD)),
        told(Change::CommentDeleted("c0".into()), item(), None),
    ];
    let mut page = String::new();
    for what in changes {
        let thread = what.thread.is_some();
        let http = ScriptedHttp::silent().then(POST, posted());
        tell_as(&http, "m1", what, Posted::Never).await.expect("told");
        let body = http.sent()[0].json();
        assert_eq!(body["thread_ts"].is_string(), thread);
        page += &serde_json::to_string_pretty(&body).expect("JSON");
        page.push('\n');
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("post__items", page);
    });
}

#[tokio::test]
async fn what_is_too_long_for_slack_is_cut() {
    let long = "<&> https://example.com/a ".repeat(2000);
    let many = |number| (0..number).map(|_| person(&"&👩‍👩‍👧‍👦".repeat(500))).collect::<Vec<_>>();
    let item = Item {
        title: "&".repeat(5000),
        body: long.clone(),
        name: "&".repeat(5000),
        url: Some(format!("https://example.com/{}", "&".repeat(5000))),
        assignees: many(50),
        labels: vec!["&".repeat(500); 200],
        state_word: "&".repeat(5000),
        author: person(&"👩‍👩‍👧‍👦".repeat(5000)),
        ..item()
    };
    let file = Attachment { name: "&".repeat(500), url: format!("https://example.com/{}", "&".repeat(300)) };
    let comment = Comment { attachments: vec![file; 50], url: item.url.clone(), ..comment(&long) };
    for what in [
        Change::Opened,
        Change::Commented(comment),
        Change::Assigned,
        Change::Labelled,
        Change::StateChanged,
        Change::Moved { url: item.url.clone() },
    ] {
        let workspace = workspace();
        tell_as(&workspace.http(), "m1", told(what, item.clone(), None), Posted::Never).await.expect("told");
        let state = workspace.state();
        let posts = state.messages.iter().filter(|message| message["bot_id"] == "B0BOT00001");
        for text in posts.flat_map(|post| post["blocks"].as_array().expect("blocks")) {
            let text = text["text"]["text"].as_str().or(text["elements"][0]["text"].as_str()).expect("a text");
            assert!(text.chars().count() <= 3000, "{}", text.chars().count());
        }
    }
}

// ---- a thread's life

#[tokio::test]
async fn an_item_is_one_thread_and_its_first_message_shows_it_as_it_stands() {
    let workspace = workspace();
    let http = workspace.http();
    let first = tell_as(&http, "m1", told(Change::Opened, item(), None), Posted::Never).await.expect("begun");
    let thread = first.remote_id.expect("a place");
    let assigned = Item { assignees: vec![person("ada")], ..item() };
    let steps = [
        ("m2", Change::Commented(comment("me too")), item()),
        ("m3", Change::Assigned, assigned),
        ("m4", Change::Closed, closed()),
        ("m5", Change::Reopened, item()),
        ("m6", Change::Labelled, Item { labels: vec!["bug".into(), "ui".into()], ..item() }),
    ];
    for (id, what, item) in steps {
        let receipt = tell_as(&http, id, told(what, item, Some(&thread)), Posted::Never).await.expect("told");
        assert!(receipt.remote_id.is_some_and(|place| place != thread), "{id}");
    }
    assert_eq!(
        workspace.threads(),
        [
            "🟢 acme/widgets#42: The chart is empty on Sundays",
            "  bob: me too",
            "  bob assigned it to ada",
            "  bob closed it: closed as not planned",
            "  bob reopened it",
            "  bob labelled it bug, ui",
        ]
    );
    let blocks = workspace.state().messages[2]["blocks"].to_string();
    assert!(blocks.contains("bug, ui") && blocks.contains("opened by *ada*"), "{blocks}");
}

#[tokio::test]
async fn what_happens_first_may_be_anything() {
    let workspace = workspace();
    let receipt =
        tell_as(&workspace.http(), "m1", told(Change::Closed, closed(), None), Posted::Never).await.expect("ok");
    assert_eq!(
        workspace.threads(),
        ["⚪ acme/widgets#42: The chart is empty on Sundays", "  bob closed it: closed as not planned"]
    );
    let first = workspace.state().messages[2]["ts"].clone();
    assert_eq!(receipt.remote_id, Some(format!("C0DONE0001/{}", first.as_str().expect("a ts"))), "the thread's name");
}

#[tokio::test]
async fn a_changed_comment_changes_below_and_a_deleted_one_goes() {
    let workspace = workspace();
    let http = workspace.http();
    let first = tell_as(&http, "m1", told(Change::Opened, item(), None), Posted::Never).await.expect("begun");
    let thread = first.remote_id.expect("a place");
    let tell = async |id: &str, what: Change| {
        tell_as(&http, id, told(what, item(), Some(&thread)), Posted::Never).await.expect("told")
    };
    tell("m2", Change::Commented(comment("the password is hunter2"))).await;
    tell("m3", Change::CommentEdited(comment("never mind"))).await;
    assert_eq!(workspace.threads()[1..], ["  bob: never mind"]);
    assert_eq!(tell("m4", Change::CommentDeleted("c1".into())).await, Receipt::nothing());
    assert_eq!(workspace.threads().len(), 1);
    // What was never told, or is gone already, needs no deletion; what reads otherwise is told.
    assert_eq!(tell("m5", Change::CommentDeleted("c1".into())).await, Receipt::nothing());
    tell("m6", Change::CommentEdited(comment("never seen before"))).await;
    assert_eq!(workspace.threads()[1..], ["  bob: never seen before"]);
}

#[tokio::test]
async fn trouble_with_an_action_is_told_in_the_thread() {
    let workspace = workspace();
    let http = workspace.http();
    let first = tell_as(&http, "m1", told(Change::Opened, item(), None), Posted::Never).await.expect("begun");
    let trouble = OutgoingItem {
        trouble: Some("GitHub did not close it: <ada> may not.".into()),
        ..told(Change::Closed, item(), first.remote_id.as_deref())
    };
    tell_as(&http, "m2", trouble, Posted::Never).await.expect("told");
    assert_eq!(workspace.threads()[1..], ["  ⚠️ GitHub did not close it: &lt;ada&gt; may not."]);
}

// ---- lost answers

#[tokio::test]
async fn after_a_lost_answer_the_thread_and_the_reply_are_looked_for() {
    let workspace = workspace();
    let http = workspace.http();
    let maybe = || Posted::Maybe { since: 0 };
    let begin = || told(Change::Commented(comment("me too")), item(), None);
    let first = tell_as(&http, "m1", begin(), Posted::Never).await.expect("begun");
    let again = tell_as(&http, "m1", begin(), maybe()).await.expect("found");
    assert_eq!(again, first);
    let closing = || told(Change::Closed, closed(), first.remote_id.as_deref());
    let reply = tell_as(&http, "m2", closing(), Posted::Never).await.expect("told");
    assert_eq!(tell_as(&http, "m2", closing(), maybe()).await.expect("found"), reply);
    assert_eq!(workspace.threads().len(), 3, "{:?}", workspace.threads());
    // Another item's thread is not it.
    let other = OutgoingItem { id: "i2".into(), ..told(Change::Opened, item(), None) };
    assert_ne!(tell_as(&http, "m3", other, maybe()).await.expect("begun"), first);
    // What is known to stand there is not said again.
    let place = reply.remote_id.clone().expect("a place");
    assert_eq!(tell_as(&http, "m2", closing(), Posted::As(place)).await.expect("there"), reply);
    assert_eq!(workspace.threads().len(), 4);
}

#[tokio::test]
async fn a_thread_that_has_begun_is_not_begun_again_when_the_reply_fails() {
    for (answer, kind) in [
        (reply(429, &[("retry-after", "7")], "{\"ok\":false,\"error\":\"ratelimited\"}"), ErrorKind::UnknownOutcome),
        (reply(503, &[], ""), ErrorKind::UnknownOutcome),
        (no("token_revoked"), ErrorKind::Unauthorized),
    ] {
        let http = ScriptedHttp::silent().then(POST, posted()).then(POST, answer);
        let error = tell_as(&http, "m1", told(Change::Closed, closed(), None), Posted::Never).await.expect_err("half");
        assert_eq!(error.kind(), kind);
    }
    let limited = reply(429, &[("retry-after", "7")], "{\"ok\":false,\"error\":\"ratelimited\"}");
    let http = ScriptedHttp::silent().then(POST, posted()).then(POST, limited);
    let error = tell_as(&http, "m1", told(Change::Closed, closed(), None), Posted::Never).await.expect_err("limited");
    assert_eq!(error.wait().map(|wait| wait.as_secs()), Some(7));
}

// ---- what people did at Slack

#[tokio::test]
async fn a_thread_that_was_deleted_at_slack_stays_deleted() {
    let closing = || told(Change::Closed, closed(), Some(THREAD));
    let http = ScriptedHttp::silent().then(UPDATE, no("message_not_found"));
    let receipt = tell_as(&http, "m2", closing(), Posted::Never).await.expect("noted");
    assert!(receipt.remote_id.is_none() && receipt.note.is_some());
    for code in ["thread_not_found", "message_not_found", "cannot_reply_to_message"] {
        let http = ScriptedHttp::silent().then(POST, no(code));
        let commented = told(Change::Commented(comment("me too")), item(), Some(THREAD));
        let receipt = tell_as(&http, "m2", commented, Posted::Never).await.expect("noted");
        assert!(receipt.remote_id.is_none() && receipt.note.is_some(), "{code}");
    }
    // That it can't be changed any more does not keep the thread from going on.
    let http = ScriptedHttp::silent().then(UPDATE, no("edit_window_closed")).then(POST, posted());
    assert!(tell_as(&http, "m2", closing(), Posted::Never).await.expect("told").remote_id.is_some());
    let deleted = told(Change::CommentDeleted("c1".into()), item(), Some(THREAD));
    let replies = "GET /api/conversations.replies?channel=C0DONE0001&ts=1795000100.000001&oldest=0&inclusive=true&\
                   include_all_metadata=true&limit=200";
    let http = ScriptedHttp::silent().then(replies, no("thread_not_found"));
    assert_eq!(tell_as(&http, "m2", deleted.clone(), Posted::Never).await.expect("nothing"), Receipt::nothing());
    // Only a post of ours is deleted.
    let foreign = json!({ "ts": "1795000100.000005", "bot_id": "B0OTHER001",
        "metadata": { "event_type": "patchbay_entry", "event_payload": { "comment": "c1" } } });
    let http = ScriptedHttp::silent().then(replies, yes(json!({ "messages": [foreign] })));
    assert_eq!(tell_as(&http, "m2", deleted.clone(), Posted::Never).await.expect("nothing"), Receipt::nothing());
    let ours = json!({ "ts": "1795000100.000005", "bot_id": "B0BOT00001",
        "metadata": { "event_type": "patchbay_entry", "event_payload": { "comment": "c1" } } });
    let http = ScriptedHttp::silent().then(replies, yes(json!({ "messages": [ours] }))).then(DELETE, yes(json!({})));
    assert_eq!(tell_as(&http, "m2", deleted, Posted::Never).await.expect("gone"), Receipt::nothing());
}

#[tokio::test]
async fn a_link_that_went_to_another_channel_says_nothing_in_the_former_one() {
    let workspace = workspace();
    let http = workspace.http();
    let former = Some("C0SECRET01/1795000000.000001");
    let receipt = tell_as(&http, "m2", told(Change::Commented(comment("me too")), item(), former), Posted::Never)
        .await
        .expect("told");
    assert!(receipt.remote_id.as_deref().is_some_and(|place| place.starts_with("C0DONE0001/")));
    assert_eq!(workspace.threads(), ["🟢 acme/widgets#42: The chart is empty on Sundays: bob: me too"]);
    assert!(http.sent().iter().all(|sent| sent.json()["channel"] == "C0DONE0001"));
    let maybe = Posted::Maybe { since: 0 };
    let again = told(Change::Commented(comment("me too")), item(), former);
    assert_eq!(tell_as(&http, "m2", again, maybe).await.expect("found"), receipt);
    let deleted = told(Change::CommentDeleted("c1".into()), item(), former);
    assert_eq!(tell_as(&http, "m3", deleted, Posted::Never).await.expect("nothing"), Receipt::nothing());
    assert_eq!(workspace.threads().len(), 1);
}

#[tokio::test]
async fn the_app_goes_back_into_a_public_channel_for_a_thread_too() {
    let http = ScriptedHttp::silent()
        .then(POST, no("not_in_channel"))
        .then("POST /api/conversations.join", yes(json!({ "channel": { "id": "C0DONE0001" } })))
        .then(POST, posted());
    tell_as(&http, "m1", told(Change::Opened, item(), None), Posted::Never).await.expect("posted");
    let private = link_with(&[("is_private", json!(true))]);
    let http = ScriptedHttp::silent().then(POST, no("not_in_channel"));
    let error = tell_through(&http, &private, "m1", told(Change::Opened, item(), None), Posted::Never).await;
    assert_eq!(error.expect_err("private").kind(), ErrorKind::Forbidden);
}
