//! The REST API: rights, lists, redirects, limits, and its ways of saying no.

use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Answer, Ground};

#[tokio::test]
async fn who_calls_must_say_so_properly() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let user = format!("{}/api/v3/user", ground.at);

    let nameless = reqwest::Client::new().get(&user).bearer_auth(&ada);
    assert_eq!(Answer::of(nameless).await.status, 403, "no User-Agent");
    assert_eq!(Answer::of(ground.http.get(&user)).await.json()["message"], "Requires authentication");
    assert_eq!(ground.get("/user", "gho_nonsense").await.json()["message"], "Bad credentials");
    let old = ground.http.get(&user).header("authorization", format!("token {ada}"));
    assert_eq!(Answer::of(old).await.json()["login"], "ada-codes");
    for (name, password) in [(ada.as_str(), "x-oauth-basic"), (ada.as_str(), ""), ("anything", ada.as_str())] {
        let basic = ground.http.get(&user).basic_auth(name, Some(password));
        assert_eq!(Answer::of(basic).await.json()["login"], "ada-codes");
    }
}

#[tokio::test]
async fn a_missing_scope_or_role_looks_like_a_missing_repository() {
    let ground = Ground::new().await;
    let hooks = "/repos/acme/website/hooks";
    let ada = ground.token("ada-codes").await;

    assert_eq!(ground.get(hooks, &ada).await.status, 200);
    let pusher = ground.token("bob-builds").await;
    assert_eq!(ground.get(hooks, &pusher).await.status, 404, "may push, is no admin");
    let narrow = ground.token_with("ada-codes", "read:user").await;
    let answer = ground.get(hooks, &narrow).await;
    assert_eq!(answer.status, 404, "is admin, the token may not");
    assert_eq!(answer.header("x-oauth-scopes"), "read:user");
    assert!(answer.header("x-accepted-oauth-scopes").contains("admin:repo_hook"));
    let writer = ground.token_with("ada-codes", "write:repo_hook").await;
    assert_eq!(ground.get(hooks, &writer).await.status, 200);
    let hook = ground.post(hooks, &writer, json!({"config": {"url": "https://a.example/"}})).await.json();
    let path = format!("{hooks}/{}", hook["id"]);
    assert_eq!(ground.delete(&path, &writer).await.status, 404, "write:repo_hook can't delete");
    assert_eq!(ground.delete(&path, &ada).await.status, 204);
    assert_eq!(ground.delete(&path, &ada).await.status, 404);
}

#[tokio::test]
async fn private_repositories_exist_for_members_with_the_repo_scope_only() {
    let ground = Ground::new().await;
    let path = "/repos/acme/secret-plans";
    let member = ground.token("bob-builds").await;
    let public_only = ground.token_with("bob-builds", "public_repo").await;
    let stranger = ground.token("eve-umbra").await;

    assert_eq!(ground.get(path, &member).await.status, 200);
    assert_eq!(ground.get(path, &public_only).await.status, 404);
    assert_eq!(ground.get(path, &stranger).await.status, 404);
    let list = ground.get("/user/repos?per_page=100", &public_only).await.body;
    assert!(!list.contains("secret-plans"));
    let issue = ground.post("/repos/acme/widgets/issues", &public_only, json!({"title": "Public enough"})).await;
    assert_eq!(issue.status, 201);
    assert_eq!(issue.header("location"), issue.json()["url"].as_str().unwrap());
    let readers = ground.token_with("bob-builds", "").await;
    let refused = ground.post("/repos/acme/widgets/issues", &readers, json!({"title": "Not enough"})).await;
    assert_eq!(refused.status, 404);
}

#[tokio::test]
async fn lists_come_in_pages_whose_links_lead_through_all_of_them() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let mut names = Vec::new();
    let mut next = Some(format!("{}/api/v3/user/repos?per_page=100&sort=full_name", ground.at));
    while let Some(url) = next {
        let answer = Answer::of(ground.http.get(url).bearer_auth(&ada)).await;
        let page = answer.json();
        names.extend(page.as_array().unwrap().iter().map(|it| it["full_name"].as_str().unwrap().to_owned()));
        let link = answer.header("link").split(", ").find(|link| link.ends_with("rel=\"next\""));
        next = link.map(|link| link[1..link.find('>').unwrap()].to_owned());
    }

    assert_eq!(names.len(), 124, "120 katas, dotfiles, and three of acme's");
    assert!(names.is_sorted());
    let capped = ground.get("/user/repos?per_page=1000", &ada).await.json();
    assert_eq!(capped.as_array().unwrap().len(), 100);
    assert_eq!(ground.get("/user/repos", &ada).await.json().as_array().unwrap().len(), 30);
    let owned = ground.get("/user/repos?affiliation=organization_member", &ada).await.json();
    assert_eq!(owned.as_array().unwrap().len(), 3);
    assert_eq!(ground.get("/user/repos?type=owner&visibility=public", &ada).await.status, 422);
    let hooks = ground.get("/repos/acme/widgets/labels?per_page=2", &ada).await;
    assert!(hooks.header("link").contains("/api/v3/repositories/"), "links are opaque: {}", hooks.header("link"));
}

#[tokio::test]
async fn a_renamed_repository_redirects_reading_with_301_and_the_rest_with_307() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let id = ground.get("/repos/acme/widgets", &ada).await.json()["id"].clone();
    assert_eq!(ground.patch("/repos/acme/widgets", &ada, json!({"name": "gadgets"})).await.status, 200);

    let read = ground.get("/repos/acme/widgets/issues/1?x=1", &ada).await;
    let write = ground.post("/repos/acme/widgets/issues/1/comments", &ada, json!({"body": "hi"})).await;

    assert_eq!(read.status, 301);
    assert_eq!(read.header("location"), format!("{}/api/v3/repositories/{id}/issues/1?x=1", ground.at));
    assert_eq!(read.json()["message"], "Moved Permanently");
    assert_eq!(write.status, 307);
    let moved = ground.post(&format!("/repositories/{id}/issues/1/comments"), &ada, json!({"body": "hi"})).await;
    assert_eq!(moved.status, 201);
    let stranger = ground.token("eve-umbra").await;
    ground.patch("/repos/acme/gadgets", &ada, json!({"private": true})).await;
    assert_eq!(ground.get("/repos/acme/widgets", &stranger).await.status, 404, "a redirect would tell that it exists");
}

#[tokio::test]
async fn a_transferred_repository_keeps_its_id_and_its_old_name_leads_there() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let id = ground.get("/repos/acme/website", &ada).await.json()["id"].clone();

    let answer = ground.post("/repos/acme/website/transfer", &ada, json!({"new_owner": "umbra"})).await;

    assert_eq!(answer.status, 202);
    let eve = ground.token("eve-umbra").await;
    let found = ground.get("/repos/umbra/website", &eve).await.json();
    assert_eq!((&found["id"], &found["permissions"]["admin"]), (&id, &json!(true)));
    assert_eq!(ground.get("/repos/acme/website", &ada).await.status, 301);
    assert_eq!(ground.get(&format!("/repositories/{id}/hooks"), &ada).await.status, 404, "no longer ada's");
}

#[tokio::test]
async fn issues_that_went_away_say_where() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let widgets = ground.get("/repos/acme/widgets", &ada).await.json()["id"].clone();
    assert_eq!(ground.form("ada-codes", "/acme/widgets/issues/2/delete", &[]).await.status, 303);
    let moved = ground.form("ada-codes", "/acme/website/issues/1/transfer", &[("to", "acme/widgets")]).await;
    assert_eq!(moved.status, 303);

    assert_eq!(ground.get("/repos/acme/widgets/issues/2", &ada).await.status, 410);
    let answer = ground.get("/repos/acme/website/issues/1", &ada).await;
    assert_eq!(answer.status, 301);
    assert_eq!(answer.header("location"), format!("{}/api/v3/repositories/{widgets}/issues/5", ground.at));
    ground.patch("/repos/acme/widgets", &ada, json!({"has_issues": false})).await;
    assert_eq!(ground.post("/repos/acme/widgets/issues", &ada, json!({"title": "x"})).await.status, 410);
    ground.patch("/repos/acme/website", &ada, json!({"archived": true})).await;
    let archived = ground.post("/repos/acme/website/issues", &ada, json!({"title": "x"})).await;
    assert_eq!((archived.status, archived.json()["message"].as_str().unwrap().contains("archived")), (403, true));
}

#[tokio::test]
async fn assignees_without_a_right_to_it_are_passed_over() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let grace = ground.token("grace-outside").await;
    let path = "/repos/acme/widgets/issues/2/assignees";
    let logins = |answer: Value| {
        answer["assignees"].as_array().unwrap().iter().map(|it| it["login"].clone()).collect::<Vec<_>>()
    };

    let by_stranger = ground.post(path, &grace, json!({"assignees": ["bob-builds"]})).await;
    assert_eq!((by_stranger.status, logins(by_stranger.json())), (201, vec![]));
    let mixed = ground.post(path, &ada, json!({"assignees": ["grace-outside", "bob-builds", "nobody"]})).await;
    assert_eq!((mixed.status, logins(mixed.json())), (201, vec![json!("bob-builds")]));
}

#[tokio::test]
async fn issues_are_listed_by_who_opened_them_and_comments_by_when_they_changed() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let numbers = async |query: &str| {
        let answer = ground.get(&format!("/repos/acme/widgets/issues?state=all&{query}"), &ada).await.json();
        answer.as_array().unwrap().iter().map(|it| it["number"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(numbers("creator=bob-builds&sort=created&direction=asc").await, [2, 4], "pull requests are issues, too");
    assert_eq!(numbers("creator=nobody-at-all").await, <[u64; 0]>::default());
    let comments = async |since: &str| {
        let path = format!("/repos/acme/widgets/issues/1/comments?since={since}");
        ground.get(&path, &ada).await
    };
    assert_eq!(comments("2026-01-01T00:00:00Z").await.json().as_array().unwrap().len(), 1);
    assert_eq!(comments("2099-01-01T00:00:00Z").await.json(), json!([]));
    assert_eq!(comments("yesterday").await.status, 422);
}

#[tokio::test]
async fn bodies_that_make_no_sense_are_told_so() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let raw = async |body: &str| {
        let request = ground.api(Method::POST, "/repos/acme/widgets/issues", &ada).body(body.to_owned());
        Answer::of(request).await.status
    };

    assert_eq!(raw("{").await, 400);
    assert_eq!(raw("3").await, 400);
    assert_eq!(raw("").await, 422);
    assert_eq!(raw(r#"{"title": ""}"#).await, 422);
    assert_eq!(raw(r#"{"title": "x", "assignees": "bob"}"#).await, 422);
    assert_eq!(raw(&json!({"title": "x", "body": "y".repeat(65_537)}).to_string()).await, 422);
    assert_eq!(ground.get("/repos/acme/widgets/issues/abc", &ada).await.status, 404);
    assert_eq!(ground.get("/nothing/here", &ada).await.json()["message"], "Not Found");
    assert_eq!(Answer::of(ground.api(Method::PUT, "/user", &ada)).await.status, 404);
}

#[tokio::test]
async fn a_known_etag_costs_nothing() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let first = ground.get("/repos/acme/widgets/issues", &ada).await;
    let etag = first.header("etag").to_owned();

    let request = ground.api(Method::GET, "/repos/acme/widgets/issues", &ada).header("if-none-match", etag);
    let second = Answer::of(request).await;

    assert_eq!((second.status, second.body.as_str()), (304, ""));
    assert_eq!(first.header("x-ratelimit-remaining"), second.header("x-ratelimit-remaining"));
}

#[tokio::test]
async fn the_primary_limit_belongs_to_the_user_not_to_the_token() {
    let ground = Ground::new().await;
    ground.control("/limits", json!({"primary": 3})).await;
    let (one, other) = (ground.token("ada-codes").await, ground.token("ada-codes").await);
    for (left, token) in [("2", &one), ("1", &other), ("0", &one)] {
        assert_eq!(ground.get("/user", token).await.header("x-ratelimit-remaining"), left);
    }

    let refused = ground.get("/user", &other).await;

    assert_eq!(refused.status, 403);
    assert!(refused.json()["message"].as_str().unwrap().starts_with("API rate limit exceeded"));
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    assert!(refused.header("x-ratelimit-reset").parse::<u64>().unwrap() > 1_700_000_000);
    let bob = ground.token("bob-builds").await;
    assert_eq!(ground.get("/user", &bob).await.status, 200);
    assert_eq!(ground.get("/rate_limit", &one).await.json()["rate"]["remaining"], 0, "asking is free");
}

#[tokio::test]
async fn a_burst_of_comments_meets_the_secondary_limit() {
    let ground = Ground::new().await;
    ground.control("/limits", json!({"content_per_minute": 2})).await;
    let ada = ground.token("ada-codes").await;
    let comment = async || ground.post("/repos/acme/widgets/issues/1/comments", &ada, json!({"body": "again"})).await;
    assert_eq!(comment().await.status, 201);
    assert_eq!(comment().await.status, 201);

    let refused = comment().await;

    assert_eq!(refused.status, 403);
    assert!(refused.json()["message"].as_str().unwrap().contains("secondary rate limit"));
    assert_eq!(refused.header("retry-after"), "60");
    assert_ne!(refused.header("x-ratelimit-remaining"), "0");
    assert_eq!(ground.get("/user", &ada).await.status, 200, "reading goes on");
}

#[tokio::test]
async fn pulls_releases_and_branches_live_through_their_whole_lives() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let merge = ground.api(Method::PUT, "/repos/acme/widgets/pulls/4/merge", &ada);
    let before = ground.get("/repos/acme/widgets/commits", &ada).await.json().as_array().unwrap().len();

    assert_eq!(ground.get("/repos/acme/widgets/pulls/4/merge", &ada).await.status, 404, "not merged yet");
    let merged = Answer::of(merge.json(&json!({}))).await.json();
    assert_eq!(merged["merged"], true);
    assert_eq!(ground.get("/repos/acme/widgets/pulls/4/merge", &ada).await.status, 204);
    let pull = ground.get("/repos/acme/widgets/pulls/4", &ada).await.json();
    assert_eq!((&pull["state"], &pull["merge_commit_sha"]), (&json!("closed"), &merged["sha"]));
    let after = ground.get("/repos/acme/widgets/commits", &ada).await.json();
    assert_eq!(after.as_array().unwrap().len(), before + 2, "the branch's commit and the merge");
    assert_eq!(after[0]["sha"], merged["sha"]);
    let again = Answer::of(ground.api(Method::PUT, "/repos/acme/widgets/pulls/4/merge", &ada).json(&json!({}))).await;
    assert_eq!(again.status, 405);
    assert_eq!(ground.patch("/repos/acme/widgets/pulls/4", &ada, json!({"state": "open"})).await.status, 422);

    let release = ground.post("/repos/acme/widgets/releases", &ada, json!({"tag_name": "v9"})).await;
    assert_eq!(release.status, 201);
    assert_eq!(ground.get("/repos/acme/widgets/releases/latest", &ada).await.json()["tag_name"], "v9");
    let twin = ground.post("/repos/acme/widgets/releases", &ada, json!({"tag_name": "v9"})).await;
    assert_eq!(twin.json()["errors"][0]["code"], "already_exists");
    let branches = ground.get("/repos/acme/widgets/branches", &ada).await.json();
    assert_eq!(branches.as_array().unwrap().len(), 2);
    let bob = ground.token("bob-builds").await;
    let refused = ground.patch("/repos/acme/website", &bob, json!({"name": "mine"})).await;
    assert_eq!(refused.status, 403);
}
