//! Faults of answers that only Flowdock has; the others, and how a rule is made, are in `integration_sandboxkit::rules`.
//!
//! | effect | fields | what the caller sees |
//! |---|---|---|
//! | `refused` | `status`, `message`, `errors?` | that status and Flowdock's JSON; nothing is done |
//! | `token` | `answer`: `error` (`error`), `html`, `empty`, `empty_token`, `no_refresh`, `fewer_scopes`, `more_scopes`, `mac`, `no_lifetime` | that answer of the token endpoint |

use std::collections::BTreeMap;

use axum::extract::Request;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use integration_sandboxkit::OwnEffect;
use integration_sandboxkit::gate::{code, json as json_response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::refusal::Refusal;

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub(in super::super) enum Effect {
    Refused {
        status: u16,
        message: String,
        #[serde(default)]
        errors: BTreeMap<String, Vec<String>>,
    },
    Token {
        #[serde(flatten)]
        answer: TokenAnswer,
    },
}

/// What the token endpoint answers instead.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(in super::super) enum TokenAnswer {
    Error {
        #[serde(default = "invalid_grant")]
        error: String,
    },
    Html,
    Empty,
    EmptyToken,
    NoRefresh,
    FewerScopes,
    MoreScopes,
    Mac,
    NoLifetime,
}

fn invalid_grant() -> String {
    "invalid_grant".to_owned()
}

impl TokenAnswer {
    /// The answers for which nothing is even looked at.
    pub fn instead(&self) -> Option<Response> {
        match self {
            TokenAnswer::Error { error } => Some(json_response(400, json!({"error": error}).to_string())),
            TokenAnswer::Html => {
                Some(([(header::CONTENT_TYPE, "text/html")], "<!DOCTYPE html><h1>Sorry!</h1>").into_response())
            }
            TokenAnswer::Empty => Some(json_response(200, "{}".to_owned())),
            _ => None,
        }
    }

    /// What it makes of the right answer.
    pub fn change(&self, shown: &mut Value) {
        let scope = shown["scope"].as_str().unwrap_or_default().to_owned();
        let Some(fields) = shown.as_object_mut() else { return };
        match self {
            TokenAnswer::EmptyToken => drop(fields.insert("access_token".to_owned(), json!(""))),
            TokenAnswer::NoRefresh => drop(fields.remove("refresh_token")),
            TokenAnswer::FewerScopes => {
                let first = scope.split(',').next().unwrap_or_default().to_owned();
                fields.insert("scope".to_owned(), json!(first));
            }
            TokenAnswer::MoreScopes => drop(fields.insert("scope".to_owned(), json!(format!("{scope},manage")))),
            TokenAnswer::Mac => drop(fields.insert("token_type".to_owned(), json!("mac"))),
            TokenAnswer::NoLifetime => drop(fields.remove("expires_in")),
            TokenAnswer::Error { .. } | TokenAnswer::Html | TokenAnswer::Empty => {}
        }
    }
}

impl OwnEffect for Effect {
    fn suffer(self, request: &mut Request) -> Option<Response> {
        match self {
            Effect::Refused { status, message, errors } => {
                let refusal = Refusal { errors, ..Refusal::new(code(status), message) };
                Some(json_response(status, refusal.body().to_string()))
            }
            Effect::Token { answer } => {
                request.extensions_mut().insert(answer);
                None
            }
        }
    }
}
