//! The world as GitHub writes it in JSON: field for field what the published schemas ask for.

pub(super) mod code;
pub(super) mod issue;
pub(super) mod people;
pub(super) mod repository;
pub(super) mod webhook;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// GitHub's opaque second id: a kind and a number in base64.
fn node_id(kind: &str, id: u64) -> String {
    STANDARD.encode(format!("{}:{kind}{id}", kind.len()))
}

/// The fields of a `json!({…})`, for shapes that are put together from several.
fn fields_of(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
