//! Is each example on the card what a recorded call really says? Examples that lie are worse than none.

use integration_contract::{Capability, Change, Example, Happening, Reading, Verified};

use super::{Findings, KEY, Subject};
use crate::{ScriptedHttp, fixtures};

pub(super) async fn check(subject: &Subject, found: &mut Findings) {
    let card = subject.partner.card();
    let said = if card.hooks.is_some() { said(subject).await } else { Vec::new() };
    for event in card.events {
        let true_of = |happening: &Happening| shows(&event.example, happening);
        let honest = match event.example {
            Example::Told => card.capabilities.contains(&Capability::Deliver),
            Example::Entry { .. } | Example::Item { .. } => said.iter().any(true_of),
        };
        found.unless(honest, format!("no recorded call says what the example of {:?} says", event.id));
    }
}

/// All that the recorded calls say, with what is looked up.
async fn said(subject: &Subject) -> Vec<Happening> {
    let link = subject.link(subject.link.clone());
    let mut all = Vec::new();
    for fixture in fixtures(&subject.fixtures) {
        let mut call = fixture.call;
        call.key = Some(KEY.to_owned());
        // What can't be read is found by the check of hooks.
        let Ok(mut reading) = subject.partner.hook(&link, &Verified::from_inbox(call)) else { continue };
        if let Some(what) = &reading.look_up {
            let world = ScriptedHttp::answering((subject.outside)());
            let account = subject.account(world.http());
            reading = subject.partner.look_up(&account, &link, what).await.unwrap_or_else(|_| Reading::default());
        }
        all.append(&mut reading.happenings);
    }
    all
}

fn shows(example: &Example, happening: &Happening) -> bool {
    match (*example, happening) {
        (Example::Entry { text, status, author, source }, Happening::Entry(entry)) => {
            (text, status, author, source)
                == (entry.text.as_str(), entry.status, entry.author.name.as_str(), entry.source.as_str())
        }
        (Example::Entry { text, author, source, .. }, Happening::Lines(lines)) => {
            lines.text.lines().any(|line| line == text) && (author, source) == (&lines.author.name, &lines.source)
        }
        (Example::Item { name, title, did, author }, Happening::Item(change)) => {
            (name, title, author) == (&change.item.name, &change.item.title, &change.by.name)
                && word(&change.what) == Some(did)
        }
        _ => false,
    }
}

/// What somebody did, as examples say it.
fn word(change: &Change) -> Option<&'static str> {
    Some(match change {
        Change::Opened => "opened",
        Change::Closed => "closed",
        Change::Reopened => "reopened",
        Change::Commented(_) => "commented on",
        _ => return None,
    })
}
