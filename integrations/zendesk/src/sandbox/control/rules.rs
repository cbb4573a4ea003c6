//! Faults of answers that only Zendesk has; the others, and how a rule is made, are in `integration_sandboxkit::rules`.
//! Paths are without the sandbox's own, and begin with the account: `/acme/api/v2/tickets*`.
//!
//! | effect | fields | what the caller sees |
//! |---|---|---|
//! | `rate_limited` | `seconds?` 30 | 429 with `Retry-After`; without it if `seconds` is null |
//! | `conflict` | | 409 `DatabaseConflict`; nothing is done |
//! | `update_conflict` | | 409 `UpdateConflict`; nothing is done |
//! | `deadlock` | `seconds?` 1 | 503 with `Retry-After`; nothing is done |
//! | `invalid_token` | | 401 as for a token that has ended |
//! | `anonymous` | | as if no token had been sent |
//! | `refused` | `status`, `error`, `description?` | that, in Zendesk's shape |
//! | `token` | `answer`: `error`, `html`, `empty`, `empty_token`, `fewer_scopes`, `other_type`, `lasting` | that answer of `/oauth/tokens` |

use axum::extract::Request;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use integration_sandboxkit::OwnEffect;
use integration_sandboxkit::gate::json;
use serde::{Deserialize, Serialize};

use super::super::refusal::Refusal;

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub(in super::super) enum Effect {
    RateLimited {
        #[serde(default = "half_a_minute")]
        seconds: Option<u64>,
    },
    Conflict,
    UpdateConflict,
    Deadlock {
        #[serde(default = "one")]
        seconds: u64,
    },
    InvalidToken,
    Anonymous,
    Refused {
        status: u16,
        error: String,
        #[serde(default)]
        description: String,
    },
    Token {
        answer: TokenAnswer,
    },
}

/// What the token endpoint answers instead.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum TokenAnswer {
    Error,
    Html,
    Empty,
    EmptyToken,
    FewerScopes,
    OtherType,
    /// Neither an end nor a refresh token.
    Lasting,
}

fn half_a_minute() -> Option<u64> {
    Some(30)
}

fn one() -> u64 {
    1
}

impl TokenAnswer {
    /// The answers for which nothing is even looked at.
    pub fn instead(self) -> Option<Response> {
        match self {
            Self::Error => Some(Refusal::oauth(400, "invalid_grant", "The grant is invalid.").into_response()),
            Self::Html => {
                Some(([(header::CONTENT_TYPE, "text/html")], "<!DOCTYPE html><h1>Sorry!</h1>").into_response())
            }
            Self::Empty => Some(json(200, "{}".to_owned())),
            _ => None,
        }
    }
}

impl OwnEffect for Effect {
    fn suffer(self, request: &mut Request) -> Option<Response> {
        let refusal = match self {
            Self::RateLimited { seconds } => Refusal { retry_after: seconds, ..Refusal::too_many(0) },
            Self::Conflict => Refusal::database_conflict(),
            Self::UpdateConflict => Refusal::update_conflict(),
            Self::Deadlock { seconds } => {
                Refusal { retry_after: Some(seconds), ..Refusal::word(503, "ServiceUnavailable", "Database deadlock") }
            }
            Self::InvalidToken => Refusal::invalid_token(),
            Self::Refused { status, error, description } => Refusal::word(status, &error, &description),
            Self::Anonymous => {
                request.headers_mut().remove(header::AUTHORIZATION);
                return None;
            }
            Self::Token { answer } => {
                request.extensions_mut().insert(answer);
                return None;
            }
        };
        Some(refusal.into_response())
    }
}
