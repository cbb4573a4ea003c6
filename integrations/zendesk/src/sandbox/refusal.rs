//! A "no" in Zendesk's words: a status, and a body whose shape depends on who says it. The API sends it, the pages show it.
//! <https://developer.zendesk.com/api-reference/introduction/requests/>

use std::collections::BTreeMap;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Why something was not done.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub status: u16,
    pub body: Body,
    /// Seconds to wait.
    pub retry_after: Option<u64>,
}

/// Most are JSON; a few of the outer layers are a sentence.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Json(Value),
    Text(&'static str),
}

impl Refusal {
    pub fn json(status: u16, body: Value) -> Self {
        Self { status, body: Body::Json(body), retry_after: None }
    }

    /// The common shape: a word and a sentence.
    pub fn word(status: u16, error: &str, description: &str) -> Self {
        Self::json(status, json!({"error": error, "description": description}))
    }

    /// Also the answer for what the caller may not know of.
    pub fn not_found() -> Self {
        Self::word(404, "RecordNotFound", "Not found")
    }

    pub fn no_such_endpoint() -> Self {
        Self::word(404, "InvalidEndpoint", "Not found")
    }

    pub fn unauthenticated() -> Self {
        Self::json(401, json!({"error": "Couldn't authenticate you"}))
    }

    pub fn invalid_token() -> Self {
        let why = "The access token provided is expired, revoked, malformed or invalid for other reasons.";
        Self::json(401, json!({"error": "invalid_token", "error_description": why}))
    }

    /// The role does not suffice.
    pub fn forbidden() -> Self {
        let message = "You do not have access to this page. Please contact the account owner of this help desk for \
                       further help.";
        Self::json(403, json!({"error": {"title": "Forbidden", "message": message}}))
    }

    pub fn missing_scopes(needed: &str) -> Self {
        Self::word(403, "Forbidden", &format!("You are missing the following required scopes: {needed}"))
    }

    /// A parameter or attribute that does not even look right.
    pub fn invalid_attribute(name: &str, why: &str) -> Self {
        let message = format!("You passed an invalid value for the {name} attribute. {why}");
        Self::json(400, json!({"error": {"title": "Invalid attribute", "message": message}}))
    }

    pub fn bad_json() -> Self {
        Self::word(400, "BadRequest", "The request body could not be parsed as JSON")
    }

    /// One field of a record.
    pub fn invalid(field: &str, description: &str) -> Self {
        let mut problems = Problems::default();
        problems.add(field, description);
        problems.refusal()
    }

    /// Webhooks have a shape of their own.
    pub fn webhook(status: u16, code: &str, title: &str, detail: &str) -> Self {
        Self::json(status, json!({"errors": [{"code": code, "title": title, "detail": detail}]}))
    }

    /// RFC 6749.
    pub fn oauth(status: u16, error: &str, description: &str) -> Self {
        Self::json(status, json!({"error": error, "error_description": description}))
    }

    pub fn too_many(seconds: u64) -> Self {
        let body = Body::Text("Number of allowed API requests per minute exceeded");
        Self { status: 429, body, retry_after: Some(seconds) }
    }

    pub fn database_conflict() -> Self {
        Self::word(409, "DatabaseConflict", "Database collision")
    }

    pub fn update_conflict() -> Self {
        let why = "Safe Update prevented the update due to outdated ticket data. Please fetch the latest ticket data and \
                   try again.";
        Self::word(409, "UpdateConflict", why)
    }

    /// For pages: what only a browser meets.
    pub fn page(status: u16, sentence: &str) -> Self {
        Self::word(status, "Page", sentence)
    }

    /// For a person.
    pub fn sentence(&self) -> String {
        let Body::Json(body) = &self.body else { return "Too many requests.".to_owned() };
        let details = body["details"].as_object().into_iter().flat_map(|fields| fields.values());
        let details: Vec<&str> = details
            .filter_map(Value::as_array)
            .flatten()
            .filter_map(|problem| problem["description"].as_str())
            .collect();
        if !details.is_empty() {
            return format!("{}.", details.join(". "));
        }
        let places =
            [&body["description"], &body["error"]["message"], &body["errors"][0]["detail"], &body["error_description"]];
        places.into_iter().find_map(Value::as_str).or(body["error"].as_str()).unwrap_or("That did not work.").to_owned()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (kind, text) = match self.body {
            Body::Json(body) => ("application/json; charset=utf-8", body.to_string()),
            Body::Text(text) => ("text/plain; charset=utf-8", text.to_owned()),
        };
        let mut response = (status, [(header::CONTENT_TYPE, kind)], text).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// What is wrong with a record, field by field. `base` is the record as a whole.
#[derive(Default)]
pub(super) struct Problems(BTreeMap<String, Vec<String>>);

impl Problems {
    pub fn add(&mut self, field: &str, description: &str) {
        self.0.entry(field.to_owned()).or_default().push(description.to_owned());
    }

    /// Nothing, or a "no" that says all of it.
    pub fn finish(self) -> Result<(), Refusal> {
        if self.0.is_empty() { Ok(()) } else { Err(self.refusal()) }
    }

    fn refusal(self) -> Refusal {
        let shown = |list: Vec<String>| list.into_iter().map(|it| json!({"description": it})).collect::<Value>();
        let details: serde_json::Map<String, Value> =
            self.0.into_iter().map(|(field, list)| (field, shown(list))).collect();
        Refusal::json(
            422,
            json!({"error": "RecordInvalid", "description": "Record validation errors", "details": details}),
        )
    }
}
