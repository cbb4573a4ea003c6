//! One letter over the wire: signature, headers, and what came back.
//! <https://developer.zendesk.com/documentation/webhooks/verifying/>

use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use integration_sandboxkit::random;
use jiff::Timestamp;
use reqwest::{Client, Method};

use super::super::world::webhooks::{Authentication, Webhook};
use super::super::world::{ms_ago, stamp};

/// Of an answer, so much is kept.
const ANSWER_KEPT: usize = 64 * 1024;
/// How old a letter with an old signature is.
const STALE_MS: i64 = 10 * 60 * 1000;

/// Everything needed to send something once.
pub(in super::super) struct Parcel {
    pub url: String,
    pub method: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
}

/// How a letter is signed when a fault asks for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Forgery {
    WrongSignature,
    NoSignature,
    /// Signed well, ten minutes ago.
    Stale,
}

/// What became of it.
#[derive(Clone)]
pub(in super::super) struct Outcome {
    pub at: Timestamp,
    pub ms: u128,
    /// 0: there was no answer.
    pub status: u16,
    pub timed_out: bool,
    /// Seconds; the receiver wants to be asked again then.
    pub retry_after: Option<u64>,
    pub request_headers: Vec<(String, String)>,
    pub request_body: String,
    pub answer_headers: Vec<(String, String)>,
    pub answer: String,
}

impl Parcel {
    pub fn new(hook: &Webhook, account: u64, invocation: &str, body: Option<String>, forgery: Option<Forgery>) -> Self {
        let kind = match hook.format.as_str() {
            "xml" => "application/xml; charset=utf-8",
            "form_encoded" => "application/x-www-form-urlencoded; charset=utf-8",
            _ => "application/json; charset=utf-8",
        };
        let mut headers: Vec<(String, String)> = vec![
            ("accept".into(), "*/*".into()),
            ("content-type".into(), kind.into()),
            ("user-agent".into(), "Zendesk Webhook".into()),
            ("x-zendesk-account-id".into(), account.to_string()),
            ("x-zendesk-webhook-id".into(), hook.id.clone()),
            ("x-zendesk-webhook-invocation-id".into(), invocation.to_owned()),
        ];
        let time = stamp(if forgery == Some(Forgery::Stale) { ms_ago(STALE_MS) } else { Timestamp::now() });
        if forgery != Some(Forgery::NoSignature) {
            let wrong = forgery == Some(Forgery::WrongSignature);
            let secret = if wrong { random::letters(44) } else { hook.secret.clone() };
            let signed = signature(&secret, &time, body.as_deref().unwrap_or_default());
            headers.push(("x-zendesk-webhook-signature".into(), signed));
            headers.push(("x-zendesk-webhook-signature-timestamp".into(), time));
        }
        headers.extend(hook.custom_headers.iter().cloned());
        headers.extend(hook.authentication.as_ref().map(Authentication::header));
        Self { url: hook.endpoint.clone(), method: hook.method.clone(), headers, body }
    }

    /// Sends it once.
    pub async fn send(self, http: &Client, patience: Duration) -> Outcome {
        let (at, started) = (Timestamp::now(), Instant::now());
        let answer = tokio::time::timeout(patience, self.post(http)).await;
        let timed_out = answer.is_err();
        let (status, headers, text) = match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => (0, Vec::new(), String::new()),
        };
        let retry_after = headers.iter().find(|(name, _)| name == "retry-after").and_then(|(_, it)| it.parse().ok());
        Outcome {
            at,
            ms: started.elapsed().as_millis(),
            status,
            timed_out,
            retry_after,
            request_headers: self.headers,
            request_body: self.body.unwrap_or_default(),
            answer_headers: headers,
            answer: text,
        }
    }

    async fn post(&self, http: &Client) -> Result<(u16, Vec<(String, String)>, String), reqwest::Error> {
        let method = Method::from_bytes(self.method.as_bytes()).unwrap_or(Method::POST);
        let mut request = http.request(method, &self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        let mut answer = request.send().await?;
        let status = answer.status().as_u16();
        let headers = answer.headers().iter();
        let headers =
            headers.map(|(name, it)| (name.to_string(), String::from_utf8_lossy(it.as_bytes()).into_owned())).collect();
        let mut kept = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            kept.extend_from_slice(&chunk);
            if kept.len() >= ANSWER_KEPT {
                kept.truncate(ANSWER_KEPT);
                break;
            }
        }
        Ok((status, headers, String::from_utf8_lossy(&kept).into_owned()))
    }
}

impl Authentication {
    fn header(&self) -> (String, String) {
        match self {
            Self::Basic { username, password } => {
                ("authorization".into(), format!("Basic {}", STANDARD.encode(format!("{username}:{password}"))))
            }
            Self::Bearer { token } => ("authorization".into(), format!("Bearer {token}")),
            Self::ApiKey { name, value } => (name.clone(), value.clone()),
        }
    }
}

/// The secret as the text it is, though it looks like base64.
fn signature(secret: &str, time: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, format!("{time}{body}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::super::super::world::webhooks::TEST_SECRET;
    use super::*;

    /// Zendesk publishes no example; this one is from a public test of somebody else's receiver.
    #[test]
    fn signs_as_others_verify() {
        let signed = signature(TEST_SECRET, "2021-03-25T05:09:27Z", r#"{"event":"ticket.updated","id":123}"#);

        assert_eq!(signed, "S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiLM=");
    }
}
