//! Every recorded hook, read as a customer would read it in the log, and bodies that are no such thing.

mod outside;

use std::fmt::Write;

use integration_contract::{
    Author, Change, Comment, ErrorKind, Happening, HookAnswer, HookCall, Integration, ItemChange, LinkSettings,
    Reading, Verified,
};
use integration_testkit::fixtures;
use serde_json::{Value, json};

fn call(event: &str, body: &str) -> HookCall {
    let headers = [("content-type", "application/json"), ("x-github-event", event), ("x-github-delivery", "7f3c1e9a")];
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
    if let HookAnswer::Accept { event, lane, .. } = answer {
        let _ = writeln!(page, "{event}  (lane {lane:?})");
    }
    for happening in &reading.happenings {
        let _ = match happening {
            Happening::Entry(entry) => writeln!(
                page,
                "{}\n  {:?} by {} ({}) {}\n  from {} at {}\n  {}\n  id {}",
                entry.text,
                entry.status,
                entry.author.name,
                entry.author.id.as_deref().unwrap_or("nobody we can match"),
                entry.author.url.as_deref().unwrap_or(""),
                entry.source,
                entry.happened_at.map_or("the time it arrived".to_owned(), |at| at.to_string()),
                entry.url.as_deref().unwrap_or("no link"),
                entry.external_id
            ),
            Happening::EntryEdited { external_id, text } => writeln!(page, "{external_id} now reads\n{text}"),
            Happening::EntryRetracted { external_id } => writeln!(page, "{external_id} is archived"),
            Happening::Item(change) => writeln!(page, "{}", item_as_a_reader_sees_it(change)),
            Happening::HookWorks => writeln!(page, "The hook works."),
            Happening::TargetChanged(settings) => writeln!(page, "The link is now set to {}", settings.0),
            Happening::TargetGone { reason } => writeln!(page, "The link stops: {reason}"),
            other => panic!("GitHub tells nothing like {other:?}"),
        };
    }
    if let Some(reason) = &reading.ignored {
        let _ = writeln!(page, "Ignored: {reason}");
    }
    page
}

fn item_as_a_reader_sees_it(change: &ItemChange) -> String {
    let ItemChange { id, what, by, at, item } = change;
    let names = |people: &[Author]| people.iter().map(|who| who.name.clone()).collect::<Vec<_>>().join(", ");
    let said = |comment: &Comment| format!("comment {} by {}: {:?}", comment.id, comment.author.name, comment.body);
    let what = match what {
        Change::Commented(comment) => format!("Commented: {}", said(comment)),
        Change::CommentEdited(comment) => format!("CommentEdited: {}", said(comment)),
        other => format!("{other:?}"),
    };
    format!(
        "Item {} ({:?} {}, {}): {what}\n  by {} <{}> at {}\n  {}\n  {:?} opened by {}, assigned to [{}], labelled [{}]\n  \
         changed at {:?}, {}\n  id {id}",
        item.name,
        item.kind,
        item.id,
        item.state_word,
        by.name,
        by.avatar.as_deref().unwrap_or(""),
        at.map_or("the time it arrived".to_owned(), |at| at.to_string()),
        item.title,
        item.body,
        item.author.name,
        names(&item.assignees),
        item.labels.join(", "),
        item.updated_at,
        item.url.as_deref().unwrap_or("no link"),
    )
}

#[test]
fn every_fixture_reads_well() {
    let github = outside::github();
    for fixture in fixtures(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hooks")) {
        let call = verified(fixture.call);
        let answer = github.answer(&call).expect("answered");
        let reading = github.hook(&outside::link(), &call).expect("read");
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(fixture.name, as_a_reader_sees_it(&answer, &reading));
        });
    }
}

fn only_happening(event: &str, body: &Value) -> Happening {
    let reading = outside::github().hook(&outside::link(), &verified(call(event, &body.to_string())));
    reading.expect("read").happenings.into_iter().next().expect("one happening")
}

fn external_id(event: &str, body: &Value) -> String {
    match only_happening(event, body) {
        Happening::Entry(entry) => entry.external_id,
        other => panic!("an entry was expected, not {other:?}"),
    }
}

fn fixture_body(name: &str) -> Value {
    let all = fixtures(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hooks"));
    let fixture = all.into_iter().find(|fixture| fixture.name == name).expect("a fixture of this name");
    serde_json::from_slice(&fixture.call.body).expect("JSON")
}

#[test]
fn a_second_closing_is_a_second_entry_and_a_repeated_delivery_is_not() {
    let first = fixture_body("issues__closed_completed");
    let mut second = first.clone();
    second["issue"]["closed_at"] = json!("2026-11-22T09:00:00Z");

    assert_eq!(external_id("issues", &first), external_id("issues", &first.clone()));
    assert_ne!(external_id("issues", &first), external_id("issues", &second));
}

fn change_of(event: &str, delivery: &str, body: &Value) -> ItemChange {
    let mut call = call(event, &body.to_string());
    call.headers.insert("x-github-delivery".into(), vec![delivery.into()]);
    let reading = outside::github().hook(&outside::link(), &verified(call)).expect("read");
    let mut changes = reading.happenings.into_iter().filter_map(|happening| match happening {
        Happening::Item(change) => Some(*change),
        _ => None,
    });
    changes.next_back().expect("a change of an item")
}

#[test]
fn a_change_told_again_is_the_same_and_another_in_the_same_second_is_not() {
    let closed = fixture_body("issues__closed_completed");
    assert_eq!(change_of("issues", "a", &closed).id, change_of("issues", "a", &closed).id);
    assert_ne!(change_of("issues", "a", &closed).id, change_of("issues", "b", &closed).id);
    // What happens once to a thing is the same under whatever name it is told.
    for (event, name) in [
        ("issues", "issues__opened"),
        ("issues", "issues__deleted"),
        ("issue_comment", "issue_comment__created"),
        ("issue_comment", "issue_comment__deleted"),
        ("pull_request", "pull_request__opened"),
    ] {
        let body = fixture_body(name);
        assert_eq!(change_of(event, "a", &body).id, change_of(event, "b", &body).id, "{name}");
    }
}

#[test]
fn the_entry_and_the_change_of_one_hook_are_about_the_same_item() {
    for (event, name) in [("issues", "issues__closed_completed"), ("pull_request", "pull_request__merged")] {
        let body = fixture_body(name);
        let Happening::Entry(entry) = only_happening(event, &body) else { panic!("{name} has no entry") };
        assert_eq!(entry.item, Some(change_of(event, "a", &body).item.id), "{name}");
    }
}

#[test]
fn a_deletion_takes_back_what_the_opening_told() {
    let opened = external_id("issues", &fixture_body("issues__opened"));
    let deleted = only_happening("issues", &fixture_body("issues__deleted"));
    assert_eq!(deleted, Happening::EntryRetracted { external_id: opened });

    let commented = external_id("issue_comment", &fixture_body("issue_comment__created"));
    let deleted = only_happening("issue_comment", &fixture_body("issue_comment__deleted"));
    assert_eq!(deleted, Happening::EntryRetracted { external_id: commented });
}

#[test]
fn events_that_were_not_chosen_are_ignored_with_a_reason() {
    let mut link = outside::link();
    let mut settings = link.settings.0.clone();
    settings["events"] = json!(["push"]);
    link.settings = LinkSettings(settings);
    let body = fixture_body("issues__opened").to_string();

    let reading = outside::github().hook(&link, &verified(call("issues", &body))).expect("read");

    assert_eq!(reading, Reading::ignored("“Issues” is switched off for this link."));
}

#[test]
fn bodies_that_are_no_hooks_are_malformed() {
    let issue = |id: &str, number: &str| {
        format!(
            r#"{{"action":"opened","repository":{{"id":1296269,"full_name":"acme/widgets"}},
                 "issue":{{"id":{id},"number":{number},"title":"x"}}}}"#
        )
    };
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let mut bad = vec![
        ("issues", String::new()),
        ("issues", "{".to_owned()),
        ("issues", "[]".to_owned()),
        ("issues", "\"x\"".to_owned()),
        ("issues", "123".to_owned()),
        ("issues", "null".to_owned()),
        ("ping", "{\"a\":1,\"a\":1}".to_owned()),
        ("ping", deep),
        ("issues", "{\"action\":\"opened\"}".to_owned()),
        ("push", "{\"ref\":\"refs/heads/main\",\"repository\":{\"id\":1296269,\"full_name\":\"a/b\"}}".to_owned()),
    ];
    for id in ["\"1\"", "1.5", "-1", "18446744073709551616", "1e3", "null", "true", "[1]"] {
        bad.push(("issues", issue(id, "1")));
        bad.push(("issues", issue("1", id)));
        bad.push(("star", format!("{{\"repository\":{{\"id\":{id}}}}}")));
    }
    let long = "x".repeat(65);
    for event in ["", " ", "Issues", "issues/../x", "é", "a b", &long] {
        bad.push((event, "{}".to_owned()));
    }
    for (event, body) in bad {
        let shown = &body[..body.len().min(80)];
        let error = outside::github().answer(&verified(call(event, &body))).expect_err(shown);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{event}: {shown}");
    }
    let mut twice = call("issues", "{}");
    twice.headers.insert("x-github-event".into(), vec!["issues".into(), "push".into()]);
    assert!(outside::github().answer(&verified(twice)).is_err());
}

#[test]
fn an_id_beyond_53_bits_is_kept_to_the_last_digit() {
    let mut body = fixture_body("issues__opened");
    body["issue"]["id"] = json!(u64::MAX);
    assert_eq!(external_id("issues", &body), "issue:18446744073709551615:opened");
}

#[test]
fn a_delivery_without_a_usable_name_goes_by_its_body() {
    let name = |headers: Vec<String>| {
        let mut call = call("star", "{}");
        call.headers.insert("x-github-delivery".into(), headers);
        match outside::github().answer(&verified(call)).expect("answered") {
            HookAnswer::Accept { delivery, .. } => delivery,
            other => panic!("not accepted: {other:?}"),
        }
    };
    let digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert_eq!(name(vec!["72d3162e-cc78-11e3-81ab-4c9367dc0958".into()]), "72d3162e-cc78-11e3-81ab-4c9367dc0958");
    for unusable in
        [vec![], vec![String::new()], vec!["x".repeat(101)], vec!["a b".into()], vec!["a".into(), "b".into()]]
    {
        assert_eq!(name(unusable), digest);
    }
}

#[test]
fn a_key_is_needed_to_know_whom_it_is_for() {
    use integration_contract::Address;
    let mut call = call("ping", "{}");
    assert_eq!(outside::github().address(&call), Address::Link("k".into()));
    for key in [None, Some(String::new())] {
        call.key = key;
        assert_eq!(outside::github().address(&call), Address::Nobody);
    }
}
