//! Links: the form and its check, the source that is made, looked after and removed, and every trouble with it.

mod outside;

use integration_contract::{
    Auth, CheckedLink, Error, ErrorKind, ExposeSecret, FieldKind, FormInput, Happening, Integration, IntegrationLink,
    LinkRefused, Remote, Reservation, Result, UndoneOutcome,
};
use integration_testkit::{MemoryLedger, ScriptedHttp, reply, reply_json};
use outside::{
    Dock, HIDDEN, KINDS, MAIN, PAGE, TOKEN, account, flow, flowdock, form, form_with, link, link_with, new_link, no,
};
use serde_json::{Value, json};

const FLOWS: &str = "GET /flows";
const FIND: &str = "GET /flows/find?id=5f1a2b3c4d5e6f708192a3b4c5d6e7f8";
const SOURCES: &str = "GET /flows/acme/main/sources";
const CREATE: &str = "POST /flows/acme/main/sources";
const CHANGE: &str = "PUT /sources";

fn own(token: &str) -> String {
    format!("GET /sources?flow_token={token}")
}

fn delete(id: u64) -> String {
    format!("DELETE /flows/acme/main/sources/{id}")
}

fn row(id: Option<&str>) -> Remote {
    Remote {
        reservation: Reservation("row-0".into()),
        kind: "source".into(),
        place: "acme/main".into(),
        id: id.map(str::to_owned),
    }
}

fn silence(kind: ErrorKind) -> Error {
    Error::new(kind, "The answer was lost.")
}

// ---- the form

#[tokio::test]
async fn the_form_offers_the_flows_that_flowdock_lists() {
    let http = ScriptedHttp::silent().then(
        FLOWS,
        reply_json(200, &json!([flow(MAIN, "Acme", "Main"), flow("2", "Umbra", "Random"), flow("3", "Acme", "..")])),
    );
    let form = flowdock().new_link(&account(http.http()), &FormInput::default()).await.expect("a form");
    let FieldKind::Search { choices, .. } = &form.fields[0].kind else { panic!("flows are searched in") };
    let offered: Vec<_> = choices.iter().map(|choice| (choice.value.as_str(), choice.label.as_str())).collect();
    assert_eq!(offered, [("acme/main", "Main (Acme)"), ("umbra/random", "Random (Umbra)")]);
    assert!(form.fields[0].help.contains("inbox settings") && form.notice.is_none());
    assert_eq!(form.fields[1].values, KINDS);
    assert_eq!(form.fields[2].values, ["Team log"]);
}

#[tokio::test]
async fn without_a_list_a_flow_can_be_pasted() {
    let http = ScriptedHttp::silent().then(FLOWS, no(403, "insufficient scope"));
    let form = flowdock().new_link(&account(http.http()), &form("acme/main")).await.expect("a form");
    assert!(form.notice.expect("a notice").contains("Paste"));
    assert_eq!(form.fields[0].values, ["acme/main"]);

    let http = ScriptedHttp::silent().then(FLOWS, reply(503, &[], ""));
    let error = flowdock().new_link(&account(http.http()), &FormInput::default()).await.expect_err("an outage");
    assert!(error.passes());
}

#[tokio::test]
async fn who_comes_from_flowdock_finds_the_flow_named_and_the_rest_chosen() {
    let query: FormInput = [("flow", MAIN)].into_iter().collect();
    let wish = flowdock().setup().expect("it can be set up from there").setup(&query).expect("a wish");
    let http = ScriptedHttp::silent().then(FIND, reply_json(200, &flow(MAIN, "Acme", "Main")));
    let form = flowdock().new_link(&account(http.http()), &wish.form).await.expect("a form");
    let FieldKind::One(choices) = &form.fields[0].kind else { panic!("there is one flow") };
    assert_eq!((choices.len(), choices[0].label.as_str()), (1, "Main (Acme)"));
    assert_eq!(form.fields[0].values, [choices[0].value.clone()]);

    let http = Dock::default().http();
    let checked = flowdock().check_link(&account(http.http()), &wish.form).await.expect("as it stands");
    assert_eq!(checked.target, format!("flow:{MAIN}:Team log"));
    assert_eq!(checked.settings.0["tell"], json!(KINDS));

    for answer in [no(404, "not found"), no(403, "forbidden")] {
        let http = ScriptedHttp::silent().then(FIND, answer);
        let error = flowdock().new_link(&account(http.http()), &wish.form).await.expect_err("hidden");
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.sentence().contains("Ada"), "{}", error.sentence());
    }
}

// ---- its check

async fn check(http: &ScriptedHttp, form: &FormInput) -> Result<CheckedLink, LinkRefused> {
    let checked = flowdock().check_link(&account(http.http()), form).await;
    http.finish();
    checked
}

fn field_error(refused: LinkRefused, field: &str) -> String {
    match refused {
        LinkRefused::Fields(errors) => errors.get(field).unwrap_or_else(|| panic!("{errors:?}")).to_owned(),
        LinkRefused::Partner(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_flow_is_found_by_id_place_page_and_name() {
    for (typed, calls) in [
        (format!("id:{MAIN}"), vec![FIND]),
        (MAIN.to_owned(), vec![FIND]),
        ("acme/main".to_owned(), vec!["GET /flows/acme/main"]),
        ("https://www.flowdock.com/app/acme/main".to_owned(), vec!["GET /flows/acme/main"]),
        ("main".to_owned(), vec!["GET /flows/find?id=main", FLOWS]),
        ("Main".to_owned(), vec!["GET /flows/find?id=Main", FLOWS]),
    ] {
        let http = Dock::default().http();
        let checked = check(&http, &form(&typed)).await.expect("found");
        assert_eq!(http.lines(), calls, "{typed}");
        assert_eq!(checked.target, format!("flow:{MAIN}:Product"));
        let expected = json!({
            "flow_id": MAIN, "organization": "acme", "flow": "main", "organization_name": "Acme", "flow_name": "Main",
            "name": "Product", "tell": ["done", "issue"],
        });
        assert_eq!(checked.settings.0, expected);
    }
}

#[tokio::test]
async fn what_is_not_in_the_form_is_refused_without_asking_flowdock() {
    let long = "x".repeat(101);
    for (flow, name, tell, field) in [
        ("", "Product", &["done"][..], "flow"),
        ("../main", "Product", &["done"], "flow"),
        ("https://evil.example/app/acme/main", "Product", &["done"], "flow"),
        (&long, "Product", &["done"], "flow"),
        (MAIN, " ", &["done"], "name"),
        (MAIN, &long, &["done"], "name"),
        (MAIN, "a\nb", &["done"], "name"),
        (MAIN, "Product", &[], "tell"),
        (MAIN, "Product", &["done", "gossip"], "tell"),
    ] {
        let refused = check(&ScriptedHttp::silent(), &form_with(flow, name, tell)).await.expect_err("refused");
        assert!(!field_error(refused, field).is_empty());
    }
    let mut twice = form(MAIN);
    twice.push("flow", "acme/other");
    field_error(check(&ScriptedHttp::silent(), &twice).await.expect_err("two flows"), "flow");
}

#[tokio::test]
async fn a_flow_that_is_not_shown_is_told_beside_the_field() {
    for (typed, hidden) in [(HIDDEN, "shows Ada no such flow"), ("umbra/main", "shows Ada no such flow")] {
        let refused = check(&Dock::default().http(), &form(typed)).await.expect_err("hidden");
        assert!(field_error(refused, "flow").contains(hidden));
    }
    let two = reply_json(200, &json!([flow("1", "Acme", "Main"), flow("2", "Umbra", "Main")]));
    let http = ScriptedHttp::silent().then("GET /flows/find?id=Main", no(404, "not found")).then(FLOWS, two);
    assert!(field_error(check(&http, &form("Main")).await.expect_err("two"), "flow").contains("More than one"));

    let mut not_joined = flow(MAIN, "Acme", "Main");
    not_joined["joined"] = false.into();
    let http = ScriptedHttp::silent().then(FIND, reply_json(200, &not_joined));
    assert!(field_error(check(&http, &form(MAIN)).await.expect_err("not in it"), "flow").contains("Join it"));

    for (answer, kind) in [
        (no(401, "invalid or expired access token"), ErrorKind::Unauthorized),
        (reply(503, &[], ""), ErrorKind::Unavailable),
        (no(429, "slow down"), ErrorKind::RateLimited),
        (reply(404, &[("content-type", "text/html")], "<h1>Proxy</h1>"), ErrorKind::Unavailable),
        (reply_json(200, &json!({ "id": MAIN })), ErrorKind::Unavailable),
    ] {
        let http = ScriptedHttp::silent().then(FIND, answer);
        let refused = check(&http, &form(MAIN)).await.expect_err("not known");
        assert!(matches!(refused, LinkRefused::Partner(error) if error.kind() == kind));
    }
}

#[tokio::test]
async fn a_flow_that_leads_elsewhere_is_refused() {
    for (field, value) in [
        ("url", json!("https://evil.example/flows/acme/main")),
        ("url", json!("https://api.flowdock.com:8443/flows/acme/main")),
        ("url", json!("http://api.flowdock.com/flows/acme/main")),
        ("url", json!("//evil.example/flows/acme/main")),
        ("url", json!("https://api.flowdock.com@evil.example/")),
        ("links", json!([{ "rel": "sources", "href": "https://evil.example/sources", "methods": ["POST"] }])),
        ("links", json!({ "sources": { "url": "https://evil.example/sources" } })),
        ("links", json!("https://evil.example/sources")),
    ] {
        let mut bent = flow(MAIN, "Acme", "Main");
        bent[field] = value.clone();
        let http = ScriptedHttp::silent().then(FIND, reply_json(200, &bent));
        let refused = check(&http, &form(MAIN)).await.expect_err("elsewhere");
        let LinkRefused::Partner(error) = refused else { panic!("{value}") };
        assert_eq!(error.kind(), ErrorKind::Refused, "{value}");
        assert!(!error.sentence().contains("evil"), "{}", error.sentence());
    }
    for (field, value) in [
        ("url", Value::Null),
        ("links", json!([{ "rel": "sources", "href": "https://api.flowdock.com/flows/acme/main/sources" }])),
        ("links", json!({ "sources": ["/flows/acme/main/sources", "GET", 1, null] })),
    ] {
        let mut good = flow(MAIN, "Acme", "Main");
        good[field] = value.clone();
        let http = ScriptedHttp::silent().then(FIND, reply_json(200, &good));
        check(&http, &form(MAIN)).await.unwrap_or_else(|refused| panic!("{value}: {refused:?}"));
    }
    for (pointer, value) in [
        ("/parameterized_name", "../umbra"),
        ("/parameterized_name", ".."),
        ("/organization/parameterized_name", "a/b"),
        ("/organization/parameterized_name", ""),
        ("/id", "<b>"),
    ] {
        let mut bent = flow(MAIN, "Acme", "Main");
        *bent.pointer_mut(pointer).expect("a field") = value.into();
        let http = ScriptedHttp::silent().then(FIND, reply_json(200, &bent));
        let refused = check(&http, &form(MAIN)).await.expect_err("no path");
        assert!(matches!(refused, LinkRefused::Partner(error) if error.kind() == ErrorKind::Unavailable));
    }
}

#[test]
fn a_link_says_what_it_does() {
    assert_eq!(flowdock().short_name(&link()), "Product in Main (Acme)");
    assert_eq!(
        flowdock().summary(&link()),
        "What got done, goals, what is blocked, issues, pull requests and tickets become threads in Main (Acme), from \
         the source “Product”."
    );
    let one = link_with(&[("tell", json!(["done"]))]);
    assert_eq!(flowdock().summary(&one), "What got done becomes threads in Main (Acme), from the source “Product”.");
}

// ---- made

async fn make(http: &ScriptedHttp, link: &IntegrationLink, ledger: &MemoryLedger) -> Result<()> {
    let made = flowdock().create_link(&account(http.http()), link, ledger).await;
    http.finish();
    made
}

fn made(id: u64, token: &str) -> Value {
    json!({ "id": id, "name": "Product", "flow_token": token, "application": { "id": "4", "name": "Patchbay" } })
}

#[tokio::test]
async fn a_source_is_reserved_made_and_led_to_its_settings() {
    let http = ScriptedHttp::silent()
        .then(CREATE, reply_json(201, &made(36, TOKEN)))
        .then(CHANGE, reply_json(200, &json!({})));
    let ledger = MemoryLedger::default();

    make(&http, &new_link(), &ledger).await.expect("made");

    assert_eq!(ledger.log(), ["reserve source acme/main", "keep a secret", "made 36"]);
    assert_eq!(ledger.secret().expect("kept").expose_secret(), TOKEN);
    let sent = http.sent();
    assert_eq!(sent[0].json(), json!({ "name": "Product", "external_url": PAGE }));
    assert!(matches!(sent[0].auth, Auth::Account) && matches!(sent[1].auth, Auth::Nobody));
    assert_eq!(
        sent[1].json(),
        json!({
            "flow_token": TOKEN,
            "configuration_url":
                format!("https://patchbay.example/integrations/flowdock/configure?integration_id=36&flow={MAIN}"),
        })
    );
    assert!(sent.iter().all(|sent| sent.headers["accept"] == "application/json"));
}

#[tokio::test]
async fn a_source_that_is_there_is_only_led_to_its_settings() {
    let http = ScriptedHttp::silent().then(CHANGE, reply(200, &[], ""));
    let ledger = MemoryLedger::with(vec![row(Some("36"))]);
    make(&http, &link(), &ledger).await.expect("there");
    assert_eq!(ledger.now()[0].id.as_deref(), Some("36"));

    for (answer, kind) in [
        (no(410, "source has been removed"), ErrorKind::Gone),
        (reply(410, &[("content-type", "text/html")], "<h1>Gone</h1>"), ErrorKind::UnknownOutcome),
        (reply(503, &[], ""), ErrorKind::UnknownOutcome),
        (no(403, "the flow is disabled"), ErrorKind::Forbidden),
    ] {
        let http = ScriptedHttp::silent().then(CHANGE, answer);
        let error = make(&http, &link(), &MemoryLedger::with(vec![row(Some("36"))])).await.expect_err("not there");
        assert_eq!(error.kind(), kind, "{error}");
    }
}

/// What an earlier run left: nobody knows whether it was made, or its token is lost, or Flowdock does not know it.
#[tokio::test]
async fn a_source_without_a_usable_token_is_replaced_and_a_foreign_one_stays() {
    for (id, link, first) in [
        (None, new_link(), None),
        (None, link(), None),
        (Some("36"), new_link(), None),
        (Some("36"), link(), Some(no(401, "unknown flow_token"))),
    ] {
        let dock = Dock::default();
        dock.state().sources.push(json!({ "id": 36, "external_url": PAGE, "flow_token": "0".repeat(32) }));
        let mut answers = dock.answers();
        let mut first = first;
        let http = ScriptedHttp::answering(move |sent| first.take().map_or_else(|| answers(sent), Ok));
        let ledger = MemoryLedger::with(vec![row(id)]);

        make(&http, &link, &ledger).await.expect("made anew");

        let lines = http.lines();
        let from = lines.iter().position(|line| line == SOURCES).expect("it looks");
        assert_eq!(lines[from..], [SOURCES, &delete(36), CREATE, CHANGE]);
        assert_eq!(dock.state().sources.iter().filter(|source| source["removed"] == true).count(), 1);
        let made = ledger.now();
        assert_eq!((made.len(), made[0].id.as_deref()), (1, Some("36")), "the dock counts from 36");
        assert_eq!(ledger.secret().expect("kept").expose_secret(), TOKEN);
    }
}

#[tokio::test]
async fn a_lost_answer_leaves_the_reservation_and_a_no_takes_it_back() {
    let ledger = MemoryLedger::default();
    for answer in [reply(502, &[], ""), reply(200, &[("content-type", "text/html")], "<h1>Welcome</h1>")] {
        let http = ScriptedHttp::silent();
        let http = match ledger.now().is_empty() {
            true => http.then(CREATE, answer),
            false => http.then(SOURCES, reply_json(200, &json!([]))).then(CREATE, answer),
        };
        let error = make(&http, &new_link(), &ledger).await.expect_err("not known");
        assert_eq!(error.kind(), ErrorKind::UnknownOutcome);
        assert!(ledger.now().iter().all(|row| row.id.is_none()) && ledger.now().len() == 1);
    }
    let http = ScriptedHttp::silent().then(SOURCES, reply(503, &[], ""));
    assert!(make(&http, &new_link(), &ledger).await.expect_err("can't look").passes());
    assert_eq!(ledger.now().len(), 1, "as long as nobody looked, it stays");

    for (answer, kind) in [
        (no(401, "expired"), ErrorKind::Unauthorized),
        (no(403, "insufficient scope, this needs integration"), ErrorKind::Forbidden),
        (no(404, "not found"), ErrorKind::NotFound),
        (no(429, "slow down"), ErrorKind::RateLimited),
        (
            reply_json(400, &json!({ "message": "Validation error", "errors": { "name": ["can't be blank"] } })),
            ErrorKind::Refused,
        ),
    ] {
        let ledger = MemoryLedger::default();
        let error = make(&ScriptedHttp::silent().then(CREATE, answer), &new_link(), &ledger).await.expect_err("no");
        assert_eq!(error.kind(), kind);
        assert!(ledger.now().is_empty() && ledger.secret().is_none());
        if kind == ErrorKind::Refused {
            assert!(error.sentence().contains("Validation error; name can't be blank"), "{}", error.sentence());
        }
    }
}

#[tokio::test]
async fn a_source_without_id_or_token_is_removed_and_nothing_is_kept() {
    for body in [
        json!({ "id": 36, "name": "Product" }),
        json!({ "id": 36, "flow_token": "" }),
        json!({ "id": 36, "flow_token": TOKEN.to_uppercase() }),
        json!({ "id": 36, "flow_token": &TOKEN[..31] }),
    ] {
        let http = ScriptedHttp::silent().then(CREATE, reply_json(201, &body)).then(&delete(36), reply(204, &[], ""));
        let ledger = MemoryLedger::default();
        let error = make(&http, &new_link(), &ledger).await.expect_err("of no use");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(ledger.now().is_empty() && ledger.secret().is_none());
    }
    for body in [json!({ "flow_token": TOKEN }), json!({ "id": "x", "flow_token": TOKEN }), json!([]), Value::Null] {
        let ours = json!([{ "id": 9, "external_url": "https://other.example/" }, { "id": 36, "external_url": PAGE }]);
        let http = ScriptedHttp::silent()
            .then(CREATE, reply_json(201, &body))
            .then(SOURCES, reply_json(200, &ours))
            .then(&delete(36), reply(204, &[], ""));
        let ledger = MemoryLedger::default();
        assert_eq!(make(&http, &new_link(), &ledger).await.expect_err("no id").kind(), ErrorKind::Unavailable);
        assert!(ledger.now().is_empty() && ledger.secret().is_none());
    }
    // What could not be removed is looked for by the next run.
    let http = ScriptedHttp::silent()
        .then(CREATE, reply_json(201, &json!({ "id": 36 })))
        .then(&delete(36), reply(503, &[], ""));
    let ledger = MemoryLedger::default();
    make(&http, &new_link(), &ledger).await.expect_err("of no use");
    assert_eq!(ledger.now().len(), 1);
}

#[tokio::test]
async fn several_links_have_a_source_each_in_one_flow() {
    let dock = Dock::default();
    let second = IntegrationLink { id: "link-2".into(), ..new_link() };
    for link in [new_link(), second] {
        make(&dock.http(), &link, &MemoryLedger::default()).await.expect("made");
    }
    let pages: Vec<_> = dock.ours().iter().map(|source| source["external_url"].clone()).collect();
    assert_eq!(pages, [PAGE, "https://patchbay.example/integrations/flowdock/link/link-2"]);
}

// ---- looked after

#[tokio::test]
async fn a_source_is_looked_after_with_its_own_token() {
    let rows = [row(Some("36"))];
    let look = async |answer: Result<integration_contract::Response>| {
        let http = ScriptedHttp::silent();
        let http = match answer {
            Ok(answer) => http.then(&own(TOKEN), answer),
            Err(error) => http.then(&own(TOKEN), error),
        };
        let found = flowdock().inspect_link(&account(http.http()), &link(), &rows).await;
        assert!(http.sent().iter().all(|sent| matches!(sent.auth, Auth::Nobody)));
        found
    };
    let there = look(Ok(reply_json(200, &json!([{ "id": 36 }])))).await.expect("there");
    assert_eq!(there, [Happening::TargetBack]);
    let unknown = look(Ok(no(401, "unknown flow_token"))).await.expect("known to be unknown");
    assert!(matches!(&unknown[..], [Happening::TargetGone { reason }] if reason.contains("Try again")));
    for (answer, kind) in [
        (Ok(no(410, "source has been removed")), ErrorKind::Gone),
        (Ok(reply(410, &[], "")), ErrorKind::Gone),
        (Ok(reply(410, &[("content-type", "text/html; charset=utf-8")], "")), ErrorKind::Unavailable),
        (Ok(reply(410, &[], "\n <!DOCTYPE html><h1>Gone</h1>")), ErrorKind::Unavailable),
        (Ok(reply(401, &[], "<h1>Proxy</h1>")), ErrorKind::Unavailable),
        (Ok(reply(503, &[], "")), ErrorKind::Unavailable),
        (Err(silence(ErrorKind::Unavailable)), ErrorKind::Unavailable),
    ] {
        assert_eq!(look(answer).await.expect_err("not there").kind(), kind);
    }

    let silent = ScriptedHttp::silent();
    let cx = account(silent.http());
    assert!(flowdock().inspect_link(&cx, &link(), &[]).await.expect("nothing made").is_empty());
    assert!(flowdock().inspect_link(&cx, &new_link(), &rows).await.expect("nothing to ask with").is_empty());
}

#[tokio::test]
async fn trouble_is_shown_in_the_flows_inbox_settings() {
    for (trouble, shown) in [
        (
            Some("The GitHub account was revoked. <b>Connect</b> it again."),
            "The GitHub account was revoked. bConnect/b it again.",
        ),
        (None, ""),
    ] {
        let http = ScriptedHttp::silent().then(CHANGE, reply_json(200, &json!({})));
        flowdock().notice(&account(http.http()), &link(), trouble).await.expect("shown");
        assert_eq!(http.sent()[0].json(), json!({ "flow_token": TOKEN, "error_message": shown }));
        assert!(matches!(http.sent()[0].auth, Auth::Nobody));
    }
    let http = ScriptedHttp::silent().then(CHANGE, reply_json(200, &json!({})));
    flowdock().notice(&account(http.http()), &link(), Some(&"x".repeat(5000))).await.expect("shown");
    assert!(http.sent()[0].json()["error_message"].as_str().expect("a text").chars().count() <= 500);

    let http = ScriptedHttp::silent();
    flowdock().notice(&account(http.http()), &new_link(), Some("No source yet.")).await.expect("nowhere to show it");
    let http = ScriptedHttp::silent().then(CHANGE, no(410, "source has been removed"));
    let error = flowdock().notice(&account(http.http()), &link(), None).await.expect_err("removed");
    assert_eq!(error.kind(), ErrorKind::Gone);
}

// ---- removed

async fn remove(http: &ScriptedHttp, link: &IntegrationLink, row: Remote) -> Result<UndoneOutcome> {
    let receipt = flowdock().destroy_link(&account(http.http()), link, &[row]).await?;
    http.finish();
    assert_eq!(receipt.len(), 1);
    assert!(receipt[0].what.contains("“Product” in Main (Acme)") || receipt[0].what.contains(" at "));
    Ok(receipt.into_iter().next().expect("one").outcome)
}

fn left_over(outcome: UndoneOutcome) -> String {
    match outcome {
        UndoneOutcome::LeftOver(sentence) => sentence,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn our_source_is_removed_as_the_person_who_made_it() {
    let http = ScriptedHttp::silent().then(&delete(36), reply(204, &[], ""));
    assert_eq!(remove(&http, &link(), row(Some("36"))).await.expect("removed"), UndoneOutcome::Removed);
    assert!(matches!(http.sent()[0].auth, Auth::Account));

    for (own_answer, gone) in [
        (no(410, "source has been removed"), UndoneOutcome::AlreadyGone),
        (no(401, "unknown flow_token"), UndoneOutcome::AlreadyGone),
    ] {
        let http = ScriptedHttp::silent().then(&delete(36), no(404, "not found")).then(&own(TOKEN), own_answer);
        assert_eq!(remove(&http, &link(), row(Some("36"))).await.expect("gone"), gone);
    }
    let http = ScriptedHttp::silent().then(&delete(36), no(404, "not found"));
    assert_eq!(remove(&http, &new_link(), row(Some("36"))).await.expect("gone"), UndoneOutcome::AlreadyGone);
}

#[tokio::test]
async fn what_the_account_may_no_longer_remove_is_left_over_with_where_to_do_it() {
    let there =
        || reply_json(200, &json!([{ "id": 36, "url": "https://api.flowdock.com/flows/acme/main/sources/36" }]));
    for (answer, why) in [
        (no(401, "expired"), "is over"),
        (no(403, "forbidden"), "did not let us remove"),
        (no(404, "not found"), "does not show the flow"),
    ] {
        let http = ScriptedHttp::silent().then(&delete(36), answer).then(&own(TOKEN), there());
        let sentence = left_over(remove(&http, &link(), row(Some("36"))).await.expect("left over"));
        assert!(sentence.contains(why), "{sentence}");
        assert!(sentence.contains("https://www.flowdock.com/app/acme/main under Inbox settings"), "{sentence}");
    }
    // The host has no token for the account any more; the source's own still says that it is gone.
    let http =
        ScriptedHttp::silent().then(&delete(36), silence(ErrorKind::Unauthorized)).then(&own(TOKEN), no(410, ""));
    assert_eq!(remove(&http, &link(), row(Some("36"))).await.expect("gone"), UndoneOutcome::AlreadyGone);
    let http = ScriptedHttp::silent().then(&delete(36), silence(ErrorKind::Unauthorized));
    left_over(remove(&http, &new_link(), row(Some("36"))).await.expect("left over"));

    for (answer, kind) in [(reply(503, &[], ""), ErrorKind::UnknownOutcome), (no(429, ""), ErrorKind::RateLimited)] {
        let http = ScriptedHttp::silent().then(&delete(36), answer);
        assert_eq!(remove(&http, &link(), row(Some("36"))).await.expect_err("not known").kind(), kind);
    }
}

#[tokio::test]
async fn a_source_whose_flow_has_another_address_now_is_found_there() {
    let moved = |url: &str| reply_json(200, &json!([{ "id": 36, "url": url }]));
    let http = ScriptedHttp::silent()
        .then(&delete(36), no(404, "not found"))
        .then(&own(TOKEN), moved("https://api.flowdock.com/flows/acme/renamed/sources/36"))
        .then("DELETE /flows/acme/renamed/sources/36", reply(204, &[], ""));
    assert_eq!(remove(&http, &link(), row(Some("36"))).await.expect("removed"), UndoneOutcome::Removed);

    for elsewhere in [
        "https://evil.example/flows/acme/renamed/sources/36",
        "https://api.flowdock.com/flows/acme/renamed/sources/37",
        "https://api.flowdock.com/flows/acme/../sources/36",
    ] {
        let http = ScriptedHttp::silent().then(&delete(36), no(404, "not found")).then(&own(TOKEN), moved(elsewhere));
        left_over(remove(&http, &link(), row(Some("36"))).await.expect("left over"));
    }
}

#[tokio::test]
async fn a_source_that_may_have_been_made_is_looked_for() {
    let ours = json!([{ "id": 9, "external_url": "https://other.example/" }, { "id": 36, "external_url": PAGE }]);
    let http = ScriptedHttp::silent().then(SOURCES, reply_json(200, &ours)).then(&delete(36), reply(204, &[], ""));
    assert_eq!(remove(&http, &new_link(), row(None)).await.expect("removed"), UndoneOutcome::Removed);

    let foreign = json!([{ "id": 9, "external_url": "https://other.example/" }, { "id": 10 }]);
    let http = ScriptedHttp::silent().then(SOURCES, reply_json(200, &foreign));
    assert_eq!(remove(&http, &new_link(), row(None)).await.expect("none"), UndoneOutcome::AlreadyGone);

    for strange in [
        Remote { kind: "webhook".into(), ..row(Some("36")) },
        Remote { place: "acme".into(), ..row(Some("36")) },
        Remote { place: "acme/../x".into(), ..row(Some("36")) },
        row(Some("36/../9")),
    ] {
        left_over(remove(&ScriptedHttp::silent(), &link(), strange).await.expect("nothing of ours"));
    }
}
