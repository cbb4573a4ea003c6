//! Comments and audits of tickets. A comment is made by updating its ticket; there is no other way.
//! <https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/>

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::account::Account;
use super::super::world::stamp;
use super::call::{Answer, Call};
use super::paging;

pub(super) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let ticket = account.ticket(call.id(0)?)?;
    let shown = ticket.comments.iter().map(|comment| shapes::ticket::comment(account, comment, &call.base));
    let mut all: Vec<Value> = shown.collect();
    if call.query.get("sort_order") == Some("desc") || call.query.get("sort") == Some("-created_at") {
        all.reverse();
    }
    let mut body = paging::page(call, "comments", all)?;
    if call.wants("users") {
        let authors: BTreeSet<u64> = ticket.comments.iter().map(|comment| comment.author).collect();
        let users = authors.iter().filter_map(|id| account.users.get(id));
        body["users"] = users.map(|user| shapes::people::user(user, &call.base)).collect();
    }
    Answer::ok(body)
}

pub(super) fn count(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let count = account.ticket(call.id(0)?)?.comments.len();
    Answer::ok(json!({"count": {"value": count, "refreshed_at": stamp(Timestamp::now())}}))
}

pub(super) fn make_private(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (ticket, comment) = (call.id(0)?, call.id(1)?);
    account.make_private(call.actor()?, ticket, comment)?;
    Answer::ok(json!({}))
}

pub(super) fn redact(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (ticket, comment) = (call.id(0)?, call.id(1)?);
    let text = call.body["text"].as_str().unwrap_or_default();
    account.redact(call.actor()?, ticket, comment, text)?;
    let comment = account.ticket(ticket)?.comment(comment)?;
    Answer::ok(json!({"comment": shapes::ticket::comment(account, comment, &call.base)}))
}

pub(super) fn audits(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let ticket = account.ticket(call.id(0)?)?;
    let all = ticket.audits.iter().map(|audit| shapes::ticket::audit(account, ticket, audit, &call.base)).collect();
    Answer::ok(paging::page(call, "audits", all)?)
}
