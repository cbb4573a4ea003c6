//! What a link is set to.

use integration_contract::{ItemKind, Status};
use serde::{Deserialize, Serialize};

use crate::{error::About, wire::AuthTest};

/// What a link is set to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// What the link is bound to: it outlives renames.
    pub(crate) channel_id: String,
    /// What it is called at the moment, without `#`.
    pub(crate) channel_name: String,
    pub(crate) is_private: bool,
    pub(crate) direction: Vec<Direction>,
    /// The reaction that makes a message an entry; `None` = reactions mean nothing.
    pub(crate) emoji: Option<String>,
    /// Which entries go out.
    pub(crate) statuses: Vec<Status>,
    /// Which items of other links go out. Links of before there were any have none.
    #[serde(default)]
    pub(crate) items: Vec<ItemKind>,
    /// Whose entries go out, by our ids; none = everybody's.
    pub(crate) people: Vec<String>,
    pub(crate) when: When,
    /// The app as Slack knows it in this workspace.
    pub(crate) me: Me,
}

/// Which way things go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    /// From Slack to the log.
    Incoming,
    /// From the log to Slack.
    Outgoing,
}

/// When entries go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum When {
    /// Each at once.
    Live,
    /// Once a day, at the hour that the team chose for its digest.
    Daily,
    /// Once a day, at this hour of the team's day.
    Digest(u8),
}

/// The app as Slack knows it in a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Me {
    /// The bot's user, `U…`: who is mentioned.
    pub(crate) user_id: String,
    /// The bot itself, `B…`: who posted.
    pub(crate) bot_id: Option<String>,
    /// What people write after `@`.
    pub(crate) name: String,
    /// Where the workspace's pages are: `https://acme.slack.com/`.
    pub(crate) team_url: String,
}

impl From<AuthTest> for Me {
    fn from(test: AuthTest) -> Self {
        let name = test.user.filter(|name| !name.is_empty()).unwrap_or_else(|| "our app".to_owned());
        Self { user_id: test.user_id, bot_id: test.bot_id, name, team_url: test.url }
    }
}

impl Settings {
    pub(crate) fn has(&self, direction: Direction) -> bool {
        self.direction.contains(&direction)
    }

    /// `#done`
    pub(crate) fn channel(&self) -> String {
        format!("#{}", self.channel_name)
    }

    /// For the sentences of errors.
    pub(crate) fn about(&self) -> About {
        About { channel: self.channel(), bot: format!("@{}", self.me.name) }
    }

    /// Where a message is seen at Slack.
    pub(crate) fn permalink(&self, channel: &str, ts: &str, thread_ts: Option<&str>) -> Option<String> {
        let path = format!("archives/{channel}/p{}", ts.replace('.', ""));
        let mut url = url::Url::parse(&self.me.team_url).ok()?.join(&path).ok()?;
        if let Some(thread) = thread_ts.filter(|thread| *thread != ts) {
            url.query_pairs_mut().append_pair("thread_ts", thread).append_pair("cid", channel);
        }
        matches!(url.scheme(), "http" | "https").then(|| url.into())
    }
}

/// What a link to a channel is about.
pub(crate) fn target(channel: &str) -> String {
    format!("channel:{channel}")
}

/// A status as a word.
pub(crate) fn word(status: Status) -> &'static str {
    match status {
        Status::Done => "done",
        Status::Goal => "goal",
        Status::Blocked => "blocked",
    }
}

/// Items of a kind as words.
pub(crate) fn words_of(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Issue => "issues",
        ItemKind::PullRequest => "pull requests",
        ItemKind::Ticket => "tickets",
    }
}
