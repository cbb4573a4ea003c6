//! An answer before it is dressed.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::super::world::UserId;

pub(super) struct Answer {
    pub status: StatusCode,
    pub body: Option<Value>,
    pub headers: Vec<(HeaderName, String)>,
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self::of(StatusCode::OK, body)
    }

    pub fn created(body: Value) -> Self {
        Self::of(StatusCode::CREATED, body)
    }

    /// Done, and nothing to tell: `{}`.
    pub fn empty() -> Self {
        Self::ok(json!({}))
    }

    /// 204.
    pub fn nothing() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, headers: Vec::new() }
    }

    pub fn of(status: StatusCode, body: Value) -> Self {
        Self { status, body: Some(body), headers: Vec::new() }
    }

    pub fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// The response: JSON, and whose call it was.
pub(super) fn dress(answer: Result<Answer, Refusal>, user: Option<UserId>) -> Response {
    let answer = answer.unwrap_or_else(|refusal| Answer::of(refusal.status, refusal.body()));
    let mut response = match answer.body {
        Some(body) => {
            let kind = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
            (answer.status, kind, body.to_string()).into_response()
        }
        None => answer.status.into_response(),
    };
    let user = user.map(|id| (HeaderName::from_static("flowdock-user"), id.to_string()));
    for (name, value) in answer.headers.into_iter().chain(user) {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
