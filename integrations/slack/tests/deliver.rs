//! What leaves: how it looks, which entries go, and every trouble on the way.

mod outside;

use integration_contract::{
    Answer, Error, ErrorKind, Integration, IntegrationLink, Outgoing, OutgoingEntry, Posted, Receipt, Response, Result,
    Status, Told, Want,
};
use integration_testkit::{ScriptedHttp, Sent, reply};
use outside::{Workspace, account, entry, link, link_with, no, slack, yes};
use serde_json::{Value, json};

const POST: &str = "POST /api/chat.postMessage";
const UPDATE: &str = "POST /api/chat.update";
const DELETE: &str = "POST /api/chat.delete";
const JOIN: &str = "POST /api/conversations.join";
const HISTORY: &str = "GET /api/conversations.history?channel=C0DONE0001&oldest=1794999980&inclusive=true&include_all_metadata=true&limit=200";
const RESPONSE_URL: &str = "https://hooks.slack.com/commands/T0ACME0001/4200000001/abcDEFghiJKL";

async fn tell(http: &ScriptedHttp, link: &IntegrationLink, what: Told, posted: Posted) -> Result<Receipt> {
    let message = Outgoing { id: "m1".into(), what, posted, buttons: Vec::new() };
    let outcome = slack().deliver(&account(http.http()), link, &message).await;
    http.finish();
    outcome
}

async fn tell_entry(http: &ScriptedHttp, posted: Posted) -> Result<Receipt> {
    tell(http, &link(), Told::Entry(entry()), posted).await
}

fn posted() -> Response {
    yes(json!({ "channel": "C0DONE0001", "ts": "1795000100.000001" }))
}

fn there() -> Posted {
    Posted::As("C0DONE0001/1795000100.000001".into())
}

fn body_of(sent: &[Sent]) -> Value {
    sent.last().expect("a call").json()
}

// ---- how it looks

async fn looks(what: Told) -> String {
    let http = ScriptedHttp::silent().then(POST, posted());
    tell(&http, &link(), what, Posted::Never).await.expect("posted");
    serde_json::to_string_pretty(&body_of(&http.sent())).expect("JSON")
}

fn snapshot(name: &str, page: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, page);
    });
}

#[tokio::test]
async fn entries_look_well_and_ping_nobody() {
    snapshot("post__an_entry", &looks(Told::Entry(entry())).await);
    let strange = OutgoingEntry {
        text: "waits for <!channel> & <@U0BOB00001>, @here\nsee https://example.com/?a=1&b=2 <script>".into(),
        status: Status::Blocked,
        author: "*Eve* <!here>\nsecond line".into(),
        author_id: None,
        source: Some("a|b <x>".into()),
        source_url: Some("javascript:alert(1)".into()),
        ..entry()
    };
    snapshot("post__a_strange_entry", &looks(Told::Entry(strange)).await);
    let goal = OutgoingEntry { status: Status::Goal, source: None, source_url: None, ..entry() };
    snapshot("post__a_goal", &looks(Told::Entry(goal)).await);
}

#[tokio::test]
async fn a_digest_is_one_message_by_person() {
    let by = |author: &str, id: Option<&str>, text: &str, status| OutgoingEntry {
        author: author.into(),
        author_id: id.map(str::to_owned),
        text: text.into(),
        status,
        ..entry()
    };
    let entries = vec![
        by("Ada", Some("7"), "shipped the search page\nand its tests", Status::Done),
        by("Bob", Some("8"), "write the <release> notes", Status::Goal),
        by("Ada", Some("7"), "waits for the certificate", Status::Blocked),
        by("Ada", None, "another Ada", Status::Done),
    ];
    snapshot("post__a_digest", &looks(Told::Digest(entries)).await);
}

#[tokio::test]
async fn what_is_too_long_for_slack_is_cut() {
    let long = OutgoingEntry {
        text: "<&> https://example.com/a ".repeat(2000),
        author: "x".repeat(5000),
        team: "y".repeat(5000),
        source: Some("z".repeat(5000)),
        ..entry()
    };
    let many =
        (0..2000).map(|nth| OutgoingEntry { author: format!("Person {}", nth % 100), author_id: None, ..long.clone() });
    for what in [Told::Entry(long.clone()), Told::Digest(many.collect())] {
        let body: Value = serde_json::from_str(&looks(what).await).expect("JSON");
        assert!(body["text"].as_str().expect("a text").chars().count() <= 4000);
        let blocks = body["blocks"].as_array().expect("blocks");
        assert!(blocks.len() <= 50, "{}", blocks.len());
        for text in blocks.iter().flat_map(|block| [&block["text"]["text"], &block["elements"][0]["text"]]) {
            assert!(text.as_str().unwrap_or_default().chars().count() <= 3000);
        }
    }
}

// ---- which entries go

#[test]
fn a_link_wants_what_it_is_set_to() {
    let wants = |changed: &[(&str, Value)], entry: &OutgoingEntry| slack().wants(&link_with(changed), entry);
    assert_eq!(wants(&[], &entry()), Want::Now);
    assert_eq!(wants(&[("when", json!({ "digest": 17 }))], &entry()), Want::Digest { hour: Some(17) });
    assert_eq!(wants(&[("when", json!("daily"))], &entry()), Want::Digest { hour: None });
    assert_eq!(wants(&[("direction", json!(["incoming"]))], &entry()), Want::No);
    assert_eq!(wants(&[("statuses", json!(["goal"]))], &entry()), Want::No);
    assert_eq!(wants(&[("people", json!(["7", "8"]))], &entry()), Want::Now);
    assert_eq!(wants(&[("people", json!(["8"]))], &entry()), Want::No);
    let of_nobody = OutgoingEntry { author_id: None, ..entry() };
    assert_eq!(wants(&[], &of_nobody), Want::Now);
    assert_eq!(wants(&[("people", json!(["7"]))], &of_nobody), Want::No);
    // What is a thread already need not be a message as well.
    let of_item = OutgoingEntry { of_item: true, ..entry() };
    assert_eq!(wants(&[], &of_item), Want::No);
    assert_eq!(wants(&[("items", json!([]))], &of_item), Want::Now);
}

// ---- the way there and back

#[tokio::test]
async fn an_entry_comes_changes_and_goes() {
    let workspace = Workspace::default();
    workspace.state().channels[0]["is_member"] = true.into();
    let http = workspace.http();
    let receipt = tell_entry(&http, Posted::Never).await.expect("posted");
    assert_eq!(workspace.posts(), ["✅ Ada Lovelace: shipped the search page"]);

    let place = Posted::As(receipt.remote_id.clone().expect("a place"));
    let changed = OutgoingEntry { text: "shipped it".into(), ..entry() };
    let again = tell(&http, &link(), Told::Entry(changed), place.clone()).await.expect("changed");
    assert_eq!((again, workspace.posts()), (receipt, vec!["✅ Ada Lovelace: shipped it".to_owned()]));

    let archived = OutgoingEntry { archived: true, ..entry() };
    let gone = tell(&http, &link(), Told::Entry(archived), place).await.expect("gone");
    assert_eq!((gone, workspace.posts()), (Receipt::nothing(), Vec::new()));
}

#[tokio::test]
async fn after_a_lost_answer_the_post_is_looked_for() {
    let maybe = || Posted::Maybe { since: 1_795_000_100 };
    let post = |id: &str, more: Value| {
        let mut post = json!({ "ts": "1795000100.000001", "bot_id": "B0BOT00001",
            "metadata": { "event_type": "patchbay_entry", "event_payload": { "id": "m0", "entry": id } } });
        for (name, value) in more.as_object().expect("fields") {
            post[name] = value.clone();
        }
        yes(json!({ "messages": [{ "ts": "1795000100.000002", "text": "hm" }, post] }))
    };
    let http = ScriptedHttp::silent().then(HISTORY, post("e1", json!({}))).then(UPDATE, posted());
    let receipt = tell_entry(&http, maybe()).await.expect("found");
    assert_eq!(receipt, Receipt::posted("C0DONE0001/1795000100.000001"));

    // Another entry's post, another app's, and one that only looks like ours are not it.
    for foreign in [
        post("e2", json!({})),
        post("e1", json!({ "bot_id": "B0OTHER001" })),
        post("e1", json!({ "metadata": { "event_type": "other", "event_payload": { "entry": "e1" } } })),
        post("e1", json!({ "metadata": null })),
    ] {
        let http = ScriptedHttp::silent().then(HISTORY, foreign).then(POST, posted());
        tell_entry(&http, maybe()).await.expect("posted");
    }
    // Archived meanwhile: found and deleted, or not found and never posted.
    let archived = || Told::Entry(OutgoingEntry { archived: true, ..entry() });
    let http = ScriptedHttp::silent().then(HISTORY, post("e1", json!({}))).then(DELETE, yes(json!({})));
    assert_eq!(tell(&http, &link(), archived(), maybe()).await.expect("gone"), Receipt::nothing());
    let http = ScriptedHttp::silent().then(HISTORY, yes(json!({ "messages": [] })));
    assert_eq!(tell(&http, &link(), archived(), maybe()).await.expect("nothing"), Receipt::nothing());
    // As long as Slack can't be asked, nothing is posted.
    let http = ScriptedHttp::silent().then(HISTORY, reply(503, &[], ""));
    assert_eq!(tell_entry(&http, maybe()).await.expect_err("not known").kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_digest_whose_answer_was_lost_is_not_posted_twice() {
    let found = yes(json!({ "messages": [{ "ts": "1795000100.000001", "bot_id": "B0BOT00001",
        "metadata": { "event_type": "patchbay_entry", "event_payload": { "id": "m1" } } }] }));
    let http = ScriptedHttp::silent().then(HISTORY, found);
    let receipt = tell(&http, &link(), Told::Digest(vec![entry()]), Posted::Maybe { since: 1_795_000_100 }).await;
    assert_eq!(receipt.expect("found"), Receipt::posted("C0DONE0001/1795000100.000001"));
}

#[tokio::test]
async fn what_people_deleted_at_slack_stays_deleted() {
    let archived = || Told::Entry(OutgoingEntry { archived: true, ..entry() });
    let kept = Some("C0DONE0001/1795000100.000001".to_owned());
    for (what, line, code, remote_id) in [
        (Told::Entry(entry()), UPDATE, "message_not_found", None),
        (Told::Entry(entry()), UPDATE, "cant_update_message", kept.clone()),
        (Told::Entry(entry()), UPDATE, "edit_window_closed", kept.clone()),
        (archived(), DELETE, "message_not_found", None),
        (archived(), DELETE, "cant_delete_message", kept),
    ] {
        let http = ScriptedHttp::silent().then(line, no(code));
        let receipt = tell(&http, &link(), what, there()).await.expect("told");
        assert_eq!(receipt.remote_id, remote_id, "{code}");
        assert!(receipt.note.is_some(), "{code}");
    }
}

#[tokio::test]
async fn a_post_in_the_links_former_channel_changes_there() {
    let former = || Posted::As("C0FORMER01/1795000000.000001".into());
    let http = ScriptedHttp::silent().then(UPDATE, yes(json!({})));
    tell_entry(&http, former()).await.expect("changed");
    assert_eq!(body_of(&http.sent())["channel"], "C0FORMER01");
    // That it is out of reach is no trouble of this link's.
    for code in ["is_archived", "channel_not_found", "not_in_channel"] {
        let http = ScriptedHttp::silent().then(UPDATE, no(code));
        assert!(tell_entry(&http, former()).await.expect("told").note.is_some(), "{code}");
    }
    let http = ScriptedHttp::silent().then(UPDATE, no("token_revoked"));
    assert_eq!(tell_entry(&http, former()).await.expect_err("no access").kind(), ErrorKind::Unauthorized);
    let nonsense = tell_entry(&ScriptedHttp::silent(), Posted::As("nonsense".into())).await;
    assert_eq!(nonsense.expect_err("nonsense").kind(), ErrorKind::Malformed);
}

#[tokio::test]
async fn the_app_goes_back_into_a_public_channel_once() {
    let http = ScriptedHttp::silent()
        .then(POST, no("not_in_channel"))
        .then(JOIN, yes(json!({ "channel": { "id": "C0DONE0001" } })))
        .then(POST, posted());
    tell_entry(&http, Posted::Never).await.expect("posted");

    let http = ScriptedHttp::silent().then(POST, no("not_in_channel")).then(JOIN, no("is_archived"));
    assert_eq!(tell_entry(&http, Posted::Never).await.expect_err("archived").kind(), ErrorKind::Forbidden);

    let http = ScriptedHttp::silent().then(POST, no("not_in_channel"));
    let private = link_with(&[("is_private", json!(true))]);
    let error = tell(&http, &private, Told::Entry(entry()), Posted::Never).await.expect_err("private");
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.sentence().contains("/invite @patchbay"), "{}", error.sentence());
}

// ---- every no

#[tokio::test]
async fn every_refusal_has_its_kind_and_says_what_to_do() {
    use ErrorKind::{Forbidden, NotFound, RateLimited, Refused, Unauthorized, Unavailable, UnknownOutcome};
    for (code, kind, word) in [
        ("is_archived", Forbidden, "#done is archived at Slack. Unarchive it there, then press Try again."),
        ("channel_not_found", NotFound, "/invite @patchbay"),
        ("restricted_action", Forbidden, "Ask an admin"),
        ("restricted_action_read_only_channel", Forbidden, "Ask an admin"),
        ("no_permission", Forbidden, "admin"),
        ("missing_scope", Forbidden, "Connect Slack again"),
        ("invalid_auth", Unauthorized, "Connect Slack again"),
        ("token_revoked", Unauthorized, "Connect Slack again"),
        ("account_inactive", Unauthorized, "Connect Slack again"),
        ("not_authed", Unauthorized, "Connect Slack again"),
        ("token_expired", Unauthorized, "Connect Slack again"),
        ("ratelimited", RateLimited, "slow down"),
        ("rate_limited", RateLimited, "slow down"),
        ("message_limit_exceeded", RateLimited, "slow down"),
        ("internal_error", UnknownOutcome, "did not say"),
        ("fatal_error", UnknownOutcome, "did not say"),
        ("service_unavailable", Unavailable, "at the moment"),
        ("request_timeout", Unavailable, "at the moment"),
        ("msg_too_long", Refused, "too long"),
        ("invalid_blocks", Refused, "invalid_blocks"),
        ("no_text", Refused, "no_text"),
        ("unheard_of", Refused, "unheard_of"),
    ] {
        let http = ScriptedHttp::silent().then(POST, no(code));
        let error = tell_entry(&http, Posted::Never).await.expect_err(code);
        assert_eq!(error.kind(), kind, "{code}");
        assert!(error.sentence().contains(word), "{code}: {}", error.sentence());
    }
    let lacking = integration_testkit::reply_json(
        200,
        &json!({ "ok": false, "error": "missing_scope", "needed": "chat:write", "provided": "commands" }),
    );
    let error = tell_entry(&ScriptedHttp::silent().then(POST, lacking), Posted::Never).await.expect_err("no right");
    assert!(error.sentence().contains("“chat:write”"), "{}", error.sentence());
}

#[tokio::test]
async fn an_outage_while_posting_may_have_posted() {
    let html = |status| reply(status, &[("content-type", "text/html")], "<html>Sorry!</html>");
    for unclear in [html(500), html(502), html(200), reply(200, &[], ""), reply(200, &[], "{\"ok\":true}")] {
        let error = tell_entry(&ScriptedHttp::silent().then(POST, unclear), Posted::Never).await.expect_err("unclear");
        assert_eq!(error.kind(), ErrorKind::UnknownOutcome);
    }
    for kind in [ErrorKind::UnknownOutcome, ErrorKind::Unavailable] {
        let http = ScriptedHttp::silent().then(POST, Error::new(kind, "Silence."));
        assert_eq!(tell_entry(&http, Posted::Never).await.expect_err("silence").kind(), kind);
    }
}

#[tokio::test]
async fn slacks_wait_is_kept() {
    for (header, seconds) in [("7", 7), ("0", 1), ("999999", 3600), ("soon", 30), ("-1", 30)] {
        let limit = reply(429, &[("retry-after", header)], "{\"ok\":false,\"error\":\"ratelimited\"}");
        let error = tell_entry(&ScriptedHttp::silent().then(POST, limit), Posted::Never).await.expect_err("limited");
        assert_eq!((error.kind(), error.wait().map(|wait| wait.as_secs())), (ErrorKind::RateLimited, Some(seconds)));
    }
}

// ---- answers

fn answer() -> Answer {
    Answer { written: vec![entry()], why_not: None, connect: None }
}

async fn reply_to(http: &ScriptedHttp, to: &str, answer: Answer) -> Result<Receipt> {
    tell(http, &link(), Told::Answer { to: to.into(), answer }, Posted::Never).await
}

#[tokio::test]
async fn whoever_wrote_is_told_what_became_of_it() {
    let line = "POST /commands/T0ACME0001/4200000001/abcDEFghiJKL";
    let mut pages = String::new();
    for answer in [
        answer(),
        Answer { connect: Some("https://patchbay.example/connect/secret-token".into()), ..answer() },
        Answer {
            written: vec![],
            why_not: Some("A line is longer than 2,000 characters <!here>.".into()),
            connect: None,
        },
    ] {
        let http = ScriptedHttp::silent().then(line, reply(200, &[], "ok"));
        assert_eq!(reply_to(&http, RESPONSE_URL, answer).await.expect("answered"), Receipt::nothing());
        let sent = &http.sent()[0];
        assert!(matches!(sent.auth, integration_contract::Auth::Nobody), "a response_url needs no token");
        pages += &serde_json::to_string_pretty(&sent.json()).expect("JSON");
        pages.push('\n');
    }
    snapshot("answer__to_a_command", &pages);
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_noted() {
    let line = "POST /commands/T0ACME0001/4200000001/abcDEFghiJKL";
    for late in [
        reply(404, &[], "{\"ok\":false,\"error\":\"expired_url\"}"),
        reply(404, &[], "{\"ok\":false,\"error\":\"used_url\"}"),
        reply(410, &[], ""),
    ] {
        let receipt = reply_to(&ScriptedHttp::silent().then(line, late), RESPONSE_URL, answer()).await.expect("noted");
        assert!(receipt.remote_id.is_none() && receipt.note.is_some());
    }
    let limited = reply_to(&ScriptedHttp::silent().then(line, reply(429, &[], "")), RESPONSE_URL, answer()).await;
    assert_eq!(limited.expect_err("limited").kind(), ErrorKind::RateLimited);
    let down = reply_to(&ScriptedHttp::silent().then(line, reply(503, &[], "")), RESPONSE_URL, answer()).await;
    assert_eq!(down.expect_err("down").kind(), ErrorKind::UnknownOutcome);
}

#[tokio::test]
async fn whoever_mentioned_the_app_is_answered_beside_the_message() {
    const WHISPER: &str = "POST /api/chat.postEphemeral";
    let to = "whisper:C0DONE0001/U0ADA00001/1795000000.000100";
    let http = ScriptedHttp::silent().then(WHISPER, yes(json!({ "message_ts": "1795000100.000009" })));
    assert_eq!(reply_to(&http, to, answer()).await.expect("answered"), Receipt::nothing());
    let body = body_of(&http.sent());
    assert_eq!(
        (&body["channel"], &body["user"], &body["thread_ts"]),
        (&json!("C0DONE0001"), &json!("U0ADA00001"), &json!("1795000000.000100"))
    );
    assert!(body["text"].as_str().expect("a text").starts_with("Written to the log of Product:"));

    for code in ["user_not_in_channel", "channel_not_found", "is_archived"] {
        let receipt = reply_to(&ScriptedHttp::silent().then(WHISPER, no(code)), to, answer()).await.expect("noted");
        assert!(receipt.note.is_some(), "{code}");
    }
    let gone = reply_to(&ScriptedHttp::silent().then(WHISPER, no("account_inactive")), to, answer()).await;
    assert_eq!(gone.expect_err("no access").kind(), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn an_answer_goes_to_slack_and_nowhere_else() {
    for elsewhere in [
        "https://evil.example/commands/1",
        "http://hooks.slack.com/commands/1",
        "https://hooks.slack.com:8443/commands/1",
        "https://hooks.slack.com@evil.example/",
        "https://ada@hooks.slack.com/commands/1",
        "https://hooks.slack.com.evil.example/",
        "/commands/1",
        "",
    ] {
        let error = reply_to(&ScriptedHttp::silent(), elsewhere, answer()).await.expect_err(elsewhere);
        assert_eq!(error.kind(), ErrorKind::Refused, "{elsewhere}");
    }
}
