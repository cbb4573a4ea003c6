//! What happened in a repository before there was a link, as its webhook would have told of it.

mod outside;

use integration_contract::{
    ErrorKind, Happened, Happening, Integration, IntegrationLink, Lately, LinkSettings, Result,
};
use integration_testkit::{ScriptedHttp, reply, reply_json};
use outside::{account, github, link, link_settings};
use serde_json::{Value, json};

fn somebody(login: &str) -> Value {
    json!({ "login": login, "id": 7 })
}

fn issue(number: u64, more: Value) -> Value {
    let mut issue = json!({
        "id": 9000 + number,
        "number": number,
        "title": format!("Title {number}"),
        "user": somebody("grace-h"),
        "state": "open",
        "created_at": format!("2026-11-01T10:00:{number:02}Z"),
    });
    if let (Value::Object(issue), Value::Object(more)) = (&mut issue, more) {
        issue.extend(more);
    }
    issue
}

fn lists(path: &str) -> Value {
    match path {
        "/repositories/1296269/issues" => json!([
            issue(1, json!({ "state": "closed", "state_reason": "not_planned", "closed_at": "2026-11-03T10:00:00Z" })),
            issue(2, json!({})),
            issue(3, json!({ "pull_request": { "merged_at": null } })),
        ]),
        "/repositories/1296269/pulls" => {
            let (closed, merged) = ("2026-11-02T10:00:00Z", "2026-11-02T10:00:00Z");
            json!([
                issue(3, json!({ "state": "closed", "closed_at": closed, "merged_at": merged })),
                issue(
                    4,
                    json!({ "state": "closed", "closed_at": "2026-11-02T11:00:00Z", "merged_at": null, "draft": true })
                ),
            ])
        }
        "/repositories/1296269/issues/comments" => json!([
            {
                "id": 5, "body": "> Why?\nBecause.", "user": somebody("octo-ada"),
                "issue_url": "https://api.github.com/repos/acme/widgets/issues/3",
                "html_url": "https://github.com/acme/widgets/pull/3#issuecomment-5",
                "created_at": "2026-11-04T10:00:00Z",
            },
            { "id": 6, "body": "Of nothing", "created_at": "2026-11-04T11:00:00Z" },
        ]),
        "/repositories/1296269/releases" => json!([
            {
                "id": 1, "tag_name": "v1", "name": "One", "author": somebody("octo-ada"),
                "published_at": "2026-11-05T10:00:00Z",
            },
            { "id": 2, "tag_name": "v2", "draft": true, "author": somebody("octo-ada"), "published_at": null },
        ]),
        other => panic!("{other} is asked for"),
    }
}

async fn lately(http: &ScriptedHttp, events: &[&str]) -> Result<Lately> {
    let mut settings = link_settings();
    settings.0["events"] = json!(events);
    let link = IntegrationLink { settings: LinkSettings(settings.0), ..link() };
    github().lately(&account(http.http()), &link).await.map(|lately| lately.expect("GitHub shows what was"))
}

const ALL: [&str; 5] = ["push", "issues", "comments", "pull_requests", "releases"];

/// The entry that came of it, and by whom.
fn entry(happened: &Happened) -> (&str, &str, &str) {
    match &happened.reading.happenings[0] {
        Happening::Entry(entry) => (&happened.event, &entry.text, &entry.author.name),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn it_reads_as_its_hooks_would_have_the_newest_first() {
    let http = ScriptedHttp::answering(|sent| Ok(reply_json(200, &lists(sent.url.path()))));

    let lately = lately(&http, &ALL).await.unwrap();

    let read: Vec<_> = lately.happened.iter().map(entry).collect();
    // Who closed or merged is said in no list.
    let expected = [
        ("release.published", "Released v1: One", "octo-ada"),
        ("issue_comment.created", "Commented on pull request #3: Because.", "octo-ada"),
        ("issues.closed", "Closed issue #1 as not planned: Title 1", ""),
        ("pull_request.closed", "Closed pull request #4 without merging: Title 4", ""),
        ("pull_request.closed", "Merged pull request #3: Title 3", ""),
        ("pull_request.opened", "Opened draft pull request #4: Title 4", "grace-h"),
        ("pull_request.opened", "Opened pull request #3: Title 3", "grace-h"),
        ("issues.opened", "Opened issue #2: Title 2", "grace-h"),
        ("issues.opened", "Opened issue #1: Title 1", "grace-h"),
    ];
    assert_eq!(read, expected);
    assert!(lately.happened.is_sorted_by_key(|one| std::cmp::Reverse(one.at)));
    assert_eq!(lately.left_out.as_deref(), Some("Pushes are brought too; GitHub lists none of before."));
    assert!(http.sent().iter().all(|sent| sent.method == "GET"));
}

#[tokio::test]
async fn only_what_the_link_brings_is_asked_for() {
    let http = ScriptedHttp::answering(|sent| Ok(reply_json(200, &lists(sent.url.path()))));
    let lately = lately(&http, &["releases"]).await.unwrap();
    assert_eq!((http.sent().len(), lately.happened.len(), lately.left_out), (1, 1, None));
}

#[tokio::test]
async fn twenty_are_enough_and_what_is_switched_off_in_the_repository_is_nothing() {
    let http = ScriptedHttp::answering(|sent| match sent.url.path() {
        "/repositories/1296269/issues" => {
            Ok(reply_json(200, &Value::Array((1..=50).map(|number| issue(number, json!({}))).collect())))
        }
        _ => Ok(reply(410, &[], "{\"message\":\"Issues are disabled for this repo\"}")),
    });
    let lately = lately(&http, &ALL).await.unwrap();
    assert_eq!(lately.happened.len(), 20);
    assert_eq!(entry(&lately.happened[0]).1, "Opened issue #50: Title 50");
}

#[tokio::test]
async fn an_outage_is_told() {
    for (status, kind) in [(503, ErrorKind::Unavailable), (401, ErrorKind::Unauthorized)] {
        let http = ScriptedHttp::answering(move |_| Ok(reply(status, &[], "{}")));
        assert_eq!(lately(&http, &ALL).await.unwrap_err().kind(), kind);
    }
    let http = ScriptedHttp::answering(|_| Ok(reply(200, &[], "{\"not\":\"a list\"}")));
    assert_eq!(lately(&http, &ALL).await.unwrap_err().kind(), ErrorKind::Unavailable);
}
