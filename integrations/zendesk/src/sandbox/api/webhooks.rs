//! Webhooks, their secrets and their log. <https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/>

use serde_json::{Value, json};

use super::super::hooks::sending::Parcel;
use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::account::Account;
use super::super::world::new_ulid;
use super::super::world::webhooks::{TEST_SECRET, Webhook};
use super::call::{Answer, Call, Content};
use super::paging;

pub(super) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (name, status) = (call.query.text("filter[name_contains]"), call.query.text("filter[status]"));
    let fits = |hook: &&Webhook| {
        name.as_ref().is_none_or(|name| hook.name.contains(name.as_str()))
            && status.as_deref().is_none_or(|status| hook.active == (status == "active"))
    };
    let all = account.webhooks.iter().filter(fits).map(shapes::hook::webhook).collect();
    Answer::ok(paging::by_cursor(call, "webhooks", all)?)
}

pub(super) fn create(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let user = call.caller()?.user;
    let hook = match call.query.text("clone_webhook_id") {
        Some(id) => {
            let old = account.webhook(&id)?.clone();
            let fresh = Webhook::new(
                user,
                &json!({
                    "name": old.name, "endpoint": old.endpoint, "http_method": old.method, "request_format": old.format,
                }),
            )?;
            Webhook { id: fresh.id, secret: fresh.secret, created: fresh.created, updated: fresh.updated, ..old }
        }
        None => Webhook::new(user, &call.body["webhook"])?,
    };
    let id = account.add_webhook(hook)?;
    Answer::created(json!({"webhook": shapes::hook::webhook(account.webhook(&id)?)}))
}

pub(super) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    Answer::ok(json!({"webhook": shapes::hook::webhook(account.webhook(call.param(0))?)}))
}

/// The whole of it must be sent.
pub(super) fn replace(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    for field in ["name", "endpoint", "http_method", "request_format", "status"] {
        if call.body["webhook"][field].is_null() {
            let why = format!("{field} is missing");
            return Err(Refusal::webhook(400, "MissingParameter", "Missing parameter", &why));
        }
    }
    change(account, call)
}

pub(super) fn change(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.change_webhook(call.param(0), &call.body["webhook"])?;
    Answer::nothing()
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.delete_webhook(call.param(0))?;
    Answer::nothing()
}

pub(super) fn secret(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    Answer::ok(signing(&account.webhook(call.param(0))?.secret))
}

pub(super) fn new_secret(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    Answer::created(signing(&account.new_webhook_secret(call.param(0))?))
}

fn signing(secret: &str) -> Value {
    json!({"signing_secret": {"algorithm": "SHA256", "secret": secret}})
}

/// Sends something now, of a webhook or of one that is not made yet.
pub(super) fn test(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let sent = &call.body["request"];
    let known = call.query.text("webhook_id").map(|id| account.webhook(&id).cloned()).transpose()?;
    let hook = match known {
        Some(hook) => hook,
        None => {
            let mut whole = sent.clone();
            whole["name"] = json!("Test");
            Webhook { secret: TEST_SECRET.to_owned(), ..Webhook::new(call.caller()?.user, &whole)? }
        }
    };
    let body = match &sent["payload"] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let parcel = Parcel::new(&hook, account.id, &new_ulid(), body, None);
    Ok(Answer { status: 200, content: Content::Of(Box::new(parcel)), headers: Vec::new() })
}

pub(super) fn invocations(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let id = account.webhook(call.param(0))?.id.clone();
    let status = call.query.text("filter[status]");
    let fits = |it: &&super::super::hooks::invocation::Invocation| {
        status.as_deref().is_none_or(|status| it.status.word() == status)
    };
    let all = account.post.invocations(&id).filter(fits).map(shapes::hook::invocation).collect();
    Answer::ok(paging::by_cursor(call, "invocations", all)?)
}

pub(super) fn attempts(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let id = account.webhook(call.param(0))?.id.clone();
    let found = account.post.invocations(&id).find(|it| it.id == call.param(1)).ok_or_else(Refusal::not_found)?;
    let attempts: Value = found.attempts.iter().map(|attempt| shapes::hook::attempt(found, attempt)).collect();
    Answer::ok(json!({"attempts": attempts}))
}
