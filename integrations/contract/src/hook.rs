//! Incoming calls: what arrives, whom it claims to be for, what is answered.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use bytes::Bytes;
use http::StatusCode;

/// What the partner's hooks may look like. The host refuses the rest before any partner code runs.
pub struct HookRules {
    /// The largest body in bytes; more is answered 413.
    pub max_body: usize,
    /// The media types the partner sends; others are answered 415.
    pub content_types: &'static [&'static str],
    /// What a caller is answered who calls more often than we take: 429 where the partner comes again, 503 where that
    /// would end its deliveries. Both with `Retry-After`.
    pub too_many: StatusCode,
    /// The headers, in lower case, that are kept with the message because reading it needs them.
    pub kept_headers: &'static [&'static str],
}

/// One incoming call: the raw body and what came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookCall {
    /// Header names in lower case. A header that came twice has two values; a value that is not visible ASCII stands
    /// as an empty text, which no scheme accepts.
    pub headers: BTreeMap<String, Vec<String>>,
    /// The `key` of the query, where the partner signs per link.
    pub key: Option<String>,
    /// The body, byte for byte.
    pub body: Bytes,
}

impl HookCall {
    /// The value of a header that came exactly once.
    pub fn header(&self, name: &str) -> Option<&str> {
        match self.headers.get(name).map(Vec::as_slice) {
            Some([value]) => Some(value),
            _ => None,
        }
    }

    /// The media type without parameters, in lower case.
    pub fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// The SHA-256 of the body in hexadecimal: what to call a delivery that the partner gave no usable name.
    pub fn digest(&self) -> String {
        hex::encode(digest::digest(&digest::SHA256, &self.body))
    }
}

/// Whom a call claims to be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The link with this key in its hook URL.
    Link(String),
    /// The links of an account or installation at the partner.
    Account {
        /// The partner's id of it.
        account: String,
        /// Only the links to this target ([`crate::CheckedLink::target`]); `None` = all of the account's links.
        target: Option<String>,
        /// When none is to that target: the account's link, if it has just one. Else [`crate::Integration::stray`] is
        /// asked for an answer.
        or_sole: bool,
    },
    /// Nobody we could name: answered 404.
    Nobody,
}

/// A value whose signature was checked. Only [`crate::Scheme::verify`] makes one, and the inbox gives back what it
/// was given.
#[derive(Clone, Debug)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }

    /// A value that was verified before it was stored. For the host's inbox alone; a test keeps it so.
    pub fn from_inbox(value: T) -> Self {
        Self(value)
    }

    /// The value, no longer marked.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> std::ops::Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What the host does with a genuine call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookAnswer {
    /// Keep it, answer 200 with an empty body, and read it in a job.
    Accept {
        /// The partner's word for what it is, for example `issues.opened`.
        event: String,
        /// The partner's name of this delivery; a second one with the same name is answered and dropped.
        delivery: String,
        /// Messages with the same lane are read one after the other; empty = the link as a whole.
        lane: String,
        /// What the answer says, where a person waits for it.
        reply: Option<HookReply>,
    },
    /// Keep it as ignored, with the reason, and answer 200.
    Ignore {
        /// The partner's word for what it is.
        event: String,
        /// The partner's name of this delivery.
        delivery: String,
        /// Why nothing will come of it, for the link's page.
        reason: String,
    },
    /// Answer with this and keep nothing: a challenge, a question for help, what is not meant for us at all.
    Reply(HookReply),
}

/// The body of a 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookReply {
    /// Its media type.
    pub content_type: &'static str,
    /// Itself.
    pub body: String,
}
