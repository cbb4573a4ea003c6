//! What a hook says, in a line that a person reads.

use integration_contract::{Error, Happening, Reading, Status};

use crate::core::{items, outbox};

/// One thing a hook says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Whether something would come of it.
    pub comes: bool,
    /// What it is, in a word or two: "Entry", "Nothing".
    pub what: &'static str,
    /// Its text, or the reason why nothing would come of it.
    pub text: String,
    /// Who did it, as the partner calls them.
    pub by: Option<String>,
}

impl Said {
    pub(super) fn nothing(reason: impl Into<String>) -> Self {
        Self { comes: false, what: "Nothing", text: reason.into(), by: None }
    }

    fn of(what: &'static str, text: impl Into<String>) -> Self {
        Self { comes: true, what, text: text.into(), by: None }
    }

    fn by(self, name: &str) -> Self {
        Self { by: Some(name.to_owned()).filter(|name| !name.trim().is_empty()), ..self }
    }
}

/// What a partner's reading of a hook says. Something is always said.
pub fn said(reading: &Result<Reading, Error>) -> Vec<Said> {
    let reading = match reading {
        Ok(reading) => reading,
        Err(error) => return vec![Said { what: "Failed", ..Said::nothing(error.sentence()) }],
    };
    if reading.look_up.is_some() {
        return vec![Said::of(
            "A question",
            "The partner is asked first what it is about: the hook does not say it all.",
        )];
    }
    if reading.happenings.is_empty() {
        let reason = reading.ignored.as_deref().unwrap_or("Nothing happened that this link tells of.");
        return vec![Said::nothing(reason)];
    }
    reading.happenings.iter().map(one).collect()
}

pub(super) fn one(happening: &Happening) -> Said {
    match happening {
        Happening::Entry(entry) => {
            let what = match entry.status {
                Status::Done => "Entry",
                Status::Goal => "Goal",
                Status::Blocked => "Blocker",
            };
            Said::of(what, &entry.text).by(&entry.author.name)
        }
        Happening::Lines(lines) => Said::of("Lines for the log", &lines.text).by(&lines.author.name),
        Happening::EntryEdited { text, .. } => Said::of("An entry follows", text),
        Happening::EntryRetracted { .. } => {
            Said::of("An entry is taken back", "What it spoke of was deleted at the partner.")
        }
        Happening::Item(change) => {
            let text = outbox::item_in_words(&change.item.name, &change.item.title, items::word(&change.what));
            Said::of("Item", text).by(&change.by.name)
        }
        Happening::HookWorks => Said::of("A sign of life", "The partner shows that hooks arrive."),
        Happening::TargetChanged(_) => {
            Said::of("The link follows", "What the link is about has changed at the partner.")
        }
        Happening::TargetGone { reason } | Happening::AccountGone { reason, .. } => Said::of("The link stops", reason),
        Happening::TargetBack => Said::of("The link goes on", "What was in its way is gone."),
    }
}
