//! For customers: what they wrote, and something new. Internal notes are not there.

use askama::Template;
use axum::response::Response;

use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::change::{Change, NewComment};
use super::super::world::stamp;
use super::super::world::ticket::Ticket;
use super::super::world::words::Status;
use super::agent::{Said, colour, said};
use super::{Page, Visit, see, show};

struct Row {
    id: u64,
    subject: String,
    status: &'static str,
    colour: &'static str,
    updated: String,
}

#[derive(Template)]
#[template(path = "sandbox/requests.html")]
struct ListPage {
    page: Page,
    here: String,
    account: String,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "sandbox/request.html")]
struct RequestPage {
    page: Page,
    here: String,
    id: u64,
    subject: String,
    status: &'static str,
    colour: &'static str,
    closed: bool,
    said: Vec<Said>,
}

/// A customer does not see that somebody waits for somebody else.
fn shown(status: Status) -> Status {
    if status == Status::Hold { Status::Open } else { status }
}

pub(super) fn list(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let actor = visit.person(world, |_| true)?;
    let account = visit.account(world)?;
    let own = account.live_tickets().filter(|ticket| ticket.fields.requester == actor.user);
    let rows = own.map(|ticket| Row {
        id: ticket.id,
        subject: ticket.fields.subject.clone(),
        status: shown(ticket.fields.status).title(),
        colour: colour(shown(ticket.fields.status)),
        updated: stamp(ticket.updated),
    });
    Ok(show(&ListPage {
        page: Page::new(world, &visit.visitor, &format!("Your requests to {}", account.name)),
        here: format!("{}/hc/requests", account.at),
        account: account.name.clone(),
        rows: rows.collect(),
    }))
}

pub(super) fn create(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let actor = visit.person(world, |_| true)?;
    let comment = NewComment { body: visit.text("body"), ..NewComment::default() };
    let change = Change { subject: visit.text("subject"), comment: Some(comment), ..Change::default() };
    let id = world.account_mut(visit.param("subdomain"))?.create_ticket(actor, change)?;
    Ok(see(world, &format!("/{}/hc/requests/{id}", visit.param("subdomain"))))
}

fn own<'w>(world: &'w World, visit: &Visit) -> Result<&'w Ticket, Refusal> {
    let actor = visit.person(world, |_| true)?;
    let ticket = visit.account(world)?.ticket(visit.number("ticket")?)?;
    if ticket.fields.requester == actor.user { Ok(ticket) } else { Err(Refusal::not_found()) }
}

pub(super) fn request(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let (account, ticket) = (visit.account(world)?, own(world, visit)?);
    let status = shown(ticket.fields.status);
    Ok(show(&RequestPage {
        page: Page::new(world, &visit.visitor, &format!("#{} {}", ticket.id, ticket.fields.subject)),
        here: format!("{}/hc/requests/{}", account.at, ticket.id),
        id: ticket.id,
        subject: ticket.fields.subject.clone(),
        status: status.title(),
        colour: colour(status),
        closed: status == Status::Closed,
        said: ticket.comments.iter().filter(|it| it.public).map(|comment| said(account, comment)).collect(),
    }))
}

pub(super) fn answer(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let actor = visit.person(world, |_| true)?;
    let id = own(world, visit)?.id;
    let comment = visit.text("body").map(|body| NewComment { body: Some(body), ..NewComment::default() });
    let status = visit.fields.get("solved").map(|_| Status::Solved);
    let change = Change { comment, status, ..Change::default() };
    world.account_mut(visit.param("subdomain"))?.update_ticket(actor, id, change)?;
    Ok(see(world, &format!("/{}/hc/requests/{id}#reply", visit.param("subdomain"))))
}
