//! GitHub's JSON as types: only the fields we read, and optional whatever GitHub does not promise.
//!
//! Ids are `u64` throughout: a text, a fraction or a negative number in their place is an error, never a guess.

use serde::{Deserialize, Serialize};
use serde_json::Value;

// ---- answers of the REST API

/// The body of every error. <https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api>
#[derive(Default, Deserialize)]
pub(crate) struct ApiError {
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    errors: Vec<Value>,
}

impl ApiError {
    /// The message and what stands below it, as one text.
    pub(crate) fn all(&self) -> String {
        let below = self.errors.iter().filter_map(|error| match error {
            Value::String(text) => Some(text.as_str()),
            error => error.get("message")?.as_str(),
        });
        std::iter::once(self.message.as_str()).chain(below).collect::<Vec<_>>().join(": ")
    }
}

#[derive(Deserialize)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) login: String,
    pub(crate) html_url: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct ApiRepository {
    pub(crate) id: u64,
    pub(crate) full_name: String,
    pub(crate) html_url: String,
    #[serde(default)]
    pub(crate) private: bool,
    #[serde(default)]
    pub(crate) archived: bool,
    #[serde(default)]
    pub(crate) disabled: bool,
    #[serde(default)]
    permissions: Permissions,
}

#[derive(Default, Deserialize)]
struct Permissions {
    #[serde(default)]
    admin: bool,
}

impl ApiRepository {
    /// Whether the account may manage its webhooks.
    pub(crate) fn administered(&self) -> bool {
        self.permissions.admin
    }
}

#[derive(Deserialize)]
pub(crate) struct Webhook {
    pub(crate) id: u64,
    /// Switched on; an answer that does not say so is taken for yes.
    #[serde(default = "yes")]
    pub(crate) active: bool,
    #[serde(default)]
    config: WebhookTarget,
}

#[derive(Default, Deserialize)]
struct WebhookTarget {
    url: Option<String>,
}

fn yes() -> bool {
    true
}

impl Webhook {
    /// Where it sends to.
    pub(crate) fn url(&self) -> Option<&str> {
        self.config.url.as_deref()
    }
}

// ---- bodies we send

#[derive(Serialize)]
pub(crate) struct NewWebhook<'a> {
    /// GitHub knows no other: "web".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'static str>,
    pub(crate) active: bool,
    pub(crate) events: Vec<&'static str>,
    pub(crate) config: NewWebhookConfig<'a>,
}

#[derive(Serialize)]
pub(crate) struct NewWebhookConfig<'a> {
    pub(crate) url: &'a str,
    /// GitHub's default is `form`.
    pub(crate) content_type: &'static str,
    pub(crate) secret: &'a str,
    /// "0" = check our certificate.
    pub(crate) insecure_ssl: &'static str,
}

#[derive(Serialize)]
pub(crate) struct NewIssue<'a> {
    pub(crate) title: &'a str,
    pub(crate) body: &'a str,
    pub(crate) labels: &'a [String],
}

/// What is not said stays as it is.
#[derive(Default, Serialize)]
pub(crate) struct IssueUpdate<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<&'a str>,
}

// ---- bodies of hooks: <https://docs.github.com/webhooks/webhook-events-and-payloads>

/// What stands in the body of every event that becomes an entry.
#[derive(Deserialize)]
pub(crate) struct Envelope<T> {
    pub(crate) repository: Repository,
    pub(crate) sender: Option<Account>,
    #[serde(flatten)]
    pub(crate) event: T,
}

#[derive(Deserialize)]
pub(crate) struct Repository {
    pub(crate) full_name: String,
    pub(crate) html_url: Option<String>,
    /// Unix seconds in pushes, a text in all other events.
    pub(crate) pushed_at: Option<Value>,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: Option<u64>,
    pub(crate) login: Option<String>,
    pub(crate) html_url: Option<String>,
    pub(crate) avatar_url: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Push {
    #[serde(rename = "ref")]
    pub(crate) reference: String,
    pub(crate) before: String,
    pub(crate) after: String,
    #[serde(default)]
    pub(crate) created: bool,
    #[serde(default)]
    pub(crate) deleted: bool,
    #[serde(default)]
    pub(crate) forced: bool,
    pub(crate) compare: Option<String>,
    #[serde(default)]
    pub(crate) commits: Vec<Commit>,
    pub(crate) head_commit: Option<Commit>,
    pub(crate) pusher: Option<Pusher>,
}

#[derive(Deserialize)]
pub(crate) struct Commit {
    #[serde(default)]
    pub(crate) message: String,
    /// Whether no other branch had it before.
    pub(crate) distinct: Option<bool>,
}

#[derive(Deserialize)]
pub(crate) struct Pusher {
    pub(crate) name: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Issues {
    pub(crate) action: String,
    pub(crate) issue: Issue,
    #[serde(default)]
    pub(crate) changes: Option<Changes>,
}

#[derive(Deserialize)]
pub(crate) struct IssueComment {
    pub(crate) action: String,
    pub(crate) issue: Issue,
    pub(crate) comment: Comment,
}

/// An issue, in hooks and in answers; also a pull request, told by its field `pull_request`, where GitHub treats both alike.
#[derive(Default, Deserialize)]
pub(crate) struct Issue {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) html_url: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) state_reason: Option<String>,
    pub(crate) draft: Option<bool>,
    pub(crate) user: Option<Account>,
    #[serde(default)]
    pub(crate) assignees: Option<Vec<Account>>,
    #[serde(default)]
    pub(crate) labels: Option<Vec<Label>>,
    pub(crate) created_at: Option<String>,
    pub(crate) updated_at: Option<String>,
    pub(crate) closed_at: Option<String>,
    pub(crate) pull_request: Option<OfPullRequest>,
}

/// What an issue says of the pull request that it is.
#[derive(Deserialize)]
pub(crate) struct OfPullRequest {
    pub(crate) merged_at: Option<String>,
}

/// A label; where it is only named, GitHub may write the name alone.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Label {
    Whole { name: Option<String> },
    Name(String),
}

impl Label {
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Whole { name } => name.as_deref(),
            Self::Name(name) => Some(name),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) body: Option<String>,
    pub(crate) html_url: Option<String>,
    /// The issue's address in the API.
    pub(crate) issue_url: Option<String>,
    pub(crate) user: Option<Account>,
    pub(crate) created_at: Option<String>,
    pub(crate) updated_at: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct PullRequestEvent {
    pub(crate) action: String,
    pub(crate) pull_request: PullRequest,
    #[serde(default)]
    pub(crate) changes: Option<Changes>,
}

#[derive(Deserialize)]
pub(crate) struct PullRequest {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) html_url: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) draft: Option<bool>,
    pub(crate) merged: Option<bool>,
    pub(crate) user: Option<Account>,
    #[serde(default)]
    pub(crate) assignees: Option<Vec<Account>>,
    #[serde(default)]
    pub(crate) labels: Option<Vec<Label>>,
    pub(crate) created_at: Option<String>,
    pub(crate) updated_at: Option<String>,
    pub(crate) closed_at: Option<String>,
    pub(crate) merged_at: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct ReleaseEvent {
    pub(crate) action: String,
    pub(crate) release: Release,
    #[serde(default)]
    pub(crate) changes: Option<Changes>,
}

#[derive(Deserialize)]
pub(crate) struct Release {
    pub(crate) id: u64,
    pub(crate) tag_name: String,
    pub(crate) name: Option<String>,
    pub(crate) html_url: Option<String>,
    #[serde(default)]
    pub(crate) draft: bool,
    #[serde(default)]
    pub(crate) prerelease: bool,
    pub(crate) author: Option<Account>,
    pub(crate) published_at: Option<String>,
}

/// What an edit changed, a field each; and what a transfer changed.
#[derive(Default, Deserialize)]
pub(crate) struct Changes {
    pub(crate) title: Option<Value>,
    pub(crate) body: Option<Value>,
    pub(crate) name: Option<Value>,
    pub(crate) tag_name: Option<Value>,
    /// Where a transferred issue comes from.
    pub(crate) old_repository: Option<Repository>,
    /// Where one went that was transferred away.
    pub(crate) new_issue: Option<NewPlace>,
}

#[derive(Deserialize)]
pub(crate) struct NewPlace {
    pub(crate) html_url: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct RepositoryEvent {
    pub(crate) action: String,
}

#[derive(Deserialize)]
pub(crate) struct Meta {
    pub(crate) action: String,
    pub(crate) hook_id: u64,
}
