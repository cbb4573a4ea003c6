//! Incremental exports: what changed since. They are behind, too.
//! <https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/>

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::account::Account;
use super::super::world::ms_ago;
use super::super::world::ticket::Ticket;
use super::call::{Answer, Call};
use super::paging::number;

const PAGE: usize = 1000;
/// A start that is younger is refused.
const YOUNGEST_MS: i64 = 60_000;

pub(super) fn tickets_by_cursor(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (since, skip) = start(call)?;
    let all = changed(account, call, since).into_iter();
    let all = all.map(|ticket| (ticket.updated, shapes::ticket::ticket(account, ticket, &call.base))).collect();
    Answer::ok(cursor_page(call, "tickets", since, skip, all)?)
}

pub(super) fn users_by_cursor(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (since, skip) = start(call)?;
    let known = ms_ago(call.strict.export_lag_ms);
    let users = account.users.values().filter(|user| user.updated >= since && user.updated <= known);
    let mut all: Vec<(Timestamp, Value)> =
        users.map(|user| (user.updated, shapes::people::user(user, &call.base))).collect();
    all.sort_by_key(|(at, _)| *at);
    Answer::ok(cursor_page(call, "users", since, skip, all)?)
}

pub(super) fn tickets_by_time(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (since, _) = start(call)?;
    let size = number(call, "per_page")?.unwrap_or(PAGE).clamp(1, PAGE);
    let all = changed(account, call, since);
    let more = all.len() > size;
    let shown: Vec<&Ticket> = all.into_iter().take(size).collect();
    let end = shown.last().map_or(since.as_second(), |ticket| ticket.updated.as_second());
    let tickets: Value = shown.iter().map(|ticket| shapes::ticket::ticket(account, ticket, &call.base)).collect();
    Answer::ok(json!({
        "tickets": tickets,
        "count": shown.len(),
        "end_time": end,
        "end_of_stream": !more,
        "next_page": format!("{}/api/v2/incremental/tickets.json?per_page={size}&start_time={end}", call.base),
    }))
}

/// Also deleted ones, by when they changed.
fn changed<'a>(account: &'a Account, call: &Call, since: Timestamp) -> Vec<&'a Ticket> {
    let known = ms_ago(call.strict.export_lag_ms);
    let within = |ticket: &&Ticket| ticket.updated >= since && ticket.updated <= known;
    let mut found: Vec<&Ticket> = account.tickets.values().filter(within).collect();
    found.sort_by_key(|ticket| (ticket.updated, ticket.id));
    found
}

/// Since when, and how many of those were shown before.
fn start(call: &Call) -> Result<(Timestamp, usize), Refusal> {
    if let Some(cursor) = call.query.get("cursor") {
        let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = text.as_deref().and_then(|text| text.split_once(':'));
        let read =
            pair.and_then(|(at, skip)| Some((Timestamp::from_nanosecond(at.parse().ok()?).ok()?, skip.parse().ok()?)));
        return read.ok_or_else(|| Refusal::word(400, "InvalidCursor", "The cursor is invalid"));
    }
    let since = call.query.text("start_time").and_then(|text| text.parse().ok());
    let since = since.and_then(|seconds| Timestamp::from_second(seconds).ok());
    let since = since.ok_or_else(|| Refusal::invalid_attribute("start_time", "It must be a Unix time"))?;
    if since > ms_ago(YOUNGEST_MS) {
        let why = "Too recent start_time. Use a start_time older than 60 seconds";
        return Err(Refusal::word(422, "InvalidValue", why));
    }
    Ok((since, 0))
}

fn cursor_page(
    call: &Call,
    name: &str,
    since: Timestamp,
    skip: usize,
    all: Vec<(Timestamp, Value)>,
) -> Result<Value, Refusal> {
    let size = number(call, "per_page")?.unwrap_or(PAGE).clamp(1, PAGE);
    let rest: Vec<(Timestamp, Value)> = all.into_iter().skip(skip).collect();
    let more = rest.len() > size;
    let shown: Vec<(Timestamp, Value)> = rest.into_iter().take(size).collect();
    // The next page begins at the last one's time, behind those of that time which were shown.
    let (at, skipped) = match shown.last() {
        Some((last, _)) => {
            let same = shown.iter().filter(|(at, _)| at == last).count();
            (*last, if *last == since { skip + same } else { same })
        }
        None => (since, skip),
    };
    let cursor = URL_SAFE_NO_PAD.encode(format!("{}:{skipped}", at.as_nanosecond()));
    let mut body = Map::new();
    body.insert(name.to_owned(), shown.into_iter().map(|(_, it)| it).collect());
    body.insert(
        "after_url".into(),
        json!(format!("{}/api/v2/{}.json?cursor={cursor}&per_page={size}", call.base, call.path)),
    );
    body.insert("after_cursor".into(), json!(cursor));
    body.insert("before_url".into(), Value::Null);
    body.insert("before_cursor".into(), Value::Null);
    body.insert("end_of_stream".into(), json!(!more));
    Ok(Value::Object(body))
}
