//! What a hook says, as far as it says it itself. Pure: no clock, no network.
//!
//! An event has numbers where people have names, and knows the ticket as it was; what is told has the whole of it, as it is.
//! So all that is wanted asks for a look-up, and what is not wanted does not.

use integration_contract::{HookCall, IntegrationLink, ItemState, Reading, Result};
use serde::{Deserialize, Serialize};

use crate::{
    body::{Body, Event, Told},
    events::Kind,
    link::Settings,
    ticket::state,
    wire::Ticket,
};

/// What [`crate::look_up`] is asked.
#[derive(Serialize, Deserialize)]
pub(crate) enum LookUp {
    /// One thing happened to a ticket.
    Happened { id: String, at: Option<i64>, by: Option<i64>, ticket: u64, what: What },
    /// A ticket was deleted: this is what is left of it.
    Deleted { id: String, at: Option<i64>, by: Option<i64>, ticket: Ticket },
    /// Something happened to a ticket, at that time.
    Updated { ticket: u64, at: Option<i64> },
}

/// What happened to a ticket.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum What {
    Opened,
    Retitled,
    Status(Move),
    Assigned,
    Tagged,
    /// With the comment's id, as below.
    Commented(u64),
    Redacted(u64),
    Hidden(u64),
}

/// How a status changed, as far as anybody outside cares.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Move {
    Solved,
    Reopened,
    Between,
}

impl Move {
    /// From solved to closed, which Zendesk does by itself after some days, nothing was solved.
    pub(crate) fn between(before: Option<&str>, after: &str) -> Self {
        match (before.map(state), state(after)) {
            (Some(ItemState::Closed), ItemState::Closed) => Self::Between,
            (_, ItemState::Closed) => Self::Solved,
            (Some(ItemState::Closed), _) => Self::Reopened,
            _ => Self::Between,
        }
    }
}

impl What {
    /// Whether the link brings anything of it; if not, why.
    pub(crate) fn is_wanted(&self, settings: &Settings) -> Result<(), String> {
        let kinds: &[Kind] = match self {
            Self::Status(Move::Solved) => &[Kind::Solved, Kind::Tickets],
            Self::Commented(_) | Self::Redacted(_) | Self::Hidden(_) => &[Kind::Comments],
            _ => &[Kind::Tickets],
        };
        wanted(settings, kinds)
    }
}

fn wanted(settings: &Settings, kinds: &[Kind]) -> Result<(), String> {
    match kinds.iter().find(|kind| settings.has(**kind)) {
        Some(_) => Ok(()),
        None => Err(format!("“{}” is switched off for this link.", kinds[0].label())),
    }
}

pub(crate) fn read(link: &IntegrationLink, call: &HookCall) -> Result<Reading> {
    let settings: Settings = link.settings.read()?;
    let event = match Body::read(call)? {
        Body::Event(event) => *event,
        Body::Update(update) => {
            return Ok(Reading::after_look_up(&LookUp::Updated { ticket: update.ticket, at: update.at() }));
        }
        Body::Other { event, .. } => return Ok(Reading::ignored(format!("“{event}” is nothing that a link brings."))),
    };
    if event.is_internal() {
        return Ok(internal());
    }
    Ok(of_event(&settings, event))
}

/// A ticket that nobody outside may read anything of, or a comment of one.
pub(crate) fn internal() -> Reading {
    Reading::ignored("Only agents may read that ticket, so nothing is told of it.")
}

pub(crate) fn note() -> Reading {
    Reading::ignored("Internal notes stay at Zendesk.")
}

fn of_event(settings: &Settings, event: Event) -> Reading {
    let Event { id, at, by, detail, told, .. } = event;
    let what = match told {
        Told::Note => return note(),
        Told::Deleted => {
            return match wanted(settings, &[Kind::Tickets]) {
                Ok(()) => Reading::after_look_up(&LookUp::Deleted { id, at, by, ticket: detail }),
                Err(reason) => Reading::ignored(reason),
            };
        }
        Told::Created => What::Opened,
        Told::Subject => What::Retitled,
        Told::Status { before } => What::Status(Move::between(before.as_deref(), &detail.status)),
        Told::Assigned => What::Assigned,
        Told::Tags => What::Tagged,
        Told::Comment(comment) => What::Commented(comment),
        Told::Redacted(comment) => What::Redacted(comment),
        Told::Hidden(comment) => What::Hidden(comment),
    };
    match what.is_wanted(settings) {
        Ok(()) => Reading::after_look_up(&LookUp::Happened { id, at, by, ticket: detail.id, what }),
        Err(reason) => Reading::ignored(reason),
    }
}
