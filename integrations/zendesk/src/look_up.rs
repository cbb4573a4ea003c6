//! What hooks leave out: the ticket as it stands, what people are called, a comment's text and whether it is public; and
//! where a trigger calls us, what happened at all.

use integration_contract::{
    Account, Author, Change, Error, ErrorKind, Happening, IntegrationLink, Item, ItemChange, NewEntry, Reading, Result,
    Status,
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    api::Verdict,
    body,
    config::Config,
    events::Kind,
    reading::{LookUp, Move, What, internal, note},
    ticket::{Desk, Seen},
    wire::{self, Audit, People, Ticket},
};

pub(crate) async fn look_up(config: &Config, cx: &Account, link: &IntegrationLink, what: &Value) -> Result<Reading> {
    let asked = LookUp::deserialize(what)
        .map_err(|error| Error::new(ErrorKind::Malformed, "What is to be looked up can't be read.").caused_by(error))?;
    let desk = Desk::open(config, cx, link)?;
    match asked {
        LookUp::Happened { id, at, by, ticket, what } => happened(&desk, ticket, what, Telling { id, at, by }).await,
        LookUp::Deleted { id, at, by, ticket } => deleted(&desk, &ticket, Telling { id, at, by }).await,
        LookUp::Updated { ticket, at } => updated(&desk, ticket, at).await,
    }
}

/// One telling of something.
struct Telling {
    /// Of the event or the update.
    id: String,
    at: Option<i64>,
    by: Option<i64>,
}

fn gone() -> Reading {
    Reading::ignored("The ticket is not there any more.")
}

async fn happened(desk: &Desk<'_>, ticket: u64, what: What, telling: Telling) -> Result<Reading> {
    let Some(mut seen) = desk.see(ticket).await? else { return Ok(gone()) };
    // A comment that is hidden may be the last one that anybody outside could read.
    if seen.internal && !matches!(what, What::Hidden(_)) {
        return Ok(internal());
    }
    let (change, by) = match what {
        What::Commented(comment) if Some(comment) == seen.first_comment => {
            return Ok(Reading::ignored("It is what the ticket began with, and is told as such."));
        }
        What::Redacted(comment) | What::Hidden(comment) if Some(comment) == seen.first_comment => {
            (Change::Edited, telling.by)
        }
        What::Commented(comment) => match public_comment(desk, &mut seen, ticket, comment).await? {
            Ok(comment) => (Change::Commented(desk.comment(ticket, &comment, &seen.people)), comment.author_id),
            Err(reading) => return Ok(reading),
        },
        What::Redacted(comment) => match public_comment(desk, &mut seen, ticket, comment).await? {
            Ok(comment) => (Change::CommentEdited(desk.comment(ticket, &comment, &seen.people)), telling.by),
            Err(reading) => return Ok(reading),
        },
        What::Hidden(comment) => (Change::CommentDeleted(comment.to_string()), telling.by),
        What::Opened => (Change::Opened, telling.by),
        What::Retitled => (Change::Edited, telling.by),
        What::Status(how) => (status_change(how), telling.by),
        What::Assigned => (Change::Assigned, telling.by),
        What::Tagged => (Change::Labelled, telling.by),
    };
    desk.meet(&mut seen.people, [by]).await?;
    Ok(said(desk, &seen, vec![(change, Telling { by, ..telling })]))
}

/// As it stands now, with its author's name; or what it comes to when it is none that may be told.
async fn public_comment(
    desk: &Desk<'_>,
    seen: &mut Seen,
    ticket: u64,
    id: u64,
) -> Result<std::result::Result<wire::Comment, Reading>> {
    let is_it = |one: &wire::Comment| if one.id == id { Verdict::This } else { Verdict::Another };
    let Some((comment, people)) = desk.api.newest_comment(ticket, is_it).await? else {
        return Ok(Err(Reading::ignored("The comment is not there any more.")));
    };
    if !comment.public {
        return Ok(Err(note()));
    }
    seen.people.extend(people);
    desk.meet(&mut seen.people, [comment.author_id]).await?;
    Ok(Ok(comment))
}

/// The ticket can't be asked for any more; the event has the rest of it.
async fn deleted(desk: &Desk<'_>, ticket: &Ticket, telling: Telling) -> Result<Reading> {
    let mut people = People::new();
    desk.meet(&mut people, [ticket.requester_id, ticket.assignee_id, telling.by]).await?;
    let ticket = Ticket { status: "deleted".to_owned(), ..ticket.clone() };
    let item = desk.item(&ticket, String::new(), &people);
    let seen = Seen { item, internal: false, first_comment: None, people };
    Ok(said(desk, &seen, vec![(Change::Deleted, telling)]))
}

/// A trigger says when something happened, and the ticket's updates what. Told twice, they are the same ones.
async fn updated(desk: &Desk<'_>, ticket: u64, at: Option<i64>) -> Result<Reading> {
    let Some(mut seen) = desk.see(ticket).await? else { return Ok(gone()) };
    if seen.internal {
        return Ok(internal());
    }
    let mut audits = desk.api.audits(ticket).await?;
    let is_recent = |audit: &Audit| {
        let when = audit.created_at.as_deref().and_then(body::seconds);
        at.is_none_or(|at| when.is_some_and(|when| when >= at))
    };
    match at {
        Some(_) => audits.retain(is_recent),
        // Without a time it is the newest alone.
        None => audits.drain(..audits.len().saturating_sub(1)).for_each(drop),
    }
    if audits.is_empty() {
        return Err(Error::new(ErrorKind::Unavailable, "Zendesk does not show yet what happened to the ticket."));
    }
    let authors = audits.iter().flat_map(|audit| {
        [audit.author_id, audit.comment().filter(|comment| comment.public).and_then(|comment| comment.author_id)]
    });
    let authors: Vec<_> = authors.collect();
    desk.meet(&mut seen.people, authors).await?;
    let changes = audits.iter().flat_map(|audit| changes_of(desk, &seen, audit)).collect();
    Ok(said(desk, &seen, changes))
}

/// What one update says, as far as the link brings it.
fn changes_of(desk: &Desk<'_>, seen: &Seen, audit: &Audit) -> Vec<(Change, Telling)> {
    let telling = |by| Telling {
        id: format!("update-{}", audit.id),
        at: audit.created_at.as_deref().and_then(body::seconds),
        by,
    };
    let mut changes: Vec<(What, Change)> = Vec::new();
    if audit.creates() {
        changes.push((What::Opened, Change::Opened));
    }
    for (field, before, after) in audit.changes() {
        changes.extend(match field {
            "status" => {
                let how = Move::between(before, after);
                Some((What::Status(how), status_change(how)))
            }
            "subject" => Some((What::Retitled, Change::Edited)),
            "assignee_id" => Some((What::Assigned, Change::Assigned)),
            "tags" => Some((What::Tagged, Change::Labelled)),
            _ => None,
        });
    }
    let wanted = |what: &What| what.is_wanted(&desk.settings).is_ok();
    let mut told: Vec<_> = changes
        .into_iter()
        .filter(|(what, _)| wanted(what))
        .map(|(_, change)| (change, telling(audit.author_id)))
        .collect();
    if let Some(comment) = audit.comment().filter(|comment| comment.public && Some(comment.id) != seen.first_comment)
        && wanted(&What::Commented(comment.id))
    {
        let ticket = seen.item.id.parse().unwrap_or_default();
        told.push((Change::Commented(desk.comment(ticket, &comment, &seen.people)), telling(comment.author_id)));
    }
    told
}

fn status_change(how: Move) -> Change {
    match how {
        Move::Solved => Change::Closed,
        Move::Reopened => Change::Reopened,
        Move::Between => Change::StateChanged,
    }
}

/// The changes, and an entry for what was solved.
fn said(desk: &Desk<'_>, seen: &Seen, changes: Vec<(Change, Telling)>) -> Reading {
    let mut happenings = Vec::new();
    for (what, telling) in changes {
        let by = desk.author(telling.by, &seen.people);
        // Whatever else is here was wanted as a change; what was solved may be wanted as an entry alone.
        let as_item = what != Change::Closed || desk.settings.has(Kind::Tickets);
        if what == Change::Closed && desk.settings.has(Kind::Solved) {
            happenings.push(Happening::Entry(solved(&seen.item, &telling, by.clone(), as_item)));
        }
        if as_item {
            let id = name_of(&what, &seen.item, &telling);
            let change = ItemChange { id, what, by, at: telling.at, item: seen.item.clone() };
            happenings.push(Happening::Item(Box::new(change)));
        }
    }
    if happenings.is_empty() {
        return Reading::ignored("Nothing in that update is brought by this link.");
    }
    Reading { happenings, ..Reading::default() }
}

fn solved(item: &Item, telling: &Telling, author: Author, as_item: bool) -> NewEntry {
    let title = if item.title.is_empty() { String::new() } else { format!(": {}", item.title) };
    NewEntry {
        external_id: format!("ticket:{}:solved:{}", item.id, telling.id),
        text: format!("Solved ticket #{}{title}", item.id),
        status: Status::Done,
        url: item.url.clone(),
        source: item.name.clone(),
        author,
        item: as_item.then(|| item.id.clone()),
        happened_at: telling.at,
    }
}

/// What happens once is named after what it happened to, so that it is the same however it is told.
fn name_of(what: &Change, item: &Item, telling: &Telling) -> String {
    let (word, of) = match what {
        Change::Opened => ("opened", String::new()),
        Change::Commented(comment) => ("commented", comment.id.clone()),
        Change::CommentDeleted(comment) => ("hidden", comment.clone()),
        Change::Deleted => ("deleted", telling.id.clone()),
        Change::CommentEdited(_) => ("redacted", telling.id.clone()),
        Change::Edited => ("edited", telling.id.clone()),
        Change::Closed => ("closed", telling.id.clone()),
        Change::Reopened => ("reopened", telling.id.clone()),
        Change::StateChanged => ("state", telling.id.clone()),
        Change::Assigned => ("assigned", telling.id.clone()),
        Change::Labelled => ("labelled", telling.id.clone()),
        Change::Moved { .. } => ("moved", telling.id.clone()),
    };
    format!("ticket:{}:{word}:{of}", item.id).trim_end_matches(':').to_owned()
}
