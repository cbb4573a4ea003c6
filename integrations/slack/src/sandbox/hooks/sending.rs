//! One letter over the wire: signature, headers, and what came back.
//! <https://docs.slack.dev/authentication/verifying-requests-from-slack>

use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use integration_sandboxkit::random;
use jiff::Timestamp;
use reqwest::Client;
use reqwest::header::HeaderMap;

use super::super::world::now;
use super::courier::{Forgery, Letter, Purpose};

/// Of an answer, so much is read.
const ANSWER_KEPT: usize = 64 * 1024;
/// How old a letter with an old signature is.
const STALE_SECONDS: i64 = 10 * 60;

/// What became of a letter.
pub(in super::super) struct Outcome {
    pub at: Timestamp,
    pub ms: u128,
    /// 0: there was no answer.
    pub status: u16,
    /// Slack's word for what went wrong.
    pub failure: Option<&'static str>,
    /// The receiver asked not to be asked again.
    pub no_retry: bool,
    pub request_headers: Vec<(String, String)>,
    pub response_body: String,
}

impl Outcome {
    /// There is no address to send to.
    pub fn nobody() -> Self {
        Self {
            at: Timestamp::now(),
            ms: 0,
            status: 0,
            failure: Some("connection_failed"),
            no_retry: true,
            request_headers: Vec::new(),
            response_body: String::new(),
        }
    }

    /// Why it is sent again, if it is.
    pub fn retried_for(&self) -> Option<&'static str> {
        self.failure.filter(|_| !self.no_retry)
    }

    pub fn is_good(&self) -> bool {
        self.failure.is_none()
    }
}

struct Answer {
    status: u16,
    no_retry: bool,
    body: String,
}

/// Sends it once.
pub(super) async fn send(http: &Client, letter: &Letter, url: &str, secret: &str, patience: Duration) -> Outcome {
    let request_headers = headers(letter, secret);
    let (at, started) = (Timestamp::now(), Instant::now());
    let (answer, failure) = match tokio::time::timeout(patience, post(http, letter, url, &request_headers)).await {
        Ok(Ok(answer)) if (200..300).contains(&answer.status) => (Some(answer), None),
        Ok(Ok(answer)) => (Some(answer), Some("http_error")),
        Ok(Err(error)) => (None, Some(word(&error))),
        Err(_) => (None, Some("http_timeout")),
    };
    Outcome {
        at,
        ms: started.elapsed().as_millis(),
        status: answer.as_ref().map_or(0, |answer| answer.status),
        failure,
        no_retry: answer.as_ref().is_some_and(|answer| answer.no_retry),
        request_headers,
        response_body: answer.map(|answer| answer.body).unwrap_or_default(),
    }
}

async fn post(
    http: &Client,
    letter: &Letter,
    url: &str,
    headers: &[(String, String)],
) -> Result<Answer, reqwest::Error> {
    let mut request = http.post(url).body(letter.body.as_str().to_owned());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let mut response = request.send().await?;
    let status = response.status().as_u16();
    let no_retry = says_no_retry(response.headers());
    let mut kept = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        kept.extend_from_slice(&chunk);
        if kept.len() >= ANSWER_KEPT {
            kept.truncate(ANSWER_KEPT);
            break;
        }
    }
    Ok(Answer { status, no_retry, body: String::from_utf8_lossy(&kept).into_owned() })
}

fn says_no_retry(headers: &HeaderMap) -> bool {
    headers.get("x-slack-no-retry").is_some_and(|value| value.as_bytes() == b"1")
}

fn word(error: &reqwest::Error) -> &'static str {
    if error.is_redirect() {
        "too_many_redirects"
    } else if error.is_timeout() {
        "http_timeout"
    } else if error.is_connect() {
        "connection_failed"
    } else {
        "unknown_error"
    }
}

fn headers(letter: &Letter, secret: &str) -> Vec<(String, String)> {
    let kind = match letter.purpose {
        Purpose::Command => "application/x-www-form-urlencoded",
        // An `ssl_check` has the form of a command.
        Purpose::Check if !letter.body.starts_with('{') => "application/x-www-form-urlencoded",
        Purpose::Event | Purpose::Check => "application/json",
    };
    let time = match letter.forgery {
        Some(Forgery::Stale) => now() - STALE_SECONDS,
        _ => now(),
    };
    let mut headers = vec![
        ("Accept", "*/*".to_owned()),
        ("Content-Type", kind.to_owned()),
        ("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)".to_owned()),
    ];
    let secret = match letter.forgery {
        Some(Forgery::WrongSignature) => Some(random::hex(32)),
        Some(Forgery::NoSignature) => None,
        Some(Forgery::Stale) | None => Some(secret.to_owned()),
    };
    if let Some(secret) = secret {
        headers.push(("X-Slack-Request-Timestamp", time.to_string()));
        headers.push(("X-Slack-Signature", signature(&secret, time, &letter.body)));
    }
    if let Some(reason) = letter.reason {
        headers.push(("X-Slack-Retry-Num", letter.retry.to_string()));
        headers.push(("X-Slack-Retry-Reason", reason.to_owned()));
    }
    headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn signature(secret: &str, time: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("v0={}", hex::encode(hmac::sign(&key, format!("v0:{time}:{body}").as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slack's own example, from its page on verifying requests.
    #[test]
    fn signs_as_the_documented_example() {
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
            &channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
            &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
            &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

        let signed = signature("8f742231b10e8888abcd99yyyzzz85a5", 1_531_420_618, body);

        assert_eq!(signed, "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503");
    }
}
