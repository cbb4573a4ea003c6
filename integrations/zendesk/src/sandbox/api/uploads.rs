//! Files: uploaded first, then used in a comment by token.
//! <https://developer.zendesk.com/api-reference/ticketing/tickets/ticket-attachments/>

use axum::http::header;
use integration_sandboxkit::random;
use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::account::{Account, Attachment};
use super::call::{Answer, Call, Content};

/// A second file may join the first under its token.
pub(super) fn upload(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let Some(name) = call.query.text("filename") else {
        return Err(Refusal::invalid_attribute("filename", "It must not be blank"));
    };
    if call.bytes.is_empty() {
        return Err(Refusal::invalid("base", "Attachment: cannot be empty"));
    }
    let kind = call.header(header::CONTENT_TYPE.as_str()).unwrap_or("application/octet-stream").to_owned();
    let token = call.query.text("token").unwrap_or_else(|| random::letters(25));
    let file = Attachment { id: account.new_id(), name, kind, bytes: call.bytes.to_vec() };
    let shown = shapes::ticket::attachment(&file, &call.base);
    let files = account.uploads.entry(token.clone()).or_default();
    files.push(file);
    let all: Value = files.iter().map(|file| shapes::ticket::attachment(file, &call.base)).collect();
    Answer::created(json!({"upload": {"token": token, "attachment": shown, "attachments": all}}))
}

pub(super) fn forget(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.uploads.remove(call.param(0)).ok_or_else(Refusal::not_found)?;
    Answer::nothing()
}

pub(super) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let file = account.attachment(call.id(0)?).ok_or_else(Refusal::not_found)?;
    Answer::ok(json!({"attachment": shapes::ticket::attachment(file, &call.base)}))
}

pub(super) fn content(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let file = account.attachment(call.id(0)?).ok_or_else(Refusal::not_found)?;
    let content = Content::File { kind: file.kind.clone(), bytes: file.bytes.clone() };
    Ok(Answer { status: 200, content, headers: Vec::new() })
}
