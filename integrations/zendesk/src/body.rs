//! The bodies of hooks, read: an event in Zendesk's envelope, or what our own trigger sends.
//! <https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events/>
//!
//! What people wrote stands in events as well, internal notes among it. None of it is read here: whoever may need a text
//! asks for it, and learns with it whether it is public.

use integration_contract::{Error, ErrorKind, HookCall, Result, strict_json};
use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::Value;

use crate::{events, wire::Ticket};

/// What arrived.
pub(crate) enum Body {
    Event(Box<Event>),
    Update(Update),
    /// An event that no link asks for.
    Other {
        event: String,
        id: String,
    },
}

/// One event of a ticket.
pub(crate) struct Event {
    /// Without what stands before each: `ticket.created`.
    pub(crate) name: String,
    /// Of the event, however often it is told.
    pub(crate) id: String,
    /// In unix seconds.
    pub(crate) at: Option<i64>,
    /// Who did it; `None` = Zendesk itself, or somebody it does not name.
    pub(crate) by: Option<i64>,
    /// As it was then.
    pub(crate) detail: Ticket,
    pub(crate) told: Told,
}

impl Event {
    pub(crate) fn ticket(&self) -> u64 {
        self.detail.id
    }

    /// Whether only agents may read anything of the ticket, and that is not what the event tells.
    pub(crate) fn is_internal(&self) -> bool {
        self.detail.is_public == Some(false) && !matches!(self.told, Told::Hidden(_))
    }
}

/// What an event says.
pub(crate) enum Told {
    Created,
    Subject,
    Status {
        before: Option<String>,
    },
    Assigned,
    Tags,
    /// A public comment with this id is new.
    Comment(u64),
    /// A public comment with this id reads otherwise.
    Redacted(u64),
    /// A comment with this id is public no more.
    Hidden(u64),
    /// An internal note, or what happened to one.
    Note,
    Deleted,
}

/// What our own trigger sends: a ticket was updated, or made, at that time.
#[derive(Deserialize)]
pub(crate) struct Update {
    #[serde(deserialize_with = "number")]
    pub(crate) ticket: u64,
    #[serde(default)]
    at: Option<String>,
}

impl Update {
    /// In unix seconds.
    pub(crate) fn at(&self) -> Option<i64> {
        seconds(self.at.as_deref()?)
    }
}

/// What our trigger's webhook is told to send. Ids alone: Zendesk fills placeholders in without regard to quotes.
pub(crate) const UPDATE: &str = r#"{"ticket":"{{ticket.id}}","at":"{{ticket.updated_at_with_timestamp}}"}"#;

#[derive(Deserialize)]
struct Envelope {
    id: String,
    #[serde(default)]
    time: Option<String>,
    detail: Detail,
    #[serde(default)]
    event: Value,
}

/// Ids are texts here, and words are in capitals.
#[derive(Deserialize)]
struct Detail {
    #[serde(deserialize_with = "number")]
    id: u64,
    #[serde(default, deserialize_with = "person")]
    actor_id: Option<i64>,
    #[serde(default, deserialize_with = "person")]
    assignee_id: Option<i64>,
    #[serde(default, deserialize_with = "person")]
    requester_id: Option<i64>,
    #[serde(default)]
    subject: Option<String>,
    status: String,
    #[serde(default, deserialize_with = "tags")]
    tags: Vec<String>,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    is_public: Option<bool>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
}

#[derive(Deserialize)]
struct OfComment {
    comment: CommentSaid,
}

#[derive(Deserialize)]
struct CommentSaid {
    #[serde(deserialize_with = "number")]
    id: u64,
    #[serde(default)]
    is_public: Option<bool>,
}

#[derive(Deserialize)]
struct Changed {
    #[serde(default)]
    previous: Option<String>,
}

impl Body {
    /// Both `answer` and `hook` go through here, so what is accepted can also be understood.
    pub(crate) fn read(call: &HookCall) -> Result<Self> {
        let value = strict_json::object(&call.body)?;
        let Some(kind) = value.get("type") else { return Ok(Self::Update(typed(value)?)) };
        let name = kind.as_str().and_then(|kind| kind.strip_prefix(events::PREFIX)).filter(|name| is_word(name));
        let name = name.ok_or_else(|| malformed("The body does not say which event it is."))?.to_owned();
        if !events::ALL.contains(&name.as_str()) {
            let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
            return Ok(Self::Other { event: name, id: name_of(id, call) });
        }
        let Envelope { id, time, detail, event } = typed(value)?;
        Ok(Self::Event(Box::new(Event {
            id: name_of(&id, call),
            at: time.as_deref().and_then(seconds),
            by: detail.actor_id.filter(|id| *id > 0),
            told: Told::read(&name, event)?,
            detail: detail.into(),
            name,
        })))
    }
}

impl Told {
    fn read(name: &str, event: Value) -> Result<Self> {
        let comment = |event| typed::<OfComment>(event).map(|of| of.comment);
        Ok(match name {
            events::CREATED => Self::Created,
            events::SUBJECT_CHANGED => Self::Subject,
            events::STATUS_CHANGED => {
                let before = typed::<Changed>(event)?.previous;
                Self::Status { before: before.map(|word| word.to_ascii_lowercase()) }
            }
            events::ASSIGNMENT_CHANGED => Self::Assigned,
            events::TAGS_CHANGED => Self::Tags,
            events::COMMENT_ADDED => match comment(event)? {
                // What does not say that it is public is not.
                CommentSaid { id, is_public: Some(true) } => Self::Comment(id),
                _ => Self::Note,
            },
            events::COMMENT_REDACTED => match comment(event)? {
                CommentSaid { is_public: Some(false), .. } => Self::Note,
                CommentSaid { id, .. } => Self::Redacted(id),
            },
            events::COMMENT_MADE_PRIVATE => Self::Hidden(comment(event)?.id),
            events::DELETED => Self::Deleted,
            _ => return Err(malformed("The body does not say which event it is.")),
        })
    }
}

impl From<Detail> for Ticket {
    fn from(detail: Detail) -> Self {
        Self {
            id: detail.id,
            subject: detail.subject,
            status: detail.status.to_ascii_lowercase(),
            requester_id: detail.requester_id,
            assignee_id: detail.assignee_id,
            tags: detail.tags,
            external_id: detail.external_id,
            is_public: detail.is_public,
            created_at: detail.created_at,
            updated_at: detail.updated_at,
        }
    }
}

/// A time as Zendesk writes it, in unix seconds; none for what is none, or lies outside what a log can show.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let at = text.parse::<Timestamp>().ok()?.as_second();
    (0..=253_402_300_799).contains(&at).then_some(at)
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| {
        malformed("The body is not what Zendesk documents for this event.").caused_by(position(&error))
    })
}

/// What serde says may quote the body, and with it an internal note.
fn position(error: &serde_json::Error) -> std::io::Error {
    std::io::Error::other(format!("{:?} error", error.classify()))
}

fn malformed(sentence: &str) -> Error {
    Error::new(ErrorKind::Malformed, sentence)
}

/// Events are lower-case words with underscores and dots.
fn is_word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// Zendesk's UUID; an event without a usable one goes by what is in it.
fn name_of(id: &str, call: &HookCall) -> String {
    let usable = (1..=100).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if usable { id.to_owned() } else { call.digest() }
}

/// A number as its digits, without a zero in front: neither a fraction nor a sign, and nothing that has to be rounded.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    digits.then(|| text.parse().ok()).flatten().ok_or_else(|| D::Error::custom("not a number"))
}

/// Somebody's number, as a number or as its digits; -1, which is Zendesk itself; or nobody, which is null or empty.
fn person<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::String(text) if text.is_empty() => return Ok(None),
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => return Err(D::Error::custom("not a number")),
    };
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten().map(Some).ok_or_else(|| D::Error::custom("not a number"))
}

/// Receivers in public have met a list, a text with spaces between the tags, and nothing.
fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(list) => list.into_iter().filter_map(|tag| tag.as_str().map(str::to_owned)).collect(),
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    })
}
