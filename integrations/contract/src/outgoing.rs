//! What leaves: entries of the log on their way to a partner, and answers to somebody who wrote to us from there.

use serde::{Deserialize, Serialize};

use url::Url;

use crate::{Item, ItemChange, Status};

/// An entry of the log, as a partner is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingEntry {
    /// Ours, and lasting.
    pub id: String,
    /// Its page here.
    pub url: String,
    /// Plain text as people wrote it, or as another partner told it. Nothing in it is safe to be taken as markup.
    pub text: String,
    /// Done, goal or blocked.
    pub status: Status,
    /// The name of who did it.
    pub author: String,
    /// Their picture at the partner it came from.
    pub author_avatar: Option<String>,
    /// Our id of who did it; `None` when it is nobody of ours.
    pub author_id: Option<String>,
    /// Where it came from, as a person reads it (`acme/widgets#42`), when it came from a partner.
    pub source: Option<String>,
    /// Where that can be seen.
    pub source_url: Option<String>,
    /// It tells of an item that is told as such too ([`Told::Item`]): whoever shows items need not show it.
    pub of_item: bool,
    /// The team in whose log it stands.
    pub team: String,
    /// The day it stands under, as `2026-11-22`.
    pub day: String,
    /// It was taken out of the log: what was posted of it should go.
    pub archived: bool,
}

/// Whether a link tells its partner of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// No.
    No,
    /// At once, and again when it changes.
    Now,
    /// Together with others, once a day.
    Digest {
        /// At this hour of the team's day, 0 to 23; `None` = at the hour that the team chose for its digest.
        hour: Option<u8>,
    },
}

/// One message on its way out.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// Ours, the same at each attempt: an idempotency key where the partner takes one.
    pub id: String,
    /// What it says.
    pub what: Told,
    /// What stands at the partner of it so far.
    pub posted: Posted,
    /// What can be done about it from there, where the partner has [`crate::Actions`].
    pub buttons: Vec<Button>,
}

/// A button inside the partner's product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What stands on it: "Assign to me".
    pub name: String,
    /// What a click calls, by POST. Good for this link, this entry or item and this deed alone.
    pub url: Url,
}

/// A change of an item, on its way to a partner.
#[derive(Clone, Debug, PartialEq)]
pub struct OutgoingItem {
    /// Ours of the item, and lasting: the name of its thread.
    pub id: String,
    /// The item as it stands when this is sent; what the change left of it may be older.
    pub item: Item,
    /// What happened.
    pub change: ItemChange,
    /// The name of the link it came from: `acme/widgets`.
    pub source: String,
    /// What the first change of this item that was told is to the partner ([`Receipt::remote_id`]), where others go below it.
    pub thread: Option<String>,
    /// What an action of ours could not do about it, to be told instead of the change.
    pub trouble: Option<String>,
}

/// What an outgoing message says.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// How an entry reads now. [`Posted`] says whether it was told before.
    Entry(OutgoingEntry),
    /// What happened to an item of another link.
    Item(Box<OutgoingItem>),
    /// The entries since the digest before, oldest first; never none, never an archived one.
    Digest(Vec<OutgoingEntry>),
    /// To the person who wrote to us from the partner.
    Answer {
        /// Where the partner takes it: [`crate::Reading::answer_to`].
        to: String,
        /// What became of it.
        answer: Answer,
    },
}

/// What became of what somebody wrote to us from a partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The entries that were written, in the order of the lines.
    pub written: Vec<OutgoingEntry>,
    /// Why there are none, when there are none.
    pub why_not: Option<String>,
    /// When we do not know who they are: the page that joins their account there with their account here. Whoever has
    /// it can do so, so only they may see it.
    pub connect: Option<String>,
}

/// What stands at the partner of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// Nothing: it was never sent.
    Never,
    /// It was sent, and no answer came: look for it before sending it again, where the partner allows it.
    Maybe {
        /// When it was first sent, in unix seconds.
        since: i64,
    },
    /// This, by the name the partner gave it: [`Receipt::remote_id`].
    As(String),
}

/// What a partner made of an outgoing message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// What stands at the partner now, in whatever shape finds it again; `None` = nothing, or nothing any more.
    pub remote_id: Option<String>,
    /// Something the link's owner should know, such as "It was deleted at Slack, so the change was not posted."
    pub note: Option<String>,
}

impl Receipt {
    /// This stands at the partner now.
    pub fn posted(remote_id: impl Into<String>) -> Self {
        Self { remote_id: Some(remote_id.into()), note: None }
    }

    /// Nothing stands at the partner.
    pub fn nothing() -> Self {
        Self::default()
    }
}
