//! What a link sends to its partner, as its page lists it: `templates/links/sent.html`.

use crate::{
    core::{
        Core,
        outbox::{self, AttemptLine, CallNote, Line},
    },
    db::{
        OutboxMessageId,
        entity::{
            integration_link::Model,
            outbox_message::{OutboxKind, OutboxState},
        },
    },
    web::{
        self,
        page::{Moment, Tone},
    },
};

/// How many the page shows at once.
const SHOWN: usize = 20;

/// One page of them, the newest first.
pub(super) struct Sent {
    pub(super) rows: Vec<SentRow>,
    /// Where the page before this one is.
    pub(super) older: Option<String>,
}

/// One of them.
pub(super) struct SentRow {
    pub(super) id: OutboxMessageId,
    pub(super) at: Moment,
    pub(super) what: String,
    pub(super) tone: Tone,
    pub(super) state: &'static str,
    /// Why it stands so, and what the partner's integration noted.
    pub(super) because: Vec<String>,
    /// What was tried, where that is not simply once.
    pub(super) tried: Vec<Tried>,
    pub(super) again: bool,
}

/// One attempt.
pub(super) struct Tried {
    pub(super) at: Moment,
    pub(super) sentence: String,
    pub(super) calls: Vec<String>,
}

impl Sent {
    /// What this link sent, from after `before`.
    pub(super) async fn by(core: &Core, link: &Model, before: Option<OutboxMessageId>) -> web::Result<Self> {
        let lines = outbox::list(core, link.organization_id, link.id, before, SHOWN as u64).await?;
        let older = lines
            .last()
            .filter(|_| lines.len() == SHOWN)
            .map(|last| format!("/integrations/{}/link/{}?sent_before={}#sent", link.partner, link.id, last.id));
        Ok(Self { rows: lines.into_iter().map(SentRow::of).collect(), older })
    }
}

impl SentRow {
    fn of(line: Line) -> Self {
        let (tone, state, stands) = match line.state {
            OutboxState::Waiting => (Tone::Neutral, "On its way", None),
            OutboxState::Held => (Tone::Attention, "Held", Some("It goes out as soon as the link works again.")),
            OutboxState::Gathered => (Tone::Neutral, "Gathered", Some("It waits for the hour of the digest.")),
            OutboxState::Delivered => (Tone::Good, "Sent", None),
            OutboxState::Skipped => (Tone::Neutral, "Not sent", None),
            OutboxState::Failed => (Tone::Bad, "Failed", None),
            OutboxState::Cancelled => (Tone::Neutral, "Cancelled", None),
        };
        let smooth = line.attempts <= 1 && line.state == OutboxState::Delivered;
        let because = line.reason.clone().or(stands.map(str::to_owned)).into_iter().chain(line.note.clone()).collect();
        Self {
            id: line.id,
            at: Moment::at(line.created_at),
            what: what(&line),
            tone,
            state,
            because,
            again: line.can_be_sent_again(),
            tried: if smooth { Vec::new() } else { line.tried.iter().map(Tried::of).collect() },
        }
    }
}

fn what(line: &Line) -> String {
    match line.kind {
        OutboxKind::Entry => line.text.clone().unwrap_or_else(|| "An entry".to_owned()),
        OutboxKind::Digest => {
            format!("The digest of {}", line.about.strip_prefix("digest:").unwrap_or("a day"))
        }
        OutboxKind::Answer => "An answer to somebody who wrote from there".to_owned(),
    }
}

impl Tried {
    fn of(line: &AttemptLine) -> Self {
        let sentence = match (line.outcome.as_deref(), &line.sentence) {
            (_, Some(sentence)) => sentence.clone(),
            (Some("delivered"), None) => "Sent.".to_owned(),
            (Some(outcome), None) => outcome.to_owned(),
            (None, None) => "Under way, or its end was not seen.".to_owned(),
        };
        Self { at: Moment::at(line.started_at), sentence, calls: line.calls.iter().map(call).collect() }
    }
}

fn call(note: &CallNote) -> String {
    let came = match (note.status, &note.why) {
        (Some(status), _) => status.to_string(),
        (None, Some(why)) => why.clone(),
        (None, None) => "no answer".to_owned(),
    };
    format!("{} {}: {came}, {} ms", note.method, note.place, note.ms)
}
