//! The sandbox's state: workspaces, their people, channels and messages, and which app is installed where. All of it
//! in memory.
//!
//! Each file is one noun and what happens to it, with the events that follow. Nothing here knows HTTP.

pub(super) mod apps;
pub(super) mod channels;
mod entry;
pub(super) mod messages;
pub(super) mod people;
pub(super) mod reactions;
pub(super) mod replies;
mod seed;
pub(super) mod tokens;

use std::collections::BTreeMap;

use integration_sandboxkit::random;
use jiff::Timestamp;

pub(super) use self::entry::typed;

use self::apps::{App, Installation};
use self::channels::Channel;
use self::people::User;
use self::replies::ReplyUrl;
use self::tokens::Tokens;
use super::api::limits::Usage;
use super::control::Control;
use super::hooks::courier::Post;
use super::refusal::Refusal;

/// `T…`
pub(super) type TeamId = String;
/// `U…`
pub(super) type UserId = String;
/// `C…`, or `D…` for a direct message.
pub(super) type ChannelId = String;
/// `A…`
pub(super) type AppId = String;
/// `1700000000.000100`: when a message was written, and its name in its channel.
pub(super) type Ts = String;

/// A workspace.
pub(super) struct Workspace {
    pub id: TeamId,
    pub name: String,
    pub domain: String,
}

/// An Enterprise Grid organization, which every workspace belongs to as soon as there is one.
#[derive(Clone)]
pub(super) struct Enterprise {
    pub id: String,
    pub name: String,
}

/// Everything.
pub(super) struct World {
    /// Our own public base, without a slash at the end.
    pub at: String,
    pub enterprise: Option<Enterprise>,
    pub workspaces: BTreeMap<TeamId, Workspace>,
    pub users: BTreeMap<UserId, User>,
    pub channels: BTreeMap<ChannelId, Channel>,
    pub apps: Vec<App>,
    pub installations: Vec<Installation>,
    pub tokens: Tokens,
    pub reply_urls: BTreeMap<String, ReplyUrl>,
    pub post: Post,
    pub usage: Usage,
    pub control: Control,
    last_ts: i64,
}

impl World {
    pub fn new(at: String, callback: String, request_url: Option<String>) -> Self {
        let mut world = Self {
            at,
            enterprise: None,
            workspaces: BTreeMap::new(),
            users: BTreeMap::new(),
            channels: BTreeMap::new(),
            apps: vec![App::of_the_product(callback, request_url)],
            installations: Vec::new(),
            tokens: Tokens::default(),
            reply_urls: BTreeMap::new(),
            post: Post::default(),
            usage: Usage::default(),
            control: Control::default(),
            last_ts: 0,
        };
        seed::fill(&mut world);
        world
    }

    /// The time of a message: unique in the whole world, and growing.
    pub fn new_ts(&mut self) -> Ts {
        self.last_ts = Timestamp::now().as_microsecond().max(self.last_ts + 100);
        format!("{}.{:06}", self.last_ts / 1_000_000, self.last_ts % 1_000_000)
    }

    pub fn workspace(&self, id: &str) -> Result<&Workspace, Refusal> {
        self.workspaces.get(id).ok_or_else(|| Refusal::new("team_not_found"))
    }

    pub fn user(&self, id: &str) -> Result<&User, Refusal> {
        self.users.get(id).ok_or_else(|| Refusal::new("user_not_found"))
    }

    pub fn channel(&self, id: &str) -> Result<&Channel, Refusal> {
        self.channels.get(id).ok_or_else(Refusal::no_channel)
    }

    pub fn channel_mut(&mut self, id: &str) -> Result<&mut Channel, Refusal> {
        self.channels.get_mut(id).ok_or_else(Refusal::no_channel)
    }

    /// The people (and bots) of a workspace.
    pub fn users_of<'w>(&'w self, team: &'w str) -> impl Iterator<Item = &'w User> {
        self.users.values().filter(move |user| user.is_in(team))
    }

    /// Where a workspace is on the web.
    pub fn workspace_url(&self, team: &str) -> String {
        format!("{}/client/{team}/", self.at)
    }

    /// Where a message is on the web.
    pub fn permalink(&self, channel: &str, ts: &str) -> String {
        format!("{}/archives/{channel}/p{}", self.at, ts.replace('.', ""))
    }
}

/// A name of that kind: `prefix`, then capitals and digits.
fn new_id(prefix: &str) -> String {
    format!("{prefix}0{}", random::letters(9).to_uppercase())
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    Timestamp::now().as_second()
}
