//! Slack's JSON as types: only the fields we read, and optional whatever Slack does not promise.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

// ---- answers of the Web API: <https://docs.slack.dev/apis/web-api/>

/// What stands in every answer.
#[derive(Default, Deserialize)]
pub(crate) struct Refusal {
    #[serde(default)]
    pub(crate) ok: bool,
    #[serde(default)]
    pub(crate) error: String,
    /// With `missing_scope`.
    pub(crate) needed: Option<String>,
}

/// <https://docs.slack.dev/reference/methods/oauth.v2.access>
#[derive(Deserialize)]
pub(crate) struct Access {
    pub(crate) access_token: Option<String>,
    pub(crate) token_type: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) team: Option<Named>,
    pub(crate) enterprise: Option<Named>,
    #[serde(default)]
    pub(crate) is_enterprise_install: bool,
    pub(crate) authed_user: Option<Id>,
    pub(crate) expires_in: Option<Value>,
    pub(crate) refresh_token: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Id {
    pub(crate) id: String,
}

/// <https://docs.slack.dev/reference/methods/auth.test>
#[derive(Deserialize)]
pub(crate) struct AuthTest {
    /// `https://acme.slack.com/`
    pub(crate) url: String,
    /// The bot's name, as one mentions it.
    pub(crate) user: Option<String>,
    pub(crate) user_id: String,
    pub(crate) bot_id: Option<String>,
}

/// <https://docs.slack.dev/reference/methods/auth.revoke>
#[derive(Deserialize)]
pub(crate) struct Revoked {
    #[serde(default)]
    pub(crate) revoked: bool,
}

/// A page of <https://docs.slack.dev/reference/methods/conversations.list>
#[derive(Deserialize)]
pub(crate) struct Channels {
    pub(crate) channels: Vec<Channel>,
    response_metadata: Option<Metadata>,
}

/// A page of <https://docs.slack.dev/reference/methods/conversations.history>, or of `conversations.replies`.
#[derive(Deserialize)]
pub(crate) struct Messages {
    pub(crate) messages: Vec<Message>,
    response_metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    next_cursor: Option<String>,
}

/// Slack ends a list with an empty cursor, or with none.
fn cursor(metadata: Option<Metadata>) -> Option<String> {
    metadata?.next_cursor.filter(|cursor| !cursor.is_empty())
}

impl Channels {
    pub(crate) fn next(&mut self) -> Option<String> {
        cursor(self.response_metadata.take())
    }
}

impl Messages {
    pub(crate) fn next(&mut self) -> Option<String> {
        cursor(self.response_metadata.take())
    }
}

#[derive(Deserialize)]
pub(crate) struct OneChannel {
    pub(crate) channel: Channel,
}

/// <https://docs.slack.dev/reference/objects/conversation-object>
#[derive(Deserialize)]
pub(crate) struct Channel {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) is_private: bool,
    #[serde(default)]
    pub(crate) is_archived: bool,
    #[serde(default)]
    pub(crate) is_member: bool,
    #[serde(default)]
    pub(crate) is_im: bool,
    #[serde(default)]
    pub(crate) is_mpim: bool,
}

#[derive(Deserialize)]
pub(crate) struct OneUser {
    pub(crate) user: User,
}

/// <https://docs.slack.dev/reference/objects/user-object>
#[derive(Deserialize)]
pub(crate) struct User {
    #[serde(default)]
    name: String,
    real_name: Option<String>,
    profile: Option<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    display_name: Option<String>,
    real_name: Option<String>,
}

impl User {
    /// As Slack shows them: the name they chose, else their full name, else their handle.
    pub(crate) fn shown(self) -> Option<String> {
        let (display, full) = self.profile.map_or((None, None), |profile| (profile.display_name, profile.real_name));
        [display, full, self.real_name, Some(self.name)].into_iter().flatten().find(|name| !name.trim().is_empty())
    }
}

/// <https://docs.slack.dev/reference/methods/chat.postMessage>
#[derive(Deserialize)]
pub(crate) struct Posted {
    pub(crate) channel: String,
    pub(crate) ts: String,
}

// ---- messages, in answers and in events alike: <https://docs.slack.dev/reference/events/message>

#[derive(Clone, Default, Deserialize)]
pub(crate) struct Message {
    #[serde(default)]
    pub(crate) ts: String,
    pub(crate) thread_ts: Option<String>,
    pub(crate) user: Option<String>,
    text: Option<String>,
    /// What kind it is, when nobody just wrote it.
    pub(crate) subtype: Option<String>,
    /// Set when an app posted it, also beside `user`.
    pub(crate) bot_id: Option<String>,
    pub(crate) app_id: Option<String>,
    pub(crate) bot_profile: Option<BotProfile>,
    /// The name an app posted it under.
    pub(crate) username: Option<String>,
    /// The workspace of `user`, which in shared channels may be another one.
    pub(crate) user_team: Option<String>,
    pub(crate) team: Option<String>,
    pub(crate) reactions: Option<Vec<Reaction>>,
    pub(crate) metadata: Option<MessageMetadata>,
}

impl Message {
    pub(crate) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// Whether the app posted it, by any of the marks that Slack gives a post: with today's tokens it has a `user` and
    /// no subtype, like a person's message.
    pub(crate) fn is_of(&self, user: &str, bot: Option<&str>, app: Option<&str>) -> bool {
        let profile = self.bot_profile.as_ref().and_then(|profile| profile.app_id.as_deref());
        let same = |ours: Option<&str>, its: Option<&str>| ours.is_some_and(|id| !id.is_empty()) && ours == its;
        same(Some(user), self.user.as_deref())
            || same(bot, self.bot_id.as_deref())
            || same(app, self.app_id.as_deref())
            || same(app, profile)
    }
}

#[derive(Clone, Deserialize)]
pub(crate) struct BotProfile {
    pub(crate) app_id: Option<String>,
    pub(crate) name: Option<String>,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Reaction {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) count: u64,
}

/// <https://docs.slack.dev/messaging/message-metadata>
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct MessageMetadata {
    pub(crate) event_type: String,
    #[serde(default)]
    pub(crate) event_payload: Value,
}

// ---- bodies of hooks

/// What stands around every event. <https://docs.slack.dev/apis/events-api/#event-type-structure>
#[derive(Default, Deserialize)]
pub(crate) struct Envelope {
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
    pub(crate) challenge: Option<String>,
    pub(crate) team_id: Option<String>,
    pub(crate) enterprise_id: Option<String>,
    pub(crate) api_app_id: Option<String>,
    pub(crate) event_id: Option<String>,
    pub(crate) event_time: Option<i64>,
    pub(crate) authorizations: Option<Vec<Authorization>>,
    #[serde(default)]
    pub(crate) event: Value,
}

/// For whom the app got the event.
#[derive(Deserialize)]
pub(crate) struct Authorization {
    pub(crate) enterprise_id: Option<String>,
    pub(crate) team_id: Option<String>,
    pub(crate) user_id: Option<String>,
    #[serde(default)]
    pub(crate) is_enterprise_install: bool,
}

/// `message` with the subtype `message_changed`.
#[derive(Deserialize)]
pub(crate) struct MessageChanged {
    pub(crate) channel: String,
    pub(crate) message: Message,
    pub(crate) previous_message: Option<Message>,
}

/// `message` with the subtype `message_deleted`.
#[derive(Deserialize)]
pub(crate) struct MessageDeleted {
    pub(crate) channel: String,
    pub(crate) deleted_ts: String,
    pub(crate) previous_message: Option<Message>,
}

/// `app_mention`.
#[derive(Deserialize)]
pub(crate) struct AppMention {
    pub(crate) channel: String,
    #[serde(flatten)]
    pub(crate) message: Message,
}

/// `reaction_added` and `reaction_removed`.
#[derive(Deserialize)]
pub(crate) struct ReactionEvent {
    pub(crate) user: Option<String>,
    pub(crate) reaction: String,
    /// Who wrote the message.
    pub(crate) item_user: Option<String>,
    pub(crate) item: ReactionItem,
}

/// A message; files have neither field.
#[derive(Deserialize)]
pub(crate) struct ReactionItem {
    pub(crate) channel: Option<String>,
    pub(crate) ts: Option<String>,
}

/// What happens to a channel.
#[derive(Deserialize)]
pub(crate) struct ChannelEvent {
    pub(crate) channel: ChannelRef,
    /// In `member_…_channel`: who.
    pub(crate) user: Option<String>,
}

/// Renames tell the channel, all others its id.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum ChannelRef {
    Id(String),
    Renamed { id: String, name: String },
}

/// `channel_id_changed`.
#[derive(Deserialize)]
pub(crate) struct ChannelIdChanged {
    pub(crate) old_channel_id: String,
}

/// `tokens_revoked`: ids of users, not tokens.
#[derive(Deserialize)]
pub(crate) struct TokensRevoked {
    #[serde(default)]
    pub(crate) tokens: RevokedTokens,
}

#[derive(Default, Deserialize)]
pub(crate) struct RevokedTokens {
    pub(crate) bot: Option<Vec<String>>,
}

/// A JSON value as one of these types.
pub(crate) fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, serde_json::Error> {
    T::deserialize(value)
}
