//! One action over the wire: the token that says who it is, the body it is bound to, and what came back.

use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use integration_sandboxkit::random;
use jiff::Timestamp;
use reqwest::{Client, Method, Response, header};
use serde_json::{Value, json};

use super::super::Sandbox;
use super::super::control::forgery::Forgery;
use super::super::refusal::Refusal;
use super::super::world::{ThreadId, UserId, World};
use super::{Answer, Sent};

pub(in super::super) const TOKEN_HEADER: &str = "FLOWDOCK-TOKEN";
const LIFE_SECONDS: i64 = 30;
const PATIENCE: Duration = Duration::from_secs(10);
/// Of an answer, so much is kept.
const ANSWER_KEPT: usize = 4 * 1024;

/// Sends an action as that person, and gives the number under which its outcome is kept.
pub(in super::super) async fn send(
    sandbox: &Sandbox,
    user: UserId,
    thread: &ThreadId,
    signed: &str,
) -> Result<u64, Refusal> {
    let request = prepare(&mut sandbox.world(), user, thread, signed)?;
    Ok(finish(sandbox, request).await)
}

/// Sends again what was sent before, byte for byte.
pub(in super::super) async fn replay(sandbox: &Sandbox, id: u64) -> Result<u64, Refusal> {
    let mut request = sandbox.world().sent(id)?.clone();
    request.id = sandbox.world().new_id();
    Ok(finish(sandbox, request).await)
}

async fn finish(sandbox: &Sandbox, mut request: Sent) -> u64 {
    request.answer = match tokio::time::timeout(PATIENCE, deliver(&sandbox.http, &request)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Answer::Nothing { why: "no connection" },
        Err(_) => Answer::Nothing { why: "no answer within 10 seconds" },
    };
    let id = request.id;
    sandbox.world().note_sent(request);
    id
}

fn prepare(world: &mut World, user: UserId, thread: &ThreadId, signed: &str) -> Result<Sent, Refusal> {
    let forgery = world.control.take_forgery();
    let found = world.visible_thread(user, thread)?;
    let action = super::find(world, found, signed)?;
    let source = found.source.ok_or_else(Refusal::not_found)?;
    let app = world.app(world.source(source)?.app)?;
    let (app_id, secret) = (app.id, app.client_secret.clone());
    let person = world.user(user)?;
    let mut body = action.clone();
    body["agent"] = json!({
        "@type": "Person",
        "name": person.name,
        "image": world.api(&format!("/avatars/{user}")),
    });
    let target = &action["target"];
    let (method, url) = (super::method(action), target["urlTemplate"].as_str().unwrap_or_default().to_owned());
    let name = action["name"].as_str().unwrap_or_default().to_owned();
    let body = body.to_string();
    let mut headers = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("Accept".to_owned(), "application/json".to_owned()),
        ("User-Agent".to_owned(), "Flowdock".to_owned()),
    ];
    if forgery != Some(Forgery::NoToken) {
        headers.push((TOKEN_HEADER.to_owned(), token(user, &body, &secret, world.now(), forgery)));
    }
    let id = world.new_id();
    // Overwritten by what comes back.
    let answer = Answer::Nothing { why: "not sent" };
    Ok(Sent { id, user, app: app_id, thread: thread.clone(), name, method, url, headers, body, answer })
}

fn token(user: UserId, body: &str, secret: &str, now: Timestamp, forgery: Option<Forgery>) -> String {
    let signed = if forgery == Some(Forgery::OtherBody) { "{}" } else { body };
    let signature = hex::encode(digest::digest(&digest::SHA256, signed.as_bytes()));
    let exp = now.as_second() + if forgery == Some(Forgery::Expired) { -300 } else { LIFE_SECONDS };
    let claims = json!({"sub": user.to_string(), "exp": exp, "signature": signature});
    let other = random::hex(64);
    let secret = if forgery == Some(Forgery::WrongSecret) { &other } else { secret };
    jwt(&claims, secret)
}

/// HS256, what Ruby's JWT library does unless told otherwise.
fn jwt(claims: &Value, secret: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes())))
}

async fn deliver(http: &Client, request: &Sent) -> Result<Answer, reqwest::Error> {
    let method = request.method.parse().unwrap_or(Method::POST);
    let mut call = http.request(method, &request.url).body(request.body.clone());
    for (name, value) in &request.headers {
        call = call.header(name, value);
    }
    let mut response = call.send().await?;
    let status = response.status().as_u16();
    if let Some(url) = challenge(&response).filter(|_| status == 401) {
        return Ok(Answer::Challenge { url });
    }
    if response.status().is_success() {
        return Ok(Answer::Done { status });
    }
    let mut kept = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        kept.extend_from_slice(&chunk);
        if kept.len() >= ANSWER_KEPT {
            kept.truncate(ANSWER_KEPT);
            break;
        }
    }
    Ok(Answer::Failed { status, body: String::from_utf8_lossy(&kept).into_owned() })
}

fn challenge(response: &Response) -> Option<String> {
    let values = response.headers().get_all(header::WWW_AUTHENTICATE).iter();
    values.filter_map(|value| value.to_str().ok()).find_map(read_challenge)
}

/// `Flowdock-Token url=…`: everything after the `=` is the address, unquoted. Only the web is offered to anybody.
fn read_challenge(value: &str) -> Option<String> {
    let (scheme, rest) = value.trim().split_once(' ')?;
    let url = rest.trim_start().strip_prefix("url=")?.trim();
    let is_web = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    (scheme.eq_ignore_ascii_case("Flowdock-Token") && is_web).then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that every JWT library's page shows.
    #[test]
    fn signs_as_the_well_known_example() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"your-256-bit-secret");
        let signed = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ";
        let expected = "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";
        assert_eq!(URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes())), expected);

        let ours = jwt(&json!({"sub": "1"}), "your-256-bit-secret");
        assert!(ours.starts_with("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."), "{ours}");
    }

    #[test]
    fn a_challenge_is_unquoted_and_leads_to_the_web() {
        let read = |value: &str| read_challenge(value);
        let claim = "https://app.example/authorization?claim=a.b.c";

        assert_eq!(read(&format!("Flowdock-Token url={claim}")).as_deref(), Some(claim));
        assert_eq!(read(&format!("flowdock-token  url={claim} ")).as_deref(), Some(claim));
        assert_eq!(read(&format!("Bearer url={claim}")), None);
        assert_eq!(read(&format!("Flowdock-Token url=\"{claim}\"")), None);
        assert_eq!(read("Flowdock-Token url=javascript:alert(1)"), None);
        assert_eq!(read("Flowdock-Token"), None);
    }
}
