//! One letter over the wire: body, signatures, headers, and what came back.

use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use integration_sandboxkit::random;
use jiff::Timestamp;
use reqwest::Client;

use super::courier::{Forgery, Letter};

/// Of an answer, so much is kept.
const ANSWER_KEPT: usize = 16 * 1024;
/// GitHub's documents number what went wrong below HTTP like gateways do.
const NO_CONNECTION: (u16, &str) = (502, "failed to connect to host");
const TIMED_OUT: (u16, &str) = (504, "timed out");

/// What became of a letter.
pub(super) struct Outcome {
    pub at: Timestamp,
    pub seconds: f64,
    pub status: String,
    pub status_code: u16,
    pub request_headers: Vec<(String, String)>,
    pub response_headers: Vec<(String, String)>,
    pub response_body: String,
}

struct Answer {
    status_code: u16,
    status: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// Sends it once. Redirects are not followed (the client is made so).
pub(super) async fn send(http: &Client, letter: &Letter, patience: Duration) -> Outcome {
    tokio::time::sleep(letter.delay).await;
    let body = body(letter);
    let request_headers = headers(letter, &body);
    let (at, started) = (Timestamp::now(), Instant::now());
    let answer = if is_reserved(&letter.config.url) {
        failure(NO_CONNECTION)
    } else {
        match tokio::time::timeout(patience, post(http, letter, &request_headers, body)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => failure(NO_CONNECTION),
            Err(_) => failure(TIMED_OUT),
        }
    };
    Outcome {
        at,
        seconds: (started.elapsed().as_secs_f64() * 100.0).round() / 100.0,
        status: answer.status,
        status_code: answer.status_code,
        request_headers,
        response_headers: answer.headers,
        response_body: answer.body,
    }
}

async fn post(
    http: &Client,
    letter: &Letter,
    headers: &[(String, String)],
    body: Vec<u8>,
) -> Result<Answer, reqwest::Error> {
    let mut request = http.post(&letter.config.url).body(body);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let mut response = request.send().await?;
    let status = response.status();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let mut kept = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        kept.extend_from_slice(&chunk);
        if kept.len() >= ANSWER_KEPT {
            kept.truncate(ANSWER_KEPT);
            break;
        }
    }
    Ok(Answer {
        status_code: status.as_u16(),
        status: if status.is_success() {
            "OK".to_owned()
        } else {
            format!("Invalid HTTP Response: {}", status.as_u16())
        },
        headers,
        body: String::from_utf8_lossy(&kept).into_owned(),
    })
}

fn failure((status_code, status): (u16, &str)) -> Answer {
    Answer { status_code, status: status.to_owned(), headers: Vec::new(), body: String::new() }
}

/// Names set aside for examples (RFC 2606): nobody is there, so no look-up is made.
fn is_reserved(address: &str) -> bool {
    let host = url::Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    host.ends_with(".example") || host.ends_with(".invalid")
}

fn body(letter: &Letter) -> Vec<u8> {
    let json = letter.payload.to_string();
    match letter.config.content_type.as_str() {
        "json" => json.into_bytes(),
        _ => url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &json).finish().into_bytes(),
    }
}

fn headers(letter: &Letter, body: &[u8]) -> Vec<(String, String)> {
    let kind = match letter.config.content_type.as_str() {
        "json" => "application/json",
        _ => "application/x-www-form-urlencoded",
    };
    let mut headers = vec![
        ("Accept", "*/*".to_owned()),
        ("Content-Type", kind.to_owned()),
        ("User-Agent", format!("GitHub-Hookshot/{}", &letter.guid[..7])),
        ("X-GitHub-Delivery", letter.guid.clone()),
        ("X-GitHub-Event", letter.event.clone()),
        ("X-GitHub-Hook-ID", letter.hook.to_string()),
        ("X-GitHub-Hook-Installation-Target-ID", letter.repository.to_string()),
        ("X-GitHub-Hook-Installation-Target-Type", "repository".to_owned()),
    ];
    let secret = match letter.forgery {
        None => letter.config.secret.clone(),
        Some(Forgery::OldSecret) => letter.previous_secret.clone().or_else(|| letter.config.secret.clone()),
        Some(Forgery::WrongSignature) => Some(random::hex(32)),
        Some(Forgery::NoSignature) => None,
    };
    if let Some(secret) = secret {
        headers.push(("X-Hub-Signature", signature("sha1", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret, body)));
        headers.push(("X-Hub-Signature-256", signature("sha256", hmac::HMAC_SHA256, &secret, body)));
    }
    headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn signature(name: &str, algorithm: hmac::Algorithm, secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(algorithm, secret.as_bytes());
    format!("{name}={}", hex::encode(hmac::sign(&key, body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GitHub's own example, from its page on validating webhook deliveries.
    #[test]
    fn signs_as_the_documented_example() {
        let signed = signature("sha256", hmac::HMAC_SHA256, "It's a Secret to Everybody", b"Hello, World!");

        assert_eq!(signed, "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
    }
}
