//! A "no" in Flowdock's words: status, message, and on validation what is wrong with which field.
//!
//! What happens in the world refuses with it; the API writes it as JSON, the pages as a page.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};

pub(super) const BLANK: &str = "can't be blank";

/// Why something was not done.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub status: StatusCode,
    pub message: String,
    /// Field to what is wrong with it: always a list, clients join it.
    pub errors: BTreeMap<String, Vec<String>>,
}

impl Refusal {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), errors: BTreeMap::new() }
    }

    /// Also the answer to everything the caller may not know of.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not found")
    }

    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// The source behind a `flow_token` was removed.
    pub fn gone() -> Self {
        Self::new(StatusCode::GONE, "source has been removed")
    }

    /// 400 for one field.
    pub fn invalid(field: &str, problem: &str) -> Self {
        let mut problems = Problems::default();
        problems.add(field, problem);
        problems.into()
    }

    /// One line for a person.
    pub fn sentence(&self) -> String {
        let details: Vec<String> =
            self.errors.iter().map(|(field, problems)| format!("{field} {}", problems.join(", "))).collect();
        if details.is_empty() { self.message.clone() } else { format!("{}: {}", self.message, details.join("; ")) }
    }

    /// The JSON body.
    pub fn body(&self) -> Value {
        let mut body = json!({"message": self.message});
        if !self.errors.is_empty() {
            body["errors"] = json!(self.errors);
        }
        body
    }
}

/// What is wrong with a call, collected so that the answer names all of it.
#[derive(Default)]
pub(super) struct Problems(BTreeMap<String, Vec<String>>);

impl Problems {
    pub fn add(&mut self, field: &str, problem: &str) {
        self.0.entry(field.to_owned()).or_default().push(problem.to_owned());
    }

    /// Notes the problem of something that must be there, and gives what stands in for it.
    pub fn need(&mut self, field: &str, value: Option<String>) -> String {
        value.unwrap_or_else(|| {
            self.add(field, BLANK);
            String::new()
        })
    }

    pub fn check(self) -> Result<(), Refusal> {
        if self.0.is_empty() { Ok(()) } else { Err(self.into()) }
    }
}

impl From<Problems> for Refusal {
    fn from(Problems(errors): Problems) -> Self {
        Self { errors, ..Self::bad_request("Validation error") }
    }
}
