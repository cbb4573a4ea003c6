//! Every recorded hook, read and looked up as a customer would see it, and bodies that are no such thing.

mod outside;

use std::fmt::Write;

use integration_contract::{
    Address, Change, ErrorKind, Happening, HookAnswer, HookCall, Integration, Item, Reading, Verified,
};
use integration_testkit::fixtures;
use serde_json::{Value, json};

fn call(body: &str) -> HookCall {
    let headers = [("content-type", "application/json"), ("x-zendesk-webhook-invocation-id", "01HOOKS")];
    HookCall {
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).collect(),
        key: Some("k".to_owned()),
        body: body.to_owned().into(),
    }
}

fn verified(call: HookCall) -> Verified<HookCall> {
    Verified::from_inbox(call)
}

/// As it would stand on the link's page.
fn as_a_reader_sees_it(answer: &HookAnswer, reading: &Reading) -> String {
    let mut page = String::new();
    let _ = match answer {
        HookAnswer::Accept { event, lane, .. } => writeln!(page, "{event}  (lane {lane:?})"),
        HookAnswer::Ignore { event, reason, .. } => writeln!(page, "{event}: not kept for reading: {reason}"),
        HookAnswer::Reply(reply) => writeln!(page, "Not kept. Answered {:?}", reply.body),
    };
    for happening in &reading.happenings {
        let _ = match happening {
            Happening::Entry(entry) => writeln!(
                page,
                "{}\n  {:?} by {} ({}) {}\n  from {} at {}\n  {}\n  id {}, item {}",
                entry.text,
                entry.status,
                entry.author.name,
                entry.author.id.as_deref().unwrap_or("nobody we can match"),
                entry.author.url.as_deref().unwrap_or(""),
                entry.source,
                entry.happened_at.map_or("the time it arrived".to_owned(), |at| at.to_string()),
                entry.url.as_deref().unwrap_or("no link"),
                entry.external_id,
                entry.item.as_deref().unwrap_or("none"),
            ),
            Happening::Item(change) => {
                let at = change.at.map_or("the time it arrived".to_owned(), |at| at.to_string());
                let _ = writeln!(page, "{:?}\n  by {} at {at}\n  id {}", change.what, who(&change.by), change.id);
                write!(page, "{}", item(&change.item))
            }
            other => panic!("Zendesk tells nothing like {other:?}"),
        };
    }
    if let Some(reason) = &reading.ignored {
        let _ = writeln!(page, "Ignored: {reason}");
    }
    page
}

fn who(author: &integration_contract::Author) -> String {
    format!("{} ({})", author.name, author.id.as_deref().unwrap_or("nobody we can match"))
}

fn item(item: &Item) -> String {
    format!(
        "  {:?} {} {:?} {:?} ({})\n    {}\n    {:?}\n    of {}, done by {:?}, {:?}, external id {:?}, changed {:?}\n",
        item.kind,
        item.name,
        item.title,
        item.state,
        item.state_word,
        item.url.as_deref().unwrap_or("no page"),
        item.body,
        who(&item.author),
        item.assignees.iter().map(who).collect::<Vec<_>>(),
        item.labels,
        item.external_id,
        item.updated_at,
    )
}

/// Read, and completed where that is asked for.
async fn read(desk: &outside::Desk, link: &integration_contract::IntegrationLink, call: HookCall) -> Reading {
    let zendesk = outside::zendesk();
    let reading = zendesk.hook(link, &verified(call)).expect("read");
    match &reading.look_up {
        Some(what) => zendesk.look_up(&outside::account(desk.http().http()), link, what).await.expect("looked up"),
        None => reading,
    }
}

#[tokio::test]
async fn every_fixture_reads_well() {
    let (zendesk, desk) = (outside::zendesk(), outside::Desk::default());
    for fixture in fixtures(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hooks")) {
        let answer = zendesk.answer(&verified(fixture.call.clone())).expect("answered");
        let reading = read(&desk, &outside::link(), fixture.call).await;
        let page = as_a_reader_sees_it(&answer, &reading);
        assert!(!page.contains("Do not tell"), "{}: an internal note leaves: {page}", fixture.name);
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(fixture.name, page);
        });
    }
}

fn fixture_body(name: &str) -> Value {
    let all = fixtures(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hooks"));
    let fixture = all.into_iter().find(|fixture| fixture.name == name).expect("a fixture of this name");
    serde_json::from_slice(&fixture.call.body).expect("JSON")
}

async fn happenings(desk: &outside::Desk, kinds: &[&str], body: &Value) -> Vec<Happening> {
    read(desk, &outside::link_that_brings(kinds), call(&body.to_string())).await.happenings
}

fn only_item(happenings: Vec<Happening>) -> integration_contract::ItemChange {
    match <[Happening; 1]>::try_from(happenings).expect("one happening") {
        [Happening::Item(change)] => *change,
        [other] => panic!("an item was expected, not {other:?}"),
    }
}

#[tokio::test]
async fn nothing_of_an_internal_note_is_in_what_is_passed_on_to_the_look_up() {
    for name in ["ticket_comment_added__internal_note", "ticket_comment_added__public", "ticket_created__by_a_customer"]
    {
        let body = fixture_body(name);
        let reading = outside::zendesk().hook(&outside::link(), &verified(call(&body.to_string()))).expect("read");
        let passed_on = format!("{reading:?}");
        for text in ["old plan", "looking into it", "Every Sunday"] {
            assert!(!passed_on.contains(text), "{name}: {passed_on}");
        }
    }
    let mut silent = fixture_body("ticket_comment_added__public");
    silent["event"]["comment"].as_object_mut().expect("an object").remove("is_public");
    let reading = outside::zendesk().hook(&outside::link(), &verified(call(&silent.to_string()))).expect("read");
    assert_eq!(reading, Reading::ignored("Internal notes stay at Zendesk."));
}

#[tokio::test]
async fn a_ticket_that_began_with_an_internal_note_has_no_text() {
    let desk = outside::Desk::default();
    desk.set_first_comment("public", json!(false));
    let change = only_item(happenings(&desk, &["tickets"], &fixture_body("ticket_tags_changed__done")).await);
    assert_eq!(change.item.body, "");
}

#[tokio::test]
async fn what_became_internal_on_the_way_is_not_told() {
    let desk = outside::Desk::default();
    desk.set("is_public", json!(false));
    for name in ["ticket_created__by_a_customer", "ticket_status_changed__solved", "trigger__an_update"] {
        let told = happenings(&desk, &["solved", "tickets", "comments"], &fixture_body(name)).await;
        assert_eq!(told, [], "{name}");
    }
}

#[tokio::test]
async fn a_hidden_first_comment_empties_the_ticket() {
    let desk = outside::Desk::default();
    desk.set_first_comment("public", json!(false));
    let mut body = fixture_body("ticket_comment_made_private__done");
    body["event"]["comment"]["id"] = json!("4401");
    let change = only_item(happenings(&desk, &["comments"], &body).await);
    assert_eq!((change.what, change.item.body.as_str()), (Change::Edited, ""));
}

#[tokio::test]
async fn a_link_brings_what_it_is_set_to() {
    let desk = outside::Desk::default();
    let solved = fixture_body("ticket_status_changed__solved");
    let both = happenings(&desk, &["solved", "tickets"], &solved).await;
    assert!(matches!(&both[..], [Happening::Entry(entry), Happening::Item(_)] if entry.item.is_some()), "{both:?}");
    let entry = happenings(&desk, &["solved"], &solved).await;
    assert!(matches!(&entry[..], [Happening::Entry(entry)] if entry.item.is_none()), "{entry:?}");
    assert_eq!(only_item(happenings(&desk, &["tickets"], &solved).await).what, Change::Closed);

    let zendesk = outside::zendesk();
    for (name, kinds, reason) in [
        ("ticket_status_changed__solved", ["comments"], "“Solved tickets” is switched off for this link."),
        (
            "ticket_status_changed__pending",
            ["solved"],
            "“New and changed tickets, for the team's other links” is switched off for this link.",
        ),
        (
            "ticket_comment_added__public",
            ["tickets"],
            "“Public comments, for the team's other links” is switched off for this link.",
        ),
        (
            "ticket_soft_deleted__done",
            ["solved"],
            "“New and changed tickets, for the team's other links” is switched off for this link.",
        ),
    ] {
        let call = verified(call(&fixture_body(name).to_string()));
        let reading = zendesk.hook(&outside::link_that_brings(&kinds), &call).expect("read");
        assert_eq!(reading, Reading::ignored(reason), "{name}");
    }
}

#[tokio::test]
async fn the_same_told_by_events_or_twice_by_a_trigger_has_the_same_names() {
    let desk = outside::Desk::default();
    let kinds = ["solved", "tickets", "comments"];
    let ids = |happenings: Vec<Happening>| -> Vec<String> {
        let id = |happening| match happening {
            Happening::Entry(entry) => entry.external_id,
            Happening::Item(change) => change.id,
            other => panic!("nothing like {other:?}"),
        };
        happenings.into_iter().map(id).collect()
    };
    let update = fixture_body("trigger__an_update");
    let first = ids(happenings(&desk, &kinds, &update).await);
    assert_eq!(first, ids(happenings(&desk, &kinds, &update).await));
    let of_event = ids(happenings(&desk, &kinds, &fixture_body("ticket_comment_added__public")).await);
    assert!(first.contains(&of_event[0]), "{first:?} {of_event:?}");

    let mut again = fixture_body("ticket_status_changed__solved");
    let solved = ids(happenings(&desk, &["solved"], &again).await);
    again["id"] = json!("another-event");
    assert_ne!(solved, ids(happenings(&desk, &["solved"], &again).await));
}

#[test]
fn a_call_is_for_the_link_whose_key_it_has() {
    let zendesk = outside::zendesk();
    assert_eq!(zendesk.address(&call("{}")), Address::Link("k".into()));
    for key in [None, Some(String::new())] {
        assert_eq!(zendesk.address(&HookCall { key, ..call("{}") }), Address::Nobody);
    }
}

#[test]
fn a_delivery_is_named_after_its_event_or_its_invocation() {
    let zendesk = outside::zendesk();
    let delivery = |call: HookCall| match zendesk.answer(&verified(call)).expect("answered") {
        HookAnswer::Accept { delivery, .. } | HookAnswer::Ignore { delivery, .. } => delivery,
        HookAnswer::Reply(_) => panic!("it is kept"),
    };
    let mut event = fixture_body("ticket_status_changed__solved");
    event["id"] = json!("cbe4028c-7239-495d-b020-f22348516046");
    assert_eq!(delivery(call(&event.to_string())), "cbe4028c-7239-495d-b020-f22348516046");
    event["id"] = json!("not/usable");
    let unnamed = call(&event.to_string());
    assert_eq!(delivery(unnamed.clone()), unnamed.digest());

    let update = call(r#"{"ticket":"1","at":"x"}"#);
    assert_eq!(delivery(update.clone()), "01HOOKS");
    let unnamed = HookCall { headers: [].into(), ..update };
    assert_eq!(delivery(unnamed.clone()), unnamed.digest());
}

#[test]
fn bodies_that_are_no_hooks_are_malformed() {
    let event = |path: &str, value: Value| {
        let mut body = fixture_body("ticket_comment_added__public");
        *body.pointer_mut(path).expect("a place") = value;
        body.to_string()
    };
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let mut bad: Vec<String> =
        ["", "{", "[]", "\"x\"", "123", "null", "{}", "{\"a\":1,\"a\":1}", "{\"type\":1}", "{\"ticket\":1}"]
            .map(str::to_owned)
            .to_vec();
    bad.push(deep);
    for kind in ["", "ticket.created", "zen:event-type:", "zen:event-type:Ticket Created", "zen:event-type:\u{0}"] {
        bad.push(event("/type", json!(kind)));
    }
    for id in [
        json!(1),
        json!("1.5"),
        json!("-1"),
        json!("18446744073709551616"),
        json!("1e3"),
        json!(null),
        json!("007"),
        json!(""),
    ] {
        bad.push(event("/detail/id", id.clone()));
        bad.push(event("/event/comment/id", id));
    }
    for id in [json!(1.5), json!("1.5"), json!("9223372036854775808"), json!(u64::MAX), json!("x"), json!([])] {
        bad.push(event("/detail/actor_id", id));
    }
    bad.push(event("/detail/status", json!(null)));
    for body in bad {
        let zendesk = outside::zendesk();
        let shown = &body[..body.len().min(200)];
        let (answer, reading) =
            (zendesk.answer(&verified(call(&body))), zendesk.hook(&outside::link(), &verified(call(&body))));
        assert_eq!(answer.expect_err(shown).kind(), ErrorKind::Malformed, "{shown}");
        let error = reading.expect_err(shown);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{shown}");
        assert!(!format!("{error:?}").contains("looking into it"), "a body is quoted");
    }
}

#[test]
fn an_event_that_nobody_asked_for_is_kept_as_ignored() {
    let zendesk = outside::zendesk();
    let call = verified(call(&fixture_body("ticket_priority_changed__done").to_string()));
    let answer = zendesk.answer(&call).expect("answered");
    assert!(matches!(answer, HookAnswer::Ignore { event, .. } if event == "ticket.priority_changed"));
}

#[test]
fn a_body_may_leave_people_and_tags_empty() {
    let zendesk = outside::zendesk();
    for (place, value) in [
        ("/detail/assignee_id", json!("")),
        ("/detail/actor_id", json!(8_447_388_090_494_u64)),
        ("/detail/requester_id", json!(null)),
        ("/detail/tags", json!(null)),
        ("/detail/tags", json!("charts export")),
    ] {
        let mut body = fixture_body("ticket_status_changed__solved");
        *body.pointer_mut(place).expect("a place") = value;
        let reading = zendesk.hook(&outside::link(), &verified(call(&body.to_string()))).expect("read");
        assert!(reading.look_up.is_some(), "{place}");
    }
}

#[tokio::test]
async fn an_update_that_is_not_shown_yet_is_asked_for_again() {
    let update = json!({ "ticket": "35436", "at": "2026-11-22T10:00:00Z" }).to_string();
    let zendesk = outside::zendesk();
    let reading = zendesk.hook(&outside::link(), &verified(call(&update))).expect("read");
    let account = outside::account(outside::Desk::default().http().http());
    let error =
        zendesk.look_up(&account, &outside::link(), &reading.look_up.expect("asked")).await.expect_err("not yet");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
