//! The sandbox's state: organizations, people, flows, applications, sources, threads and messages.
//!
//! Who may do a thing is mostly asked here, so that the API and the pages agree; [`Refusal`] says no.

pub(super) mod apps;
pub(super) mod chat;
pub(super) mod files;
pub(super) mod flows;
pub(super) mod html;
pub(super) mod messages;
pub(super) mod people;
pub(super) mod seed;
pub(super) mod sources;
pub(super) mod stream;
pub(super) mod tags;
pub(super) mod threads;
pub(super) mod tokens;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use url::Url;

use self::apps::App;
use self::files::Files;
use self::flows::{Flow, Invitation};
use self::messages::{Message, Place};
use self::people::{Organization, User};
use self::sources::Source;
use self::stream::Stream;
use self::threads::Thread;
use self::tokens::Tokens;
use super::actions::Sent;
use super::control::Control;
use super::refusal::Refusal;

pub(super) type UserId = u64;
pub(super) type OrganizationId = u64;
pub(super) type FlowId = String;
pub(super) type SourceId = u64;
pub(super) type ThreadId = String;
pub(super) type AppId = u64;

pub(super) struct World {
    /// The sandbox's own public address.
    pub at: String,
    pub users: BTreeMap<UserId, User>,
    pub organizations: BTreeMap<OrganizationId, Organization>,
    pub flows: Vec<Flow>,
    pub invitations: Vec<Invitation>,
    pub apps: Vec<App>,
    pub tokens: Tokens,
    /// Removed ones stay, so that their tokens are answered 410.
    pub sources: Vec<Source>,
    pub threads: BTreeMap<ThreadId, Thread>,
    pub messages: BTreeMap<Place, BTreeMap<u64, Message>>,
    /// Private conversations that somebody (first) keeps closed with somebody.
    pub closed_private: BTreeSet<(UserId, UserId)>,
    pub files: Files,
    pub stream: Stream,
    /// Actions that went out, the newest last.
    pub sent: Vec<Sent>,
    pub control: Control,
    /// What signs the addresses of actions.
    pub signing_key: String,
    last_id: u64,
}

impl World {
    pub fn new(at: String, callback: &Url) -> Self {
        let mut world = Self {
            at,
            users: BTreeMap::new(),
            organizations: BTreeMap::new(),
            flows: Vec::new(),
            invitations: Vec::new(),
            apps: Vec::new(),
            tokens: Tokens::default(),
            sources: Vec::new(),
            threads: BTreeMap::new(),
            messages: BTreeMap::new(),
            closed_private: BTreeSet::new(),
            files: Files::default(),
            stream: Stream::default(),
            sent: Vec::new(),
            control: Control::default(),
            signing_key: integration_sandboxkit::random::hex(64),
            last_id: 100,
        };
        seed::fill(&mut world, callback);
        world
    }

    /// The time it is here: tests may shift it.
    pub fn now(&self) -> Timestamp {
        Timestamp::now().saturating_add(SignedDuration::from_secs(self.control.clock)).unwrap_or(Timestamp::MAX)
    }

    /// An id nothing else has.
    pub fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub fn user(&self, id: UserId) -> Result<&User, Refusal> {
        self.users.get(&id).ok_or_else(Refusal::not_found)
    }

    pub fn organization(&self, id: OrganizationId) -> Result<&Organization, Refusal> {
        self.organizations.get(&id).ok_or_else(Refusal::not_found)
    }

    /// An address in the API.
    pub fn api(&self, path: &str) -> String {
        format!("{}{path}", self.at)
    }
}

/// `2014-08-06T12:33:41.000Z`.
pub(super) fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
