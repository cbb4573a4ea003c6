//! Search: reads an index that is behind. <https://developer.zendesk.com/api-reference/ticketing/ticket-management/search/>

use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::account::Account;
use super::super::world::ms_ago;
use super::call::{Answer, Call};
use super::paging;
use super::query::Query;

/// Further than this no search leads.
const RESULTS_MAX: usize = 1000;

pub(super) fn search(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let all = found(account, call, call.query.get("query"), None)?;
    let mut body = paging::by_offset(call, "results", all, RESULTS_MAX)?;
    body["facets"] = Value::Null;
    Answer::ok(body)
}

pub(super) fn count(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    Answer::ok(json!({"count": found(account, call, call.query.get("query"), None)?.len()}))
}

/// By cursor, one kind at a time, without end.
pub(super) fn export(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let Some(kind) = call.query.text("filter[type]") else {
        return Err(Refusal::invalid_attribute("filter[type]", "It must not be blank"));
    };
    let mut all = found(account, call, call.query.get("query"), Some(kind))?;
    all.sort_by_key(|it| it["created_at"].as_str().map(str::to_owned));
    let mut body = paging::by_cursor(call, "results", all)?;
    body["facets"] = Value::Null;
    Answer::ok(body)
}

/// The newest first, as Zendesk does without `sort_by`.
fn found(account: &Account, call: &Call, text: Option<&str>, kind: Option<String>) -> Result<Vec<Value>, Refusal> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Err(Refusal::word(422, "invalid", "Invalid search: query must not be blank"));
    };
    let query = Query::read(text);
    let kind = kind.or(query.kind.clone());
    let wanted = |what: &str| kind.as_deref().is_none_or(|kind| kind == what);
    let known = ms_ago(call.strict.search_lag_ms);
    let mut results: Vec<Value> = Vec::new();
    if wanted("ticket") {
        let fits = |ticket: &&super::super::world::ticket::Ticket| {
            ticket.is_there() && ticket.in_index(known).is_some_and(|state| query.fits_ticket(account, ticket, state))
        };
        results.extend(account.tickets.values().filter(fits).map(|ticket| {
            let mut shown = shapes::ticket::ticket(account, ticket, &call.base);
            shown["result_type"] = json!("ticket");
            shown
        }));
    }
    if wanted("user") {
        let users = account.users.values().filter(|user| user.active && query.fits_user(user));
        results.extend(users.map(|user| {
            let mut shown = shapes::people::user(user, &call.base);
            shown["result_type"] = json!("user");
            shown
        }));
    }
    let sort = match call.query.get("sort_by") {
        Some("updated_at") => "updated_at",
        _ => "created_at",
    };
    results.sort_by_key(|it| (it[sort].as_str().map(str::to_owned), it["id"].as_u64()));
    if call.query.get("sort_order") != Some("asc") {
        results.reverse();
    }
    Ok(results)
}
