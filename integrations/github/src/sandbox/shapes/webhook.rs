//! Webhooks and their deliveries.

use serde_json::{Map, Value, json};

use super::super::hooks::courier::Delivery;
use super::super::hooks::{Config, Hook};
use super::super::world::repository::Repository;
use super::super::world::{World, iso};
use super::fields_of;
use super::repository::api_url;

/// A secret is never shown again.
const HIDDEN: &str = "********";

pub(in super::super) fn config(config: &Config) -> Value {
    let mut shown = json!({
        "content_type": config.content_type, "insecure_ssl": config.insecure_ssl, "url": config.url,
    });
    if config.secret.is_some() {
        shown["secret"] = json!(HIDDEN);
    }
    shown
}

pub(in super::super) fn hook(world: &World, repository: &Repository, hook: &Hook) -> Value {
    let url = format!("{}/hooks/{}", api_url(world, repository), hook.id);
    let mut shown = core(hook);
    for (name, value) in [
        ("test_url", json!(format!("{url}/test"))),
        ("ping_url", json!(format!("{url}/pings"))),
        ("deliveries_url", json!(format!("{url}/deliveries"))),
        (
            "last_response",
            json!({
                "code": hook.last_response.code, "status": hook.last_response.status, "message": hook.last_response.message,
            }),
        ),
        ("url", json!(url)),
    ] {
        shown.insert(name.to_owned(), value);
    }
    Value::Object(shown)
}

/// As in `meta`: without addresses, for there is nothing left at them.
pub(in super::super) fn deleted_hook(hook: &Hook) -> Value {
    Value::Object(core(hook))
}

fn core(hook: &Hook) -> Map<String, Value> {
    fields_of(json!({
        "type": "Repository",
        "id": hook.id,
        "name": "web",
        "active": hook.active,
        "events": hook.events,
        "config": config(&hook.config),
        "updated_at": iso(hook.updated),
        "created_at": iso(hook.created),
    }))
}

/// A row of the list.
pub(in super::super) fn delivery_row(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": delivery.at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        "redelivery": delivery.redelivery,
        "duration": delivery.seconds,
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": null,
        "repository_id": delivery.repository,
        "throttled_at": null,
    })
}

/// With what was sent and what came back.
pub(in super::super) fn delivery(delivery: &Delivery) -> Value {
    let headers = |pairs: &[(String, String)]| {
        pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<Map<_, _>>()
    };
    let mut full = delivery_row(delivery);
    full["url"] = json!(delivery.url);
    full["request"] = json!({"headers": headers(&delivery.request_headers), "payload": *delivery.payload});
    full["response"] = json!({
        "headers": headers(&delivery.response_headers), "payload": delivery.response_body,
    });
    full
}
