//! What can go wrong at a partner. A person reads the sentence; the host acts on the kind and on nothing else.

use std::time::Duration;

/// A result with a partner [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of trouble it is. The kind, never a text, decides whether the host tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The operator has not set what this partner needs.
    NotConfigured,
    /// The partner understood and says no; the same call will never succeed.
    Refused,
    /// The credential is gone: revoked, expired, or never valid. The person has to connect again.
    Unauthorized,
    /// The credential is good, the right is missing.
    Forbidden,
    /// What the call is about is not there, or is hidden from this account.
    NotFound,
    /// The partner says for certain that the link's far end was removed there, and will never be back: the link goes too.
    Gone,
    /// The thing exists already.
    Conflict,
    /// The partner asks us to slow down; see [`Error::retry_after`].
    RateLimited,
    /// The partner did not answer, or not as documented: an outage, as far as we can tell. Nothing was done.
    Unavailable,
    /// The call may or may not have been done. Look before doing it again.
    UnknownOutcome,
    /// A body, ours or theirs, is not what is documented.
    Malformed,
    /// This integration does not have the ability.
    Unsupported,
}

/// Trouble with a partner: a kind for the host, a sentence for the person, and optionally when to try again.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct Error {
    kind: ErrorKind,
    sentence: String,
    retry_after: Option<Duration>,
    lacks_permission: bool,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// `sentence` is shown to people: whole, plain, without secrets.
    pub fn new(kind: ErrorKind, sentence: impl Into<String>) -> Self {
        Self { kind, sentence: sentence.into(), retry_after: None, lacks_permission: false, source: None }
    }

    /// What a method answers that a partner does not need: `what` is what it has no way of.
    pub fn unsupported(what: &str) -> Self {
        Self::new(ErrorKind::Unsupported, format!("This integration has no way of {what}."))
    }

    /// The partner said how long to wait.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// A permission is missing that a new consent gives. The sentence names it, where the partner does.
    #[must_use]
    pub fn mended_by_consent(mut self) -> Self {
        self.lacks_permission = true;
        self
    }

    /// Keeps the cause for our log. It must not carry a secret.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of trouble it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence a person reads.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// How long the partner asked us to wait, if it did.
    pub fn wait(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether a permission is missing that a new consent gives.
    pub fn lacks_permission(&self) -> bool {
        self.lacks_permission
    }

    /// Whether the same call can succeed later without anybody doing anything.
    pub fn passes(&self) -> bool {
        matches!(self.kind, ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::UnknownOutcome)
    }
}
