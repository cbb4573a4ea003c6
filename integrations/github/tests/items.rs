//! Working with issues and pull requests, against the sandbox and against answers that it does not give.

#![allow(clippy::unwrap_used)]

#[path = "sandbox/calls.rs"]
mod calls;
#[path = "sandbox/ground.rs"]
#[allow(dead_code, reason = "the sandbox's own tests use the rest")]
mod ground;
#[path = "outside/mod.rs"]
mod outside;

use std::time::{SystemTime, UNIX_EPOCH};

use calls::Calls;
use ground::{Ground, Receiver, eventually};
use integration_contract::{
    Account, Change, Deed, ErrorKind, Happening, HookCall, Http, Identity, Integration, IntegrationLink, Item,
    ItemKind, ItemState, Items, LinkSettings, NewComment, NewItem, Verified,
};
use integration_github::GitHub;
use integration_testkit::{ScriptedHttp, reply, reply_json};
use serde_json::json;

/// `acme/widgets` in the sandbox, as somebody sees it. Its seed: an open issue 1 that is bob's, an open issue 2 of bob's, a
/// closed issue 3 of grace's, and the pull request 4.
struct Scene {
    ground: Ground,
    github: GitHub,
    link: IntegrationLink,
}

impl Scene {
    async fn set() -> Self {
        let ground = Ground::new().await;
        let github = GitHub::new(&ground.settings.iter().cloned().collect()).unwrap();
        let ada = account(&ground, "ada-codes").await;
        let events = ["issues", "comments", "pull_requests"].map(|event| ("events", event));
        let form = [("repository", "acme/widgets")].into_iter().chain(events).collect();
        let checked = github.check_link(&ada, &form).await.unwrap();
        Self { link: IntegrationLink { settings: checked.settings, ..outside::link() }, github, ground }
    }

    async fn as_user(&self, login: &str) -> Account {
        account(&self.ground, login).await
    }

    fn items(&self) -> &dyn Items {
        Integration::items(&self.github).unwrap()
    }

    async fn item(&self, id: &str) -> Item {
        self.items().item(&self.as_user("ada-codes").await, &self.link, id).await.unwrap().unwrap()
    }

    async fn act(&self, login: &str, id: &str, deed: Deed) -> integration_contract::Result<Item> {
        self.items().act(&self.as_user(login).await, &self.link, id, &deed).await
    }

    /// What somebody does on the sandbox's pages.
    async fn by_hand(&self, login: &str, path: &str, fields: &[(&str, &str)]) {
        let answer = self.ground.form(login, &format!("/acme/widgets/{path}"), fields).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
    }

    async fn fault(&self, method: &str, path: &str, effect: serde_json::Value) {
        let mut rule = effect;
        rule["method"] = json!(method);
        rule["path"] = json!(format!("/api/v3/repositories/*/{path}"));
        self.ground.control("/rules", rule).await;
    }
}

async fn account(ground: &Ground, login: &str) -> Account {
    let token = ground.token(login).await;
    let id = ground.get("/user", &token).await.json()["id"].to_string();
    Account {
        http: Http::new(Calls::new(&ground.http, token)),
        identity: Some(Identity { id, name: login.to_owned(), url: None }),
        scopes: vec!["repo".into()],
        site: None,
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

fn new_item(key: &str) -> NewItem {
    NewItem {
        key: key.to_owned(),
        external_id: "ticket-35".to_owned(),
        title: "The charts are late".to_owned(),
        body: "Asked by a **customer**.".to_owned(),
        labels: vec!["bug".to_owned(), "from Zendesk".to_owned()],
    }
}

fn new_comment(key: &str) -> NewComment {
    NewComment { key: key.to_owned(), body: "They ask again. 💥".to_owned() }
}

#[tokio::test]
async fn an_issue_and_a_pull_request_are_items() {
    let scene = Scene::set().await;
    let issue = scene.item("1").await;
    assert_eq!((issue.kind, issue.name.as_str(), issue.state), (ItemKind::Issue, "acme/widgets#1", ItemState::Open));
    assert_eq!(issue.title, "Widget stops when resized to zero");
    assert!(issue.body.ends_with("It stops 💥"), "{}", issue.body);
    assert_eq!((issue.author.name.as_str(), issue.author.id.as_deref()), ("ada-codes", Some("10001001")));
    assert!(issue.author.avatar.as_deref().unwrap().ends_with("/avatars/10001001"));
    assert_eq!(issue.assignees[0].name, "bob-builds");
    assert_eq!(issue.labels, ["bug"]);
    assert!(issue.updated_at.unwrap() > now() - 3600);

    let pull = scene.item("4").await;
    assert_eq!((pull.kind, pull.state_word.as_str()), (ItemKind::PullRequest, "open"));
    scene.by_hand("ada-codes", "pull/4/merge", &[]).await;
    let merged = scene.item("4").await;
    assert_eq!((merged.state, merged.state_word.as_str()), (ItemState::Closed, "merged"));
}

#[tokio::test]
async fn issues_are_listed_the_last_opened_first_and_pull_requests_are_not() {
    let scene = Scene::set().await;
    let ada = scene.as_user("ada-codes").await;
    let made = scene.items().create_item(&ada, &scene.link, &new_item("mirror-9")).await.unwrap();

    let page = scene.items().list_items(&ada, &scene.link, None).await.unwrap();

    let numbers: Vec<&str> = page.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(numbers, [made.id.as_str(), "3", "2", "1"]);
    assert_eq!((&page.items[0], page.next), (&made, None), "with its text, and without our mark");
    assert_eq!(page.items[1].state, ItemState::Closed);
    assert_eq!(page.items[3], scene.item("1").await);
}

#[tokio::test]
async fn pages_of_issues_lead_through_all_of_them() {
    let scene = Scene::set().await;
    let ada = scene.as_user("ada-codes").await;
    let no_limits = json!({ "content_per_minute": 1000, "points_per_minute": 10_000 });
    scene.ground.control("/limits", no_limits).await;
    for number in 0..99 {
        scene.items().create_item(&ada, &scene.link, &new_item(&format!("mirror-{number}"))).await.unwrap();
    }
    let first = scene.items().list_items(&ada, &scene.link, None).await.unwrap();
    let next = first.next.as_deref().unwrap();
    let second = scene.items().list_items(&ada, &scene.link, Some(next)).await.unwrap();
    assert_eq!((first.items.len(), second.next), (99, None), "one of a hundred is a pull request");
    let numbers: Vec<&str> = second.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(numbers, ["3", "2", "1"]);
}

#[tokio::test]
async fn what_is_not_there_is_none_and_what_moved_is_not_there() {
    let scene = Scene::set().await;
    let ada = scene.as_user("ada-codes").await;
    scene.by_hand("ada-codes", "issues/1/transfer", &[("to", "acme/website")]).await;
    scene.by_hand("ada-codes", "issues/2/delete", &[]).await;
    for id in ["1", "2", "99", "0", "", "../1", "1?x", "18446744073709551616", "-1"] {
        assert_eq!(scene.items().item(&ada, &scene.link, id).await.unwrap(), None, "{id:?}");
        for deed in [Deed::AssignToMe, Deed::Close, Deed::Retitle("x".into()), Deed::Label(vec!["bug".into()])] {
            let error = scene.act("ada-codes", id, deed).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{id:?}: {}", error.sentence());
        }
        let error = scene.items().comment(&ada, &scene.link, id, &new_comment("k")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{id:?}");
    }
}

#[tokio::test]
async fn what_is_done_to_an_issue_is_done_as_whoever_does_it_and_again_is_success() {
    let scene = Scene::set().await;
    for _ in 0..2 {
        let item = scene.act("ada-codes", "1", Deed::AssignToMe).await.unwrap();
        let names: Vec<_> = item.assignees.iter().map(|who| who.name.as_str()).collect();
        assert_eq!(names, ["bob-builds", "ada-codes"]);
        let item = scene.act("ada-codes", "1", Deed::Retitle(" No size\nis zero ".into())).await.unwrap();
        assert_eq!(item.title, "No size");
        let labels = vec!["bug".to_owned(), "urgent".to_owned()];
        let item = scene.act("ada-codes", "1", Deed::Label(labels.clone())).await.unwrap();
        assert_eq!(item.labels, labels);
    }
    for _ in 0..2 {
        let item = scene.act("bob-builds", "1", Deed::Close).await.unwrap();
        assert_eq!((item.state, scene.items().deeds(&item)), (ItemState::Closed, vec![Deed::Reopen]));
    }
    for _ in 0..2 {
        let item = scene.act("bob-builds", "1", Deed::Reopen).await.unwrap();
        assert_eq!((item.state, scene.items().deeds(&item)), (ItemState::Open, vec![Deed::AssignToMe, Deed::Close]));
    }
    let cleared = scene.act("ada-codes", "1", Deed::Label(Vec::new())).await.unwrap();
    assert_eq!(cleared.labels, <[String; 0]>::default());
}

#[tokio::test]
async fn what_github_leaves_as_it_was_is_refused_with_a_sentence() {
    let scene = Scene::set().await;
    let error = scene.act("grace-outside", "1", Deed::AssignToMe).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.sentence().starts_with("GitHub did not assign acme/widgets#1 to grace-outside:"), "{error}");
    assert_eq!(scene.item("1").await.assignees.len(), 1);

    let error = scene.act("grace-outside", "1", Deed::Close).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    scene.by_hand("ada-codes", "pull/4/merge", &[]).await;
    let error = scene.act("ada-codes", "4", Deed::Reopen).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.sentence().contains("merged"), "{error}");
    let merged = scene.act("ada-codes", "4", Deed::Close).await.unwrap();
    assert_eq!(scene.items().deeds(&merged), []);

    scene.by_hand("ada-codes", "issues/1/lock", &[]).await;
    let grace = scene.as_user("grace-outside").await;
    let error = scene.items().comment(&grace, &scene.link, "1", &new_comment("k")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.sentence().contains("locked"), "{error}");
}

#[tokio::test]
async fn an_issue_is_made_once_even_when_the_answer_is_lost() {
    let scene = Scene::set().await;
    let ada = scene.as_user("ada-codes").await;
    let new = new_item("mirror-7");
    assert_eq!(scene.items().find_item(&ada, &scene.link, &new).await.unwrap(), None);

    scene.fault("POST", "issues", json!({ "effect": "lost_answer" })).await;
    let lost = scene.items().create_item(&ada, &scene.link, &new).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::UnknownOutcome);
    let found = scene.items().find_item(&ada, &scene.link, &new).await.unwrap().unwrap();
    assert_eq!(found.title, "The charts are late");
    assert_eq!(found.body, "Asked by a **customer**.");
    assert_eq!(found.labels, ["bug", "from Zendesk"]);
    // Another key, and another person with the same one, are not it.
    assert_eq!(scene.items().find_item(&ada, &scene.link, &new_item("mirror-")).await.unwrap(), None);
    let bob = scene.as_user("bob-builds").await;
    assert_eq!(scene.items().find_item(&bob, &scene.link, &new).await.unwrap(), None);
    let page = scene.ground.page("ada-codes", &format!("/acme/widgets/issues/{}", found.id)).await;
    assert_eq!(page.body.matches("patchbay:mirror-7").count(), 1, "only in the form that edits it");
}

#[tokio::test]
async fn a_comment_is_written_once_even_when_the_answer_is_lost() {
    let scene = Scene::set().await;
    let (ada, bob) = (scene.as_user("ada-codes").await, scene.as_user("bob-builds").await);
    let (items, since, new) = (scene.items(), now(), new_comment("c-1"));
    assert_eq!(items.find_comment(&ada, &scene.link, "1", &new, since).await.unwrap(), None);
    scene.fault("POST", "issues/1/comments", json!({ "effect": "lost_answer" })).await;
    let lost = items.comment(&ada, &scene.link, "1", &new).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::UnknownOutcome);

    let found = items.find_comment(&ada, &scene.link, "1", &new, since).await.unwrap().unwrap();
    assert_eq!((found.body.as_str(), found.author.name.as_str()), ("They ask again. 💥", "ada-codes"));
    assert!(found.url.unwrap().contains(&format!("issues/1#issuecomment-{}", found.id)));
    assert_eq!(items.find_comment(&bob, &scene.link, "1", &new, since).await.unwrap(), None, "it is not bob's");
    assert_eq!(items.find_comment(&ada, &scene.link, "2", &new, since).await.unwrap(), None);
    let later = items.find_comment(&ada, &scene.link, "1", &new, since + 3600).await.unwrap();
    assert_eq!(later, None, "GitHub is asked for newer ones only");
}

#[tokio::test]
async fn what_was_done_by_api_comes_back_as_hooks_that_say_who() {
    let scene = Scene::set().await;
    let receiver = Receiver::new().await;
    scene.ground.hook("acme/widgets", &receiver, &["issues", "issue_comment", "pull_request"]).await;
    let bob = scene.as_user("bob-builds").await;
    let made = scene.items().create_item(&bob, &scene.link, &new_item("mirror-8")).await.unwrap();
    scene.items().comment(&bob, &scene.link, &made.id, &new_comment("c-2")).await.unwrap();
    for deed in [Deed::AssignToMe, Deed::Retitle("Later".into()), Deed::Label(vec!["bug".into()]), Deed::Close] {
        scene.act("bob-builds", &made.id, deed).await.unwrap();
    }

    let changes = eventually("the hooks of all that", async || {
        let all = receiver.all();
        let changes: Vec<_> = all
            .iter()
            .flat_map(|arrival| {
                let headers = ["content-type", "x-github-event", "x-github-delivery"]
                    .map(|name| (name.to_owned(), vec![arrival.header(name).to_owned()]));
                let call = HookCall { headers: headers.into(), key: Some("k".into()), body: arrival.body.clone() };
                scene.github.hook(&scene.link, &Verified::from_inbox(call)).unwrap().happenings
            })
            .filter_map(|happening| match happening {
                Happening::Item(change) => Some(*change),
                _ => None,
            })
            .collect();
        changes.iter().any(|change| change.what == Change::Closed).then_some(changes)
    })
    .await;
    let words: Vec<_> = changes
        .iter()
        .map(|change| match &change.what {
            Change::Commented(comment) => comment.body.clone(),
            other => format!("{other:?}"),
        })
        .collect();
    let labelled = "Labelled";
    assert_eq!(words, ["Opened", labelled, labelled, "They ask again. 💥", "Assigned", "Edited", labelled, "Closed"]);
    assert!(changes.iter().all(|change| change.by.name == "bob-builds" && change.item.id == made.id));
    assert_eq!(changes[0].item.body, "Asked by a **customer**.");
    assert_eq!(changes.last().unwrap().item.assignees[0].name, "bob-builds");
    let ids: std::collections::BTreeSet<_> = changes.iter().map(|change| &change.id).collect();
    assert_eq!(ids.len(), changes.len());
}

// ---- answers that the sandbox does not give

fn scripted(script: &ScriptedHttp) -> (GitHub, Account, IntegrationLink) {
    (outside::github(), outside::account(script.http()), outside::link())
}

fn issue(fields: serde_json::Value) -> serde_json::Value {
    let mut issue =
        json!({ "id": 1, "number": 42, "title": "x", "state": "open", "labels": ["bug", { "name": "ui" }, {}] });
    for (name, value) in fields.as_object().unwrap() {
        issue[name] = value.clone();
    }
    issue
}

#[tokio::test]
async fn the_next_page_is_asked_for_as_github_says_and_in_this_repository_alone() {
    let page = |link: &str| reply(200, &[("link", link)], json!([issue(json!({}))]).to_string());
    let first = "GET /repositories/1296269/issues?state=all&sort=created&direction=desc&per_page=100";
    let cursor = "state=all&after=Y3Vyc29y%3D&per_page=100";
    for (link, next) in [
        (format!("<https://api.github.com/repositories/1/issues?{cursor}>; rel=\"next\""), Some(cursor)),
        ("<https://api.github.com/repositories/1/issues?page=1>; rel=\"first\"".to_owned(), None),
    ] {
        let script = ScriptedHttp::silent().then(first, page(&link));
        let (github, ada, link) = scripted(&script);
        let listed = github.list_items(&ada, &link, None).await.unwrap();
        assert_eq!((listed.items.len(), listed.next.as_deref()), (1, next));
        let Some(next) = next else { continue };
        let line = format!("GET /repositories/1296269/issues?{next}");
        let script = ScriptedHttp::silent().then(&line, reply_json(200, &json!([])));
        let (github, ada, link) = scripted(&script);
        assert_eq!(github.list_items(&ada, &link, Some(next)).await.unwrap().items, []);
        script.finish();
    }
    let elsewhere = page("<https://evil.example/?a>; rel=\"next\"");
    let gone = reply_json(410, &json!({ "message": "Issues are disabled for this repo" }));
    for (answer, kind) in [(elsewhere, ErrorKind::Unavailable), (gone, ErrorKind::Refused)] {
        let script = ScriptedHttp::silent().then(first, answer);
        let (github, ada, link) = scripted(&script);
        assert_eq!(github.list_items(&ada, &link, None).await.unwrap_err().kind(), kind);
    }
}

#[tokio::test]
async fn a_renamed_account_is_assigned_under_its_new_name() {
    let script =
        ScriptedHttp::silent().then("GET /user", reply_json(200, &json!({ "id": 583_231, "login": "ada-now" }))).then(
            "POST /repositories/1296269/issues/42/assignees",
            reply_json(201, &issue(json!({ "assignees": [{ "id": 583_231, "login": "ada-now" }] }))),
        );
    let (github, ada, link) = scripted(&script);

    let item = Items::act(&github, &ada, &link, "42", &Deed::AssignToMe).await.unwrap();

    assert_eq!(script.sent()[1].json(), json!({ "assignees": ["ada-now"] }));
    assert_eq!(item.assignees[0].id.as_deref(), Some("583231"));
    assert_eq!(item.labels, ["bug", "ui"], "labels come with and without fields of their own");
    script.finish();
}

#[tokio::test]
async fn a_state_that_did_not_change_is_refused() {
    let line = "PATCH /repositories/1296269/issues/42";
    let script = ScriptedHttp::silent().then(line, reply_json(200, &issue(json!({ "state": "open" }))));
    let (github, ada, link) = scripted(&script);

    let error = Items::act(&github, &ada, &link, "42", &Deed::Close).await.unwrap_err();

    assert_eq!((error.kind(), error.sentence()), (ErrorKind::Refused, "GitHub left acme/widgets#42 as it was."));
    assert_eq!(script.sent()[0].json(), json!({ "state": "closed" }));
}

#[tokio::test]
async fn an_answer_that_can_t_be_read_after_a_write_is_an_unknown_outcome_and_troubles_have_their_kinds() {
    let comment = "POST /repositories/1296269/issues/42/comments";
    let no_issues = json!({ "message": "Issues are disabled for this repo" });
    let locked = json!({ "message": "Unable to create comment because issue is locked." });
    for (status, body, kind) in [
        (201, json!("nonsense"), ErrorKind::UnknownOutcome),
        (500, json!({}), ErrorKind::UnknownOutcome),
        (403, locked, ErrorKind::Refused),
        (403, json!({ "message": "You have exceeded a secondary rate limit" }), ErrorKind::RateLimited),
        (410, no_issues, ErrorKind::Refused),
        (410, json!({ "message": "This issue was deleted" }), ErrorKind::NotFound),
        (301, json!({ "message": "Moved Permanently" }), ErrorKind::NotFound),
        (307, json!({ "message": "Temporary Redirect" }), ErrorKind::NotFound),
        (401, json!({ "message": "Bad credentials" }), ErrorKind::Unauthorized),
        (422, json!({ "message": "Validation Failed" }), ErrorKind::Refused),
    ] {
        let script = ScriptedHttp::silent().then(comment, reply_json(status, &body));
        let (github, ada, link) = scripted(&script);
        let error = Items::comment(&github, &ada, &link, "42", &new_comment("k")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {body}: {}", error.sentence());
    }
}

#[tokio::test]
async fn a_link_with_strange_settings_has_no_items() {
    let script = ScriptedHttp::silent();
    let (github, ada, link) = scripted(&script);
    let link = IntegrationLink { settings: LinkSettings(json!(["strange"])), ..link };
    assert_eq!(Items::item(&github, &ada, &link, "42").await.unwrap_err().kind(), ErrorKind::Malformed);
}
