//! An account: one customer of Zendesk, under a subdomain of its own.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::api::limits::Usage;
use super::super::hooks::courier::Post;
use super::super::refusal::Refusal;
use super::clients::Client;
use super::people::{Group, Organization, User};
use super::ticket::Ticket;
use super::tokens::Tokens;
use super::triggers::Trigger;
use super::webhooks::Webhook;
use super::words::{Channel, Status};

/// `Idempotency-Key`s are remembered so long.
const IDEMPOTENT_MS: i64 = 2 * 60 * 60 * 1000;

pub(in super::super) struct Account {
    pub id: u64,
    pub subdomain: String,
    pub name: String,
    /// Its address, without a slash at the end.
    pub at: String,
    pub users: BTreeMap<u64, User>,
    pub groups: Vec<Group>,
    pub organizations: Vec<Organization>,
    pub statuses: Vec<CustomStatus>,
    pub tickets: BTreeMap<u64, Ticket>,
    pub webhooks: Vec<Webhook>,
    pub triggers: Vec<Trigger>,
    pub clients: Vec<Client>,
    pub tokens: Tokens,
    /// With whose e-mail address they are used does not matter.
    pub api_tokens: Vec<String>,
    pub uploads: BTreeMap<String, Vec<Attachment>>,
    pub house: HouseRules,
    pub usage: Usage,
    pub post: Post,
    pub jobs: BTreeMap<String, Value>,
    idempotent: BTreeMap<String, Remembered>,
    last_id: u64,
}

/// A status of the account's own; each status has one that stands for it by default.
pub(in super::super) struct CustomStatus {
    pub id: u64,
    pub category: Status,
    pub label: String,
    pub default: bool,
    pub active: bool,
}

/// What an admin of an account can set.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in super::super) struct HouseRules {
    /// Who solves a ticket that is nobody's becomes its assignee.
    pub auto_assign_on_solve: bool,
    /// Fields that must be filled before a ticket is solved: `type`, `priority`.
    pub required_on_solve: Vec<String>,
    /// Whether values are escaped where a placeholder stands in JSON.
    pub escape_placeholders: bool,
    /// Whether a ticket's first comment is told as `comment_added` too.
    pub first_comment_is_told: bool,
    /// Whether a webhook that a trigger uses may be deleted.
    pub used_webhooks_can_go: bool,
    pub webhooks_max: usize,
}

impl Default for HouseRules {
    fn default() -> Self {
        Self {
            auto_assign_on_solve: false,
            required_on_solve: Vec::new(),
            escape_placeholders: false,
            first_comment_is_told: true,
            used_webhooks_can_go: true,
            webhooks_max: 100,
        }
    }
}

/// A file.
#[derive(Clone)]
pub(in super::super) struct Attachment {
    pub id: u64,
    pub name: String,
    pub kind: String,
    pub bytes: Vec<u8>,
}

/// Who does something, and how.
#[derive(Clone, Copy)]
pub(in super::super) struct Actor {
    pub user: u64,
    pub channel: Channel,
}

/// What was answered to an `Idempotency-Key`.
struct Remembered {
    at: Timestamp,
    request: Vec<u8>,
    answer: Value,
}

impl Account {
    /// An empty one.
    pub fn new(id: u64, subdomain: &str, name: &str, at: String) -> Self {
        Self {
            id,
            subdomain: subdomain.to_owned(),
            name: name.to_owned(),
            at,
            users: BTreeMap::new(),
            groups: Vec::new(),
            organizations: Vec::new(),
            statuses: Vec::new(),
            tickets: BTreeMap::new(),
            webhooks: Vec::new(),
            triggers: Vec::new(),
            clients: Vec::new(),
            tokens: Tokens::default(),
            api_tokens: Vec::new(),
            uploads: BTreeMap::new(),
            house: HouseRules::default(),
            usage: Usage::default(),
            post: Post::default(),
            jobs: BTreeMap::new(),
            idempotent: BTreeMap::new(),
            // Numbers of this size need more than 32 bits, as Zendesk's do.
            last_id: id * 1_000_000,
        }
    }

    /// For all but tickets.
    pub fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub fn group(&self, id: u64) -> Result<&Group, Refusal> {
        self.groups.iter().find(|group| group.id == id).ok_or_else(Refusal::not_found)
    }

    pub fn organization(&self, id: u64) -> Result<&Organization, Refusal> {
        self.organizations.iter().find(|it| it.id == id).ok_or_else(Refusal::not_found)
    }

    pub fn status(&self, id: u64) -> Option<&CustomStatus> {
        self.statuses.iter().find(|status| status.id == id)
    }

    /// The custom status that stands for a status. Closed tickets keep that of solved ones.
    pub fn default_status(&self, category: Status) -> u64 {
        let category = if category == Status::Closed { Status::Solved } else { category };
        self.statuses.iter().find(|it| it.category == category && it.default).map_or(0, |it| it.id)
    }

    /// What was answered before to this key; an answer to another request is a mistake of the caller.
    pub fn remembered(&mut self, key: &str, request: &[u8]) -> Result<Option<Value>, Refusal> {
        self.idempotent.retain(|_, it| it.at > super::ms_ago(IDEMPOTENT_MS));
        match self.idempotent.get(key) {
            None => Ok(None),
            Some(known) if known.request == request => Ok(Some(known.answer.clone())),
            Some(_) => {
                let why = "Request parameters do not match the initial request made with this idempotency key";
                Err(Refusal::word(400, "IdempotentRequestError", why))
            }
        }
    }

    pub fn remember(&mut self, key: &str, request: &[u8], answer: Value) {
        let remembered = Remembered { at: Timestamp::now(), request: request.to_vec(), answer };
        self.idempotent.insert(key.to_owned(), remembered);
    }

    /// Forgets all `Idempotency-Key`s.
    pub fn forget_idempotent(&mut self) {
        self.idempotent.clear();
    }

    pub fn attachment(&self, id: u64) -> Option<&Attachment> {
        let linked = self.tickets.values().flat_map(|ticket| &ticket.comments).flat_map(|comment| &comment.attachments);
        linked.chain(self.uploads.values().flatten()).find(|it| it.id == id)
    }
}
