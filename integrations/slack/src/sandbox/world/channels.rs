//! Channels: public ones, private ones, and direct messages between a person and a bot.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::messages::{Message, Whisper};
use super::{ChannelId, TeamId, Ts, UserId, World, new_id, now};
use crate::sandbox::hooks::event::{Audience, Event};
use crate::sandbox::refusal::Refusal;

const NAME_MAX: usize = 80;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    Public,
    Private,
    Direct,
}

pub(in super::super) struct Channel {
    pub id: ChannelId,
    pub team: TeamId,
    pub kind: Kind,
    /// Empty for a direct message.
    pub name: String,
    pub general: bool,
    pub archived: bool,
    pub creator: UserId,
    /// Seconds since 1970.
    pub created: i64,
    /// Milliseconds, unlike all other times.
    pub updated: i64,
    pub purpose: String,
    pub previous_names: Vec<String>,
    pub members: BTreeSet<UserId>,
    pub messages: BTreeMap<Ts, Message>,
    pub whispers: Vec<Whisper>,
}

impl Kind {
    /// As `conversations.list` names it.
    pub fn listed(self) -> &'static str {
        match self {
            Kind::Public => "public_channel",
            Kind::Private => "private_channel",
            Kind::Direct => "im",
        }
    }

    /// As events name it: `channel_type`.
    pub fn told(self) -> &'static str {
        match self {
            Kind::Public => "channel",
            Kind::Private => "group",
            Kind::Direct => "im",
        }
    }

    /// The first half of its scopes.
    pub fn scopes(self) -> &'static str {
        match self {
            Kind::Public => "channels",
            Kind::Private => "groups",
            Kind::Direct => "im",
        }
    }

    /// `channels:read` and its like.
    pub fn scope(self, right: &str) -> String {
        format!("{}:{right}", self.scopes())
    }
}

impl Channel {
    fn new(id: ChannelId, team: &str, kind: Kind, name: &str, creator: &str) -> Self {
        Self {
            id,
            team: team.to_owned(),
            kind,
            name: name.to_owned(),
            general: false,
            archived: false,
            creator: creator.to_owned(),
            created: now(),
            updated: Timestamp::now().as_millisecond(),
            purpose: String::new(),
            previous_names: Vec::new(),
            members: BTreeSet::from([creator.to_owned()]),
            messages: BTreeMap::new(),
            whispers: Vec::new(),
        }
    }

    /// Whether that user may know of it.
    pub fn is_visible_to(&self, user: &str) -> bool {
        self.kind == Kind::Public || self.members.contains(user)
    }

    fn touch(&mut self) {
        self.updated = Timestamp::now().as_millisecond();
    }
}

impl World {
    /// The channel, if that user may know of it.
    pub fn visible_channel(&self, user: &str, id: &str) -> Result<&Channel, Refusal> {
        let in_team = |channel: &&Channel| self.users.get(user).is_some_and(|it| it.is_in(&channel.team));
        Some(self.channel(id)?)
            .filter(in_team)
            .filter(|channel| channel.is_visible_to(user))
            .ok_or_else(Refusal::no_channel)
    }

    /// With a given id, for the seed; everybody else lets one be made.
    pub fn add_channel(
        &mut self,
        id: Option<&str>,
        creator: &str,
        team: &str,
        name: &str,
        kind: Kind,
    ) -> Result<ChannelId, Refusal> {
        self.check_name(team, name)?;
        let id = id.map_or_else(|| new_id("C"), str::to_owned);
        self.channels.insert(id.clone(), Channel::new(id.clone(), team, kind, name, creator));
        if kind == Kind::Public {
            let shown = json!({"id": id, "name": name, "created": now(), "creator": creator, "context_team_id": team});
            let event = Event::new("channel_created").scope("channels:read").with("channel", shown);
            self.tell(team, Audience::Everyone, event);
        }
        Ok(id)
    }

    /// The direct messages of two users, made when first asked for.
    pub fn direct_channel(&mut self, team: &str, one: &str, other: &str) -> ChannelId {
        let both = BTreeSet::from([one.to_owned(), other.to_owned()]);
        let found = self.channels.values().find(|it| it.kind == Kind::Direct && it.team == team && it.members == both);
        if let Some(found) = found {
            return found.id.clone();
        }
        let id = new_id("D");
        let mut channel = Channel::new(id.clone(), team, Kind::Direct, "", one);
        channel.members = both;
        self.channels.insert(id.clone(), channel);
        id
    }

    fn check_name(&self, team: &str, name: &str) -> Result<(), Refusal> {
        let fits = |letter: char| letter.is_alphanumeric() && !letter.is_uppercase() || matches!(letter, '-' | '_');
        if name.is_empty() || name.chars().count() > NAME_MAX || !name.chars().all(fits) {
            return Err(Refusal::new("invalid_name"));
        }
        if self.channels.values().any(|it| it.team == team && it.name == name) {
            return Err(Refusal::new("name_taken"));
        }
        Ok(())
    }

    pub fn rename_channel(&mut self, who: &str, id: &str, name: &str) -> Result<(), Refusal> {
        let channel = self.visible_channel(who, id)?;
        if channel.name == name {
            return Ok(());
        }
        self.check_name(&channel.team.clone(), name)?;
        let channel = self.channel_mut(id)?;
        let before = std::mem::replace(&mut channel.name, name.to_owned());
        channel.previous_names.insert(0, before);
        channel.touch();
        let shown = json!({
            "id": id, "name": name, "name_normalized": name, "created": channel.created,
            "is_channel": channel.kind == Kind::Public, "is_mpim": false,
        });
        self.tell_of_channel(id, "rename", |event| event.with("channel", shown))
    }

    /// Archives it. The bots in it leave, without a word.
    pub fn archive_channel(&mut self, who: &str, id: &str) -> Result<(), Refusal> {
        let channel = self.visible_channel(who, id)?;
        if channel.general {
            return Err(Refusal::new("cant_archive_general"));
        }
        if channel.archived {
            return Err(Refusal::new("already_archived"));
        }
        let bots: Vec<UserId> = channel
            .members
            .iter()
            .filter(|it| self.users.get(*it).is_some_and(|it| it.bot.is_some()))
            .cloned()
            .collect();
        let who = json!(who);
        // Told while the bots are still in it, or no app would hear of its private channel.
        self.tell_of_channel(id, "archive", |event| event.with("channel", json!(id)).with("user", who))?;
        let channel = self.channel_mut(id)?;
        channel.archived = true;
        channel.members.retain(|member| !bots.contains(member));
        channel.touch();
        Ok(())
    }

    pub fn unarchive_channel(&mut self, who: &str, id: &str) -> Result<(), Refusal> {
        if !self.visible_channel(who, id)?.archived {
            return Err(Refusal::new("not_archived"));
        }
        let channel = self.channel_mut(id)?;
        channel.archived = false;
        channel.touch();
        let who = json!(who);
        self.tell_of_channel(id, "unarchive", |event| event.with("channel", json!(id)).with("user", who))
    }

    /// Removes it with all its messages.
    pub fn delete_channel(&mut self, who: &str, id: &str) -> Result<(), Refusal> {
        if self.visible_channel(who, id)?.general {
            return Err(Refusal::new("cant_delete_general"));
        }
        let who = json!(who);
        self.tell_of_channel(id, "deleted", |event| event.with("channel", json!(id)).with("actor_id", who))?;
        self.channels.remove(id);
        Ok(())
    }

    /// Makes `user` a member. `Ok(false)`: was one already.
    pub fn join_channel(&mut self, user: &str, id: &str, inviter: Option<&str>) -> Result<bool, Refusal> {
        let channel = self.channel_mut(id)?;
        if channel.archived {
            return Err(Refusal::new("is_archived"));
        }
        if !channel.members.insert(user.to_owned()) {
            return Ok(false);
        }
        channel.touch();
        self.tell_of_member(user, id, "member_joined_channel", inviter)?;
        Ok(true)
    }

    /// Takes `user` out of it. `Ok(false)`: was not in it.
    pub fn leave_channel(&mut self, user: &str, id: &str) -> Result<bool, Refusal> {
        let channel = self.channel_mut(id)?;
        if !channel.members.remove(user) {
            return Ok(false);
        }
        channel.touch();
        let (team, kind) = (channel.team.clone(), channel.kind);
        let left = Event::new(format!("{}_left", kind.told())).scope(kind.scope("read")).with("channel", json!(id));
        self.tell(&team, Audience::Bot(user.to_owned()), left);
        self.tell_of_member(user, id, "member_left_channel", None)?;
        Ok(true)
    }

    fn tell_of_member(&mut self, user: &str, id: &str, name: &str, inviter: Option<&str>) -> Result<(), Refusal> {
        let channel = self.channel(id)?;
        let (team, kind) = (channel.team.clone(), channel.kind);
        // "C" and "G" are what this one event calls them.
        let short = if kind == Kind::Public { "C" } else { "G" };
        let mut event = Event::new(name)
            .scope(kind.scope("read"))
            .with("user", json!(user))
            .with("channel", json!(id))
            .with("channel_type", json!(short))
            .with("team", json!(team));
        if let Some(inviter) = inviter {
            event = event.with("inviter", json!(inviter));
        }
        self.tell(&team, Audience::Members(id.to_owned()), event);
        Ok(())
    }

    /// `channel_…` of a public channel to everyone, `group_…` of a private one to the bots in it.
    fn tell_of_channel(&mut self, id: &str, what: &str, fill: impl FnOnce(Event) -> Event) -> Result<(), Refusal> {
        let channel = self.channel(id)?;
        let (team, kind) = (channel.team.clone(), channel.kind);
        let event = Event::new(format!("{}_{what}", kind.told())).scope(kind.scope("read"));
        let audience = if kind == Kind::Public { Audience::Everyone } else { Audience::Members(id.to_owned()) };
        self.tell(&team, audience, fill(event));
        Ok(())
    }

    /// The channels of a workspace in the order lists have them.
    pub fn channels_of<'w>(&'w self, team: &'w str) -> impl Iterator<Item = &'w Channel> {
        self.channels.values().filter(move |channel| channel.team == team)
    }
}

/// A list of ids as JSON.
pub(in super::super) fn ids<'a>(list: impl IntoIterator<Item = &'a String>) -> Value {
    list.into_iter().map(|id| json!(id)).collect()
}
