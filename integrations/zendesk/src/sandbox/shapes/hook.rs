//! Webhooks, their invocations, and triggers.

use serde_json::{Map, Value, json};

use super::super::hooks::invocation::{Attempt, Invocation, State};
use super::super::world::stamp;
use super::super::world::triggers::Trigger;
use super::super::world::webhooks::{Authentication, Webhook};

/// People are strings here, and the signing secret is left out: it has an address of its own.
pub(in super::super) fn webhook(hook: &Webhook) -> Value {
    let headers: Map<String, Value> =
        hook.custom_headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let mut shown = json!({
        "id": hook.id,
        "name": hook.name,
        "description": hook.description,
        "endpoint": hook.endpoint,
        "http_method": hook.method,
        "request_format": hook.format,
        "status": if hook.active { "active" } else { "inactive" },
        "subscriptions": hook.subscriptions,
        "created_at": stamp(hook.created),
        "created_by": hook.created_by.to_string(),
        "updated_at": stamp(hook.updated),
        "updated_by": hook.created_by.to_string(),
    });
    if let Some(authentication) = &hook.authentication {
        shown["authentication"] = Authentication::shown(authentication);
    }
    if !headers.is_empty() {
        shown["custom_headers"] = Value::Object(headers);
    }
    shown
}

pub(in super::super) fn invocation(it: &Invocation) -> Value {
    json!({
        "id": it.id,
        "status": it.status.word(),
        "status_code": it.last().map_or("0".to_owned(), |outcome| outcome.status.to_string()),
        "latest_completed_at": it.completed.map(stamp),
    })
}

pub(in super::super) fn attempt(invocation: &Invocation, it: &Attempt) -> Value {
    let pairs = |list: &[(String, String)]| {
        list.iter().map(|(key, value)| json!({"key": key, "value": value})).collect::<Value>()
    };
    let outcome = &it.outcome;
    json!({
        "id": it.id,
        "invocation_id": invocation.id,
        "status": State::of(outcome).word(),
        "status_code": outcome.status.to_string(),
        "completed_at": stamp(outcome.at),
        "request": {"headers": pairs(&outcome.request_headers), "payload": outcome.request_body},
        "response": {"headers": pairs(&outcome.answer_headers), "payload": outcome.answer},
    })
}

pub(in super::super) fn trigger(trigger: &Trigger, at: &str) -> Value {
    json!({
        "id": trigger.id,
        "url": format!("{at}/api/v2/triggers/{}.json", trigger.id),
        "title": trigger.title,
        "raw_title": trigger.title,
        "description": trigger.description,
        "active": trigger.active,
        "position": trigger.position,
        "category_id": trigger.category,
        "conditions": trigger.conditions,
        "actions": trigger.actions,
        "default": false,
        "created_at": stamp(trigger.created),
        "updated_at": stamp(trigger.updated),
    })
}
