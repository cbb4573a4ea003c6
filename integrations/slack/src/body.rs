//! A hook's body that has been read: a command, an event, or what Slack asks of the app itself. What one says is
//! `reading`.

use std::collections::BTreeMap;

use integration_contract::{Error, ErrorKind, HookCall, Result, strict_json};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    hook::FORM,
    wire::{
        AppMention, ChannelEvent, ChannelIdChanged, ChannelRef, Envelope, MessageChanged, MessageDeleted,
        ReactionEvent, TokensRevoked, typed,
    },
};

/// What arrived. All that read a call read it here, so what is accepted can also be understood.
pub(crate) enum Body {
    /// Slack asks whether this address is ours.
    Challenge(String),
    Command(Box<Command>),
    /// Something was pressed. We post nothing that can be.
    Interaction {
        account: Option<String>,
    },
    Event(Box<Told>),
}

/// A slash command.
pub(crate) struct Command {
    command: String,
    pub(crate) text: String,
    pub(crate) channel: String,
    pub(crate) channel_name: String,
    pub(crate) user: String,
    pub(crate) user_name: String,
    pub(crate) trigger: String,
    pub(crate) response_url: String,
    team: Option<String>,
    enterprise: Option<String>,
    org_wide: bool,
}

/// An event, with what stands around it.
pub(crate) struct Told {
    /// Slack's word for it, with the subtype of a message: `message.message_changed`.
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    /// When it was sent, in unix seconds.
    pub(crate) at: Option<i64>,
    /// Whose installation got it: `T…`, or `E…` when a whole organization installed us.
    pub(crate) account: Option<String>,
    /// Our app's id.
    pub(crate) app: Option<String>,
    /// The users for which the app got it: our bot.
    pub(crate) bots: Vec<String>,
    pub(crate) what: What,
}

pub(crate) enum What {
    Mention(Box<AppMention>),
    Changed(Box<MessageChanged>),
    Deleted(Box<MessageDeleted>),
    ReactionAdded(ReactionEvent),
    ReactionRemoved(ReactionEvent),
    Channel {
        fate: Fate,
        event: ChannelEvent,
    },
    NewId(ChannelIdChanged),
    Uninstalled,
    TokensRevoked(TokensRevoked),
    RateLimited,
    /// A message that nobody addressed to us, in this channel.
    Message(Option<String>),
    /// Anything else, in this channel if it is in one.
    Other(Option<String>),
}

/// What becomes of a channel, or of somebody in it.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Fate {
    Renamed,
    Archived,
    Unarchived,
    Deleted,
    /// The app was taken out of it.
    Left,
    SomebodyLeft,
    SomebodyJoined,
}

impl Body {
    pub(crate) fn read(call: &HookCall) -> Result<Self> {
        if call.media_type().as_deref() == Some(FORM) { Self::of_form(call) } else { Self::of_json(call) }
    }

    fn event(told: Told) -> Self {
        Self::Event(Box::new(told))
    }

    fn of_form(call: &HookCall) -> Result<Self> {
        let mut fields = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(&call.body) {
            if fields.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(malformed("A field of the form stands twice."));
            }
        }
        if let Some(payload) = fields.get("payload") {
            let payload = strict_json::object(payload.as_bytes())?;
            let id = |path: &str| payload.pointer(path).and_then(Value::as_str).filter(|id| !id.is_empty());
            return Ok(Self::Interaction {
                account: id("/team/id").or_else(|| id("/enterprise/id")).map(str::to_owned),
            });
        }
        let mut field = |name: &str| fields.remove(name).unwrap_or_default();
        let command = Command {
            command: field("command"),
            text: field("text"),
            channel: field("channel_id"),
            channel_name: field("channel_name"),
            user: field("user_id"),
            user_name: field("user_name"),
            trigger: field("trigger_id"),
            response_url: field("response_url"),
            team: Some(field("team_id")).filter(|id| !id.is_empty()),
            enterprise: Some(field("enterprise_id")).filter(|id| !id.is_empty()),
            org_wide: field("is_enterprise_install") == "true",
        };
        match [&command.command, &command.channel, &command.user].iter().any(|field| field.is_empty()) {
            true => Err(malformed("The form is not a command of Slack's.")),
            false => Ok(Self::Command(Box::new(command))),
        }
    }

    fn of_json(call: &HookCall) -> Result<Self> {
        let envelope: Envelope = read(&strict_json::object(&call.body)?)?;
        let event_type = envelope.event.get("type").and_then(Value::as_str).map(str::to_owned);
        match (envelope.kind.as_str(), event_type) {
            ("url_verification", _) => {
                let plain = |text: &String| {
                    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
                };
                let challenge = envelope.challenge.filter(plain);
                challenge.map(Self::Challenge).ok_or_else(|| malformed("The challenge is none of Slack's."))
            }
            ("app_rate_limited", _) => {
                Ok(Self::event(Told::of(envelope, "app_rate_limited".into(), What::RateLimited)))
            }
            ("event_callback", None) => Err(malformed("The event has no type.")),
            ("", None) => Err(malformed("The body does not say what it is.")),
            (_, Some(event_type)) => {
                let subtype = envelope.event.get("subtype").and_then(Value::as_str).filter(|_| event_type == "message");
                let name = subtype.map_or_else(|| event_type.clone(), |subtype| format!("{event_type}.{subtype}"));
                let what = What::read(&event_type, subtype, &envelope.event)?;
                Ok(Self::event(Told::of(envelope, name, what)))
            }
            (other, None) => {
                let name = other.to_owned();
                Ok(Self::event(Told::of(envelope, name, What::Other(None))))
            }
        }
    }
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T> {
    typed(value).map_err(|error| malformed("The body is not what Slack documents for this event.").caused_by(error))
}

fn malformed(sentence: &str) -> Error {
    Error::new(ErrorKind::Malformed, sentence)
}

impl Command {
    pub(crate) fn account(&self) -> Option<String> {
        if self.org_wide { self.enterprise.clone() } else { self.team.clone() }
    }

    /// The workspace, or organization, that the person's id counts in.
    pub(crate) fn workspace(&self) -> String {
        self.account().unwrap_or_default()
    }

    pub(crate) fn asks_for_help(&self) -> bool {
        let text = self.text.trim();
        text.is_empty() || text.eq_ignore_ascii_case("help")
    }

    /// As it was typed: `/done`.
    pub(crate) fn name(&self) -> &str {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let word = self.command.strip_prefix('/').unwrap_or_default();
        let usable = (1..=32).contains(&word.len()) && word.bytes().all(plain);
        if usable { &self.command } else { "/done" }
    }

    pub(crate) fn event(&self) -> String {
        format!("command.{}", self.name().trim_start_matches('/'))
    }

    pub(crate) fn help(&self) -> String {
        let name = self.name();
        format!(
            "Type what got done after `{name}`, and it stands in the team's log:\n\
             • `{name} shipped the search page`: it got done\n\
             • `{name} [] ship the search page`: a goal\n\
             • `{name} ! waiting for the certificate`: something is in the way\n\
             Several lines (Shift+Enter) are several entries. `#tag` files an entry, `@name` tells somebody of it.\n\
             You can also mention the app in a message, or react with the link's emoji to one."
        )
    }
}

impl Told {
    fn of(envelope: Envelope, name: String, what: What) -> Self {
        let some = |id: Option<String>| id.filter(|id| !id.is_empty());
        let authorizations = envelope.authorizations.unwrap_or_default();
        let bots = authorizations.iter().filter_map(|one| some(one.user_id.clone())).collect();
        // In shared channels `team_id` may be the other side's workspace.
        let account = match authorizations.into_iter().next() {
            Some(first) if first.is_enterprise_install => some(first.enterprise_id),
            Some(first) => some(first.team_id),
            None => None,
        };
        let account = account.or(some(envelope.team_id)).or(some(envelope.enterprise_id));
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'.';
        let known = (1..=80).contains(&name.len()) && name.bytes().all(word);
        Self {
            name: if known { name } else { "event".to_owned() },
            id: envelope.event_id,
            at: envelope.event_time,
            account,
            app: some(envelope.api_app_id),
            bots,
            what,
        }
    }

    /// The workspace that an author's id counts in: their own, as far as Slack says; for an organization its own id,
    /// since there people are the same in all workspaces.
    pub(crate) fn workspace(&self, of_author: Option<&str>) -> String {
        match (&self.account, of_author.filter(|team| !team.is_empty())) {
            (Some(account), _) if account.starts_with('E') => account.clone(),
            (_, Some(team)) => team.to_owned(),
            (account, None) => account.clone().unwrap_or_default(),
        }
    }
}

impl What {
    fn read(event_type: &str, subtype: Option<&str>, event: &Value) -> Result<Self> {
        let channel = |fate| Ok(Self::Channel { fate, event: read(event)? });
        match (event_type, subtype) {
            ("app_mention", _) => Ok(Self::Mention(Box::new(read(event)?))),
            ("message", Some("message_changed")) => Ok(Self::Changed(Box::new(read(event)?))),
            ("message", Some("message_deleted")) => Ok(Self::Deleted(Box::new(read(event)?))),
            ("message", _) => Ok(Self::Message(somewhere(event))),
            ("reaction_added", _) => Ok(Self::ReactionAdded(read(event)?)),
            ("reaction_removed", _) => Ok(Self::ReactionRemoved(read(event)?)),
            ("channel_rename" | "group_rename", _) => channel(Fate::Renamed),
            ("channel_archive" | "group_archive", _) => channel(Fate::Archived),
            ("channel_unarchive" | "group_unarchive", _) => channel(Fate::Unarchived),
            ("channel_deleted" | "group_deleted", _) => channel(Fate::Deleted),
            ("channel_left" | "group_left", _) => channel(Fate::Left),
            ("member_left_channel", _) => channel(Fate::SomebodyLeft),
            ("member_joined_channel", _) => channel(Fate::SomebodyJoined),
            ("channel_id_changed", _) => Ok(Self::NewId(read(event)?)),
            ("app_uninstalled", _) => Ok(Self::Uninstalled),
            ("tokens_revoked", _) => Ok(Self::TokensRevoked(read(event)?)),
            ("app_rate_limited", _) => Ok(Self::RateLimited),
            _ => Ok(Self::Other(somewhere(event))),
        }
    }

    /// The channel it is about, when it is about one.
    pub(crate) fn channel(&self) -> Option<&str> {
        let channel = match self {
            Self::Mention(mention) => &mention.channel,
            Self::Changed(changed) => &changed.channel,
            Self::Deleted(deleted) => &deleted.channel,
            Self::ReactionAdded(reaction) | Self::ReactionRemoved(reaction) => reaction.item.channel.as_ref()?,
            Self::Channel { event, .. } => event.channel.id(),
            Self::NewId(changed) => &changed.old_channel_id,
            Self::Message(channel) | Self::Other(channel) => channel.as_ref()?,
            Self::Uninstalled | Self::TokensRevoked(_) | Self::RateLimited => return None,
        };
        Some(channel.as_str()).filter(|channel| !channel.is_empty())
    }

    /// What must be read in order: all that happens to one message; the channel's own fate; the account's.
    pub(crate) fn lane(&self) -> String {
        let ts = match self {
            Self::Mention(mention) => Some(mention.message.ts.as_str()),
            Self::Changed(changed) => Some(changed.message.ts.as_str()),
            Self::Deleted(deleted) => Some(deleted.deleted_ts.as_str()),
            Self::ReactionAdded(reaction) | Self::ReactionRemoved(reaction) => reaction.item.ts.as_deref(),
            _ => None,
        };
        let part = |text: &str| text.chars().filter(char::is_ascii_graphic).take(64).collect::<String>();
        match (self.channel(), ts) {
            (Some(channel), Some(ts)) => format!("{}:{}", part(channel), part(ts)),
            _ => String::new(),
        }
    }

    /// Why nothing can come of it for any link.
    pub(crate) fn idle(&self) -> Option<&'static str> {
        match self {
            Self::RateLimited => Some("Slack holds back events for a minute, since the workspace caused too many."),
            Self::Message(_) => Some("A message becomes an entry when it mentions the app or gets the emoji."),
            Self::Other(_) => Some("It is not an event that becomes an entry."),
            _ => None,
        }
    }
}

/// The channel of an event that we do not read.
fn somewhere(event: &Value) -> Option<String> {
    ["/channel", "/channel/id", "/item/channel"]
        .iter()
        .find_map(|path| event.pointer(path)?.as_str())
        .map(str::to_owned)
}

impl ChannelRef {
    pub(crate) fn id(&self) -> &String {
        match self {
            Self::Id(id) | Self::Renamed { id, .. } => id,
        }
    }
}
