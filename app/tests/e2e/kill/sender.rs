//! The partner's side of the trial: signed hooks, sent as fast as agreed, whether the server lives or not.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use integration_contract::{Encoding, Part, Scheme, SecretOf, SecretString};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use super::ledger::{Ledger, Outcome};

/// As GitHub signs: written down once more, so that a mistake in the product's own copy would show.
const SCHEME: Scheme = Scheme {
    header: "x-hub-signature-256",
    prefix: "sha256=",
    encoding: Encoding::Hex,
    message: &[Part::Body],
    timestamp: None,
    secret: SecretOf::Link,
};

/// Where hooks go, and what makes them genuine: what GitHub was told when the webhook was registered.
pub struct Target {
    pub url: String,
    pub secret: SecretString,
    /// The repository as it stands in hooks.
    pub repository: Value,
}

/// One caller with its own connection.
pub struct Sender {
    http: reqwest::Client,
    target: Arc<Target>,
    ledger: Arc<Ledger>,
}

impl Sender {
    pub fn new(target: Arc<Target>, ledger: Arc<Ledger>) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
        Ok(Self { http, target, ledger })
    }

    /// Sends until the task is ended. Every second hook with an unknown outcome is sent again, as GitHub does when
    /// somebody asks for a redelivery: under the same name.
    pub async fn run(self, pause: Duration) {
        let mut pace = interval(pause);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            pace.tick().await;
            let number = self.ledger.next();
            let mut outcome = self.send(number).await;
            while outcome == Outcome::Unknown && number % 2 == 0 {
                pace.tick().await;
                // Refused now says nothing of the first time.
                outcome = match self.send(number).await {
                    Outcome::Accepted => Outcome::Accepted,
                    Outcome::Refused | Outcome::Unknown => Outcome::Unknown,
                };
            }
            self.ledger.note(number, outcome);
        }
    }

    async fn send(&self, number: u64) -> Outcome {
        let body = self.target.issue_opened(number).to_string();
        let request = self
            .http
            .post(&self.target.url)
            .header("content-type", "application/json")
            .header("user-agent", "GitHub-Hookshot/trial")
            .header("x-github-event", "issues")
            .header("x-github-delivery", delivery(number))
            .header(SCHEME.header, SCHEME.sign(body.as_bytes(), "", &self.target.secret))
            .body(body);
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Outcome::Accepted,
            Ok(_) => Outcome::Refused,
            Err(error) if error.is_connect() => Outcome::Refused,
            Err(_) => Outcome::Unknown,
        }
    }
}

impl Target {
    fn issue_opened(&self, number: u64) -> Value {
        let page = format!("{}/issues/{number}", self.repository["html_url"].as_str().unwrap_or_default());
        let sender = json!({ "id": 1, "login": "trial", "html_url": "https://github.com/trial" });
        json!({
            "action": "opened",
            "issue": {
                "id": number, "number": number, "title": format!("Trial {number}"), "body": null, "state": "open",
                "html_url": page, "user": sender, "created_at": "2026-01-01T00:00:00Z",
            },
            "repository": self.repository,
            "sender": sender,
        })
    }
}

/// GitHub's name of the delivery.
fn delivery(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// The number of the issue that an entry's `external_id` speaks of.
pub fn number_of(external_id: &str) -> Result<u64> {
    let number = external_id.strip_prefix("issue:").and_then(|rest| rest.strip_suffix(":opened"));
    number.and_then(|number| number.parse().ok()).with_context(|| format!("{external_id} is no entry of the trial"))
}
