//! What a hook says happened, in our words.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ItemChange, LinkSettings};

/// What one hook came to, for one link.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Reading {
    /// In the order they happened.
    pub happenings: Vec<Happening>,
    /// Why nothing came of it, when nothing did: a reason the link's owner can read.
    pub ignored: Option<String>,
    /// The hook does not say it all: the host passes this to [`crate::Integration::look_up`], which does.
    pub look_up: Option<Value>,
    /// Where the partner takes an answer to the person who wrote: [`crate::Told::Answer`].
    pub answer_to: Option<String>,
}

impl Reading {
    /// One happening.
    pub fn of(happening: Happening) -> Self {
        Self { happenings: vec![happening], ..Self::default() }
    }

    /// Nothing came of it, because…
    pub fn ignored(reason: impl Into<String>) -> Self {
        Self { ignored: Some(reason.into()), ..Self::default() }
    }

    /// The partner has to be asked first.
    pub fn after_look_up(what: &impl Serialize) -> Self {
        Self { look_up: serde_json::to_value(what).ok(), ..Self::default() }
    }
}

/// What happened before there was a link, each as its hook would have told of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Lately {
    /// The newest first, at most 20.
    pub happened: Vec<Happened>,
    /// What the link brings and the partner does not show of before: a sentence.
    pub left_out: Option<String>,
}

/// Something that happened before there was a link.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Happened {
    /// The partner's word for it, as in [`crate::HookAnswer::Accept`].
    pub event: String,
    /// Unix seconds.
    pub at: i64,
    /// What its hook would have said. Who did it has no name where the partner does not say so.
    pub reading: Reading,
}

/// One thing that happened at the partner.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Happening {
    /// Somebody got something done: an entry.
    Entry(NewEntry),
    /// Somebody wrote lines for the log, as they would write them here: `[]` before a goal, `!` before a blocker. Told
    /// again under the same id, the entries follow the lines.
    Lines(NewLines),
    /// The text behind an entry was changed; the entry follows.
    EntryEdited {
        /// The [`NewEntry::external_id`] it was written under.
        external_id: String,
        /// What it reads now.
        text: String,
    },
    /// What an entry spoke of was deleted; the entry is archived.
    EntryRetracted {
        /// The [`NewEntry::external_id`] it was written under, or the [`NewLines::external_id`]: then all its lines go.
        external_id: String,
    },
    /// Something happened to an item.
    Item(Box<ItemChange>),
    /// The partner showed that hooks arrive.
    HookWorks,
    /// The link's target has new settings, for example after a rename.
    TargetChanged(LinkSettings),
    /// The link can't work any more until somebody does something.
    TargetGone {
        /// A sentence for the link's page.
        reason: String,
    },
    /// What was in the link's way is gone: it is set up again, if it is broken.
    TargetBack,
    /// The account or installation behind the link was taken back at the partner. One that was connected again after
    /// that stays.
    AccountGone {
        /// When, in unix seconds by the partner's clock.
        at: i64,
        /// A sentence for the link's page.
        reason: String,
    },
}

/// Lines for the log, from one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewLines {
    /// What makes it the same message when the partner tells it twice, unique within the link.
    pub external_id: String,
    /// Plain text, a line for each entry.
    pub text: String,
    /// Where it can be seen at the partner.
    pub url: Option<String>,
    /// Where it came from, as a person reads it: `#done`.
    pub source: String,
    /// Who wrote it.
    pub author: Author,
    /// When, in unix seconds; `None` = when the hook arrived.
    pub happened_at: Option<i64>,
}

/// An entry to be written, once per link and `external_id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewEntry {
    /// What makes it the same entry when the partner tells it twice, unique within the link.
    pub external_id: String,
    /// Plain text, as a person would write it. The host cuts it to its limits.
    pub text: String,
    /// Done, goal or blocked.
    pub status: Status,
    /// Where it can be seen at the partner.
    pub url: Option<String>,
    /// Where it came from, as a person reads it: `acme/widgets#42`.
    pub source: String,
    /// Who did it.
    pub author: Author,
    /// The [`crate::Item::id`] of the item it is about, when the same hook tells of a change of one: partners that show
    /// items need not be told twice.
    pub item: Option<String>,
    /// When it happened at the partner, in unix seconds; `None` = when the hook arrived.
    pub happened_at: Option<i64>,
}

/// Who did it, in the partner's words. The host matches `id` to one of our users.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The partner's id of the account, the one that never changes; `None` when the partner gives none.
    pub id: Option<String>,
    /// What to show when it is nobody we know.
    pub name: String,
    /// Their page at the partner.
    pub url: Option<String>,
    /// Their picture at the partner, for partners that show one.
    pub avatar: Option<String>,
}

/// What an entry says of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It got done.
    Done,
    /// It is meant to get done.
    Goal,
    /// Something is in the way.
    Blocked,
}
