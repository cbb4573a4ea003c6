//! Zendesk's JSON as types: only the fields we read, and optional whatever Zendesk does not promise.
//!
//! Ids of tickets and comments are `u64`. Those of people are `i64`: -1 is Zendesk itself. Whatever holds what people
//! wrote can't be printed.

use std::collections::BTreeMap;

use integration_contract::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

// ---- answers

/// The body of every error, in one of its three shapes.
/// <https://developer.zendesk.com/api-reference/introduction/requests/#400-range>
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ApiError {
    error: Value,
    description: Value,
    error_description: Value,
    details: Value,
    errors: Value,
}

impl ApiError {
    /// The one word for it: `RecordInvalid`, `invalid_grant`.
    pub(crate) fn word(&self) -> &str {
        self.error.as_str().unwrap_or_default()
    }

    /// What it says to people: as precise as there is.
    pub(crate) fn said(&self) -> String {
        let of_fields = self.details.as_object().into_iter().flat_map(|fields| fields.values());
        let of_fields = of_fields.filter_map(Value::as_array).flatten().filter_map(|one| one["description"].as_str());
        let of_errors = self.errors.as_array().into_iter().flatten();
        let of_errors = of_errors.filter_map(|one| one["detail"].as_str().or(one["title"].as_str()));
        let precise: Vec<_> = of_fields.chain(of_errors).collect();
        if !precise.is_empty() {
            return precise.join("; ");
        }
        let places =
            [&self.description, &self.error_description, &self.error["message"], &self.error["title"], &self.error];
        places.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// <https://developer.zendesk.com/api-reference/ticketing/oauth/grant_type_tokens/>
#[derive(Deserialize)]
pub(crate) struct Token {
    #[serde(default)]
    pub(crate) access_token: Option<SecretString>,
    #[serde(default)]
    pub(crate) refresh_token: Option<SecretString>,
    #[serde(default)]
    pub(crate) token_type: Option<String>,
    #[serde(default)]
    pub(crate) scope: Option<String>,
    /// A number, as documented; a text of digits is read as well.
    #[serde(default)]
    pub(crate) expires_in: Option<Value>,
}

#[derive(Deserialize)]
pub(crate) struct OneUser {
    pub(crate) user: Myself,
}

/// `users/me`. Nobody's call gets an answer too, without an id.
#[derive(Deserialize)]
pub(crate) struct Myself {
    pub(crate) id: Option<i64>,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) role: String,
}

#[derive(Deserialize)]
pub(crate) struct Users {
    #[serde(default)]
    pub(crate) users: Vec<User>,
}

/// <https://developer.zendesk.com/api-reference/ticketing/users/users/>
#[derive(Clone, Deserialize)]
pub(crate) struct User {
    pub(crate) id: i64,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    photo: Option<Photo>,
}

#[derive(Clone, Deserialize)]
struct Photo {
    #[serde(default)]
    content_url: Option<String>,
}

impl User {
    pub(crate) fn named(id: i64, name: &str) -> Self {
        Self { id, name: name.to_owned(), photo: None }
    }

    pub(crate) fn picture(&self) -> Option<&str> {
        self.photo.as_ref()?.content_url.as_deref()
    }
}

#[derive(Deserialize)]
pub(crate) struct OneTicket {
    pub(crate) ticket: Ticket,
    /// With `include=users`.
    #[serde(default)]
    pub(crate) users: Vec<User>,
    /// What an update did.
    #[serde(default)]
    pub(crate) audit: Option<Audit>,
}

#[derive(Deserialize)]
pub(crate) struct Tickets {
    pub(crate) tickets: Vec<Ticket>,
    #[serde(default)]
    pub(crate) users: Vec<User>,
    #[serde(default)]
    pub(crate) meta: Meta,
}

/// <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#json-format>. Its `description` is not read: it
/// may be an internal note, and does not say so.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) subject: Option<String>,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) requester_id: Option<i64>,
    #[serde(default)]
    pub(crate) assignee_id: Option<i64>,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    #[serde(default)]
    pub(crate) external_id: Option<String>,
    /// Whether any of its comments is public.
    #[serde(default)]
    pub(crate) is_public: Option<bool>,
    #[serde(default)]
    pub(crate) created_at: Option<String>,
    #[serde(default)]
    pub(crate) updated_at: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Comments {
    pub(crate) comments: Vec<Comment>,
    #[serde(default)]
    pub(crate) users: Vec<User>,
    #[serde(default)]
    pub(crate) meta: Meta,
}

/// <https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/>
#[derive(Clone, Deserialize)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) author_id: Option<i64>,
    #[serde(default)]
    pub(crate) body: String,
    /// What does not say that it is public is an internal note.
    #[serde(default)]
    pub(crate) public: bool,
    #[serde(default)]
    pub(crate) attachments: Vec<Attached>,
    #[serde(default)]
    pub(crate) created_at: Option<String>,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Attached {
    #[serde(default)]
    pub(crate) file_name: String,
    #[serde(default)]
    pub(crate) content_url: String,
}

#[derive(Deserialize)]
pub(crate) struct Audits {
    pub(crate) audits: Vec<Audit>,
    #[serde(default)]
    pub(crate) meta: Meta,
}

/// One update of a ticket. <https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_audits/>
#[derive(Deserialize)]
pub(crate) struct Audit {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) author_id: Option<i64>,
    #[serde(default)]
    pub(crate) created_at: Option<String>,
    #[serde(default)]
    events: Vec<Value>,
}

impl Audit {
    /// Its comment, if it has one.
    pub(crate) fn comment(&self) -> Option<Comment> {
        let event = self.events.iter().find(|event| event["type"] == "Comment")?;
        let comment = Comment::deserialize(event).ok()?;
        // Where a comment says nothing of its time and author they are the update's.
        Some(Comment {
            author_id: comment.author_id.or(self.author_id),
            created_at: comment.created_at.or_else(|| self.created_at.clone()),
            ..comment
        })
    }

    /// Whether it made the ticket.
    pub(crate) fn creates(&self) -> bool {
        self.events.iter().any(|event| event["type"] == "Create")
    }

    /// The fields that it changed: each with what it was and what it became, where these are texts.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (&str, Option<&str>, &str)> {
        let changes = self.events.iter().filter(|event| event["type"] == "Change");
        changes.filter_map(|event| {
            let after = event["value"].as_str().unwrap_or_default();
            Some((event["field_name"].as_str()?, event["previous_value"].as_str(), after))
        })
    }
}

/// What leads to the next page. <https://developer.zendesk.com/api-reference/introduction/pagination/>
#[derive(Default, Deserialize)]
pub(crate) struct Meta {
    #[serde(default)]
    pub(crate) has_more: bool,
    #[serde(default)]
    pub(crate) after_cursor: Option<String>,
}

impl Meta {
    pub(crate) fn next(self) -> Option<String> {
        self.after_cursor.filter(|cursor| self.has_more && !cursor.is_empty())
    }
}

#[derive(Deserialize)]
pub(crate) struct Webhooks {
    pub(crate) webhooks: Vec<Webhook>,
    #[serde(default)]
    pub(crate) meta: Meta,
}

#[derive(Deserialize)]
pub(crate) struct OneWebhook {
    pub(crate) webhook: Webhook,
}

/// <https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/>
#[derive(Clone, Deserialize)]
pub(crate) struct Webhook {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) endpoint: String,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) subscriptions: Vec<String>,
}

/// The one subscription of a webhook that triggers call.
pub(crate) const CONDITIONAL: &str = "conditional_ticket_events";

impl Webhook {
    pub(crate) fn is_active(&self) -> bool {
        self.status == "active"
    }

    /// Whether triggers call it, and not events.
    pub(crate) fn is_conditional(&self) -> bool {
        self.subscriptions.iter().any(|one| one == CONDITIONAL)
    }
}

#[derive(Deserialize)]
pub(crate) struct SigningSecret {
    pub(crate) signing_secret: Secret,
}

#[derive(Deserialize)]
pub(crate) struct Secret {
    pub(crate) secret: SecretString,
}

#[derive(Deserialize)]
pub(crate) struct Triggers {
    pub(crate) triggers: Vec<Trigger>,
    #[serde(default)]
    pub(crate) meta: Meta,
}

#[derive(Deserialize)]
pub(crate) struct OneTrigger {
    pub(crate) trigger: Trigger,
}

/// <https://developer.zendesk.com/api-reference/ticketing/business-rules/triggers/>
#[derive(Deserialize)]
pub(crate) struct Trigger {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) active: bool,
    #[serde(default)]
    actions: Vec<Value>,
}

impl Trigger {
    /// Whether it calls that webhook.
    pub(crate) fn calls(&self, webhook: &str) -> bool {
        self.actions.iter().any(|action| action["field"] == "notification_webhook" && action["value"][0] == webhook)
    }
}

// ---- bodies we send

#[derive(Serialize)]
pub(crate) struct NewWebhook<'a> {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) endpoint: &'a str,
    pub(crate) http_method: &'static str,
    pub(crate) request_format: &'static str,
    pub(crate) status: &'static str,
    pub(crate) subscriptions: &'a [String],
}

/// What is to be of a webhook; what is not said stays.
#[derive(Serialize)]
pub(crate) struct WebhookChange<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) status: &'static str,
    /// The two modes can't be changed into each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscriptions: Option<&'a [String]>,
}

/// What is to be of a ticket; what is not said stays.
#[derive(Default, Serialize)]
pub(crate) struct TicketChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) assignee_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<NewComment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
    /// With [`Self::updated_stamp`]: only if nobody changed it since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) safe_update: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) updated_stamp: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct NewComment {
    pub(crate) body: String,
    pub(crate) public: bool,
}

/// People by their ids.
pub(crate) type People = BTreeMap<i64, User>;
