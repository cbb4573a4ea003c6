//! What Slack's hooks say. Pure: no clock, no network. What they leave out, `look_up` asks for.
//!
//! A message is in the log while it mentions the app or bears the link's emoji, under one external id however often and
//! in whatever way Slack tells of it. What Slack tells of a message but does not show is looked up, so that the message as
//! it stands now decides, and not the order in which events came.

use integration_contract::{
    Author, Happening, HookCall, IntegrationLink, LinkSettings, NewLines, Reading, Result, text,
};
use serde::{Deserialize, Serialize};

use crate::{
    body::{Body, Command, Fate, Told, What},
    channel,
    config::Config,
    mrkdwn::{self, Names},
    oauth::{account_id, profile},
    settings::{Direction, Settings},
    whisper::Whisper,
    wire::{AppMention, ChannelEvent, ChannelRef, Message, MessageChanged, MessageDeleted, ReactionEvent},
};

/// A name of a person, a channel, an app.
const NAME: usize = 100;

/// What is to be looked up.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LookUp {
    /// The text is known; only the names of people are not.
    Names(Said),
    /// The message as it stands now.
    Message {
        channel: String,
        ts: String,
        /// Whose installation was told of it.
        workspace: String,
        /// Our app's id.
        app: Option<String>,
    },
}

/// A message that is meant for the log.
#[derive(Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) channel: String,
    pub(crate) ts: String,
    pub(crate) thread_ts: Option<String>,
    /// As Slack writes it, without the mention of the app.
    pub(crate) text: String,
    /// Who wrote it, with the workspace that the id counts in.
    pub(crate) user: Option<String>,
    pub(crate) workspace: String,
    /// What an app that wrote it is called.
    pub(crate) app_name: Option<String>,
}

impl Said {
    pub(crate) fn of(settings: &Settings, channel: &str, message: &Message, workspace: String) -> Self {
        let profile = message.bot_profile.as_ref().and_then(|profile| profile.name.clone());
        Self {
            channel: channel.to_owned(),
            ts: message.ts.clone(),
            thread_ts: message.thread_ts.clone(),
            text: mrkdwn::without(message.text(), &settings.me.user_id),
            user: message.user.clone().filter(|user| !user.is_empty()),
            workspace,
            app_name: message.username.clone().or(profile),
        }
    }
}

pub(crate) fn read(config: &Config, link: &IntegrationLink, call: &HookCall) -> Result<Reading> {
    let settings: Settings = link.settings.read()?;
    Ok(match Body::read(call)? {
        Body::Challenge(_) => Reading::ignored("Slack asked whether this address is ours."),
        Body::Interaction { .. } => Reading::ignored("Nothing that we post can be pressed."),
        Body::Command(command) => self::command(config, &settings, &command),
        Body::Event(told) => event(&settings, &told),
    })
}

// ---- commands

fn command(config: &Config, settings: &Settings, command: &Command) -> Reading {
    // Whoever typed it waits for an answer, also when nothing comes of it.
    let answer_to = config.takes_answers(&command.response_url).map(String::from);
    let reading = match command.text.trim() {
        _ if command.asks_for_help() => Reading::ignored("Help was asked for, and given at once."),
        _ if !settings.has(Direction::Incoming) => Reading::ignored(only_outgoing(settings)),
        text => Reading::of(Happening::Lines(NewLines {
            external_id: format!("command:{}", text::cut(&command.trigger, 200)),
            text: mrkdwn::plain(text, &Names::new()),
            url: None,
            source: place(settings, command),
            author: Author {
                id: Some(account_id(&command.workspace(), &command.user)),
                name: line(if command.user_name.is_empty() { &command.user } else { &command.user_name }),
                url: profile(&settings.me.team_url, &command.user),
                avatar: None,
            },
            happened_at: None,
        })),
    };
    Reading { answer_to, ..reading }
}

/// Where it was typed. Slack does not tell the names of conversations between people, nor of private channels.
fn place(settings: &Settings, command: &Command) -> String {
    match command.channel_name.as_str() {
        _ if command.channel == settings.channel_id => settings.channel(),
        "" | "directmessage" | "privategroup" => "Slack".to_owned(),
        name if name.starts_with("mpdm-") => "Slack".to_owned(),
        name => format!("#{}", line(name)),
    }
}

fn only_outgoing(settings: &Settings) -> String {
    format!("The link to {} only goes from the log to Slack.", settings.channel())
}

// ---- events

fn event(settings: &Settings, told: &Told) -> Reading {
    if let Some(reason) = told.what.idle() {
        return Reading::ignored(reason);
    }
    match &told.what {
        What::Mention(mention) => incoming(settings, &mention.channel, || self::mention(settings, told, mention)),
        What::Changed(edit) => incoming(settings, &edit.channel, || changed(settings, told, edit)),
        What::Deleted(deletion) => incoming(settings, &deletion.channel, || deleted(settings, told, deletion)),
        What::ReactionAdded(reaction) | What::ReactionRemoved(reaction) => self::reaction(settings, told, reaction),
        What::Channel { fate, event } => self::channel(settings, told, *fate, event),
        What::NewId(change) if change.old_channel_id != settings.channel_id => another_channel(),
        What::NewId(_) => gone(format!("Slack gave {} another id. Choose it anew for this link.", settings.channel())),
        What::Uninstalled => account_gone(told, "Our app was removed from the Slack workspace. Connect Slack again."),
        What::TokensRevoked(revoked) if revoked.tokens.bot.as_ref().is_some_and(|bots| !bots.is_empty()) => {
            account_gone(told, "Our access to the Slack workspace was revoked. Connect Slack again.")
        }
        What::TokensRevoked(_) => Reading::ignored("A person's token was revoked; we hold none."),
        What::RateLimited | What::Message(_) | What::Other(_) => {
            Reading::ignored("It is not an event that becomes an entry.")
        }
    }
}

fn incoming(settings: &Settings, channel: &str, read: impl FnOnce() -> Reading) -> Reading {
    match channel == settings.channel_id {
        false => another_channel(),
        true if settings.has(Direction::Incoming) => read(),
        true => Reading::ignored(only_outgoing(settings)),
    }
}

fn mention(settings: &Settings, told: &Told, mention: &AppMention) -> Reading {
    let message = &mention.message;
    if is_ours(settings, told, message) {
        return our_own();
    }
    // Whoever wrote it is told what became of it, once: an edit is not answered again.
    let whisper = Whisper::to_author(&mention.channel, message).map(|whisper| whisper.address());
    Reading { answer_to: whisper, ..meant_for_us(settings, told, &mention.channel, message) }
}

fn changed(settings: &Settings, told: &Told, edit: &MessageChanged) -> Reading {
    let (now, before) = (&edit.message, edit.previous_message.as_ref());
    if is_ours(settings, told, now) {
        return our_own();
    }
    // A deleted message that has answers leaves one of these.
    if now.subtype.as_deref() == Some("tombstone") {
        return retracted(&now.ts);
    }
    // Slack tells of previews, of new answers and of stars like this, too.
    if before.is_some_and(|before| before.text() == now.text()) {
        return Reading::ignored("The text of the message did not change.");
    }
    let mentions = |message: &Message| mrkdwn::mentioned(message.text()).contains(&settings.me.user_id.as_str());
    match (mentions(now), before.is_some_and(mentions)) {
        (true, _) => meant_for_us(settings, told, &edit.channel, now),
        (false, _) if settings.emoji.is_some() => look_at(told, &edit.channel, &now.ts),
        (false, true) => retracted(&now.ts),
        (false, false) => Reading::ignored("The message is not in the log."),
    }
}

fn deleted(settings: &Settings, told: &Told, deletion: &MessageDeleted) -> Reading {
    if deletion.previous_message.as_ref().is_some_and(|message| is_ours(settings, told, message)) {
        return our_own();
    }
    retracted(&deletion.deleted_ts)
}

fn reaction(settings: &Settings, told: &Told, reaction: &ReactionEvent) -> Reading {
    let (Some(channel), Some(ts)) = (&reaction.item.channel, &reaction.item.ts) else {
        return Reading::ignored("The reaction is not to a message.");
    };
    incoming(settings, channel, || {
        let is_us = |user: &Option<String>| user.as_ref().is_some_and(|user| is_our_user(settings, told, user));
        match &settings.emoji {
            None => Reading::ignored("Reactions are switched off for this link."),
            Some(emoji) if !is_emoji(&reaction.reaction, emoji) => {
                Reading::ignored(format!("Only :{emoji}: makes a message an entry."))
            }
            Some(_) if is_us(&reaction.user) || is_us(&reaction.item_user) => our_own(),
            Some(_) => look_at(told, channel, ts),
        }
    })
}

/// Slack adds the skin tone to the name: `+1::skin-tone-3`.
pub(crate) fn is_emoji(reaction: &str, emoji: &str) -> bool {
    reaction.split("::").next() == Some(emoji)
}

fn meant_for_us(settings: &Settings, told: &Told, channel: &str, message: &Message) -> Reading {
    if !is_ts(&message.ts) {
        return without_ts();
    }
    let of_author = message.user_team.as_deref().or(message.team.as_deref());
    let said = Said::of(settings, channel, message, told.workspace(of_author));
    if said.text.is_empty() {
        return Reading::ignored("The message mentions the app and says nothing.");
    }
    Reading::after_look_up(&LookUp::Names(said))
}

fn look_at(told: &Told, channel: &str, ts: &str) -> Reading {
    if !is_ts(ts) {
        return without_ts();
    }
    Reading::after_look_up(&LookUp::Message {
        channel: channel.to_owned(),
        ts: ts.to_owned(),
        workspace: told.workspace(None),
        app: told.app.clone(),
    })
}

pub(crate) fn retracted(ts: &str) -> Reading {
    if is_ts(ts) { Reading::of(Happening::EntryRetracted { external_id: message_id(ts) }) } else { without_ts() }
}

/// One message is one entry (or one per line), whether it was mentioned, reacted to, or both.
pub(crate) fn message_id(ts: &str) -> String {
    format!("message:{ts}")
}

/// Slack's ids of messages: unix seconds and six digits.
pub(crate) fn is_ts(ts: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.len() <= 12 && part.bytes().all(|byte| byte.is_ascii_digit());
    ts.split_once('.').is_some_and(|(seconds, rest)| digits(seconds) && digits(rest))
}

fn without_ts() -> Reading {
    Reading::ignored("Slack did not say which message it is.")
}

fn is_ours(settings: &Settings, told: &Told, message: &Message) -> bool {
    message.is_of(&settings.me.user_id, settings.me.bot_id.as_deref(), told.app.as_deref())
        || message.user.as_ref().is_some_and(|user| told.bots.contains(user) && message.bot_id.is_some())
}

fn is_our_user(settings: &Settings, told: &Told, user: &String) -> bool {
    *user == settings.me.user_id || told.bots.contains(user)
}

pub(crate) fn our_own() -> Reading {
    Reading::ignored("It is a message of our own app.")
}

fn another_channel() -> Reading {
    Reading::ignored("It is about another channel than this link.")
}

// ---- what happens to the channel and to our access

fn channel(settings: &Settings, told: &Told, fate: Fate, event: &ChannelEvent) -> Reading {
    if *event.channel.id() != settings.channel_id {
        return another_channel();
    }
    let about_us = event.user.as_ref().is_some_and(|user| is_our_user(settings, told, user));
    match fate {
        Fate::Renamed => renamed(settings, &event.channel),
        Fate::Archived => gone(channel::archived(settings)),
        Fate::Deleted => gone(channel::deleted(settings)),
        Fate::Left => gone(channel::left(settings)),
        Fate::SomebodyLeft if about_us => gone(channel::left(settings)),
        Fate::Unarchived => Reading::of(Happening::TargetBack),
        Fate::SomebodyJoined if about_us => Reading::of(Happening::TargetBack),
        Fate::SomebodyLeft | Fate::SomebodyJoined => Reading::ignored("Somebody else came or went, not our app."),
    }
}

fn renamed(settings: &Settings, channel: &ChannelRef) -> Reading {
    let name = match channel {
        ChannelRef::Renamed { name, .. } => line(name),
        ChannelRef::Id(_) => String::new(),
    };
    if name.is_empty() || name == settings.channel_name {
        return Reading::ignored("The channel is called what it was called.");
    }
    let settings = Settings { channel_name: name, ..settings.clone() };
    Reading::of(Happening::TargetChanged(LinkSettings::of(&settings)))
}

fn gone(reason: String) -> Reading {
    Reading::of(Happening::TargetGone { reason })
}

fn account_gone(told: &Told, reason: &str) -> Reading {
    match told.at {
        Some(at) => Reading::of(Happening::AccountGone { at, reason: reason.to_owned() }),
        // It may be about an installation that was made anew since.
        None => Reading::ignored("Slack did not say when our access ended."),
    }
}

/// A name as one short line.
pub(crate) fn line(name: &str) -> String {
    text::first_line(&text::without_nul(name), NAME)
}
