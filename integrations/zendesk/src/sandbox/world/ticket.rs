//! A ticket, as it is: fields, comments, and how the search index remembers it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::super::refusal::Refusal;
use super::account::{Account, Attachment};
use super::audit::Audit;
use super::words::{Channel, Kind, Priority, Status};

pub(in super::super) struct Ticket {
    pub id: u64,
    pub fields: Fields,
    pub comments: Vec<Comment>,
    pub audits: Vec<Audit>,
    pub channel: Channel,
    pub submitter: u64,
    /// Whether the first comment is public.
    pub public: bool,
    pub follows: Option<u64>,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub deleted: bool,
    /// Its states, oldest first, for a search that lags.
    pub indexed: Vec<Indexed>,
}

/// What can be changed of a ticket.
#[derive(Clone, PartialEq)]
pub(in super::super) struct Fields {
    pub subject: String,
    pub status: Status,
    pub custom_status: u64,
    pub priority: Option<Priority>,
    pub kind: Option<Kind>,
    pub requester: u64,
    pub assignee: Option<u64>,
    pub group: Option<u64>,
    pub organization: Option<u64>,
    pub external_id: Option<String>,
    pub tags: Vec<String>,
    pub custom_fields: BTreeMap<u64, Value>,
}

#[derive(Clone)]
pub(in super::super) struct Comment {
    pub id: u64,
    pub author: u64,
    pub public: bool,
    /// Plain text.
    pub body: String,
    pub html: String,
    pub channel: Channel,
    pub attachments: Vec<Attachment>,
    pub created: Timestamp,
}

/// A state of a ticket in the search index.
#[derive(Clone)]
pub(in super::super) struct Indexed {
    pub at: Timestamp,
    pub fields: Fields,
    /// Everything that was written in it.
    pub text: String,
    pub deleted: bool,
}

impl Ticket {
    pub fn description(&self) -> &str {
        self.comments.first().map_or("", |comment| &comment.body)
    }

    pub fn is_there(&self) -> bool {
        !self.deleted
    }

    pub fn comment(&self, id: u64) -> Result<&Comment, Refusal> {
        self.comments.iter().find(|comment| comment.id == id).ok_or_else(Refusal::not_found)
    }

    pub fn latest_comment(&self, public_only: bool) -> Option<&Comment> {
        self.comments.iter().rev().find(|comment| comment.public || !public_only)
    }

    /// Lets the index know the state it is in now.
    pub fn index(&mut self) {
        /// So many states are enough for any lag.
        const STATES: usize = 50;
        let text = self.comments.iter().map(|comment| comment.body.as_str()).collect::<Vec<_>>().join("\n");
        let (at, fields, deleted) = (self.updated, self.fields.clone(), self.deleted);
        self.indexed.push(Indexed { at, fields, text, deleted });
        if self.indexed.len() > STATES {
            self.indexed.remove(0);
        }
    }

    /// The state that the index has, when it knows everything up to `known`.
    pub fn in_index(&self, known: Timestamp) -> Option<&Indexed> {
        self.indexed.iter().rev().find(|it| it.at <= known).filter(|it| !it.deleted)
    }
}

impl Account {
    pub fn ticket(&self, id: u64) -> Result<&Ticket, Refusal> {
        self.tickets.get(&id).filter(|ticket| ticket.is_there()).ok_or_else(Refusal::not_found)
    }

    pub fn ticket_mut(&mut self, id: u64) -> Result<&mut Ticket, Refusal> {
        self.tickets.get_mut(&id).filter(|ticket| ticket.is_there()).ok_or_else(Refusal::not_found)
    }

    /// Those that are there, by number.
    pub fn live_tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.tickets.values().filter(|ticket| ticket.is_there())
    }
}
