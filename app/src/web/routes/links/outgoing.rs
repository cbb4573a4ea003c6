//! What a link has told its partner, as its page lists it: `templates/links/outgoing.html`.

use integration_contract::{Capability, text};

use crate::{
    core::{
        Core,
        outbox::{self, AttemptLine, Line},
        partners::Partner,
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

/// How many messages the page shows at once.
const SHOWN: u64 = 25;

/// How much of an entry's text stands in a line.
const LONGEST: usize = 120;

/// The messages of a page.
#[derive(Default)]
pub struct Outgoing {
    /// The newest first.
    pub rows: Vec<OutgoingRow>,
    /// Where the older ones are.
    pub older: Option<String>,
    /// Whether the link's partner can be told anything.
    pub shown: bool,
}

/// One message.
pub struct OutgoingRow {
    /// Its id.
    pub id: OutboxMessageId,
    /// When it was written.
    pub at: Moment,
    /// What it says, or is.
    pub what: String,
    /// The entry's page.
    pub href: Option<String>,
    /// How the state looks.
    pub tone: Tone,
    /// The state in a word.
    pub state: &'static str,
    /// Why.
    pub reason: Option<String>,
    /// What the partner's integration has to say.
    pub note: Option<String>,
    /// How often it was sent.
    pub attempts: i32,
    /// What was tried.
    pub tried: Vec<TriedRow>,
    /// Whether it can be sent again.
    pub replayable: bool,
}

/// One attempt.
pub struct TriedRow {
    /// When.
    pub at: Moment,
    /// How it ended, in a line.
    pub end: String,
    /// Its HTTP calls, a line each.
    pub calls: Vec<String>,
}

impl Outgoing {
    /// What the link told, from `before` on.
    pub async fn of(
        core: &Core,
        partner: &Partner,
        link: &Model,
        before: Option<OutboxMessageId>,
    ) -> web::Result<Self> {
        let lines = outbox::list(core, link.organization_id, link.id, before, SHOWN).await?;
        let older = lines.last().filter(|_| lines.len() as u64 == SHOWN);
        let older = older
            .map(|last| format!("/integrations/{}/link/{}?told_before={}#outgoing", link.partner, link.id, last.id));
        let delivers = partner.integration.card().capabilities.contains(&Capability::Deliver);
        let shown = delivers || !lines.is_empty();
        let rows = lines.into_iter().map(|line| OutgoingRow::of(link, line)).collect();
        Ok(Self { rows, older, shown })
    }
}

impl OutgoingRow {
    fn of(link: &Model, line: Line) -> Self {
        let (tone, state) = match line.state {
            OutboxState::Waiting if line.attempts > 0 => (Tone::Attention, "Trying again"),
            OutboxState::Waiting => (Tone::Neutral, "Waiting"),
            OutboxState::Held => (Tone::Attention, "Held"),
            OutboxState::Gathered => (Tone::Neutral, "For the digest"),
            OutboxState::Delivered => (Tone::Good, "Delivered"),
            OutboxState::Skipped => (Tone::Neutral, "Not sent"),
            OutboxState::Failed => (Tone::Bad, "Failed"),
            OutboxState::Cancelled => (Tone::Neutral, "Cancelled"),
        };
        let what = match (line.kind, &line.text) {
            (OutboxKind::Entry, Some(body)) => text::first_line(body, LONGEST),
            (OutboxKind::Entry, None) => "An entry that is gone".to_owned(),
            (OutboxKind::Item, name) => {
                let name = name.as_deref().unwrap_or("An item that is gone");
                format!("{name}: {}", line.happened().unwrap_or_default())
            }
            (OutboxKind::Digest, _) => format!("Digest of {}", line.about.trim_start_matches("digest:")),
            (OutboxKind::Answer, _) => "Answer to whoever wrote".to_owned(),
        };
        Self {
            id: line.id,
            at: Moment::at(line.created_at),
            what,
            href: line.entry_id.map(|entry| format!("/teams/{}/entries/{entry}", link.team_id)),
            tone,
            state,
            replayable: line.can_be_sent_again(),
            reason: line.reason,
            note: line.note,
            attempts: line.attempts,
            tried: line.tried.into_iter().map(TriedRow::of).collect(),
        }
    }

    /// What the attempts are folded under.
    pub fn attempts_in_words(&self) -> String {
        match self.attempts {
            1 => "1 attempt".to_owned(),
            many => format!("{many} attempts"),
        }
    }
}

impl TriedRow {
    fn of(attempt: AttemptLine) -> Self {
        let outcome = match attempt.outcome.as_deref() {
            None => "under way".to_owned(),
            Some(outcome) => outcome.replace('_', " "),
        };
        let took = attempt.took_ms.map(|ms| format!(" after {ms} ms")).unwrap_or_default();
        let sentence = attempt.sentence.map(|sentence| format!(": {sentence}")).unwrap_or_default();
        let calls = attempt.calls.into_iter().map(|call| {
            let status = call.status.map(|status| status.to_string()).or(call.why).unwrap_or_default();
            format!("{} {} → {status} ({} ms) {}", call.method, call.place, call.ms, call.answer)
        });
        Self { at: Moment::at(attempt.started_at), end: format!("{outcome}{took}{sentence}"), calls: calls.collect() }
    }
}
