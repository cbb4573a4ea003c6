//! Pages of lists. <https://docs.slack.dev/apis/web-api/pagination>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::call::Call;

/// Where a list goes on: after the item of this id.
pub(super) fn after(call: &Call, kind: &str) -> Result<Option<String>, Refusal> {
    let Some(cursor) = call.optional("cursor").filter(|cursor| !cursor.is_empty()) else { return Ok(None) };
    let invalid = || Refusal::new("invalid_cursor");
    let text = STANDARD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(invalid)?;
    let id = text.strip_prefix(&format!("{kind}:")).ok_or_else(invalid)?;
    Ok(Some(id.to_owned()))
}

pub(super) fn limit(call: &Call, default: usize, most: usize) -> Result<usize, Refusal> {
    match call.number("limit")? {
        None | Some(0) => Ok(default),
        Some(limit) if limit <= most => Ok(limit),
        Some(_) => Err(Refusal::new("invalid_limit")),
    }
}

/// A page of `all`, and the `response_metadata` that leads to the next.
pub(super) fn page<T>(all: Vec<T>, limit: usize, kind: &str, id: impl Fn(&T) -> String) -> (Vec<T>, Value) {
    let more = all.len() > limit;
    let page: Vec<T> = all.into_iter().take(limit).collect();
    let next = page.last().filter(|_| more).map(|last| STANDARD.encode(format!("{kind}:{}", id(last))));
    (page, json!({"next_cursor": next.unwrap_or_default()}))
}
