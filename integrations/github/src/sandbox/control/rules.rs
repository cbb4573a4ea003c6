//! Faults of answers that only GitHub has; the others, and how a rule is made, are in `integration_sandboxkit::rules`.
//!
//! | effect | fields | what the caller sees |
//! |---|---|---|
//! | `primary_limit` | `status?` 403, `seconds?` 60 | nothing left until the reset, on this and all calls of that user (API only) |
//! | `secondary_limit` | `status?` 403, `retry_after?` | GitHub's message, with or without `Retry-After` |
//! | `token` | `answer`: `error` (`error`), `html`, `empty`, `empty_token`, `fewer_scopes`, `more_scopes`, `mac` | that answer of the token endpoint |

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use integration_sandboxkit::OwnEffect;
use integration_sandboxkit::gate::{code, json};
use serde::{Deserialize, Serialize};

use super::super::refusal::Refusal;
use super::super::rest;

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub(in super::super) enum Effect {
    PrimaryLimit {
        #[serde(default = "forbidden")]
        status: u16,
        #[serde(default = "a_minute")]
        seconds: i64,
    },
    SecondaryLimit {
        #[serde(default = "forbidden")]
        status: u16,
        retry_after: Option<u32>,
    },
    Token {
        #[serde(flatten)]
        answer: TokenAnswer,
    },
}

/// Told to the REST side: answer as if nothing were left.
#[derive(Clone, Copy)]
pub(in super::super) struct PrimaryLimit {
    pub status: StatusCode,
    pub seconds: i64,
}

/// What the token endpoint answers instead.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(in super::super) enum TokenAnswer {
    Error {
        #[serde(default = "bad_verification_code")]
        error: String,
    },
    Html,
    Empty,
    EmptyToken,
    FewerScopes,
    MoreScopes,
    Mac,
}

fn forbidden() -> u16 {
    403
}

fn a_minute() -> i64 {
    60
}

fn bad_verification_code() -> String {
    "bad_verification_code".to_owned()
}

impl OwnEffect for Effect {
    fn suffer(self, request: &mut Request) -> Option<Response> {
        match self {
            Effect::PrimaryLimit { status, seconds } => {
                request.extensions_mut().insert(PrimaryLimit { status: code(status), seconds });
                None
            }
            Effect::SecondaryLimit { status, retry_after } => {
                let refusal = Refusal { status: code(status), ..rest::limits::secondary_refusal(retry_after) };
                let mut response = json(status, refusal.body().to_string());
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                }
                Some(response)
            }
            Effect::Token { answer } => {
                request.extensions_mut().insert(answer);
                None
            }
        }
    }
}
