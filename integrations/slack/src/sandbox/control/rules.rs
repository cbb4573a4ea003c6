//! Faults of answers that only Slack has; the others, and how a rule is made, are in `integration_sandboxkit::rules`.
//!
//! | effect | fields | what the caller sees |
//! |---|---|---|
//! | `rate_limited` | `seconds?` 30 | 429 with `Retry-After`; without it if `seconds` is null |
//! | `refused` | `error`, `fields?` | 200 with `"ok": false` and that word; nothing is done |
//! | `token` | `answer`: `error` (`error`), `html`, `empty`, `empty_token`, `fewer_scopes`, `more_scopes`, `other_type`, `no_team` | that answer of `oauth.v2.access` |

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use integration_sandboxkit::OwnEffect;
use integration_sandboxkit::gate::json;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::refusal::Refusal;

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub(in super::super) enum Effect {
    RateLimited {
        #[serde(default = "half_a_minute")]
        seconds: Option<u64>,
    },
    Refused {
        error: String,
        #[serde(default)]
        fields: Map<String, Value>,
    },
    Token {
        #[serde(flatten)]
        answer: TokenAnswer,
    },
}

/// What the token method answers instead.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(in super::super) enum TokenAnswer {
    Error {
        #[serde(default = "invalid_code")]
        error: String,
    },
    Html,
    Empty,
    EmptyToken,
    FewerScopes,
    MoreScopes,
    OtherType,
    NoTeam,
}

fn half_a_minute() -> Option<u64> {
    Some(30)
}

fn invalid_code() -> String {
    "invalid_code".to_owned()
}

impl TokenAnswer {
    /// The answers for which nothing is even looked at.
    pub fn instead(&self) -> Option<Response> {
        match self {
            TokenAnswer::Html => {
                Some(([(header::CONTENT_TYPE, "text/html")], "<!DOCTYPE html><h1>Sorry!</h1>").into_response())
            }
            TokenAnswer::Empty => Some(json(200, "{}".to_owned())),
            _ => None,
        }
    }
}

impl OwnEffect for Effect {
    fn suffer(self, request: &mut Request) -> Option<Response> {
        match self {
            Effect::RateLimited { seconds } => {
                let mut response = json(429, Refusal::new("ratelimited").body().to_string());
                if let Some(seconds) = seconds {
                    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                }
                Some(response)
            }
            Effect::Refused { error, fields } => {
                Some(json(200, Refusal { details: fields, ..Refusal::new(error) }.body().to_string()))
            }
            Effect::Token { answer } => {
                request.extensions_mut().insert(answer);
                None
            }
        }
    }
}
