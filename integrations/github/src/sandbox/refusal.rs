//! A "no" in GitHub's words: status, message and the list of what is wrong with which field.
//!
//! What happens in the world refuses with it; the REST side writes it as JSON, the pages as a page.

use axum::http::StatusCode;
use serde_json::{Value, json};

/// Why something was not done.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub status: StatusCode,
    pub message: String,
    pub errors: Vec<Value>,
    /// For 301, 307 and 422: where to go, or nothing.
    pub location: Option<String>,
    /// For limits.
    pub headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), errors: Vec::new(), location: None, headers: Vec::new() }
    }

    /// Also the answer to everything the caller may not know of.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    pub fn bad_credentials() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Bad credentials")
    }

    pub fn gone(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, message)
    }

    /// 422 with one of the documented codes: missing, missing_field, invalid, already_exists, unprocessable.
    pub fn invalid(resource: &str, field: &str, code: &str) -> Self {
        Self::validation(vec![json!({"resource": resource, "field": field, "code": code})])
    }

    /// 422 whose error is a sentence.
    pub fn custom(resource: &str, message: &str) -> Self {
        Self::validation(vec![json!({"resource": resource, "code": "custom", "message": message})])
    }

    /// 422 for a body that does not fit the schema; GitHub writes these as one sentence, without a list.
    pub fn schema(sentence: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, format!("Invalid request.\n\n{sentence}"))
    }

    fn validation(errors: Vec<Value>) -> Self {
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Validation Failed") }
    }

    /// One line for a person: the message and what the errors say.
    pub fn sentence(&self) -> String {
        let details: Vec<String> = self
            .errors
            .iter()
            .map(|error| match error["message"].as_str() {
                Some(message) => message.to_owned(),
                None => format!("{} {}", error["field"].as_str().unwrap_or("?"), error["code"].as_str().unwrap_or("?")),
            })
            .collect();
        match details.is_empty() {
            true => self.message.clone(),
            false => format!("{}: {}", self.message, details.join(", ")),
        }
    }

    /// The JSON body.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "message": self.message,
            "documentation_url": "https://docs.github.com/rest",
            "status": self.status.as_str(),
        });
        if !self.errors.is_empty() {
            body["errors"] = Value::Array(self.errors.clone());
        }
        if let Some(location) = self.location.as_ref().filter(|_| self.status.is_redirection()) {
            body["url"] = Value::String(location.clone());
        }
        body
    }
}
