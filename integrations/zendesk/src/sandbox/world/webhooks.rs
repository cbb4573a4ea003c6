//! Webhooks: where something is sent, and for what.
//! <https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/>

use integration_sandboxkit::random;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use url::Url;

use super::super::refusal::Refusal;
use super::account::Account;
use super::new_ulid;

/// The subscription of webhooks that triggers and automations use.
pub(in super::super) const CONDITIONAL: &str = "conditional_ticket_events";
/// The secret of tests before a webhook exists; documented, and the same for everyone.
pub(in super::super) const TEST_SECRET: &str = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==";
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const FORMATS: [&str; 3] = ["json", "xml", "form_encoded"];
const EVENT_PREFIX: &str = "zen:event-type:";
/// What can be subscribed to; tickets' events are really sent, the others are only accepted.
const TICKET_EVENTS: [&str; 24] = [
    "agent_assignment_changed",
    "attachment_linked_to_comment",
    "brand_changed",
    "comment_added",
    "comment_made_private",
    "comment_redacted",
    "created",
    "custom_field_changed",
    "custom_status_changed",
    "description_changed",
    "external_id_changed",
    "form_changed",
    "group_assignment_changed",
    "merged",
    "organization_changed",
    "permanently_deleted",
    "priority_changed",
    "requester_changed",
    "soft_deleted",
    "status_changed",
    "subject_changed",
    "submitter_changed",
    "tags_changed",
    "type_changed",
];
const OTHER_EVENTS: [&str; 4] = ["user.", "organization.", "article.", "messaging_ticket."];

#[derive(Clone)]
pub(in super::super) struct Webhook {
    /// A ULID.
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub endpoint: String,
    pub method: String,
    pub format: String,
    pub active: bool,
    pub subscriptions: Vec<String>,
    pub authentication: Option<Authentication>,
    pub custom_headers: Vec<(String, String)>,
    pub secret: String,
    pub created_by: u64,
    pub created: Timestamp,
    pub updated: Timestamp,
}

#[derive(Clone)]
pub(in super::super) enum Authentication {
    Basic { username: String, password: String },
    Bearer { token: String },
    ApiKey { name: String, value: String },
}

impl Webhook {
    /// A new one, from what was sent.
    pub fn new(user: u64, sent: &Value) -> Result<Self, Refusal> {
        let now = Timestamp::now();
        let empty = Self {
            id: new_ulid(),
            name: String::new(),
            description: None,
            endpoint: String::new(),
            method: String::new(),
            format: String::new(),
            active: true,
            subscriptions: Vec::new(),
            authentication: None,
            custom_headers: Vec::new(),
            secret: new_secret(),
            created_by: user,
            created: now,
            updated: now,
        };
        empty.with(sent)
    }

    /// The same with what was sent in place of what it had.
    pub fn with(&self, sent: &Value) -> Result<Self, Refusal> {
        let Value::Object(sent) = sent else { return Err(missing("webhook")) };
        let mut hook = self.clone();
        let text = |field: &str, old: &str| -> Result<String, Refusal> {
            match sent.get(field) {
                None => Ok(old.to_owned()),
                Some(Value::String(text)) => Ok(text.clone()),
                Some(_) => Err(invalid(field, "must be a string")),
            }
        };
        hook.name = text("name", &self.name)?;
        hook.endpoint = text("endpoint", &self.endpoint)?;
        hook.method = text("http_method", &self.method)?;
        hook.format = text("request_format", &self.format)?;
        hook.active = match text("status", if self.active { "active" } else { "inactive" })?.as_str() {
            "active" => true,
            "inactive" => false,
            _ => return Err(invalid("status", "must be one of: active, inactive")),
        };
        if let Some(description) = sent.get("description") {
            hook.description = description.as_str().map(str::to_owned);
        }
        if let Some(list) = sent.get("subscriptions").filter(|it| !it.is_null()) {
            let list = list.as_array().and_then(|list| list.iter().map(|it| it.as_str().map(str::to_owned)).collect());
            hook.subscriptions = list.ok_or_else(|| invalid("subscriptions", "must be an array of strings"))?;
        }
        if let Some(headers) = sent.get("custom_headers") {
            hook.custom_headers = custom_headers(headers)?;
        }
        if let Some(authentication) = sent.get("authentication") {
            hook.authentication = Authentication::read(authentication)?;
        }
        hook.updated = Timestamp::now();
        hook.check()?;
        Ok(hook)
    }

    fn check(&self) -> Result<(), Refusal> {
        for (field, value) in [
            ("name", &self.name),
            ("endpoint", &self.endpoint),
            ("http_method", &self.method),
            ("request_format", &self.format),
        ] {
            if value.trim().is_empty() {
                return Err(missing(field));
            }
        }
        if !Url::parse(&self.endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            return Err(invalid("endpoint", "must be a valid URL"));
        }
        if !METHODS.contains(&self.method.as_str()) {
            return Err(invalid("http_method", "must be one of: GET, POST, PUT, PATCH, DELETE"));
        }
        if !FORMATS.contains(&self.format.as_str()) {
            return Err(invalid("request_format", "must be one of: json, xml, form_encoded"));
        }
        if let Some(unknown) = self.subscriptions.iter().find(|it| !is_subscription(it)) {
            return Err(invalid("subscriptions", &format!("{unknown} is not supported")));
        }
        let conditional = self.subscriptions.iter().filter(|it| *it == CONDITIONAL).count();
        if conditional > 0 && conditional < self.subscriptions.len() {
            return Err(invalid("subscriptions", "conditional_ticket_events cannot be combined with event types"));
        }
        if self.hears_events() && (self.method != "POST" || self.format != "json") {
            return Err(invalid("http_method", "must be POST, and request_format json, to subscribe to events"));
        }
        Ok(())
    }

    /// Whether it is subscribed to events, and not used by triggers.
    pub fn hears_events(&self) -> bool {
        self.subscriptions.iter().any(|it| it.starts_with(EVENT_PREFIX))
    }

    pub fn hears(&self, event: &str) -> bool {
        self.active && self.subscriptions.iter().any(|it| it.strip_prefix(EVENT_PREFIX) == Some(event))
    }
}

impl Authentication {
    fn read(sent: &Value) -> Result<Option<Self>, Refusal> {
        if sent.is_null() {
            return Ok(None);
        }
        if sent["add_position"].as_str().is_some_and(|position| position != "header") {
            return Err(invalid("authentication", "add_position must be header"));
        }
        let text = |field: &str| {
            let value = sent["data"][field].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            value.ok_or_else(|| invalid("authentication", &format!("data.{field} is missing")))
        };
        match sent["type"].as_str() {
            Some("basic_auth") => Ok(Some(Self::Basic { username: text("username")?, password: text("password")? })),
            Some("bearer_token") => Ok(Some(Self::Bearer { token: text("token")? })),
            Some("api_key") => Ok(Some(Self::ApiKey { name: text("name")?, value: text("value")? })),
            _ => Err(invalid("authentication", "type must be one of: basic_auth, bearer_token, api_key")),
        }
    }

    /// As the API shows it: without what is secret.
    pub fn shown(&self) -> Value {
        match self {
            Self::Basic { username, .. } => {
                json!({"type": "basic_auth", "add_position": "header", "data": {"username": username}})
            }
            Self::Bearer { .. } => json!({"type": "bearer_token", "add_position": "header"}),
            Self::ApiKey { name, .. } => json!({"type": "api_key", "add_position": "header", "data": {"name": name}}),
        }
    }
}

fn custom_headers(sent: &Value) -> Result<Vec<(String, String)>, Refusal> {
    let empty = Map::new();
    let headers = sent.as_object().or(sent.is_null().then_some(&empty));
    let headers = headers.ok_or_else(|| invalid("custom_headers", "must be an object"))?;
    if headers.len() > 5 {
        return Err(invalid("custom_headers", "must have at most 5 entries"));
    }
    let pairs = headers.iter().map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    pairs.collect::<Option<_>>().ok_or_else(|| invalid("custom_headers", "must have strings as values"))
}

fn is_subscription(text: &str) -> bool {
    let Some(event) = text.strip_prefix(EVENT_PREFIX) else { return text == CONDITIONAL };
    match event.strip_prefix("ticket.") {
        Some(event) => TICKET_EVENTS.contains(&event),
        None => OTHER_EVENTS.iter().any(|prefix| event.starts_with(prefix)),
    }
}

fn missing(field: &str) -> Refusal {
    Refusal::webhook(400, "MissingParameter", "Missing parameter", &format!("{field} is missing"))
}

fn invalid(field: &str, why: &str) -> Refusal {
    Refusal::webhook(400, "InvalidParameter", "Invalid parameter", &format!("{field} {why}"))
}

/// Looks like base64, and is used as the text it is.
fn new_secret() -> String {
    format!("{}==", random::letters(42))
}

impl Account {
    pub fn webhook(&self, id: &str) -> Result<&Webhook, Refusal> {
        let gone = || Refusal::webhook(404, "WebhookNotFound", "Webhook not found", "There is no webhook with this id");
        self.webhooks.iter().find(|hook| hook.id == id).ok_or_else(gone)
    }

    pub fn add_webhook(&mut self, hook: Webhook) -> Result<String, Refusal> {
        if self.webhooks.len() >= self.house.webhooks_max {
            let why = format!("The account has {} webhooks already", self.webhooks.len());
            return Err(Refusal::webhook(403, "WebhookLimitReached", "Webhook limit reached", &why));
        }
        let id = hook.id.clone();
        self.webhooks.push(hook);
        Ok(id)
    }

    pub fn change_webhook(&mut self, id: &str, sent: &Value) -> Result<(), Refusal> {
        let old = self.webhook(id)?.clone();
        let new = old.with(sent)?;
        let was_used = !old.subscriptions.is_empty();
        if was_used && old.hears_events() != new.hears_events() {
            return Err(invalid("subscriptions", "cannot change between conditional_ticket_events and event types"));
        }
        if let Some(place) = self.webhooks.iter_mut().find(|hook| hook.id == id) {
            *place = new;
        }
        Ok(())
    }

    pub fn new_webhook_secret(&mut self, id: &str) -> Result<String, Refusal> {
        self.webhook(id)?;
        let secret = new_secret();
        if let Some(hook) = self.webhooks.iter_mut().find(|hook| hook.id == id) {
            hook.secret = secret.clone();
        }
        Ok(secret)
    }

    pub fn delete_webhook(&mut self, id: &str) -> Result<(), Refusal> {
        self.webhook(id)?;
        if !self.house.used_webhooks_can_go && self.triggers.iter().any(|trigger| trigger.uses(id)) {
            let why = "The webhook is used by a trigger";
            return Err(Refusal::webhook(400, "WebhookInUse", "Webhook in use", why));
        }
        self.webhooks.retain(|hook| hook.id != id);
        Ok(())
    }
}
