//! The kinds of event that a link can bring: our five words, and what GitHub calls them.

use integration_contract::{EventKind, Example, Status};
use serde::{Deserialize, Serialize};

/// What a person can choose in the link form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Push,
    Issues,
    Comments,
    PullRequests,
    Releases,
}

/// Always subscribed, whatever the person chose: a link must learn of renames, and of its webhook's removal.
const LIFECYCLE: [&str; 2] = ["meta", "repository"];

impl Kind {
    /// In the order of the form.
    pub(crate) const ALL: [Self; 5] = [Self::Push, Self::Issues, Self::Comments, Self::PullRequests, Self::Releases];

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

    /// GitHub's name of the webhook event.
    pub(crate) const fn event(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Issues => "issues",
            Self::Comments => "issue_comment",
            Self::PullRequests => "pull_request",
            Self::Releases => "release",
        }
    }

    /// The inverse of [`Self::id`].
    pub(crate) fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.id() == id)
    }
}

/// On the card, in the order of [`Kind`].
pub(crate) static KINDS: [EventKind; 5] = [
    EventKind {
        id: "push",
        label: "Pushes",
        example: done("Pushed 3 commits to main: Draw the chart without scripts", "octo-ada", "acme/widgets"),
        default: true,
    },
    EventKind {
        id: "issues",
        label: "Issues",
        example: done("Closed issue #42: The chart is empty on Sundays", "grace-h", "acme/widgets#42"),
        default: true,
    },
    EventKind {
        id: "comments",
        label: "Comments",
        example: done("Commented on #42: It only happens west of Greenwich.", "grace-h", "acme/widgets#42"),
        default: false,
    },
    EventKind {
        id: "pull_requests",
        label: "Pull requests",
        example: done("Merged pull request #7: Count days in the team's time zone", "grace-h", "acme/widgets#7"),
        default: true,
    },
    EventKind {
        id: "releases",
        label: "Releases",
        example: done("Released v1.2: Charts", "octo-ada", "acme/widgets"),
        default: true,
    },
];

const fn done(text: &'static str, author: &'static str, source: &'static str) -> Example {
    Example::Entry { text, status: Status::Done, author, source }
}

/// What the webhook of a link with these `kinds` subscribes to.
pub(crate) fn subscribed(kinds: &[Kind]) -> Vec<&'static str> {
    Kind::ALL.into_iter().filter(|kind| kinds.contains(kind)).map(Kind::event).chain(LIFECYCLE).collect()
}
