//! The log of invocations: each occasion to call a webhook, with all attempts.

use jiff::Timestamp;

use super::sending::Outcome;

#[derive(Clone)]
pub(in super::super) struct Invocation {
    /// A ULID; the same in all attempts.
    pub id: String,
    pub webhook: String,
    /// What it is about, for people: the event, or the trigger's title.
    pub label: String,
    pub created: Timestamp,
    pub completed: Option<Timestamp>,
    pub status: State,
    pub attempts: Vec<Attempt>,
}

#[derive(Clone)]
pub(in super::super) struct Attempt {
    pub id: String,
    pub outcome: Outcome,
}

/// In the words of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum State {
    Waiting,
    Success,
    Failed,
    Timeout,
    CircuitBroken,
    ClientError,
    ServerError,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "in progress",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::CircuitBroken => "circuit broken",
            Self::ClientError => "client error",
            Self::ServerError => "server error",
        }
    }

    pub fn of(outcome: &Outcome) -> Self {
        match outcome.status {
            200..300 => Self::Success,
            400..500 => Self::ClientError,
            500..600 => Self::ServerError,
            _ if outcome.timed_out => Self::Timeout,
            _ => Self::Failed,
        }
    }
}

impl Invocation {
    pub fn last(&self) -> Option<&Outcome> {
        self.attempts.last().map(|attempt| &attempt.outcome)
    }
}
