//! Links: the form and its check, the webhook in every trouble, and its removal.

mod outside;

use integration_contract::{
    Error, ErrorKind, FieldKind, FormInput, Integration, LinkRefused, LinkSettings, Remote, Reservation, Response,
    UndoneOutcome,
};
use integration_testkit::{MemoryLedger, ScriptedAnswer, ScriptedHttp, reply, reply_json};
use outside::{Repository, account, answer, answer_with, form, github, link, recorded};
use serde_json::json;

const REPOS: &str = "GET /user/repos?per_page=100&sort=full_name";
const NAMED: &str = "GET /repos/acme/widgets";
const BY_ID: &str = "GET /repositories/1296269";
const HOOKS: &str = "GET /repositories/1296269/hooks?per_page=100";
const CREATE: &str = "POST /repositories/1296269/hooks";
const PATCH: &str = "PATCH /repositories/1296269/hooks/443301958";
const DELETE: &str = "DELETE /repositories/1296269/hooks/443301958";

// ---- the form

async fn choices(http: &ScriptedHttp) -> (Vec<String>, Option<String>) {
    let form = github().new_link(&account(http.http()), &FormInput::default()).await.expect("a form");
    http.finish();
    match &form.fields[0].kind {
        FieldKind::Search { choices, .. } => (choices.iter().map(|choice| choice.label.clone()).collect(), form.notice),
        _ => panic!("repositories are searched in"),
    }
}

#[tokio::test]
async fn the_form_offers_what_the_person_administers_from_all_pages() {
    let next = "<https://api.github.com/user/repos?per_page=100&sort=full_name&page=2>; rel=\"next\"";
    let http = ScriptedHttp::silent()
        .then(REPOS, answer_with(200, &[("link", next)], "user_repos__page_1"))
        .then("GET /user/repos?per_page=100&sort=full_name&page=2", answer(200, "user_repos__page_2"));

    let (labels, notice) = choices(&http).await;

    assert_eq!(labels, ["acme/widgets (private)", "octo-ada/notes"]);
    assert_eq!(notice, None);
}

#[tokio::test]
async fn a_page_that_does_not_come_leaves_a_notice_and_a_first_one_an_error() {
    let next = "<https://api.github.com/user/repos?page=2>; rel=\"next\"";
    let http = ScriptedHttp::silent()
        .then(REPOS, answer_with(200, &[("link", next)], "user_repos__page_1"))
        .then("GET /user/repos?page=2", reply(502, &[], ""));
    let (labels, notice) = choices(&http).await;
    assert_eq!(labels, ["acme/widgets (private)"]);
    assert!(notice.expect("a notice").contains("pasted"));

    let http = ScriptedHttp::silent().then(REPOS, reply(502, &[], ""));
    let error = github().new_link(&account(http.http()), &FormInput::default()).await.expect_err("no list");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn the_listing_ends_at_its_limit() {
    let http = ScriptedHttp::answering(|_| {
        let next = "<https://api.github.com/user/repos?page=again>; rel=\"next\"";
        Ok(reply(200, &[("link", next)], "[]"))
    });
    let (_, notice) = choices(&http).await;
    assert_eq!(http.sent().len(), 50);
    assert!(notice.expect("a notice").contains("5000"));
    assert!(http.sent().iter().all(|sent| sent.timeout <= std::time::Duration::from_secs(5)));
}

#[tokio::test]
async fn a_next_page_elsewhere_is_not_fetched() {
    for elsewhere in [
        "https://evil.example/user/repos?page=2",
        "https://api.github.com.evil.example/user/repos",
        "http://api.github.com/user/repos?page=2",
        "https://ada@api.github.com/user/repos?page=2",
        "https://api.github.com:8443/user/repos?page=2",
        "/user/repos?page=2",
    ] {
        let next = format!("<{elsewhere}>; rel=\"next\"");
        let http = ScriptedHttp::silent().then(REPOS, answer_with(200, &[("link", &next)], "user_repos__page_1"));
        let error = github().new_link(&account(http.http()), &FormInput::default()).await.expect_err(elsewhere);
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}

// ---- its check

async fn refused(input: &FormInput, http: &ScriptedHttp) -> (Option<String>, Option<String>) {
    let outcome = github().check_link(&account(http.http()), input).await;
    http.finish();
    match outcome {
        Err(LinkRefused::Fields(errors)) => {
            (errors.get("repository").map(str::to_owned), errors.get("events").map(str::to_owned))
        }
        other => panic!("fields were to be refused: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_no_repository_never_reaches_github() {
    let long = "a/".repeat(250);
    for typed in ["", "../../user", "a/b?x=1", "a/b#", "a%2fb", "a/b/c", ".", "..", "a\0/b", &long, "аcme/widgets"] {
        let (repository, events) = refused(&form(typed), &ScriptedHttp::silent()).await;
        assert!(repository.is_some() && events.is_none(), "{typed:?}");
    }
    let twice = [("repository", "a/b"), ("repository", "c/d"), ("events", "push")].into_iter().collect();
    assert!(refused(&twice, &ScriptedHttp::silent()).await.0.is_some());
}

#[tokio::test]
async fn events_come_from_the_list() {
    for events in [vec![], vec!["push", "everything"], vec![""]] {
        let input = [("repository", "acme/widgets")].into_iter().chain(events.iter().map(|event| ("events", *event)));
        let (repository, events) = refused(&input.collect(), &ScriptedHttp::silent()).await;
        assert!(repository.is_none() && events.is_some());
    }
}

#[tokio::test]
async fn a_good_form_is_bound_to_the_numeric_id() {
    let input = [
        ("repository", "https://github.com/acme/widgets"),
        ("events", "issues"),
        ("events", "push"),
        ("events", "push"),
        ("active", "false"),
        ("secret", "mine"),
    ];
    let http = ScriptedHttp::silent().then(NAMED, answer(200, "repository__widgets"));
    let checked = github().check_link(&account(http.http()), &input.into_iter().collect()).await.expect("good");
    assert_eq!(checked.target, "repository:1296269");
    assert_eq!(
        checked.settings.0,
        json!({
            "repository_id": 1_296_269,
            "full_name": "acme/widgets",
            "html_url": "https://github.com/acme/widgets",
            "events": ["push", "issues"],
        })
    );
}

#[tokio::test]
async fn an_old_name_leads_to_the_renamed_repository_and_nowhere_else() {
    let moved = |to: &str| answer_with(301, &[("location", to)], "repository__moved");
    let http = ScriptedHttp::silent()
        .then(NAMED, moved("https://api.github.com/repositories/1296269"))
        .then(BY_ID, answer(200, "repository__renamed"));
    let checked = github().check_link(&account(http.http()), &form("acme/widgets")).await.expect("followed");
    assert_eq!(checked.settings.0["full_name"], "acme/gizmos");

    for elsewhere in [
        "https://evil.example/repositories/1296269",
        "https://api.github.com/repositories/1296269/hooks",
        "https://api.github.com/repositories/",
        "https://api.github.com/user",
        "/repositories/1296269",
    ] {
        let http = ScriptedHttp::silent().then(NAMED, moved(elsewhere));
        match github().check_link(&account(http.http()), &form("acme/widgets")).await {
            Err(LinkRefused::Partner(error)) => assert_eq!(error.kind(), ErrorKind::Unavailable),
            other => panic!("{elsewhere}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_a_repository_lacks_is_said_beside_the_field() {
    for (found, words) in [
        (answer(404, "error__not_found"), "shows octo-ada no repository acme/widgets"),
        (answer(200, "repository__read_only"), "needs the admin role"),
        (answer(200, "repository__archived"), "archived"),
        (answer(403, "error__forbidden"), "Resource not accessible"),
        (answer_with(403, &[("x-github-sso", "required; url=x")], "error__forbidden"), "single sign-on"),
    ] {
        let http = ScriptedHttp::silent().then(NAMED, found);
        let (repository, _) = refused(&form("acme/widgets"), &http).await;
        let sentence = repository.expect("a sentence");
        assert!(sentence.contains(words), "{sentence}");
    }
}

// ---- the webhook

fn row(id: Option<&str>) -> Remote {
    Remote {
        reservation: Reservation("row".into()),
        kind: "webhook".into(),
        place: "1296269".into(),
        id: id.map(str::to_owned),
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::UnknownOutcome, "The answer was lost.")
}

async fn create(http: &ScriptedHttp, ledger: &MemoryLedger) -> Result<(), Error> {
    let outcome = github().create_link(&account(http.http()), &link(), ledger).await;
    http.finish();
    outcome
}

#[tokio::test]
async fn a_webhook_is_reserved_then_made_as_the_settings_say() {
    let (http, ledger) =
        (ScriptedHttp::silent().then(CREATE, answer(201, "create_hook__made")), MemoryLedger::default());

    create(&http, &ledger).await.expect("made");

    assert_eq!(ledger.log(), ["reserve webhook 1296269", "made 443301958"]);
    assert_eq!(
        http.sent()[0].json(),
        json!({
            "name": "web",
            "active": true,
            "events": ["push", "issues", "issue_comment", "pull_request", "release", "meta", "repository"],
            "config": {
                "url": outside::HOOK_URL,
                "content_type": "json",
                "secret": "hook-secret-77aa",
                "insecure_ssl": "0",
            },
        })
    );
}

#[tokio::test]
async fn ours_is_adopted_when_it_exists_already_and_foreign_ones_stay() {
    for first in [answer(422, "create_hook__exists").into(), lost().into()] as [ScriptedAnswer; 2] {
        let http = ScriptedHttp::silent()
            .then(CREATE, first)
            .then(HOOKS, answer(200, "hooks__ours_and_foreign"))
            .then(PATCH, answer(200, "create_hook__made"));
        let ledger = MemoryLedger::default();
        create(&http, &ledger).await.expect("adopted");
        assert_eq!(ledger.now()[0].id.as_deref(), Some("443301958"));
        assert_eq!(http.sent()[2].json()["config"]["secret"], "hook-secret-77aa");
    }
}

#[tokio::test]
async fn an_open_reservation_is_looked_up_before_anything_is_made() {
    let http = ScriptedHttp::silent()
        .then(HOOKS, answer(200, "hooks__ours_and_foreign"))
        .then(PATCH, answer(200, "create_hook__made"));
    create(&http, &MemoryLedger::with(vec![row(None)])).await.expect("adopted");

    let http = ScriptedHttp::silent()
        .then(HOOKS, answer(200, "hooks__foreign"))
        .then(CREATE, answer(201, "create_hook__made"));
    create(&http, &MemoryLedger::with(vec![row(None)])).await.expect("made");
}

#[tokio::test]
async fn ours_is_found_on_a_later_page() {
    let next = "<https://api.github.com/repositories/1296269/hooks?page=2>; rel=\"next\"";
    let http = ScriptedHttp::silent()
        .then(HOOKS, answer_with(200, &[("link", next)], "hooks__foreign"))
        .then("GET /repositories/1296269/hooks?page=2", answer(200, "hooks__ours_and_foreign"))
        .then(PATCH, answer(200, "create_hook__made"));
    create(&http, &MemoryLedger::with(vec![row(None)])).await.expect("adopted");
}

#[tokio::test]
async fn what_is_unknown_stays_open_and_what_is_certain_does_not() {
    let http = ScriptedHttp::silent().then(CREATE, lost()).then(HOOKS, answer(200, "hooks__foreign"));
    let ledger = MemoryLedger::default();
    assert_eq!(create(&http, &ledger).await.expect_err("unknown").kind(), ErrorKind::UnknownOutcome);
    assert_eq!(ledger.now().len(), 1);

    let certain: [(Response, ErrorKind, &str); 7] = [
        (answer(401, "error__bad_credentials"), ErrorKind::Unauthorized, "Connect GitHub again"),
        (answer(404, "error__not_found"), ErrorKind::NotFound, "admin role"),
        (
            answer_with(
                404,
                &[("x-oauth-scopes", "read:user"), ("x-accepted-oauth-scopes", "admin:repo_hook, public_repo, repo")],
                "error__not_found",
            ),
            ErrorKind::Forbidden,
            "permission was taken back",
        ),
        (answer(403, "error__forbidden"), ErrorKind::Forbidden, "Resource not accessible"),
        (answer(422, "create_hook__too_many"), ErrorKind::Refused, "20 webhooks"),
        (answer(422, "create_hook__localhost"), ErrorKind::Refused, "PATCHBAY_PUBLIC_URL"),
        (answer(410, "error__not_found"), ErrorKind::NotFound, "gone"),
    ];
    for (refusal, kind, words) in certain {
        let ledger = MemoryLedger::default();
        let error = create(&ScriptedHttp::silent().then(CREATE, refusal), &ledger).await.expect_err(words);
        assert_eq!(error.kind(), kind, "{words}");
        assert!(error.sentence().contains(words), "{}", error.sentence());
        assert!(ledger.now().is_empty(), "{words}");
    }
}

#[tokio::test]
async fn a_failing_write_is_looked_up_before_it_is_repeated() {
    let http = ScriptedHttp::silent().then(CREATE, reply(502, &[], "<html>")).then(HOOKS, reply(502, &[], ""));
    let ledger = MemoryLedger::default();
    let error = create(&http, &ledger).await.expect_err("not known");
    assert!(error.passes());
    assert_eq!(ledger.now().len(), 1);

    let unreadable = reply_json(201, &json!({ "name": "web" }));
    let http = ScriptedHttp::silent()
        .then(CREATE, unreadable)
        .then(HOOKS, answer(200, "hooks__ours_and_foreign"))
        .then(PATCH, answer(200, "create_hook__made"));
    create(&http, &MemoryLedger::default()).await.expect("adopted");
}

#[tokio::test]
async fn limits_say_how_long_to_wait() {
    let soon = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs() + 90;
    let reset = soon.to_string();
    let far = (soon + 1_000_000).to_string();
    for (limit, seconds) in [
        (answer(403, "error__secondary_limit"), 60..=60),
        (answer_with(403, &[("retry-after", "17")], "error__secondary_limit"), 17..=17),
        (
            answer_with(429, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &reset)], "error__primary_limit"),
            80..=90,
        ),
        (
            answer_with(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &far)], "error__primary_limit"),
            3600..=3600,
        ),
        (
            answer_with(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "0")], "error__primary_limit"),
            1..=1,
        ),
        (reply(429, &[("retry-after", "soon")], ""), 60..=60),
    ] {
        let error =
            create(&ScriptedHttp::silent().then(CREATE, limit), &MemoryLedger::default()).await.expect_err("limit");
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert!(seconds.contains(&error.wait().expect("a wait").as_secs()), "{seconds:?}: {:?}", error.wait());
    }
}

#[tokio::test]
async fn a_webhook_that_was_deleted_at_github_is_made_again() {
    let http = ScriptedHttp::silent()
        .then(PATCH, answer(404, "error__not_found"))
        .then(BY_ID, answer(200, "repository__widgets"))
        .then(HOOKS, answer(200, "hooks__foreign"))
        .then(CREATE, answer(201, "create_hook__made"));
    create(&http, &MemoryLedger::with(vec![row(Some("443301958"))])).await.expect("made again");

    // Without the admin role it may well be there: nothing is concluded.
    let http = ScriptedHttp::silent()
        .then(PATCH, answer(404, "error__not_found"))
        .then(BY_ID, answer(200, "repository__read_only"));
    let ledger = MemoryLedger::with(vec![row(Some("443301958"))]);
    assert_eq!(create(&http, &ledger).await.expect_err("hidden").kind(), ErrorKind::NotFound);
    assert_eq!(ledger.now(), [row(Some("443301958"))]);
}

#[tokio::test]
async fn changing_the_repository_moves_the_webhook() {
    let repository = Repository::default();
    let http = repository.http();
    let elsewhere = Remote { place: "777".into(), id: Some("5".into()), ..row(None) };
    let ledger = MemoryLedger::with(vec![elsewhere]);

    github().change_link(&account(http.http()), &link(), &ledger).await.expect("changed");

    assert_eq!(repository.hook_ids(), [11, 12, 443_301_958]);
    assert!(http.lines().contains(&"DELETE /repositories/777/hooks/5".to_owned()));
    // GitHub hides that repository, so ours may still stand there: the link's removal asks again.
    assert_eq!(ledger.now().iter().map(|row| row.place.as_str()).collect::<Vec<_>>(), ["777", "1296269"]);
}

// ---- its removal

async fn destroy(http: &ScriptedHttp, ours: &[Remote]) -> integration_contract::Undone {
    let mut receipt = github().destroy_link(&account(http.http()), &link(), ours).await.expect("a receipt");
    http.finish();
    assert_eq!(receipt.len(), ours.len());
    receipt.remove(0)
}

#[tokio::test]
async fn exactly_ours_is_removed() {
    let repository = Repository::default();
    let ledger = MemoryLedger::default();
    let http = repository.http();
    github().create_link(&account(http.http()), &link(), &ledger).await.expect("made");
    assert_eq!(repository.hook_ids(), [11, 12, 443_301_958]);

    let undone = destroy(&repository.http(), &ledger.now()).await;

    assert_eq!((undone.what.as_str(), undone.outcome), ("the webhook of acme/widgets", UndoneOutcome::Removed));
    assert_eq!(repository.hook_ids(), [11, 12]);
}

#[tokio::test]
async fn the_receipt_says_what_a_404_meant() {
    let not_found = || answer(404, "error__not_found");
    let ours = [row(Some("443301958"))];

    let http = ScriptedHttp::silent().then(DELETE, not_found()).then(BY_ID, answer(200, "repository__widgets"));
    assert_eq!(destroy(&http, &ours).await.outcome, UndoneOutcome::AlreadyGone);

    let http = ScriptedHttp::silent().then(DELETE, not_found()).then(BY_ID, not_found());
    match destroy(&http, &ours).await.outcome {
        UndoneOutcome::LeftOver(why) => assert!(why.contains("no longer shows octo-ada"), "{why}"),
        other => panic!("{other:?}"),
    }

    let http = ScriptedHttp::silent().then(DELETE, not_found()).then(BY_ID, answer(200, "repository__read_only"));
    match destroy(&http, &ours).await.outcome {
        UndoneOutcome::LeftOver(why) => {
            assert!(why.contains("https://github.com/acme/widgets/settings/hooks"), "{why}")
        }
        other => panic!("it may still be there: {other:?}"),
    }

    let http = ScriptedHttp::silent().then(DELETE, answer(403, "error__forbidden"));
    assert!(matches!(destroy(&http, &ours).await.outcome, UndoneOutcome::LeftOver(_)));
}

#[tokio::test]
async fn what_may_have_been_made_is_found_by_our_own_address() {
    let http =
        ScriptedHttp::silent().then(HOOKS, answer(200, "hooks__ours_and_foreign")).then(DELETE, reply(204, &[], ""));
    assert_eq!(destroy(&http, &[row(None)]).await.outcome, UndoneOutcome::Removed);

    let http = ScriptedHttp::silent().then(HOOKS, answer(200, "hooks__foreign"));
    assert_eq!(destroy(&http, &[row(None)]).await.outcome, UndoneOutcome::AlreadyGone);
}

#[tokio::test]
async fn an_outage_while_removing_is_tried_again() {
    for (trouble, kind) in [
        (reply(502, &[], ""), ErrorKind::UnknownOutcome),
        (answer(403, "error__secondary_limit"), ErrorKind::RateLimited),
        (answer(401, "error__bad_credentials"), ErrorKind::Unauthorized),
    ] {
        let http = ScriptedHttp::silent().then(DELETE, trouble);
        let outcome = github().destroy_link(&account(http.http()), &link(), &[row(Some("443301958"))]).await;
        assert_eq!(outcome.expect_err("not removed").kind(), kind);
    }
}

#[tokio::test]
async fn rows_that_are_nothing_of_githubs_are_not_taken_there() {
    let strange =
        [Remote { kind: "channel".into(), ..row(Some("1")) }, Remote { place: "../../user".into(), ..row(Some("1")) }];
    for row in strange {
        let outcome = destroy(&ScriptedHttp::silent(), &[row]).await.outcome;
        assert!(matches!(outcome, UndoneOutcome::LeftOver(_)));
    }
    let odd = [row(Some("1/../../user"))];
    let http = ScriptedHttp::silent();
    github().destroy_link(&account(http.http()), &link(), &odd).await.expect_err("no such id");
}

// ---- what is said of it

#[test]
fn a_link_is_told_in_a_sentence() {
    let mut link = link();
    assert_eq!(
        github().summary(&link),
        "Pushes, issues, comments, pull requests and releases of acme/widgets become entries."
    );
    assert_eq!(github().short_name(&link), "acme/widgets");
    let mut settings = recorded("repository__widgets");
    settings["repository_id"] = json!(1);
    settings["events"] = json!(["pull_requests"]);
    link.settings = LinkSettings(settings);
    assert_eq!(github().summary(&link), "Pull requests of acme/widgets become entries.");
}
