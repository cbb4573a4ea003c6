//! An event of a link as lists and traces show it: `templates/links/_events.html`.

use integration_contract::text;

use super::link_path;
use crate::{
    core::{
        inbox::MessageLine,
        outbox::{AttemptLine, Line},
        traces::{Arrived, Event, Outcome, Thing, What},
    },
    db::{
        TeamId,
        entity::{
            inbox_message::MessageState,
            inbox_outcome::Did,
            integration_link::Model,
            outbox_message::{OutboxKind, OutboxState},
        },
    },
    web::page::{Moment, Tone},
};

/// How much of a text stands in a line.
const LONGEST: usize = 120;

/// One event.
pub(super) struct EventRow {
    /// Its own page.
    pub(super) trace: String,
    pub(super) at: Moment,
    /// "Arrived" or "Told".
    pub(super) way: &'static str,
    /// The partner's word for it.
    pub(super) event: Option<String>,
    /// What it is about.
    pub(super) what: Option<String>,
    pub(super) state: Standing,
    /// What the partner's integration has to say of it.
    pub(super) note: Option<String>,
    /// The partner's name of it, when it has one.
    pub(super) delivery: String,
    /// How often it was sent.
    pub(super) attempts: Option<String>,
    pub(super) again: Option<Again>,
}

/// Where an event stands.
pub(super) struct Standing {
    pub(super) tone: Tone,
    /// The state in a word or two.
    pub(super) word: &'static str,
    /// Why.
    pub(super) reason: Option<String>,
}

/// The button that has it done again.
pub(super) struct Again {
    /// What the form says.
    pub(super) action: &'static str,
    /// What stands on it.
    pub(super) label: &'static str,
    pub(super) message: String,
}

/// One attempt.
pub(super) struct TriedRow {
    pub(super) tone: Tone,
    pub(super) at: Moment,
    /// How it ended, in a line.
    pub(super) end: String,
    /// Its HTTP calls, a line each.
    pub(super) calls: Vec<String>,
}

impl EventRow {
    /// The row of an event, with its button if it may be done again.
    pub(super) fn of(link: &Model, event: Event, may_replay: bool) -> Self {
        let (trace, at) = (trace_path(link, &event.id.to_string()), Moment::at(event.at));
        let row = match event.what {
            What::Arrived(arrived) => {
                let Arrived { message, outcomes } = *arrived;
                Self {
                    trace,
                    at,
                    way: "Arrived",
                    what: outcomes.first().and_then(in_words),
                    state: Standing::of_hook(&message, &outcomes),
                    note: None,
                    again: Again::of_hook(message.state, message.id.to_string()),
                    event: Some(message.event).filter(|event| !event.is_empty()),
                    delivery: message.delivery,
                    attempts: None,
                }
            }
            What::Told(line) => Self {
                trace,
                at,
                way: "Told",
                event: None,
                what: Some(what_of(&line)),
                state: Standing::of_message(&line),
                note: line.note.clone(),
                delivery: String::new(),
                attempts: (line.attempts > 0).then(|| attempts_in_words(line.attempts)),
                again: Again::of_message(&line),
            },
        };
        Self { again: row.again.filter(|_| may_replay), ..row }
    }

    /// What the row is called where its button is read out.
    pub(super) fn name(&self) -> &str {
        self.what.as_deref().or(self.event.as_deref()).unwrap_or("a hook")
    }
}

impl Standing {
    /// Where a hook stands.
    pub(super) fn of_hook(message: &MessageLine, outcomes: &[Outcome]) -> Self {
        let (tone, word) = match message.state {
            MessageState::Received => (Tone::Attention, "Waiting"),
            MessageState::Done => (Tone::Good, outcomes.first().map_or("Understood", |outcome| came_to(outcome.did))),
            MessageState::Ignored => (Tone::Neutral, "Nothing"),
            MessageState::Failed => (Tone::Bad, "Failed"),
            MessageState::Rejected => (Tone::Bad, "Rejected"),
        };
        Self { tone, word, reason: message.reason.clone() }
    }

    /// Where a message stands.
    pub(super) fn of_message(line: &Line) -> Self {
        let (tone, word) = match line.state {
            OutboxState::Waiting if line.attempts > 0 => (Tone::Attention, "Trying again"),
            OutboxState::Waiting => (Tone::Attention, "Waiting"),
            OutboxState::Held => (Tone::Attention, "Held"),
            OutboxState::Gathered => (Tone::Neutral, "For the digest"),
            OutboxState::Delivered => (Tone::Good, "Delivered"),
            OutboxState::Skipped => (Tone::Neutral, "Not sent"),
            OutboxState::Failed => (Tone::Bad, "Failed"),
            OutboxState::Cancelled => (Tone::Neutral, "Cancelled"),
        };
        Self { tone, word, reason: line.reason.clone() }
    }
}

impl Again {
    pub(super) fn of_hook(state: MessageState, message: String) -> Option<Self> {
        let may = matches!(state, MessageState::Failed | MessageState::Ignored);
        may.then_some(Self { action: "replay", label: "Read it again", message })
    }

    pub(super) fn of_message(line: &Line) -> Option<Self> {
        let message = line.id.to_string();
        line.can_be_sent_again().then_some(Self { action: "send", label: "Send again", message })
    }
}

impl TriedRow {
    /// An attempt, with its calls for who manages the link.
    pub(super) fn of(attempt: AttemptLine, with_calls: bool) -> Self {
        let (tone, outcome) = match attempt.outcome.as_deref() {
            None => (Tone::Attention, "under way".to_owned()),
            Some("delivered") => (Tone::Good, "delivered".to_owned()),
            Some(outcome) => (Tone::Bad, outcome.replace('_', " ")),
        };
        let took = attempt.took_ms.map(|ms| format!(" after {ms} ms")).unwrap_or_default();
        let sentence = attempt.sentence.map(|sentence| format!(": {sentence}")).unwrap_or_default();
        let calls = attempt.calls.into_iter().filter(|_| with_calls).map(|call| {
            let status = call.status.map(|status| status.to_string()).or(call.why).unwrap_or_default();
            format!("{} {} → {status} ({} ms) {}", call.method, call.place, call.ms, call.answer)
        });
        let end = format!("Attempt {}: {outcome}{took}{sentence}", attempt.number);
        Self { tone, at: Moment::at(attempt.started_at), end, calls: calls.collect() }
    }
}

/// An event's own page.
pub(super) fn trace_path(link: &Model, event: &str) -> String {
    format!("{}/activity/{event}", link_path(link))
}

/// What a hook came to, in a word or two.
fn came_to(did: Did) -> &'static str {
    match did {
        Did::Wrote => "Became an entry",
        Did::Changed => "Changed an entry",
        Did::TookBack => "Took an entry back",
        Did::Told => "Followed an item",
        Did::Knew => "Understood",
    }
}

/// What a hook led to, in a line.
pub(super) fn in_words(outcome: &Outcome) -> Option<String> {
    match &outcome.thing {
        Thing::Entry { text, .. } => Some(text::first_line(text, LONGEST)),
        Thing::Item { name, happened } => Some(format!("{name}: {happened}")),
        Thing::Gone => None,
    }
}

/// The page of an entry that a hook led to.
pub(super) fn entry_path(team: TeamId, outcome: &Outcome) -> Option<String> {
    match &outcome.thing {
        Thing::Entry { id, .. } => Some(format!("/teams/{team}/entries/{id}")),
        Thing::Item { .. } | Thing::Gone => None,
    }
}

/// What a message says, or is.
pub(super) fn what_of(line: &Line) -> String {
    match (line.kind, &line.text) {
        (OutboxKind::Entry, Some(body)) => text::first_line(body, LONGEST),
        (OutboxKind::Entry, None) => "An entry that is gone".to_owned(),
        (OutboxKind::Item, name) => {
            let name = name.as_deref().unwrap_or("An item that is gone");
            format!("{name}: {}", line.happened().unwrap_or_default())
        }
        (OutboxKind::Digest, _) => format!("Digest of {}", line.about.trim_start_matches("digest:")),
        (OutboxKind::Answer, _) => "Answer to whoever wrote".to_owned(),
    }
}

fn attempts_in_words(attempts: i32) -> String {
    match attempts {
        1 => "1 attempt".to_owned(),
        many => format!("{many} attempts"),
    }
}
