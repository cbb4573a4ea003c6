//! Messages: written, edited, deleted; and whispers, which only one person sees.

use integration_sandboxkit::random;
use serde_json::{Map, Value, json};

use super::channels::Channel;
use super::{ChannelId, Ts, UserId, World};
use crate::sandbox::hooks::event::{Audience, Event};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::shapes;

/// <https://docs.slack.dev/reference/methods/chat.postMessage>: longer texts are not for a message.
pub(in super::super) const TEXT_MAX: usize = 40_000;

#[derive(Clone)]
pub(in super::super) struct Message {
    pub ts: Ts,
    pub user: UserId,
    pub words: Words,
    /// The first message of the thread it is in; its own time if it is that.
    pub thread: Option<Ts>,
    /// It was deleted, and stays as the place its thread hangs on.
    pub gone: bool,
    /// A reply that is also shown in the channel.
    pub broadcast: bool,
    /// A name an app asked to be shown under.
    pub username: Option<String>,
    pub edited: Option<Ts>,
    /// Name, and who; in the order they were first used.
    pub reactions: Vec<(String, Vec<UserId>)>,
    /// What a person's client calls it before Slack has named it; bots have none.
    pub client_msg_id: Option<String>,
}

/// What a message says.
#[derive(Clone, Default)]
pub(in super::super) struct Words {
    pub text: String,
    pub blocks: Option<Value>,
    pub attachments: Option<Value>,
    pub metadata: Option<Value>,
}

/// A message for one person.
pub(in super::super) struct Whisper {
    pub ts: Ts,
    pub to: UserId,
    /// The app's bot; `None`: Slackbot.
    pub from: Option<UserId>,
    pub words: Words,
}

/// A message to be.
#[derive(Default)]
pub(in super::super) struct NewMessage {
    pub words: Words,
    pub thread: Option<Ts>,
    pub broadcast: bool,
    pub username: Option<String>,
}

impl Words {
    pub fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub fn are_empty(&self) -> bool {
        let none = |list: &Option<Value>| list.as_ref().and_then(Value::as_array).is_none_or(Vec::is_empty);
        self.text.is_empty() && none(&self.blocks) && none(&self.attachments)
    }
}

impl Message {
    /// Whether it is a reply in somebody's thread.
    pub fn is_reply(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| *thread != self.ts)
    }
}

impl Channel {
    pub fn message(&self, ts: &str) -> Result<&Message, Refusal> {
        self.messages.get(ts).ok_or_else(Refusal::no_message)
    }

    pub fn replies<'c>(&'c self, thread: &'c str) -> impl Iterator<Item = &'c Message> {
        self.messages.values().filter(move |it| it.is_reply() && it.thread.as_deref() == Some(thread))
    }
}

impl World {
    /// Writes a message. Whether `who` may is for the caller to know: an app may where a person may not.
    pub fn post(&mut self, who: &str, channel: &str, new: NewMessage) -> Result<Ts, Refusal> {
        if new.words.are_empty() {
            return Err(Refusal::new("no_text"));
        }
        if new.words.text.chars().count() > TEXT_MAX {
            return Err(Refusal::new("msg_too_long"));
        }
        if self.channel(channel)?.archived {
            return Err(Refusal::new("is_archived"));
        }
        let thread = new.thread.map(|thread| self.thread_of(channel, &thread)).transpose()?;
        let ts = self.new_ts();
        let by_a_person = self.user(who)?.bot.is_none();
        let message = Message {
            ts: ts.clone(),
            user: who.to_owned(),
            words: new.words,
            thread,
            gone: false,
            broadcast: new.broadcast,
            username: new.username,
            edited: None,
            reactions: Vec::new(),
            client_msg_id: by_a_person.then(random::guid),
        };
        let place = self.channel_mut(channel)?;
        if let Some(parent) = message.thread.as_ref().and_then(|thread| place.messages.get_mut(thread)) {
            parent.thread = Some(parent.ts.clone());
        }
        place.messages.insert(ts.clone(), message);
        self.tell_written(channel, &ts)?;
        Ok(ts)
    }

    /// A reply to a reply goes to the thread's first message.
    fn thread_of(&self, channel: &str, ts: &str) -> Result<Ts, Refusal> {
        let found = self.channel(channel)?.messages.get(ts).ok_or_else(|| Refusal::new("thread_not_found"))?;
        Ok(found.thread.clone().unwrap_or_else(|| found.ts.clone()))
    }

    pub fn edit(&mut self, who: &str, channel: &str, ts: &str, words: Words) -> Result<(), Refusal> {
        if words.are_empty() {
            return Err(Refusal::new("no_text"));
        }
        let before = self.own_message(who, channel, ts, "cant_update_message")?;
        let previous = shapes::message::message(self, &before, who);
        let edited = self.new_ts();
        let place = self.channel_mut(channel)?;
        let message = place.messages.get_mut(ts).ok_or_else(Refusal::no_message)?;
        message.words = words;
        message.edited = Some(edited.clone());
        let message = message.clone();
        let now = shapes::message::message(self, &message, who);
        let event = self.message_event(channel, "message_changed", &edited)?;
        let event = event.with("message", now).with("previous_message", previous);
        self.tell_members(channel, event)
    }

    pub fn delete(&mut self, who: &str, channel: &str, ts: &str) -> Result<(), Refusal> {
        let before = self.own_message(who, channel, ts, "cant_delete_message")?;
        let previous = shapes::message::message(self, &before, who);
        let deleted = self.new_ts();
        let place = self.channel_mut(channel)?;
        let has_replies = place.replies(ts).next().is_some();
        match place.messages.get_mut(ts) {
            Some(message) if has_replies => {
                message.gone = true;
                message.words = Words::of("This message was deleted.");
                message.reactions.clear();
            }
            _ => drop(place.messages.remove(ts)),
        }
        let event = self.message_event(channel, "message_deleted", &deleted)?;
        self.tell_members(channel, event.with("deleted_ts", json!(ts)).with("previous_message", previous))
    }

    /// Shows something to one person only; no event follows.
    pub fn whisper(&mut self, from: Option<&str>, to: &str, channel: &str, words: Words) -> Result<Ts, Refusal> {
        let ts = self.new_ts();
        let whisper = Whisper { ts: ts.clone(), to: to.to_owned(), from: from.map(str::to_owned), words };
        self.channel_mut(channel)?.whispers.push(whisper);
        Ok(ts)
    }

    fn own_message(&self, who: &str, channel: &str, ts: &str, otherwise: &str) -> Result<Message, Refusal> {
        let place = self.channel(channel)?;
        if place.archived {
            return Err(Refusal::new("is_inactive"));
        }
        let message = place.message(ts)?;
        if message.gone {
            return Err(Refusal::no_message());
        }
        if message.user != who {
            return Err(Refusal::new(otherwise));
        }
        Ok(message.clone())
    }

    /// The event of a new message: for who reads the channel, and once more for whom it mentions.
    fn tell_written(&mut self, channel: &str, ts: &str) -> Result<(), Refusal> {
        let place = self.channel(channel)?;
        let (team, kind) = (place.team.clone(), place.kind);
        let message = place.message(ts)?.clone();
        let shown = shapes::message::message(self, &message, &message.user);
        let fields = shown.as_object().cloned().unwrap_or_default();
        let said = |name: &str| {
            let mut body = fields.clone();
            body.insert("channel".to_owned(), json!(channel));
            Event { body, ..Event::new(name) }.at(ts)
        };
        let mut event = said("message").subscribed(format!("message.{}", kind.scopes()));
        event = event.scope(kind.scope("history")).with("channel_type", json!(kind.told()));
        if message.is_reply() && message.broadcast {
            event = event.with("subtype", json!("thread_broadcast"));
        }
        self.tell_members(channel, event)?;
        if kind == super::channels::Kind::Direct {
            return Ok(());
        }
        for bot in self.mentioned_bots(&team, &message.words.text) {
            if self.channel(channel)?.members.contains(&bot) {
                let event = said("app_mention").scope("app_mentions:read");
                self.tell(&team, Audience::Bot(bot), event);
            } else if self.user(&message.user)?.bot.is_none() {
                let name = self.user(&bot)?.real_name.clone();
                let text = format!("You mentioned @{name}, but they're not in this channel. Invite them to be heard.");
                self.whisper(None, &message.user, channel, Words::of(text))?;
            }
        }
        Ok(())
    }

    fn mentioned_bots(&self, team: &str, text: &str) -> Vec<UserId> {
        let bots = self.users_of(team).filter(|user| user.bot.is_some() && !user.deleted);
        let mentioned =
            bots.filter(|bot| text.contains(&format!("<@{}>", bot.id)) || text.contains(&format!("<@{}|", bot.id)));
        mentioned.map(|bot| bot.id.clone()).collect()
    }

    fn message_event(&self, channel: &str, subtype: &str, ts: &str) -> Result<Event, Refusal> {
        let kind = self.channel(channel)?.kind;
        let event = Event { body: Map::new(), ..Event::new("message") };
        Ok(event
            .subscribed(format!("message.{}", kind.scopes()))
            .scope(kind.scope("history"))
            .with("subtype", json!(subtype))
            .with("hidden", json!(true))
            .with("channel", json!(channel))
            .with("channel_type", json!(kind.told()))
            .with("ts", json!(ts))
            .at(ts))
    }

    fn tell_members(&mut self, channel: &str, event: Event) -> Result<(), Refusal> {
        let place = self.channel(channel)?;
        let (team, id): (String, ChannelId) = (place.team.clone(), place.id.clone());
        self.tell(&team, Audience::Members(id), event);
        Ok(())
    }
}
