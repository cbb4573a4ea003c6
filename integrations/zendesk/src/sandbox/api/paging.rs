//! Pages of lists: by cursor when `page[size]` asks for it, else by offset.
//! <https://developer.zendesk.com/api-reference/introduction/pagination/>

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use integration_sandboxkit::fields::Fields;
use serde_json::{Map, Value, json};

use super::super::refusal::Refusal;
use super::call::Call;

const PAGE: usize = 100;
/// Further than this no offset leads.
const OFFSET_MAX: usize = 10_000;

/// A list's page, under the list's name, with what leads to the others.
pub(super) fn page(call: &Call, name: &str, all: Vec<Value>) -> Result<Value, Refusal> {
    if has_cursor(call) { by_cursor(call, name, all) } else { by_offset(call, name, all, OFFSET_MAX) }
}

/// Whether pages are asked for by cursor.
pub(super) fn has_cursor(call: &Call) -> bool {
    ["page[size]", "page[after]", "page[before]"].iter().any(|it| call.query.get(it).is_some())
}

/// A cursor is a position in the list.
pub(super) fn by_cursor(call: &Call, name: &str, all: Vec<Value>) -> Result<Value, Refusal> {
    let size = number(call, "page[size]")?.unwrap_or(PAGE);
    if size == 0 || size > PAGE {
        let why = "Invalid parameter: page[size] must be 1 to 100";
        return Err(Refusal::invalid_attribute("page[size]", why));
    }
    let after = call.query.get("page[after]").map(read_cursor).transpose()?;
    let before = call.query.get("page[before]").map(read_cursor).transpose()?;
    let start = before.map_or(after.unwrap_or(0), |before| before.saturating_sub(size)).min(all.len());
    let end = before.unwrap_or(start + size).min(start + size).min(all.len());
    let cursor = |at: usize| URL_SAFE_NO_PAD.encode(format!("at:{at}"));
    let link = |which: &str, at: usize| {
        let mut query = Fields::default();
        let kept = call.query.iter().filter(|(name, _)| !matches!(*name, "page[after]" | "page[before]"));
        query.extend(kept.map(|(name, value)| (name.to_owned(), value.to_owned())));
        query.extend([(format!("page[{which}]"), cursor(at))]);
        call.again(&query)
    };
    let more = end < all.len();
    let shown: Vec<Value> = all[start..end].to_vec();
    let cursors =
        if shown.is_empty() { (Value::Null, Value::Null) } else { (json!(cursor(end)), json!(cursor(start))) };
    let mut body = Map::new();
    body.insert(name.to_owned(), Value::Array(shown));
    body.insert("meta".into(), json!({"has_more": more, "after_cursor": cursors.0, "before_cursor": cursors.1}));
    let next = if more { link("after", end) } else { Value::Null };
    let prev = if start > 0 { link("before", start) } else { Value::Null };
    body.insert("links".into(), json!({"next": next, "prev": prev}));
    Ok(Value::Object(body))
}

/// By page numbers, up to so many records.
pub(super) fn by_offset(call: &Call, name: &str, all: Vec<Value>, most: usize) -> Result<Value, Refusal> {
    let size = number(call, "per_page")?.unwrap_or(PAGE).clamp(1, PAGE);
    let number = number(call, "page")?.unwrap_or(1).max(1);
    let start = (number - 1).saturating_mul(size);
    if start >= most {
        let why = "Invalid search: Requested response size was greater than Search Response Limits";
        return Err(Refusal::word(422, "invalid", why));
    }
    let count = all.len();
    let link = |number: usize| {
        let mut query = Fields::default();
        let kept = call.query.iter().filter(|(name, _)| *name != "page");
        query.extend(kept.map(|(name, value)| (name.to_owned(), value.to_owned())));
        query.extend([("page".to_owned(), number.to_string())]);
        call.again(&query)
    };
    let next = if start + size < count { link(number + 1) } else { Value::Null };
    let previous = if number > 1 { link(number - 1) } else { Value::Null };
    let shown: Vec<Value> = all.into_iter().skip(start).take(size).collect();
    let mut body = Map::new();
    body.insert(name.to_owned(), Value::Array(shown));
    body.insert("next_page".into(), next);
    body.insert("previous_page".into(), previous);
    body.insert("count".into(), json!(count));
    Ok(Value::Object(body))
}

/// A number of the query.
pub(super) fn number(call: &Call, name: &str) -> Result<Option<usize>, Refusal> {
    let invalid = |_| Refusal::invalid_attribute(name, &format!("Invalid parameter: {name} must be an integer"));
    call.query.text(name).map(|text| text.parse().map_err(invalid)).transpose()
}

fn read_cursor(text: &str) -> Result<usize, Refusal> {
    let invalid = || Refusal::word(400, "InvalidPaginationParameter", "Invalid pagination cursor");
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
    let at = String::from_utf8(bytes).ok().and_then(|text| text.strip_prefix("at:")?.parse().ok());
    at.ok_or_else(invalid)
}
