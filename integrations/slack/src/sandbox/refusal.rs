//! A "no" in Slack's words: one word, sometimes with details. The API says it with status 200, the pages as a page.

use serde_json::{Map, Value, json};

/// Why something was not done.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub error: String,
    /// What stands beside the word, such as `needed` and `provided`.
    pub details: Map<String, Value>,
    /// Only of "ratelimited": the seconds to wait. The one "no" that has a status of its own.
    pub retry_after: Option<u64>,
}

impl Refusal {
    pub fn new(error: impl Into<String>) -> Self {
        Self { error: error.into(), details: Map::new(), retry_after: None }
    }

    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.details.insert(name.to_owned(), value);
        self
    }

    /// Arguments that do not even look right; Slack says which, for developers.
    pub fn invalid_arguments(message: impl std::fmt::Display) -> Self {
        Self::new("invalid_arguments").with("response_metadata", json!({"messages": [format!("[ERROR] {message}")]}))
    }

    /// Also the answer for channels the caller may not know of.
    pub fn no_channel() -> Self {
        Self::new("channel_not_found")
    }

    pub fn no_message() -> Self {
        Self::new("message_not_found")
    }

    pub fn missing_scope(needed: &str, provided: &[String]) -> Self {
        Self::new("missing_scope").with("needed", json!(needed)).with("provided", json!(provided.join(",")))
    }

    pub fn rate_limited(seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..Self::new("ratelimited") }
    }

    /// The JSON body.
    pub fn body(&self) -> Value {
        let mut body = self.details.clone();
        body.insert("ok".to_owned(), Value::Bool(false));
        body.insert("error".to_owned(), Value::String(self.error.clone()));
        Value::Object(body)
    }

    /// For a person.
    pub fn sentence(&self) -> &str {
        match self.error.as_str() {
            "not_found" => "There is nothing at this address.",
            "not_signed_in" => "Choose who you are first.",
            "other_site" => "This form was sent from another site.",
            "stale_consent" => "This page is no longer valid. Go back to the app and start again.",
            "invalid_client_id" => "Invalid client_id parameter: there is no such app.",
            "bad_redirect_uri" => "redirect_uri did not match any configured URIs.",
            "invalid_scope" => "Invalid permissions requested: a scope is unknown.",
            "no_scopes" => "No scopes requested.",
            "invalid_team_for_non_distributed_app" => "This app is not installable in this workspace.",
            "channel_not_found" => "There is no such channel, or you are not in it.",
            "not_in_channel" => "You are not in this channel. Join it first.",
            "is_archived" => "This channel is archived.",
            "name_taken" => "That name is taken.",
            "invalid_name" => "That name does not work: small letters, digits, - and _ only, at most 80.",
            "message_not_found" => "That message is gone.",
            "cant_update_message" | "cant_delete_message" => "Only who wrote it can change it.",
            "no_text" => "Nothing was written.",
            "msg_too_long" => "That is too long for one message.",
            "cant_archive_general" | "cant_delete_general" => "The general channel stays.",
            "already_archived" => "This channel is archived already.",
            "not_archived" => "This channel is not archived.",
            other => other,
        }
    }
}
