//! The kinds of event that a link can bring: our three words, and what Zendesk calls them.
//! <https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events/>

use integration_contract::{EventKind, Example, Status};
use serde::{Deserialize, Serialize};

/// What a person can choose in the link form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Entries.
    Solved,
    /// Changes of items.
    Tickets,
    /// Comments on items.
    Comments,
}

pub(crate) const CREATED: &str = "ticket.created";
pub(crate) const COMMENT_ADDED: &str = "ticket.comment_added";
pub(crate) const COMMENT_REDACTED: &str = "ticket.comment_redacted";
pub(crate) const COMMENT_MADE_PRIVATE: &str = "ticket.comment_made_private";
pub(crate) const STATUS_CHANGED: &str = "ticket.status_changed";
pub(crate) const SUBJECT_CHANGED: &str = "ticket.subject_changed";
pub(crate) const ASSIGNMENT_CHANGED: &str = "ticket.agent_assignment_changed";
pub(crate) const TAGS_CHANGED: &str = "ticket.tags_changed";
pub(crate) const DELETED: &str = "ticket.soft_deleted";

/// All that any link asks for.
pub(crate) const ALL: [&str; 9] = [
    CREATED,
    COMMENT_ADDED,
    COMMENT_REDACTED,
    COMMENT_MADE_PRIVATE,
    STATUS_CHANGED,
    SUBJECT_CHANGED,
    ASSIGNMENT_CHANGED,
    TAGS_CHANGED,
    DELETED,
];

impl Kind {
    /// In the order of the form.
    pub(crate) const ALL: [Self; 3] = [Self::Solved, Self::Tickets, Self::Comments];

    /// The word in settings and forms.
    pub(crate) const fn id(self) -> &'static str {
        self.card().id
    }

    /// As on the card and in the form.
    pub(crate) const fn label(self) -> &'static str {
        self.card().label
    }

    /// What a person reads of it on the partner's page.
    pub(crate) const fn card(self) -> &'static EventKind {
        &KINDS[self as usize]
    }

    /// The inverse of [`Self::id`].
    pub(crate) fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.id() == id)
    }

    const fn events(self) -> &'static [&'static str] {
        match self {
            Self::Solved => &[STATUS_CHANGED],
            Self::Tickets => &[CREATED, STATUS_CHANGED, SUBJECT_CHANGED, ASSIGNMENT_CHANGED, TAGS_CHANGED, DELETED],
            Self::Comments => &[COMMENT_ADDED, COMMENT_REDACTED, COMMENT_MADE_PRIVATE],
        }
    }
}

/// On the card, in the order of [`Kind`].
pub(crate) static KINDS: [EventKind; 3] = [
    EventKind {
        id: "solved",
        label: "Solved tickets",
        example: Example::Entry {
            text: "Solved ticket #35436: The chart is empty on Sundays",
            status: Status::Done,
            author: "Ada Lovelace",
            source: "suite.zendesk.com #35436",
        },
        default: true,
    },
    EventKind {
        id: "tickets",
        label: "New and changed tickets, for the team's other links",
        example: happened("opened", "Carol Customer"),
        default: true,
    },
    EventKind {
        id: "comments",
        label: "Public comments, for the team's other links",
        example: happened("commented on", "Ada Lovelace"),
        default: true,
    },
];

const fn happened(did: &'static str, author: &'static str) -> Example {
    Example::Item { name: "suite.zendesk.com #35436", title: "The chart is empty on Sundays", did, author }
}

/// What the webhook of a link with these `kinds` subscribes to, each once, in alphabetical order.
pub(crate) fn subscribed(kinds: &[Kind]) -> Vec<String> {
    let mut events: Vec<_> =
        kinds.iter().flat_map(|kind| kind.events()).map(|event| format!("{PREFIX}{event}")).collect();
    events.sort_unstable();
    events.dedup();
    events
}

/// What stands before the name of every event on the wire.
pub(crate) const PREFIX: &str = "zen:event-type:";
