//! Faults of answers, and the record of calls.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::ground::{Answer, Ground};

impl Ground {
    async fn rule(&self, rule: Value) {
        self.control("/rules", rule).await;
    }
}

#[tokio::test]
async fn a_lost_answer_has_done_its_work_and_a_reset_has_not() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let path = "/repos/acme/widgets/issues/2/comments";
    let comment = async |body: &str| {
        let request = ground.api(reqwest::Method::POST, path, &ada).json(&json!({"body": body}));
        request.send().await.is_err()
    };

    ground.rule(json!({"path": "*/comments", "method": "POST", "effect": "lost_answer"})).await;
    assert!(comment("kept").await, "no answer");
    ground.rule(json!({"path": "*/comments", "method": "POST", "effect": "reset"})).await;
    assert!(comment("never arrived").await, "no answer");

    let comments = ground.get(path, &ada).await.json();
    let bodies: Vec<&str> = comments.as_array().unwrap().iter().map(|it| it["body"].as_str().unwrap()).collect();
    assert_eq!(bodies, ["kept"]);
}

#[tokio::test]
async fn answers_can_be_late_wrong_huge_or_endless() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    let user = async || ground.get("/user", &ada).await;
    let path = "/api/v3/user";

    ground.rule(json!({"path": path, "effect": "delay", "ms": 150})).await;
    let started = Instant::now();
    assert_eq!(user().await.status, 200);
    assert!(started.elapsed() >= Duration::from_millis(150));

    let body = json!({"message": "teapot"});
    ground.rule(json!({"path": path, "effect": "status", "status": 418, "body": body, "headers": {"x-a": "b"}})).await;
    let teapot = user().await;
    assert_eq!((teapot.status, teapot.json(), teapot.header("x-a")), (418, body, "b"));

    ground.rule(json!({"path": path, "effect": "redirect", "to": "http://evil.example/"})).await;
    let away = user().await;
    assert_eq!((away.status, away.header("location")), (302, "http://evil.example/"));

    ground.rule(json!({"path": path, "effect": "malformed"})).await;
    assert!(serde_json::from_str::<Value>(&user().await.body).is_err());
    ground.rule(json!({"path": path, "effect": "html"})).await;
    assert!(user().await.body.starts_with("<!DOCTYPE html>"));
    ground.rule(json!({"path": path, "effect": "large"})).await;
    assert_eq!(user().await.body.len(), 5_000_000);

    for effect in ["hang", "endless"] {
        ground.rule(json!({"path": path, "effect": effect})).await;
        let waited = tokio::time::timeout(Duration::from_millis(300), user()).await;
        assert!(waited.is_err(), "{effect} ended");
    }
    assert_eq!(user().await.json()["login"], "ada-codes", "each rule was for one call");
}

#[tokio::test]
async fn both_limits_can_be_met_on_demand() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;

    ground.rule(json!({"path": "/api/v3/user", "effect": "secondary_limit", "status": 429})).await;
    let second = ground.get("/user", &ada).await;
    assert_eq!((second.status, second.header("retry-after")), (429, ""));
    assert!(second.json()["message"].as_str().unwrap().contains("secondary rate limit"));

    ground.rule(json!({"path": "/api/v3/user", "effect": "primary_limit", "status": 429, "seconds": 2})).await;
    let first = ground.get("/user", &ada).await;
    assert_eq!((first.status, first.header("x-ratelimit-remaining")), (429, "0"));
    assert_eq!(ground.get("/user/orgs", &ada).await.status, 403, "nothing is left for other calls either");
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(ground.get("/user", &ada).await.status, 200, "until the reset");
}

#[tokio::test]
async fn a_rule_fits_one_user_skips_some_and_lasts_as_long_as_it_says() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.token("ada-codes").await, ground.token("bob-builds").await);
    let rule =
        json!({"path": "/api/v3/user", "who": "bob-builds", "skip": 1, "times": 2, "effect": "status", "status": 500});
    ground.rule(rule).await;

    let mut seen = Vec::new();
    for token in [&ada, &bob, &bob, &ada, &bob, &bob] {
        seen.push(ground.get("/user", token).await.status);
    }

    assert_eq!(seen, [200, 200, 500, 200, 500, 200]);
    ground.rule(json!({"path": "*", "times": 0, "effect": "status", "status": 503})).await;
    for _ in 0..3 {
        assert_eq!(ground.get("/user", &ada).await.status, 503);
    }
    ground.control("/reset", json!({})).await;
    assert_eq!(ground.get("/user", &ada).await.status, 200);
}

#[tokio::test]
async fn the_token_endpoint_can_answer_in_every_wrong_way() {
    let ground = Ground::new().await;
    let url = format!("{}/login/oauth/authorize?client_id=Ov23liPatchbaySandbox&scope=repo%20gist", ground.at);
    let exchange = async |answer: Value| {
        let mut rule = json!({"path": "/login/oauth/access_token", "effect": "token"});
        rule.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
        ground.rule(rule).await;
        let redirect = ground.control("/authorize", json!({"user": "ada-codes", "url": url})).await["redirect"].clone();
        let code = redirect.as_str().unwrap().split("code=").nth(1).unwrap().to_owned();
        let secret = &ground.settings.iter().find(|(name, _)| *name == "CLIENT_SECRET").unwrap().1;
        let form = [("client_id", "Ov23liPatchbaySandbox"), ("client_secret", secret), ("code", &code)];
        let request = ground.http.post(format!("{}/login/oauth/access_token", ground.at)).form(&form);
        Answer::of(request.header("accept", "application/json")).await
    };

    let error = exchange(json!({"answer": "error", "error": "unverified_user_email"})).await;
    assert_eq!((error.status, error.json()["error"].clone()), (200, json!("unverified_user_email")));
    assert_eq!(exchange(json!({"answer": "html"})).await.header("content-type"), "text/html");
    assert_eq!(exchange(json!({"answer": "empty"})).await.body, "{}");
    assert_eq!(exchange(json!({"answer": "empty_token"})).await.json()["access_token"], "");
    assert_eq!(exchange(json!({"answer": "mac"})).await.json()["token_type"], "mac");
    for (answer, scopes) in [("fewer_scopes", "repo"), ("more_scopes", "delete_repo,gist,repo")] {
        let token = exchange(json!({"answer": answer})).await.json();
        assert_eq!(token["scope"], scopes);
        let held = ground.get("/user", token["access_token"].as_str().unwrap()).await;
        assert_eq!(held.header("x-oauth-scopes").replace(", ", ","), scopes, "the token is as it says");
    }
}

#[tokio::test]
async fn every_call_is_recorded_with_who_made_it_and_what_became_of_it() {
    let ground = Ground::new().await;
    let ada = ground.token("ada-codes").await;
    ground.get("/user/orgs?page=2", &ada).await;
    ground.post("/repos/acme/widgets/issues", &ada, json!({"title": "Recorded"})).await;
    ground.get("/user", "gho_nonsense").await;

    let calls = ground.look("/calls").await;
    let calls = calls.as_array().unwrap();
    assert_eq!(calls.len(), 3);
    assert_eq!((&calls[0]["path"], &calls[0]["query"]), (&json!("/api/v3/user/orgs"), &json!("page=2")));
    assert_eq!((&calls[1]["who"], &calls[1]["status"]), (&json!("ada-codes"), &json!(201)));
    assert!(calls[1]["body"].as_str().unwrap().contains("Recorded"));
    assert_eq!((&calls[2]["who"], &calls[2]["status"]), (&json!("-"), &json!(401)));
    assert_eq!(ground.look("/calls?path=*/issues&method=POST").await.as_array().unwrap().len(), 1);
    ground.http.delete(format!("{}/_sandbox/calls", ground.at)).send().await.unwrap();
    assert_eq!(ground.look("/calls").await, json!([]));
}

#[tokio::test]
async fn a_users_tokens_can_be_revoked_and_repositories_made() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.token("ada-codes").await, ground.token("bob-builds").await);

    ground.control("/users/ada-codes/revoke", json!({})).await;
    assert_eq!(ground.get("/user", &ada).await.status, 401);
    assert_eq!(ground.get("/user", &bob).await.status, 200);
    let made = ground.control("/repositories", json!({"owner": "bob-builds", "prefix": "many", "count": 150})).await;
    assert_eq!(made["created"], 150);
    assert_eq!(ground.get("/repos/bob-builds/many-007", &bob).await.json()["permissions"]["admin"], true);
    let overview = ground.look("/").await;
    assert_eq!(overview["users"].as_array().unwrap().len(), 4);
    assert!(
        overview["control"].as_array().unwrap().len() >= 14
            && overview["effects_of_rules"].as_array().unwrap().len() >= 13
    );
}
