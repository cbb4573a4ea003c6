//! Tickets. <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/>

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::account::Account;
use super::super::world::change::Change;
use super::super::world::ticket::Ticket;
use super::super::world::{ms_ago, new_ulid, stamp};
use super::call::{Answer, Call, Content};
use super::{paging, reading};

/// At once.
const MANY: usize = 100;
const KEY_MAX: usize = 255;

pub(super) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let external = call.query.get("external_id");
    let answer = answer_with(account, call, |ticket| {
        external.is_none_or(|external| ticket.fields.external_id.as_deref() == Some(external))
    })?;
    Ok(match account.usage.list_header() {
        Some(limit) => answer.with("zendesk-ratelimit-tickets-index", limit),
        None => answer,
    })
}

pub(super) fn requested_by(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let user = account.user(call.id(0)?)?.id;
    answer_with(account, call, |ticket| ticket.fields.requester == user)
}

pub(super) fn assigned_to(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let user = account.user(call.id(0)?)?.id;
    answer_with(account, call, |ticket| ticket.fields.assignee == Some(user))
}

pub(super) fn of_organization(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let id = account.organization(call.id(0)?)?.id;
    answer_with(account, call, |ticket| ticket.fields.organization == Some(id))
}

/// Those that fit, in the order that is asked for: by `sort` with a cursor, by `sort_by` and `sort_order` without one. The
/// other two are passed over, and so is what one can't sort by.
fn answer_with(account: &Account, call: &Call, fits: impl Fn(&Ticket) -> bool) -> Result<Answer, Refusal> {
    let mut tickets: Vec<&Ticket> = account.live_tickets().filter(|ticket| fits(ticket)).collect();
    let by_cursor = paging::has_cursor(call);
    let (sort, mut descending) = if by_cursor {
        let sort = call.query.get("sort").unwrap_or("id");
        (sort.trim_start_matches('-'), sort.starts_with('-'))
    } else {
        (call.query.get("sort_by").unwrap_or("id"), call.query.get("sort_order") == Some("desc"))
    };
    match sort {
        "id" => {}
        "updated_at" => tickets.sort_by_key(|ticket| (ticket.updated, ticket.id)),
        "status" => tickets.sort_by_key(|ticket| (ticket.fields.status, ticket.id)),
        "created_at" if !by_cursor => tickets.sort_by_key(|ticket| (ticket.created, ticket.id)),
        "priority" if !by_cursor => tickets.sort_by_key(|ticket| (ticket.fields.priority, ticket.id)),
        _ => descending = false,
    }
    if descending {
        tickets.reverse();
    }
    let all = tickets.iter().map(|ticket| shapes::ticket::ticket(account, ticket, &call.base)).collect();
    let mut body = paging::page(call, "tickets", all)?;
    let shown = body["tickets"].as_array().cloned().unwrap_or_default();
    side_load(account, call, &shown, &mut body);
    Answer::ok(body)
}

/// Related records, each once.
pub(super) fn side_load(account: &Account, call: &Call, tickets: &[Value], body: &mut Value) {
    let ids = |fields: &[&str]| -> BTreeSet<u64> {
        tickets.iter().flat_map(|ticket| fields.iter().filter_map(|field| ticket[*field].as_u64())).collect()
    };
    if call.wants("users") {
        let ids = ids(&["requester_id", "submitter_id", "assignee_id"]);
        let users = ids.iter().filter_map(|id| account.users.get(id));
        body["users"] = users.map(|user| shapes::people::user(user, &call.base)).collect();
    }
    if call.wants("groups") {
        let groups = ids(&["group_id"]).into_iter().filter_map(|id| account.group(id).ok());
        body["groups"] = groups.map(|group| shapes::people::group(group, &call.base)).collect();
    }
    if call.wants("organizations") {
        let found = ids(&["organization_id"]).into_iter().filter_map(|id| account.organization(id).ok());
        body["organizations"] = found.map(|it| shapes::people::organization(it, &call.base)).collect();
    }
    if call.wants("comment_count") {
        for (index, ticket) in tickets.iter().enumerate() {
            let comments = ticket["id"].as_u64().and_then(|id| account.ticket(id).ok()).map(|it| it.comments.len());
            if body["tickets"].is_array() {
                body["tickets"][index]["comment_count"] = json!(comments);
            } else {
                body["ticket"]["comment_count"] = json!(comments);
            }
        }
    }
}

pub(super) fn count(account: &mut Account, _: &Call) -> Result<Answer, Refusal> {
    let count = account.live_tickets().count();
    Answer::ok(json!({"count": {"value": count, "refreshed_at": stamp(Timestamp::now())}}))
}

pub(super) fn show_many(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let external = call.query.list("external_ids");
    let found: Vec<Value> = if external.is_empty() {
        let ids = call.ids()?;
        let tickets = ids.into_iter().filter_map(|id| account.ticket(id).ok());
        tickets.map(|ticket| shapes::ticket::ticket(account, ticket, &call.base)).collect()
    } else {
        let wanted = |ticket: &&Ticket| ticket.fields.external_id.as_ref().is_some_and(|id| external.contains(id));
        account
            .live_tickets()
            .filter(wanted)
            .map(|ticket| shapes::ticket::ticket(account, ticket, &call.base))
            .collect()
    };
    let mut body = json!({"tickets": found, "count": found.len(), "next_page": null, "previous_page": null});
    side_load(account, call, &found, &mut body);
    Answer::ok(body)
}

pub(super) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let shown = shapes::ticket::ticket(account, account.ticket(call.id(0)?)?, &call.base);
    let mut body = json!({"ticket": shown});
    side_load(account, call, &[shown], &mut body);
    Answer::ok(body)
}

/// With an `Idempotency-Key` the same request makes one ticket, however often it is sent.
pub(super) fn create(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let key = call.header("idempotency-key").map(str::to_owned);
    let Some(key) = key else { return create_one(account, call) };
    if key.is_empty() || key.len() > KEY_MAX {
        return Err(Refusal::word(400, "IdempotentRequestError", "The idempotency key must have 1 to 255 characters"));
    }
    if let Some(answer) = account.remembered(&key, &call.bytes)? {
        return Ok(dressed(answer, call)?.with("x-idempotency-lookup", "hit".to_owned()));
    }
    let answer = create_one(account, call)?;
    if let Content::Json(body) = &answer.content {
        account.remember(&key, &call.bytes, body.clone());
    }
    Ok(answer.with("x-idempotency-lookup", "miss".to_owned()))
}

fn create_one(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let change = reading::ticket(account, call.object("ticket")?)?;
    let id = account.create_ticket(call.actor()?, change)?;
    dressed(with_audit(account, id, call)?, call)
}

fn dressed(body: Value, call: &Call) -> Result<Answer, Refusal> {
    let location = format!("{}/api/v2/tickets/{}.json", call.base, body["ticket"]["id"]);
    Ok(Answer::created(body)?.with("location", location))
}

fn with_audit(account: &Account, id: u64, call: &Call) -> Result<Value, Refusal> {
    let ticket = account.ticket(id)?;
    // Triggers may have audits of their own behind the caller's.
    let own = ticket.audits.iter().rev().find(|audit| audit.actor.channel.word() != "rule");
    let audit = own.map(|audit| shapes::ticket::audit(account, ticket, audit, &call.base));
    Ok(json!({"ticket": shapes::ticket::ticket(account, ticket, &call.base), "audit": audit}))
}

pub(super) fn update(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let id = call.id(0)?;
    let updated = account.ticket(id)?.updated;
    let sent = call.object("ticket")?;
    if call.strict.conflict_ms > 0 && updated > ms_ago(call.strict.conflict_ms) {
        return Err(Refusal::database_conflict());
    }
    let change = reading::ticket(account, sent)?;
    account.update_ticket(call.actor()?, id, change)?;
    Answer::ok(with_audit(account, id, call)?)
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.delete_ticket(call.actor()?, call.id(0)?)?;
    Answer::nothing()
}

pub(super) fn create_many(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let sent = call.body["tickets"].as_array().filter(|list| list.len() <= MANY).cloned();
    let sent = sent.ok_or_else(|| Refusal::invalid_attribute("tickets", "It must be an array of at most 100"))?;
    let mut results = Vec::new();
    for (index, one) in sent.iter().enumerate() {
        let made = reading::ticket(account, one).and_then(|change| account.create_ticket(call.actor()?, change));
        results.push(result(index, "create", made));
    }
    job(account, call, results)
}

/// One change for many tickets, or many changes.
pub(super) fn update_many(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let mut changes: Vec<(u64, Value)> = Vec::new();
    if let Some(list) = call.body["tickets"].as_array() {
        changes.extend(list.iter().filter_map(|one| Some((reading::number(one, "id")?, one.clone()))));
    } else {
        let sent = call.object("ticket")?;
        changes.extend(call.ids()?.into_iter().map(|id| (id, sent.clone())));
    }
    if changes.len() > MANY {
        return Err(Refusal::invalid_attribute("tickets", "It must be an array of at most 100"));
    }
    let mut results = Vec::new();
    for (index, (id, sent)) in changes.iter().enumerate() {
        let actor = call.actor()?;
        let done = reading::ticket(account, sent).and_then(|change| account.update_ticket(actor, *id, change));
        results.push(result(index, "update", done.map(|()| *id)));
    }
    job(account, call, results)
}

fn result(index: usize, action: &str, done: Result<u64, Refusal>) -> Value {
    match done {
        Ok(id) => json!({"index": index, "id": id, "action": action, "status": "Updated", "success": true}),
        Err(refusal) => json!({"index": index, "action": action, "error": refusal.sentence(), "success": false}),
    }
}

/// The job is done when it is answered.
fn job(account: &mut Account, call: &Call, results: Vec<Value>) -> Result<Answer, Refusal> {
    let id = new_ulid().to_lowercase();
    let job = json!({
        "id": id,
        "url": format!("{}/api/v2/job_statuses/{id}.json", call.base),
        "total": results.len(),
        "progress": results.len(),
        "status": "completed",
        "message": format!("Completed at {}", stamp(Timestamp::now())),
        "results": results,
    });
    account.jobs.insert(id, job.clone());
    Answer::ok(json!({"job_status": job}))
}

pub(super) fn tags(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    Answer::ok(json!({"tags": account.ticket(call.id(0)?)?.fields.tags}))
}

pub(super) fn set_tags(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let change = Change { tags: Some(reading::tags(&call.body["tags"])), ..Change::default() };
    change_tags(account, call, change, true)
}

pub(super) fn add_tags(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let change = Change { more_tags: reading::tags(&call.body["tags"]), ..Change::default() };
    change_tags(account, call, change, false)
}

pub(super) fn remove_tags(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let change = Change { fewer_tags: reading::tags(&call.body["tags"]), ..Change::default() };
    change_tags(account, call, change, false)
}

fn change_tags(account: &mut Account, call: &Call, change: Change, made: bool) -> Result<Answer, Refusal> {
    let id = call.id(0)?;
    account.update_ticket(call.actor()?, id, change)?;
    let body = json!({"tags": account.ticket(id)?.fields.tags});
    if made { Answer::created(body) } else { Answer::ok(body) }
}
