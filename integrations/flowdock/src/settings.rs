//! What a link is set to.

use integration_contract::{ItemKind, Status};
use serde::{Deserialize, Serialize};

use crate::address::FlowPath;

/// Flowdock documents a flow's name with at most 100 characters, and nothing of a source's: the same.
pub(crate) const LONGEST_NAME: usize = 100;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// What the link is bound to.
    pub(crate) flow_id: String,
    /// The organization's name in addresses.
    pub(crate) organization: String,
    /// The flow's name in addresses.
    pub(crate) flow: String,
    /// The same two for people, at the time of choosing.
    pub(crate) organization_name: String,
    pub(crate) flow_name: String,
    /// The source's name, which tells it apart from others in the flow.
    pub(crate) name: String,
    /// What is told, in the order of [`Kind::ALL`].
    pub(crate) tell: Vec<Kind>,
}

impl Settings {
    /// Where the flow is; `None` for settings that Flowdock never wrote.
    pub(crate) fn path(&self) -> Option<FlowPath> {
        FlowPath::new(&self.organization, &self.flow)
    }

    /// As people know it: `Main (Acme)`.
    pub(crate) fn place(&self) -> String {
        place(&self.flow_name, &self.organization_name)
    }
}

pub(crate) fn place(flow: &str, organization: &str) -> String {
    format!("{flow} ({organization})")
}

/// What can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Done,
    Goal,
    Blocked,
    Issue,
    PullRequest,
    Ticket,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Done, Self::Goal, Self::Blocked, Self::Issue, Self::PullRequest, Self::Ticket];

    /// The word in forms, and on the card.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Goal => "goal",
            Self::Blocked => "blocked",
            Self::Issue => "issue",
            Self::PullRequest => "pull_request",
            Self::Ticket => "ticket",
        }
    }

    /// In a sentence.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Done => "what got done",
            Self::Goal => "goals",
            Self::Blocked => "what is blocked",
            Self::Issue => "issues",
            Self::PullRequest => "pull requests",
            Self::Ticket => "tickets",
        }
    }

    pub(crate) fn is_item(self) -> bool {
        matches!(self, Self::Issue | Self::PullRequest | Self::Ticket)
    }
}

impl From<Status> for Kind {
    fn from(status: Status) -> Self {
        match status {
            Status::Done => Self::Done,
            Status::Goal => Self::Goal,
            Status::Blocked => Self::Blocked,
        }
    }
}

impl From<ItemKind> for Kind {
    fn from(kind: ItemKind) -> Self {
        match kind {
            ItemKind::Issue => Self::Issue,
            ItemKind::PullRequest => Self::PullRequest,
            ItemKind::Ticket => Self::Ticket,
        }
    }
}
