//! Flowdock's JSON. Its odd field names stop here. <https://github.com/flowdock/api-docs>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Any refusal: on validation with what is wrong, by field.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ApiError {
    pub(crate) message: String,
    pub(crate) errors: BTreeMap<String, Vec<String>>,
}

/// `GET /user`.
#[derive(Deserialize)]
pub(crate) struct User {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) nick: Option<String>,
}

/// `GET /flows/find`.
#[derive(Deserialize, Clone)]
pub(crate) struct Flow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) parameterized_name: String,
    pub(crate) organization: Organization,
    /// Its own place in the API.
    #[serde(default)]
    pub(crate) url: Option<String>,
    /// What is below it in the API. The guide speaks of it, and nothing says what it looks like.
    #[serde(default)]
    pub(crate) links: Value,
    #[serde(default)]
    pub(crate) joined: Option<bool>,
}

#[derive(Deserialize, Clone)]
pub(crate) struct Organization {
    pub(crate) name: String,
    pub(crate) parameterized_name: String,
}

/// A source as it is read.
#[derive(Deserialize)]
pub(crate) struct Source {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) external_url: Option<String>,
    /// Its own place in the API.
    #[serde(default)]
    pub(crate) url: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct NewSource<'a> {
    pub(crate) name: &'a str,
    pub(crate) external_url: &'a str,
}

/// The answer to [`NewSource`]: the one time that its token is told.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct MadeSource {
    pub(crate) id: Option<u64>,
    pub(crate) flow_token: Option<String>,
}

/// The only two things about a source that change. An empty text clears.
#[derive(Serialize, Default)]
pub(crate) struct SourceChange<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) configuration_url: Option<&'a str>,
}

/// A body with the source's own token in it: where Flowdock documents it.
#[derive(Serialize)]
pub(crate) struct BySource<'a, T> {
    pub(crate) flow_token: &'a str,
    #[serde(flatten)]
    pub(crate) what: &'a T,
}

/// `POST /messages`: one thing that happened, and the whole thread after it.
#[derive(Serialize)]
pub(crate) struct Post {
    pub(crate) event: Event,
    /// What we call it.
    pub(crate) uuid: String,
    /// Rendered after the author's name.
    pub(crate) title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
    pub(crate) author: PostAuthor,
    pub(crate) external_thread_id: String,
    pub(crate) thread: Thread,
}

#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// Something changed.
    Activity,
    /// Somebody commented.
    Discussion,
}

#[derive(Serialize)]
pub(crate) struct PostAuthor {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) avatar: Option<String>,
}

/// It replaces what the thread was: nothing may be left out.
#[derive(Serialize)]
pub(crate) struct Thread {
    pub(crate) title: String,
    pub(crate) body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) external_url: Option<String>,
    pub(crate) status: ThreadStatus,
    pub(crate) fields: Vec<ThreadField>,
    pub(crate) actions: Vec<Action>,
}

#[derive(Serialize)]
pub(crate) struct ThreadStatus {
    pub(crate) value: String,
    pub(crate) color: Colour,
}

/// Those of the ten that we use.
#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Colour {
    Red,
    Green,
    Yellow,
    Grey,
    Black,
    Purple,
}

#[derive(Serialize)]
pub(crate) struct ThreadField {
    pub(crate) label: &'static str,
    pub(crate) value: String,
}

#[derive(Serialize)]
#[serde(tag = "@type")]
pub(crate) enum Action {
    /// Calls us.
    UpdateAction { name: String, target: Target },
    /// A link.
    ViewAction { name: String, url: String },
}

#[derive(Serialize)]
#[serde(tag = "@type")]
pub(crate) enum Target {
    EntryPoint {
        #[serde(rename = "urlTemplate")]
        url_template: String,
        #[serde(rename = "httpMethod")]
        http_method: &'static str,
    },
}
