//! Every webhook payload that GitHub publishes as an example, of github.com and of Enterprise Server, is acknowledged
//! and read. The payloads come with the npm package `@octokit/webhooks-examples`.

mod outside;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use integration_contract::{Change, Happening, HookCall, Integration, LinkSettings, Verified};
use serde_json::Value;

/// In the pinned version, over all of its six sets.
const PUBLISHED: usize = 726;

fn sets() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples/node_modules/@octokit/webhooks-examples");
    let listed = fs::read_dir(&folder).unwrap_or_else(|_| {
        panic!("GitHub's examples are missing. Get them with: npm ci --prefix integrations/github/tests/examples")
    });
    let mut sets: Vec<_> = listed.map(|entry| entry.expect("a folder that can be listed").path()).collect();
    sets.retain(|path| path.join("index.json").exists());
    sets.sort();
    sets
}

/// The name of each event with its examples.
fn examples() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for set in sets() {
        let events: Value = serde_json::from_slice(&fs::read(set.join("index.json")).expect("a set")).expect("JSON");
        for event in events.as_array().expect("a list of events") {
            let name = event["name"].as_str().expect("a name");
            all.extend(
                event["examples"].as_array().expect("a list").iter().map(|body| (name.to_owned(), body.clone())),
            );
        }
    }
    all
}

fn call(event: &str, content_type: &str, body: String) -> Verified<HookCall> {
    let headers = [("content-type", content_type), ("x-github-event", event), ("x-github-delivery", "7f3c1e9a")];
    Verified::from_inbox(HookCall {
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).collect(),
        key: Some("k".to_owned()),
        body: body.into(),
    })
}

/// `Closed`, whatever comes with it.
fn change_word(change: &Change) -> String {
    format!("{change:?}").split(['(', ' ']).next().unwrap_or_default().to_owned()
}

#[test]
fn every_published_example_is_acknowledged_and_read() {
    let github = outside::github();
    let examples = examples();
    assert_eq!(examples.len(), PUBLISHED);
    let mut said: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();

    for (event, body) in &examples {
        // The link is about whichever repository the example is about, so that it is read and not only skipped.
        let mut link = outside::link();
        if let Some(id) = body.pointer("/repository/id") {
            let mut settings = link.settings.0.clone();
            settings["repository_id"] = id.clone();
            link.settings = LinkSettings(settings);
        }
        let json = call(event, "application/json", body.to_string());
        let form: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &body.to_string()).finish();
        let form = call(event, "application/x-www-form-urlencoded", form);

        let name = format!("{event}.{}", body["action"].as_str().unwrap_or("-"));
        github.answer(&json).unwrap_or_else(|error| panic!("{name}: {error}"));
        github.answer(&form).unwrap_or_else(|error| panic!("{name} as a form: {error}"));
        let reading = github.hook(&link, &json).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(reading, github.hook(&link, &form).expect("the form is read too"), "{name}");

        let line = match reading.happenings.first() {
            Some(Happening::Entry(entry)) => entry.text.clone(),
            Some(Happening::EntryEdited { text, .. }) => format!("(edited) {text}"),
            Some(Happening::EntryRetracted { .. }) => "(archived)".to_owned(),
            Some(Happening::HookWorks) => "(the hook works)".to_owned(),
            Some(Happening::TargetChanged(_)) => "(the link's name changes)".to_owned(),
            Some(Happening::TargetGone { reason }) => format!("(the link stops) {reason}"),
            Some(Happening::Item(change)) => format!("(only the item) {}", change_word(&change.what)),
            Some(other) => panic!("GitHub tells nothing like {other:?}"),
            None => format!("- {}", reading.ignored.expect("a reason")),
        };
        said.entry(name).or_default().insert(line);
    }

    let page: Vec<_> = said
        .iter()
        .map(|(name, lines)| format!("{name}\n    {}", lines.iter().cloned().collect::<Vec<_>>().join("\n    ")))
        .collect();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("published_examples", page.join("\n"));
    });
}
