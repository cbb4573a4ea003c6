//! Requests: tickets as the customer who wrote them sees them. Internal notes are not there.
//! <https://developer.zendesk.com/api-reference/ticketing/tickets/ticket-requests/>

use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::account::Account;
use super::super::world::change::{Change, NewComment};
use super::super::world::stamp;
use super::super::world::ticket::Ticket;
use super::super::world::words::Status;
use super::call::{Answer, Call};
use super::{paging, reading};

fn request(ticket: &Ticket, at: &str) -> Value {
    let fields = &ticket.fields;
    // A customer does not see that somebody waits for somebody else.
    let status = if fields.status == Status::Hold { Status::Open } else { fields.status };
    json!({
        "id": ticket.id,
        "url": format!("{at}/api/v2/requests/{}.json", ticket.id),
        "subject": fields.subject,
        "description": ticket.description(),
        "status": status.word(),
        "priority": fields.priority.map(|it| it.word()),
        "type": fields.kind.map(|it| it.word()),
        "requester_id": fields.requester,
        "assignee_id": fields.assignee,
        "organization_id": fields.organization,
        "via": {"channel": ticket.channel.word()},
        "is_public": ticket.public,
        "can_be_solved_by_me": fields.assignee.is_some() && fields.status < Status::Solved,
        "created_at": stamp(ticket.created),
        "updated_at": stamp(ticket.updated),
    })
}

/// A customer speaks for themselves.
fn said(sent: &Value) -> Result<NewComment, Refusal> {
    Ok(NewComment { author: None, public: None, ..reading::comment(sent)? })
}

/// One's own.
fn find<'a>(account: &'a Account, call: &Call) -> Result<&'a Ticket, Refusal> {
    let user = call.caller()?.user;
    let ticket = account.ticket(call.id(0)?)?;
    if ticket.fields.requester == user { Ok(ticket) } else { Err(Refusal::not_found()) }
}

pub(super) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let user = call.caller()?.user;
    let own = account.live_tickets().filter(|ticket| ticket.fields.requester == user);
    let all = own.map(|ticket| request(ticket, &call.base)).collect();
    Answer::ok(paging::page(call, "requests", all)?)
}

pub(super) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    Answer::ok(json!({"request": request(find(account, call)?, &call.base)}))
}

pub(super) fn create(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let sent = call.object("request")?;
    let comment = said(&sent["comment"])?;
    let change = Change { subject: reading::text(sent, "subject"), comment: Some(comment), ..Change::default() };
    let id = account.create_ticket(call.actor()?, change)?;
    Answer::created(json!({"request": request(account.ticket(id)?, &call.base)}))
}

/// A comment, or "that is solved".
pub(super) fn update(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let id = find(account, call)?.id;
    let sent = call.object("request")?;
    let comment = sent.get("comment").map(said).transpose()?;
    let status = (sent["solved"] == json!(true)).then_some(Status::Solved);
    account.update_ticket(call.actor()?, id, Change { comment, status, ..Change::default() })?;
    Answer::ok(json!({"request": request(account.ticket(id)?, &call.base)}))
}

pub(super) fn comments(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let ticket = find(account, call)?;
    let public = ticket.comments.iter().filter(|comment| comment.public);
    let all = public.map(|comment| shapes::ticket::comment(account, comment, &call.base)).collect();
    Answer::ok(paging::page(call, "comments", all)?)
}
