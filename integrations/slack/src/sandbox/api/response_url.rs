//! `POST /commands/{team}/{id}/{secret}`: what an app says later. No token: the address is the secret.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::super::Sandbox;
use super::super::hooks::command::read_reply;
use super::super::refusal::Refusal;
use super::blocks;

pub(super) async fn answer(
    State(sandbox): State<Sandbox>,
    Path((team, key)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let json = serde_json::from_slice::<Value>(&body).ok().filter(Value::is_object);
    let done = json.ok_or_else(|| Refusal::new("invalid_payload")).and_then(|json| {
        if json["blocks"].is_array() {
            blocks::check(&json["blocks"])?;
        }
        sandbox.change(|world| world.use_reply_url(&team, &key, read_reply(&json)))
    });
    match done {
        Ok(()) => "ok".into_response(),
        Err(refusal) => (status(&refusal), axum::Json(refusal.body())).into_response(),
    }
}

fn status(refusal: &Refusal) -> StatusCode {
    match refusal.error.as_str() {
        "expired_url" | "used_url" | "invalid_url" | "channel_not_found" => StatusCode::NOT_FOUND,
        "is_archived" => StatusCode::GONE,
        _ => StatusCode::BAD_REQUEST,
    }
}
