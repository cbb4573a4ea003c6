//! Thread actions: what everybody reads, what the application gets, and the challenge.

use std::sync::Arc;

use aws_lc_rs::{digest, hmac};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Answer, Arrival, Ground, Receiver, issue};

/// An issue with one action that leads to `receiver`, and one link.
fn offering(receiver: &Receiver) -> Value {
    let mut message = issue(1, "open", "green");
    message["thread"]["actions"] = json!([
        {
            "@type": "UpdateAction", "name": "Close",
            "target": {"@type": "EntryPoint", "urlTemplate": receiver.url, "httpMethod": "POST"},
        },
        {"@type": "ViewAction", "name": "Open", "url": "https://github.example/1", "description": "on GitHub"},
    ]);
    message
}

impl Ground {
    /// Posts it and gives the thread's id.
    async fn offer(&self, receiver: &Receiver) -> String {
        let (_, token) = self.source("widgets").await;
        let posted = self.post_as_source(&token, offering(receiver)).await;
        assert_eq!(posted.status, 202, "{}", posted.body);
        self.thread_titled("Issue 1").await["id"].as_str().unwrap().to_owned()
    }

    async fn choose(&self, nick: &str, thread: &str, name: &str) -> Value {
        self.control("/actions", json!({"user": nick, "thread": thread, "name": name})).await
    }
}

struct Token {
    head: Value,
    claims: Value,
    genuine: bool,
}

/// As an application reads `FLOWDOCK-TOKEN`.
fn read(arrival: &Arrival, secret: &str) -> Token {
    let token = arrival.headers["flowdock-token"].to_str().unwrap();
    let [head, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
    let part = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signed = format!("{head}.{claims}");
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let genuine = hmac::verify(&key, signed.as_bytes(), &signature).is_ok();
    Token { head: part(head), claims: part(claims), genuine }
}

fn sha256(body: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, body))
}

#[tokio::test]
async fn where_an_action_leads_is_hidden_behind_a_signed_address_that_does_it() {
    let (ground, receiver) = (Ground::new().await, Receiver::new().await);
    let id = ground.offer(&receiver).await;

    let thread = ground.get("bob", &format!("/flows/acme/main/threads/{id}")).await;
    assert!(!thread.body.contains(&receiver.url));
    let shown = thread.json();
    let [close, open] = &shown["actions"].as_array().unwrap()[..] else { panic!("{}", thread.body) };
    assert_eq!(open["url"], "https://github.example/1", "a link stays");
    let address = close["target"]["urlTemplate"].as_str().unwrap().strip_prefix(&ground.at).unwrap().to_owned();
    assert_eq!(close["target"]["httpMethod"], "POST");

    assert_eq!(Answer::of(ground.call(Method::POST, &address)).await.status, 401, "somebody must do it");
    assert_eq!(ground.post("eve", &address, json!({})).await.status, 404);
    let forged = format!("{}0", &address[..address.len() - 1]);
    let forged = if forged == address { format!("{}1", &address[..address.len() - 1]) } else { forged };
    assert_eq!(ground.post("bob", &forged, json!({})).await.status, 404);
    let done = ground.post("bob", &address, json!({})).await;
    assert_eq!(done.json(), json!({"result": "done", "status": 200}));
    assert_eq!(receiver.all().len(), 1);
}

#[tokio::test]
async fn the_application_gets_the_action_with_its_agent_and_a_token_for_this_body() {
    let (ground, receiver) = (Ground::new().await, Receiver::new().await);
    let id = ground.offer(&receiver).await;

    let sent = ground.choose("grace", &id, "Close").await;
    assert_eq!(sent["answer"]["result"], "done");
    let arrival = receiver.all().remove(0);
    assert_eq!(arrival.method, "POST");
    let body: Value = serde_json::from_slice(&arrival.body).unwrap();
    assert_eq!(body["target"]["urlTemplate"], receiver.url, "the application reads its own address");
    assert_eq!((&body["@type"], &body["name"]), (&json!("UpdateAction"), &json!("Close")));
    assert_eq!((&body["agent"]["@type"], &body["agent"]["name"]), (&json!("Person"), &json!("Grace Outside")));
    assert!(body["agent"]["image"].as_str().unwrap().ends_with("/avatars/50004"));

    let token = read(&arrival, ground.setting("CLIENT_SECRET"));
    assert!(token.genuine);
    assert_eq!(token.head["alg"], "HS256");
    assert_eq!(token.claims["sub"], "50004");
    assert_eq!(token.claims["signature"], sha256(&arrival.body));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let exp = token.claims["exp"].as_u64().unwrap();
    assert!((now + 25..=now + 30).contains(&exp), "{exp} at {now}");
    assert_eq!(token.claims.as_object().unwrap().len(), 3, "and nothing else");
}

#[tokio::test]
async fn each_forgery_is_what_it_says_and_a_replay_is_the_same_bytes() {
    let (ground, receiver) = (Ground::new().await, Receiver::new().await);
    let id = ground.offer(&receiver).await;
    let secret = ground.setting("CLIENT_SECRET").to_owned();
    for forgery in ["wrong_secret", "other_body", "expired", "no_token"] {
        ground.control("/forgeries", json!({"forgery": forgery})).await;
        ground.choose("ada", &id, "Close").await;
    }
    let good = ground.choose("ada", &id, "Close").await;
    ground.control(&format!("/actions/{}/replay", good["id"]), json!({})).await;

    let all = receiver.all();
    let [wrong_secret, other_body, expired, no_token, good, replayed] = &all[..] else { panic!("{}", all.len()) };
    assert!(!read(wrong_secret, &secret).genuine);
    let other = read(other_body, &secret);
    assert!(other.genuine && other.claims["signature"] != sha256(&other_body.body));
    assert!(read(expired, &secret).claims["exp"].as_u64() < read(good, &secret).claims["exp"].as_u64());
    assert!(!no_token.headers.contains_key("flowdock-token"));
    assert_eq!((&good.headers["flowdock-token"], &good.body), (&replayed.headers["flowdock-token"], &replayed.body));
}

#[tokio::test]
async fn a_challenge_is_offered_and_every_other_answer_is_a_failure() {
    let ground = Ground::new().await;
    let claim = "https://app.example/authorization?claim=a.b.c";
    let answering = |status: u16, challenge: String| {
        Receiver::answering(Arc::new(move || {
            let headers = [("www-authenticate", challenge.clone()), ("location", "https://x.example".to_owned())];
            (StatusCode::from_u16(status).unwrap(), headers, "{\"error\": \"no\"}").into_response()
        }))
    };
    let (_, token) = ground.source("widgets").await;
    let refused = ground.http.post(format!("{}/_sandbox/actions", ground.at));
    let receiver = answering(401, format!("Flowdock-Token url={claim}")).await;
    ground.post_as_source(&token, offering(&receiver)).await;
    let id = ground.thread_titled("Issue 1").await["id"].as_str().unwrap().to_owned();
    let refused = Answer::of(refused.json(&json!({"user": "eve", "thread": id, "name": "Close"}))).await;
    assert_eq!(refused.status, 403, "eve is not in this flow");

    let outcome = async |receiver: &Receiver| {
        ground.post_as_source(&token, offering(receiver)).await;
        ground.choose("grace", &id, "Close").await["answer"].clone()
    };
    assert_eq!(outcome(&receiver).await, json!({"result": "challenge", "status": 401, "url": claim}));
    for (status, challenge) in [(401, "Bearer realm=x"), (403, ""), (500, ""), (302, "")] {
        let answer = outcome(&answering(status, challenge.to_owned()).await).await;
        assert_eq!((&answer["result"], &answer["status"]), (&json!("failed"), &json!(status)));
    }
    assert_eq!(outcome(&answering(204, String::new()).await).await["result"], "done");
    let mut nobody = Receiver::new().await;
    nobody.url = "http://127.0.0.1:9/".to_owned();
    assert_eq!(outcome(&nobody).await, json!({"result": "failed", "status": null, "body": "no connection"}));
}

#[tokio::test]
async fn an_action_that_the_thread_no_longer_has_is_gone() {
    let (ground, receiver) = (Ground::new().await, Receiver::new().await);
    let (_, token) = ground.source("widgets").await;
    ground.post_as_source(&token, offering(&receiver)).await;
    let thread = ground.thread_titled("Issue 1").await;
    let address = thread["actions"][0]["target"]["urlTemplate"].as_str().unwrap().to_owned();

    ground.post_as_source(&token, issue(1, "closed", "red")).await;
    assert_eq!(ground.thread_titled("Issue 1").await["actions"], json!([]));
    let path = address.strip_prefix(&ground.at).unwrap();
    assert_eq!(ground.post("ada", path, json!({})).await.status, 404);
    assert!(receiver.all().is_empty());
}

#[tokio::test]
async fn an_action_that_makes_no_sense_is_refused_with_the_whole_post() {
    let ground = Ground::new().await;
    let (_, token) = ground.source("widgets").await;
    let target = json!({"@type": "EntryPoint", "urlTemplate": "https://app.example/x", "httpMethod": "POST"});
    for (action, problem) in [
        (json!({"@type": "DanceAction", "name": "x"}), "@type is not included in the list"),
        (json!({"@type": "ViewAction", "url": "https://app.example"}), "name can't be blank"),
        (json!({"@type": "ViewAction", "name": "x", "url": "javascript:alert(1)"}), "url is invalid"),
        (
            json!({"@type": "UpdateAction", "name": "x", "target": {"@type": "Door", "urlTemplate": "https://a.example"}}),
            "target @type is not EntryPoint",
        ),
        (
            json!({"@type": "UpdateAction", "name": "x", "target": {"@type": "EntryPoint", "urlTemplate": "/x"}}),
            "target urlTemplate is invalid",
        ),
    ] {
        let mut message = issue(1, "open", "green");
        message["thread"]["actions"] = json!([action, {"@type": "UpdateAction", "name": "Fine", "target": target}]);
        let answer = ground.post_as_source(&token, message).await;
        assert_eq!((answer.status, answer.json()["errors"]["thread.actions"].clone()), (400, json!([problem])));
    }
}
