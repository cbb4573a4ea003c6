//! Every recorded hook, read as a customer would read it in the log, and bodies that are no such thing.

mod outside;

use std::fmt::Write;

use integration_contract::{
    Address, ErrorKind, Happening, HookAnswer, HookCall, Integration, IntegrationLink, NewLines, Reading, Refused,
    SecretString, Verified,
};
use integration_testkit::fixtures;
use outside::{Workspace, account, call, event_call, fixture, form_call, link, link_with, slack};
use serde_json::{Value, json};

/// As it would stand on the link's page, and in the channel.
async fn as_a_reader_sees_it(call: &Verified<HookCall>, link: &IntegrationLink) -> String {
    let slack = slack();
    let mut page = String::new();
    let _ = match slack.address(call) {
        Address::Account { account, target, or_sole } => {
            let sole = if or_sole { ", or the only link" } else { "" };
            writeln!(page, "for {account}, {}{sole}", target.as_deref().unwrap_or("all links"))
        }
        other => writeln!(page, "for {other:?}"),
    };
    match slack.answer(call).expect("answered") {
        HookAnswer::Accept { event, delivery, lane, reply } => {
            let _ = writeln!(page, "{event} {delivery} (lane {lane:?})");
            if let Some(reply) = reply {
                let _ = writeln!(page, "answered at once: {}", reply.body);
            }
        }
        HookAnswer::Ignore { event, delivery, reason } => {
            let _ = writeln!(page, "{event} {delivery} is not read: {reason}");
        }
        HookAnswer::Reply(reply) => {
            let _ = writeln!(page, "answered and not kept ({}): {}", reply.content_type, reply.body);
        }
    }
    let mut reading = slack.hook(link, call).expect("read");
    if let Some(what) = &reading.look_up {
        let http = Workspace::default().http();
        let _ = writeln!(page, "looked up:");
        let found = slack.look_up(&account(http.http()), link, what).await.expect("looked up");
        reading = Reading { answer_to: reading.answer_to, ..found };
        for sent in http.sent() {
            let _ = writeln!(page, "  {}", sent.line());
        }
    }
    said(&mut page, &reading);
    page
}

fn said(page: &mut String, reading: &Reading) {
    for happening in &reading.happenings {
        let _ = match happening {
            Happening::Lines(lines) => writeln!(
                page,
                "{}\n  by {} ({}) {}\n  from {} at {}\n  {}\n  id {}",
                lines.text,
                lines.author.name,
                lines.author.id.as_deref().unwrap_or("nobody we can match"),
                lines.author.url.as_deref().unwrap_or(""),
                lines.source,
                lines.happened_at.map_or("the time it arrived".to_owned(), |at| at.to_string()),
                lines.url.as_deref().unwrap_or("no link"),
                lines.external_id
            ),
            Happening::EntryRetracted { external_id } => writeln!(page, "{external_id} is archived"),
            Happening::TargetChanged(settings) => writeln!(page, "The link is now set to {}", settings.0),
            Happening::TargetGone { reason } => writeln!(page, "The link stops: {reason}"),
            Happening::TargetBack => writeln!(page, "The link goes on."),
            Happening::AccountGone { at, reason } => writeln!(page, "The account is gone since {at}: {reason}"),
            other => panic!("Slack tells nothing like {other:?}"),
        };
    }
    if let Some(reason) = &reading.ignored {
        let _ = writeln!(page, "Ignored: {reason}");
    }
    if let Some(to) = &reading.answer_to {
        let _ = writeln!(page, "The person is answered at {to}");
    }
}

#[tokio::test]
async fn every_fixture_reads_well() {
    for fixture in fixtures(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hooks")) {
        let page = as_a_reader_sees_it(&Verified::from_inbox(fixture.call), &link()).await;
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(fixture.name, page);
        });
    }
}

// ---- is it genuine

#[test]
fn the_vector_of_slacks_documentation_verifies() {
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let secrets = [SecretString::from("8f742231b10e8888abcd99yyyzzz85a5")];
    let signed = |body: &str| {
        let mut call = call("application/x-www-form-urlencoded", body);
        let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
        call.headers.insert("x-slack-signature".into(), vec![signature.into()]);
        call.headers.insert("x-slack-request-timestamp".into(), vec!["1531420618".into()]);
        call
    };
    let scheme = slack().scheme();
    let verified = scheme.verify(signed(body), &secrets, 1_531_420_618 + 300).expect("genuine");
    assert!(matches!(slack().answer(&verified), Ok(HookAnswer::Reply(_))), "an empty command is a question for help");
    assert_eq!(scheme.verify(signed(body), &secrets, 1_531_420_618 + 301).unwrap_err(), Refused::Stale(301));
    assert_eq!(scheme.verify(signed(&format!("{body}x")), &secrets, 1_531_420_618).unwrap_err(), Refused::Mismatch);
}

#[test]
fn only_slacks_check_of_the_certificate_comes_unsigned() {
    let form = "application/x-www-form-urlencoded";
    assert!(slack().is_probe(&call(form, "ssl_check=1&token=xyz")));
    for (content_type, body) in [
        (form, "ssl_check=0"),
        (form, "text=ssl_check=1"),
        (form, "text=a%26ssl_check%3D1"),
        (form, ""),
        ("application/json", "ssl_check=1"),
        ("application/json", "{\"ssl_check\":1}"),
    ] {
        assert!(!slack().is_probe(&call(content_type, body)), "{body}");
    }
}

#[test]
fn only_a_plain_challenge_is_echoed() {
    let challenge = |text: &str| slack().answer(&event_call(&json!({ "type": "url_verification", "challenge": text })));
    for good in ["x".to_owned(), "x".repeat(128)] {
        let Ok(HookAnswer::Reply(reply)) = challenge(&good) else { panic!("echoed") };
        assert_eq!((reply.content_type, reply.body), ("text/plain", good));
    }
    for bad in ["", "<script>", "a b", "a\nb", "ü", &"x".repeat(129)] {
        assert_eq!(challenge(bad).expect_err(bad).kind(), ErrorKind::Malformed);
    }
    assert!(slack().answer(&event_call(&json!({ "type": "url_verification" }))).is_err());
    assert!(slack().answer(&event_call(&json!({ "type": "url_verification", "challenge": 7 }))).is_err());
}

// ---- what is it

#[test]
fn bodies_that_are_no_hooks_are_malformed() {
    let json = "application/json";
    let form = "application/x-www-form-urlencoded";
    let deep = format!("{{\"type\":\"event_callback\",\"event\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for (content_type, body) in [
        (json, ""),
        (json, "{"),
        (json, "[]"),
        (json, "null"),
        (json, "{}"),
        (json, "{\"type\":\"event_callback\"}"),
        (json, "{\"type\":\"event_callback\",\"event\":7}"),
        (json, "{\"type\":\"event_callback\",\"event\":{}}"),
        (json, "{\"type\":\"x\",\"type\":\"y\"}"),
        (json, "{\"type\":\"event_callback\",\"event\":{\"type\":\"app_mention\"}}"),
        (json, "{\"type\":\"event_callback\",\"event\":{\"type\":\"reaction_added\",\"reaction\":1}}"),
        (json, "{\"type\":\"event_callback\",\"event\":{\"type\":\"channel_rename\",\"channel\":{}}}"),
        (json, &deep),
        (form, ""),
        (form, "command=%2Fdone"),
        (form, "command=%2Fdone&channel_id=C1&user_id="),
        (form, "command=%2Fdone&channel_id=C1&user_id=U1&text=a&text=b"),
        (form, "payload="),
        (form, "payload=%5B%5D"),
        ("text/plain", "command=%2Fdone&channel_id=C1&user_id=U1"),
    ] {
        let shown = &body[..body.len().min(80)];
        let call = call(content_type, body);
        assert_eq!(slack().address(&call), Address::Nobody, "{shown}");
        let error = slack().answer(&Verified::from_inbox(call)).expect_err(shown);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{shown}");
    }
}

/// The events that Slack's own package of types lists (`@slack/types`), and those that its other libraries know besides.
const DOCUMENTED: &str = "agent_session_stopped agent_session_title_changed app_context_changed app_deleted app_home_opened app_installed app_mention app_rate_limited \
    app_requested app_uninstalled app_uninstalled_team assistant_thread_context_changed assistant_thread_started \
    call_rejected channel_archive channel_created channel_deleted channel_history_changed channel_id_changed channel_left \
    channel_rename channel_shared channel_unarchive channel_unshared dnd_updated dnd_updated_user email_domain_changed \
    emoji_changed entity_details_requested file_change file_comment_deleted file_created file_deleted file_public \
    file_shared file_unshared function_executed grid_migration_finished grid_migration_started group_archive group_close \
    group_deleted group_history_changed group_left group_open group_rename group_unarchive im_close im_created \
    im_history_changed im_open invite_requested link_shared member_joined_channel member_left_channel message \
    message_metadata_deleted message_metadata_posted message_metadata_updated pin_added pin_removed reaction_added \
    reaction_removed resources_added resources_removed scope_denied scope_granted shared_channel_invite_accepted \
    shared_channel_invite_approved shared_channel_invite_declined shared_channel_invite_received \
    shared_channel_invite_requested star_added star_removed subteam_created subteam_members_changed subteam_self_added \
    subteam_self_removed subteam_updated team_access_granted team_access_revoked team_domain_change team_join team_rename \
    tokens_revoked user_change user_connection user_huddle_changed user_profile_changed user_resource_denied \
    user_resource_granted user_resource_removed user_status_changed workflow_deleted workflow_published \
    workflow_step_deleted workflow_step_execute workflow_unpublished";

/// In the shapes that Slack documents: empty texts as in its published samples, `null` where it leaves something out, an
/// object or an id in the same place.
#[test]
fn every_documented_event_is_answered_and_read() {
    let message = |text: Value| json!({ "type": "message", "subtype": "", "user": "", "team": "", "text": text, "ts": "", "blocks": [] });
    for event_type in DOCUMENTED.split_whitespace() {
        let id_or_renamed = match event_type {
            "channel_rename" | "group_rename" | "channel_created" | "im_created" => {
                json!({ "id": "", "name": "", "name_normalized": "", "created": 123, "is_channel": false })
            }
            _ => json!(""),
        };
        let event = json!({
            "type": event_type, "user": "", "channel": id_or_renamed, "text": "", "ts": "0000000000.000000", "team": "",
            "bot_id": "", "bot_profile": { "id": "", "app_id": "", "name": "", "updated": 123 }, "reaction": "",
            "item_user": null, "item": { "type": "message", "channel": "", "ts": "" }, "event_ts": "", "thread_ts": null,
            "tokens": { "oauth": [""], "bot": [""] }, "old_channel_id": "", "new_channel_id": "", "channel_type": "",
        });
        let subtypes: &[Option<&str>] = match event_type {
            "message" => &[
                None,
                Some("bot_message"),
                Some("channel_archive"),
                Some("ekm_access_denied"),
                Some("file_share"),
                Some("me_message"),
                Some("message_changed"),
                Some("message_deleted"),
                Some("message_replied"),
                Some("thread_broadcast"),
            ],
            _ => &[None],
        };
        for subtype in subtypes {
            let mut event = event.clone();
            if let Some(subtype) = subtype {
                event["subtype"] = (*subtype).into();
                event["message"] = message(json!(""));
                event["previous_message"] = message(Value::Null);
                event["deleted_ts"] = "".into();
            }
            for (team, authorizations) in [
                ("T0ACME0001", Value::Null),
                (
                    "",
                    json!([{ "enterprise_id": "", "team_id": "", "user_id": "", "is_bot": false, "is_enterprise_install": false }]),
                ),
                ("", json!([])),
            ] {
                let body = json!({
                    "token": "", "team_id": team, "enterprise_id": null, "api_app_id": "", "type": "event_callback",
                    "event": event, "event_id": "", "event_time": 123, "authed_users": [""], "authorizations": authorizations,
                });
                let call = event_call(&body);
                slack().answer(&call).unwrap_or_else(|error| panic!("{event_type} {subtype:?}: {error}"));
                slack().hook(&link(), &call).unwrap_or_else(|error| panic!("{event_type} {subtype:?}: {error}"));
            }
        }
    }
}

#[test]
fn a_repeated_delivery_has_the_same_name_and_is_not_dropped() {
    let first = fixture("app_mention__one_line");
    let mut again = first.clone().into_inner();
    again.headers.insert("x-slack-retry-num".into(), vec!["1".into()]);
    again.headers.insert("x-slack-retry-reason".into(), vec!["http_timeout".into()]);
    let (first, again) = (slack().answer(&first), slack().answer(&Verified::from_inbox(again)));
    assert_eq!(first.expect("answered"), again.expect("answered"));
}

#[test]
fn a_delivery_without_a_usable_name_goes_by_its_body() {
    for unusable in [json!(""), json!(null), json!("a b"), json!("x".repeat(151))] {
        let body = json!({ "type": "event_callback", "team_id": "T1", "event_id": unusable, "event": { "type": "app_uninstalled" } });
        let call = event_call(&body);
        let Ok(HookAnswer::Accept { delivery, .. }) = slack().answer(&call) else { panic!("accepted") };
        assert_eq!(delivery, call.digest());
    }
}

#[test]
fn the_lane_of_an_edit_is_that_of_its_message() {
    let lane = |name: &str| match slack().answer(&fixture(name)) {
        Ok(HookAnswer::Accept { lane, .. }) => lane,
        other => panic!("{other:?}"),
    };
    assert_eq!(lane("app_mention__one_line"), "C0DONE0001:1795000000.000100");
    for later in ["message__changed_mention", "message__deleted"] {
        assert_eq!(lane(later), lane("app_mention__one_line"));
    }
    assert_eq!(lane("reaction_added__the_emoji"), lane("reaction_removed__the_emoji"));
}

// ---- what does it say

async fn read(link: &IntegrationLink, call: &Verified<HookCall>, workspace: &Workspace) -> Reading {
    let reading = slack().hook(link, call).expect("read");
    match &reading.look_up {
        Some(what) => slack().look_up(&account(workspace.http().http()), link, what).await.expect("looked up"),
        None => reading,
    }
}

async fn lines(call: &Verified<HookCall>, workspace: &Workspace) -> NewLines {
    let reading = read(&link(), call, workspace).await;
    match reading.happenings.into_iter().next() {
        Some(Happening::Lines(lines)) => lines,
        other => panic!("lines were expected, not {other:?} ({:?})", reading.ignored),
    }
}

fn reaction_to(ts: &str) -> Verified<HookCall> {
    let item = json!({ "type": "message", "channel": outside::DONE, "ts": ts });
    event_call(&json!({
        "type": "event_callback", "team_id": "T0ACME0001", "event_id": "Ev1",
        "event": { "type": "reaction_added", "user": "U0BOB00001", "reaction": "white_check_mark", "item": item },
    }))
}

#[tokio::test]
async fn a_message_that_is_mentioned_and_reacted_to_is_one_entry() {
    let workspace = Workspace::default();
    let mentioned = lines(&fixture("app_mention__one_line"), &workspace).await;
    workspace.state().messages.push(json!({
        "ts": "1795000000.000100", "user": "U0ADA00001", "team": "T0ACME0001",
        "text": "<@U0BOT00001> shipped the search page with <@U0BOB00001> &amp; <https://example.com/plan|the plan>",
        "reactions": [{ "name": "white_check_mark", "count": 1 }],
    }));
    assert_eq!(lines(&reaction_to("1795000000.000100"), &workspace).await, mentioned);
}

#[tokio::test]
async fn the_message_as_it_stands_now_decides_about_reactions() {
    let workspace = Workspace::default();
    let there = reaction_to("1795000000.000300");
    assert_eq!(lines(&there, &workspace).await.author.name, "Ada");

    let retracted = |ts: &str| vec![Happening::EntryRetracted { external_id: format!("message:{ts}") }];
    // The reaction was taken off again before we looked.
    workspace.state().messages[0]["reactions"] = json!([{ "name": "tada", "count": 3 }]);
    assert_eq!(read(&link(), &there, &workspace).await.happenings, retracted("1795000000.000300"));
    // With a skin tone it is still the emoji.
    workspace.state().messages[0]["reactions"] = json!([{ "name": "white_check_mark::skin-tone-2", "count": 1 }]);
    lines(&there, &workspace).await;
    // The message is gone.
    let gone = reaction_to("1795000000.000999");
    assert_eq!(read(&link(), &gone, &workspace).await.happenings, retracted("1795000000.000999"));
    // Slack's own words, our own posts and messages without words are nobody's work.
    for (field, value) in [
        ("subtype", json!("channel_join")),
        ("bot_id", json!("B0BOT00001")),
        ("user", json!("U0BOT00001")),
        ("text", json!("")),
        ("text", Value::Null),
    ] {
        let workspace = Workspace::default();
        workspace.state().messages[0][field] = value.clone();
        let reading = read(&link(), &there, &workspace).await;
        assert!(reading.ignored.is_some(), "{field} {value}: {reading:?}");
    }
}

#[tokio::test]
async fn an_edit_of_a_message_with_the_emoji_is_followed() {
    let workspace = Workspace::default();
    let mut body: Value = serde_json::from_slice(&fixture("message__changed_elsewhere").body).expect("JSON");
    body["event"]["message"]["ts"] = "1795000000.000300".into();
    let edited = lines(&event_call(&body), &workspace).await;
    assert_eq!(edited.external_id, "message:1795000000.000300");
    assert!(edited.text.starts_with("The certificate is renewed & green\n! DNS waits for @Bob"), "{}", edited.text);
    // Without emoji nothing needs to be looked up.
    let reading = slack().hook(&link_with(&[("emoji", Value::Null)]), &event_call(&body)).expect("read");
    assert_eq!(reading, Reading::ignored("The message is not in the log."));
}

#[tokio::test]
async fn a_message_in_a_thread_is_found() {
    let answer = json!({ "ok": true, "messages": [{ "ts": "1795000000.000500", "thread_ts": "1795000000.000100", "user": "U0NOBODY01",
        "text": "done <@U0BOT00001>" }] });
    let http = integration_testkit::ScriptedHttp::answering(move |sent| {
        Ok(match sent.url.path() {
            "/api/conversations.history" => {
                outside::yes(json!({ "messages": [{ "ts": "1795000000.000100", "text": "another" }] }))
            }
            "/api/conversations.replies" => outside::yes(answer.clone()),
            _ => outside::no("user_not_found"),
        })
    });
    let what =
        slack().hook(&link(), &reaction_to("1795000000.000500")).expect("read").look_up.expect("to be looked up");
    let reading = slack().look_up(&account(http.http()), &link(), &what).await.expect("looked up");
    let [Happening::Lines(lines)] = reading.happenings.as_slice() else { panic!("{reading:?}") };
    // Whom Slack does not show us appears by the id.
    assert_eq!((lines.text.as_str(), lines.author.name.as_str()), ("done", "U0NOBODY01"));
    assert_eq!(
        lines.url.as_deref(),
        Some("https://acme.slack.com/archives/C0DONE0001/p1795000000000500?thread_ts=1795000000.000100&cid=C0DONE0001")
    );
}

#[tokio::test]
async fn a_look_up_that_slack_does_not_answer_is_made_again() {
    for (answer, kind) in [
        (
            integration_testkit::reply(429, &[("retry-after", "7")], "{\"ok\":false,\"error\":\"ratelimited\"}"),
            ErrorKind::RateLimited,
        ),
        (integration_testkit::reply(503, &[], "<html>"), ErrorKind::Unavailable),
        (outside::no("internal_error"), ErrorKind::Unavailable),
        (outside::no("token_revoked"), ErrorKind::Unauthorized),
        (outside::no("missing_scope"), ErrorKind::Forbidden),
    ] {
        let http = integration_testkit::ScriptedHttp::answering(move |_| Ok(answer.clone()));
        let what = slack().hook(&link(), &reaction_to("1795000000.000300")).expect("read").look_up.expect("asked");
        let error = slack().look_up(&account(http.http()), &link(), &what).await.expect_err("no answer");
        assert_eq!(error.kind(), kind);
    }
    let nonsense = slack().look_up(&account(Workspace::default().http().http()), &link(), &json!(7)).await;
    assert_eq!(nonsense.expect_err("nonsense").kind(), ErrorKind::Malformed);
}

#[test]
fn a_link_that_only_goes_out_ignores_what_comes_in() {
    let link = link_with(&[("direction", json!(["outgoing"]))]);
    for name in ["command__one_line", "app_mention__one_line", "reaction_added__the_emoji", "message__deleted"] {
        let reading = slack().hook(&link, &fixture(name)).expect("read");
        assert!(reading.happenings.is_empty() && reading.look_up.is_none(), "{name}");
        assert_eq!(reading.ignored.as_deref(), Some("The link to #done only goes from the log to Slack."), "{name}");
    }
    // Whoever typed a command is told all the same.
    assert!(slack().hook(&link, &fixture("command__one_line")).expect("read").answer_to.is_some());
    // The channel's fate is every link's business.
    assert!(!slack().hook(&link, &fixture("channel_archive__done")).expect("read").happenings.is_empty());
}

#[test]
fn a_late_event_says_when_the_account_went() {
    for name in ["app_uninstalled__acme", "tokens_revoked__bot"] {
        let reading = slack().hook(&link(), &fixture(name)).expect("read");
        assert!(matches!(reading.happenings[0], Happening::AccountGone { at: 1_795_000_001, .. }), "{name}");
    }
    let undated = json!({ "type": "event_callback", "team_id": "T1", "event": { "type": "app_uninstalled" } });
    assert!(slack().hook(&link(), &event_call(&undated)).expect("read").happenings.is_empty());
}

#[test]
fn a_command_where_no_link_listens_is_told_where_one_does() {
    let told = |linked: &[&str]| {
        let linked: Vec<_> = linked.iter().map(|name| (*name).to_owned()).collect();
        let reply = slack().stray(&fixture("command__elsewhere"), &linked).expect("a sentence");
        let body: Value = serde_json::from_str(&reply.body).expect("JSON");
        assert_eq!(body["response_type"], "ephemeral");
        body["text"].as_str().expect("a text").to_owned()
    };
    assert!(told(&[]).contains("no channel of this workspace is linked"));
    assert!(told(&["#done"]).ends_with("Type /done in #done."));
    assert!(told(&["#a", "#b", "#<!here>"]).ends_with("Type /done in #a, #b or #&lt;!here&gt;."));
    assert_eq!(slack().stray(&fixture("app_mention__one_line"), &[]), None);
}

#[test]
fn a_command_of_another_name_is_helped_with_that_name() {
    let fields = [("command", "/log"), ("channel_id", "C1"), ("user_id", "U1"), ("team_id", "T1"), ("text", "help")];
    let Ok(HookAnswer::Reply(reply)) = slack().answer(&form_call(&fields)) else { panic!("helped") };
    assert!(reply.body.contains("`/log shipped") && !reply.body.contains("/done"), "{}", reply.body);
}
