//! Links: the form and its check, being in the channel, and every trouble with it.

mod outside;

use integration_contract::{
    Account, ErrorKind, FieldKind, FormInput, Happening, Identity, Integration, LinkRefused, Response, Undone,
};
use integration_testkit::{MemoryLedger, ScriptedHttp, reply};
use outside::{Workspace, account, form, link, link_with, no, slack, yes};
use serde_json::{Value, json};

// ---- the form

async fn choices(http: &ScriptedHttp) -> (Vec<(String, String)>, Option<String>) {
    let form = slack().new_link(&account(http.http()), &FormInput::default()).await.expect("a form");
    let field = form.fields.iter().find(|field| field.name == "channel").expect("a channel");
    match &field.kind {
        FieldKind::Search { choices, .. } => {
            (choices.iter().map(|choice| (choice.value.clone(), choice.label.clone())).collect(), form.notice)
        }
        _ => panic!("channels are searched in"),
    }
}

#[tokio::test]
async fn the_form_offers_the_channels_that_the_app_can_see() {
    let http = Workspace::default().http();
    let (choices, notice) = choices(&http).await;
    let pair = |value: &str, label: &str| (value.to_owned(), label.to_owned());
    assert_eq!(choices, [pair("#done", "#done"), pair("#secret", "#secret (private)")]);
    assert_eq!(notice, None);
    assert!(http.sent().iter().all(|sent| sent.timeout <= std::time::Duration::from_secs(5)));
}

fn page(names: &[&str], next: &str) -> Response {
    let channels: Vec<_> = names.iter().map(|name| json!({ "id": "C0000001", "name": name })).collect();
    yes(json!({ "channels": channels, "response_metadata": { "next_cursor": next } }))
}

#[tokio::test]
async fn all_pages_are_read_also_empty_ones() {
    const FIRST: &str =
        "GET /api/conversations.list?types=public_channel%2Cprivate_channel&exclude_archived=true&limit=200";
    let http = ScriptedHttp::silent()
        .then(FIRST, page(&["a"], "dGVhbTpDMQ=="))
        .then(&format!("{FIRST}&cursor=dGVhbTpDMQ%3D%3D"), page(&[], "two"))
        .then(&format!("{FIRST}&cursor=two"), yes(json!({ "channels": [{ "id": "C0000002", "name": "b" }] })));
    let (listed, notice) = choices(&http).await;
    http.finish();
    assert_eq!((listed.len(), notice), (2, None));
}

#[tokio::test]
async fn a_page_that_does_not_come_leaves_a_notice_and_a_first_one_an_error() {
    for trouble in
        [reply(502, &[], ""), reply(429, &[("retry-after", "30")], "{\"ok\":false,\"error\":\"ratelimited\"}")]
    {
        let mut pages = vec![trouble.clone(), page(&["a"], "more")];
        let http = ScriptedHttp::answering(move |_| Ok(pages.pop().expect("two pages")));
        let (listed, notice) = choices(&http).await;
        assert_eq!(listed.len(), 1);
        assert!(notice.expect("a notice").contains("pasted"));

        let http = ScriptedHttp::answering(move |_| Ok(trouble.clone()));
        let error = slack().new_link(&account(http.http()), &FormInput::default()).await.expect_err("no list");
        assert!(error.passes());
    }
    let http = ScriptedHttp::answering(|_| Ok(page(&[], "again")));
    let (_, notice) = choices(&http).await;
    assert_eq!(http.sent().len(), 20, "the listing ends at its limit");
    assert!(notice.is_some());
}

#[tokio::test]
async fn an_organization_pastes_its_channels() {
    let identity = Identity { id: "E0ORG00001".into(), name: "Acme Group".into(), url: None };
    let workspace = Workspace::default();
    let http = workspace.http();
    let cx = Account { identity: Some(identity), ..account(http.http()) };
    let offered = slack().new_link(&cx, &FormInput::default()).await.expect("a form");
    assert!(offered.notice.expect("a notice").contains("Paste"));
    assert!(http.sent().is_empty());
    let by_name = slack().check_link(&cx, &form("#done")).await;
    assert!(matches!(by_name, Err(LinkRefused::Fields(errors)) if errors.get("channel").is_some()));
    slack().check_link(&cx, &form("https://acme.enterprise.slack.com/archives/C0DONE0001")).await.expect("good");
}

// ---- its check

async fn refused(input: &FormInput, http: &ScriptedHttp) -> Vec<(String, String)> {
    match slack().check_link(&account(http.http()), input).await {
        Err(LinkRefused::Fields(errors)) => {
            errors.iter().map(|(field, sentence)| (field.to_owned(), sentence.to_owned())).collect()
        }
        other => panic!("fields were to be refused: {other:?}"),
    }
}

fn form_with(name: &str, values: &[&str]) -> FormInput {
    let whole = form("#done");
    let rest =
        whole.pairs().filter(|(field, _)| *field != name).map(|(field, value)| (field.to_owned(), value.to_owned()));
    rest.chain(values.iter().map(|value| (name.to_owned(), (*value).to_owned()))).collect()
}

#[tokio::test]
async fn nonsense_never_reaches_slack() {
    for (field, values) in [
        ("direction", vec![]),
        ("direction", vec!["sideways"]),
        ("direction", vec!["incoming", "sideways"]),
        ("channel", vec![]),
        ("channel", vec![""]),
        ("channel", vec!["#a", "#b"]),
        ("channel", vec!["https://acme.slack.com/team/U0ADA00001"]),
        ("channel", vec!["../../x"]),
        ("emoji", vec!["two words"]),
        ("emoji", vec!["🎉"]),
        ("statuses", vec!["everything"]),
        ("items", vec!["issue", "everything"]),
        ("when", vec!["digest:24"]),
        ("when", vec!["sometimes"]),
    ] {
        let errors = refused(&form_with(field, &values), &ScriptedHttp::silent()).await;
        assert_eq!(errors.len(), 1, "{field} {values:?}: {errors:?}");
        assert_eq!(errors[0].0, field);
    }
}

#[tokio::test]
async fn a_good_form_is_bound_to_the_channels_id() {
    for typed in ["#done", "done", "C0DONE0001", "https://acme.slack.com/archives/C0DONE0001/p1795000000000100"] {
        let http = Workspace::default().http();
        let checked = slack().check_link(&account(http.http()), &form(typed)).await.expect("good");
        assert_eq!(checked.target, "channel:C0DONE0001");
        assert_eq!(
            checked.settings.0,
            json!({
                "channel_id": "C0DONE0001",
                "channel_name": "done",
                "is_private": false,
                "direction": ["incoming", "outgoing"],
                "emoji": "tada",
                "statuses": ["done", "blocked"],
                "items": ["issue", "ticket"],
                "people": ["7"],
                "when": { "digest": 17 },
                "me": { "user_id": "U0BOT00001", "bot_id": "B0BOT00001", "name": "patchbay", "team_url": "https://acme.slack.com/" },
            })
        );
    }
}

#[tokio::test]
async fn what_only_comes_in_needs_no_status_and_no_emoji() {
    let input = [("direction", "incoming"), ("channel", "#done"), ("emoji", "")].into_iter().collect();
    let http = Workspace::default().http();
    let checked = slack().check_link(&account(http.http()), &input).await.expect("good");
    assert_eq!((&checked.settings.0["emoji"], &checked.settings.0["statuses"]), (&Value::Null, &json!([])));
}

#[tokio::test]
async fn what_goes_out_are_entries_or_items() {
    let input = |more: &[(&str, &str)]| -> FormInput {
        let whole = [("direction", "outgoing"), ("channel", "#done")];
        whole.iter().chain(more).map(|(name, value)| (*name, *value)).collect()
    };
    let http = Workspace::default().http();
    let checked = slack().check_link(&account(http.http()), &input(&[("items", "pull_request")])).await.expect("good");
    assert_eq!((&checked.settings.0["items"], &checked.settings.0["statuses"]), (&json!(["pull_request"]), &json!([])));
    let errors = refused(&input(&[]), &ScriptedHttp::silent()).await;
    assert_eq!(errors.iter().map(|error| error.0.as_str()).collect::<Vec<_>>(), ["statuses"]);
}

#[test]
fn a_link_of_before_there_were_items_has_none() {
    let mut link = link();
    link.settings.0.as_object_mut().expect("settings").remove("items");
    assert!(slack().summary(&link).ends_with("entries are posted to #done."));
    assert_eq!(slack().form_input(&link).all("items"), <[String; 0]>::default());
}

#[tokio::test]
async fn channels_that_can_not_be_used_are_refused_with_what_to_do() {
    let workspace = Workspace::default();
    workspace.state().channels.push(json!({ "id": "D0ADA00001", "is_im": true }));
    workspace.state().channels.push(json!({ "id": "G0GROUP001", "name": "mpdm-ada--bob-1", "is_mpim": true }));
    for (typed, word) in [
        ("#nowhere", "Check the spelling"),
        ("C0NOWHERE1", "Check the spelling"),
        ("#closed", "/invite @patchbay"),
        ("C0CLOSED01", "/invite @patchbay"),
        ("C0OLD00001", "Unarchive"),
        ("D0ADA00001", "between people"),
        ("G0GROUP001", "between people"),
    ] {
        let errors = refused(&form(typed), &workspace.http()).await;
        assert!(errors[0].0 == "channel" && errors[0].1.contains(word), "{typed}: {errors:?}");
    }
}

#[tokio::test]
async fn a_partner_that_does_not_answer_is_no_fault_of_a_field() {
    for (answer, kind) in [
        (reply(503, &[], ""), ErrorKind::Unavailable),
        (no("token_revoked"), ErrorKind::Unauthorized),
        (reply(429, &[], ""), ErrorKind::RateLimited),
    ] {
        let http = ScriptedHttp::answering(move |_| Ok(answer.clone()));
        match slack().check_link(&account(http.http()), &form("#done")).await {
            Err(LinkRefused::Partner(error)) => assert_eq!(error.kind(), kind),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_link_says_what_it_does() {
    let cases = [
        (
            json!({ "items": [] }),
            "Commands, mentions and messages with :white_check_mark: in #done become entries; entries are posted to #done.",
        ),
        (json!({ "direction": ["incoming"], "emoji": null }), "Commands, mentions in #done become entries."),
        (
            json!({ "direction": ["outgoing"], "statuses": ["done", "blocked"], "items": [], "people": ["7"], "when": { "digest": 9 } }),
            "Done and blocked entries of one person are posted to #done every day at 09:00.",
        ),
        (
            json!({ "direction": ["outgoing"], "statuses": ["goal"] }),
            "Goal entries are posted to #done; issues, pull requests and tickets of the team's other links become threads in \
             #done.",
        ),
        (
            json!({ "direction": ["outgoing"], "statuses": [], "items": ["ticket"] }),
            "Tickets of the team's other links become threads in #done.",
        ),
        (
            json!({ "direction": ["incoming"], "emoji": null, "items": ["issue"] }),
            "Commands, mentions in #done become entries.",
        ),
    ];
    for (changed, wanted) in cases {
        let changed: Vec<_> =
            changed.as_object().expect("fields").iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        assert_eq!(slack().summary(&link_with(&changed)), wanted);
    }
    assert_eq!(slack().short_name(&link()), "#done");
}

// ---- being in the channel

async fn create(workspace: &Workspace, id: &str, private: bool) -> Result<Vec<String>, integration_contract::Error> {
    let http = workspace.http();
    let link = link_with(&[("channel_id", json!(id)), ("is_private", json!(private))]);
    slack().create_link(&account(http.http()), &link, &MemoryLedger::default()).await?;
    Ok(http.lines())
}

#[tokio::test]
async fn the_app_joins_a_public_channel_once() {
    let workspace = Workspace::default();
    let first = create(&workspace, "C0DONE0001", false).await.expect("made");
    let second = create(&workspace, "C0DONE0001", false).await.expect("made");
    assert_eq!(first, ["GET /api/conversations.info?channel=C0DONE0001", "POST /api/conversations.join"]);
    assert_eq!(second, ["GET /api/conversations.info?channel=C0DONE0001"]);
}

#[tokio::test]
async fn into_a_private_channel_somebody_has_to_invite_it() {
    let workspace = Workspace::default();
    create(&workspace, "C0SECRET01", true).await.expect("it is in it");
    for (id, private, kind, word) in [
        ("C0CLOSED01", true, ErrorKind::Forbidden, "Type “/invite @patchbay” in #done at Slack, then press Try again."),
        ("C0NOWHERE1", true, ErrorKind::NotFound, "/invite @patchbay"),
        ("C0OLD00001", false, ErrorKind::Forbidden, "Unarchive"),
    ] {
        let error = create(&workspace, id, private).await.expect_err("not in it");
        assert!(error.kind() == kind && error.sentence().contains(word), "{id}: {error}");
    }
    assert!(
        workspace.state().channels.iter().all(|channel| channel["id"] == "C0SECRET01" || channel["is_member"] != true)
    );
}

#[tokio::test]
async fn nothing_is_removed_when_a_link_goes() {
    let http = ScriptedHttp::silent();
    let receipt: Vec<Undone> = slack().destroy_link(&account(http.http()), &link(), &[]).await.expect("removed");
    assert!(receipt.is_empty());
}

// ---- looking after it

async fn inspect(workspace: &Workspace) -> Vec<Happening> {
    slack().inspect_link(&account(workspace.http().http()), &link(), &[]).await.expect("looked")
}

fn with(field: &str, value: Value) -> Workspace {
    let workspace = Workspace::default();
    workspace.state().channels[0]["is_member"] = true.into();
    workspace.state().channels[0][field] = value;
    workspace
}

#[tokio::test]
async fn a_link_whose_channel_is_as_it_was_works() {
    assert_eq!(inspect(&with("num_members", json!(3))).await, [Happening::HookWorks]);
}

#[tokio::test]
async fn a_renamed_channel_is_followed() {
    let found = inspect(&with("name", json!("shipped"))).await;
    let [Happening::TargetChanged(settings), Happening::HookWorks] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((&settings.0["channel_name"], &settings.0["emoji"]), (&json!("shipped"), &json!("white_check_mark")));
}

#[tokio::test]
async fn a_channel_that_is_out_of_reach_says_what_to_do() {
    let gone = Workspace::default();
    gone.state().channels.clear();
    for (workspace, word) in [
        (with("is_archived", json!(true)), "Unarchive it there"),
        (with("is_member", json!(false)), "it joins again"),
        (gone, "/invite @patchbay"),
    ] {
        let found = inspect(&workspace).await;
        assert!(matches!(found.as_slice(), [Happening::TargetGone { reason }] if reason.contains(word)), "{found:?}");
    }
}

#[tokio::test]
async fn trouble_with_slack_says_nothing_about_the_link() {
    for (answer, kind) in [
        (no("account_inactive"), ErrorKind::Unauthorized),
        (reply(500, &[], ""), ErrorKind::Unavailable),
        (no("ratelimited"), ErrorKind::RateLimited),
    ] {
        let http = ScriptedHttp::answering(move |_| Ok(answer.clone()));
        let error = slack().inspect_link(&account(http.http()), &link(), &[]).await.expect_err("no answer");
        assert_eq!(error.kind(), kind);
    }
}
