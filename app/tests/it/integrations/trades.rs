//! Trading the code for a token with a partner that is down, refuses, or answers nonsense. Nothing is stored then, and
//! a token that was issued is given back.

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Ground;
use crate::harness::{Answer, TestDatabase, on_both_databases};

const TOKEN: &str = "/login/oauth/access_token";
const PROFILE: &str = "/api/v3/user";

/// What a page of ours must never show of it.
const OUTSIDE: &[&str] = &["sandbox-secret", "gho_", "Unicorn", "bad_verification_code", "leaked"];

async fn connecting_with(ground: &Ground, path: &str, trouble: Value) -> Answer {
    let ada = &ground.two.ada;
    let page = ada.post_form("/auth/github", &[]).await.location().to_owned();
    let back = ground.github.consent("ada-codes", &page, "authorize").await;
    ground.github.trouble(path, trouble).await;
    ada.get(&back).await
}

fn token(answer: &str) -> Value {
    json!({ "effect": "token", "answer": answer })
}

fn status(status: u16) -> Value {
    json!({ "effect": "status", "status": status, "body": { "error": "leaked", "access_token": "gho_leaked" } })
}

async fn nothing_comes_of_a_trade_that_failed(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let redirect = format!("http://{}/take-it", elsewhere.local_addr().unwrap());
    let refused = |says| (303, "/integrations/github", says);
    let down = (502, "", "Nothing was changed here.");
    // The number says how often the token that was issued is given back.
    let cases = [
        ("a code it does not know", TOKEN, token("error"), refused("Start again"), 0),
        ("fewer scopes than asked for", TOKEN, token("fewer_scopes"), refused("permission"), 1),
        ("more scopes than asked for", TOKEN, token("more_scopes"), refused("permission"), 1),
        ("a page", TOKEN, token("html"), down, 0),
        ("an empty answer", TOKEN, token("empty"), down, 0),
        ("an empty token", TOKEN, token("empty_token"), down, 0),
        ("a token of another type", TOKEN, token("mac"), down, 1),
        ("400", TOKEN, status(400), down, 0),
        ("401", TOKEN, status(401), down, 0),
        ("429", TOKEN, status(429), down, 0),
        ("500", TOKEN, status(500), down, 0),
        ("half an answer", TOKEN, json!({ "effect": "malformed" }), down, 0),
        ("a closed connection", TOKEN, json!({ "effect": "reset" }), down, 0),
        ("a lost answer", TOKEN, json!({ "effect": "lost_answer" }), down, 0),
        ("5 MB", TOKEN, json!({ "effect": "large" }), down, 0),
        ("no end", TOKEN, json!({ "effect": "endless" }), down, 0),
        ("a redirect", TOKEN, json!({ "effect": "redirect", "to": redirect, "status": 307 }), down, 0),
        ("no profile", PROFILE, status(500), down, 1),
        ("half a profile", PROFILE, json!({ "effect": "malformed" }), down, 1),
        ("a redirected profile", PROFILE, json!({ "effect": "redirect", "to": redirect }), down, 1),
    ];
    let before = ground.app().database.rows().await;
    for (what, path, trouble, (status, location, says), given_back) in cases {
        let revoked = ground.github.calls("DELETE", "/api/v3/applications/*").await;
        let answer = connecting_with(&ground, path, trouble).await;
        assert_eq!((answer.status, answer.location()), (status, location), "{what}");
        let page = if status == 303 { ground.two.ada.get(location).await.text } else { answer.text };
        for secret in OUTSIDE {
            assert!(!page.contains(secret), "{what} shows {secret}");
        }
        assert!(page.contains(says), "{what} does not say {says:?}");
        let given = ground.github.calls("DELETE", "/api/v3/applications/*").await - revoked;
        assert_eq!(given, given_back, "{what}: tokens given back");
        assert_eq!(ground.app().database.rows().await, before, "{what} left something");
        ground.github.calm().await;
    }
    let nobody_called = tokio::time::timeout(std::time::Duration::from_millis(50), elsewhere.accept()).await;
    assert!(nobody_called.is_err(), "a redirect was followed");

    // After all that, it works.
    ground.connect(&ground.two.ada, "ada-codes").await;
    assert_eq!(ground.accounts().await.len(), 1);
    ground.finish().await;
}

on_both_databases!(nothing_comes_of_a_trade_that_failed);
