//! Webhooks of a repository. <https://docs.github.com/rest/repos/webhooks>

use serde_json::{Value, json};

use super::super::hooks::courier::Delivery;
use super::super::hooks::{HookWish, wished_secret};
use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::{RepositoryId, World};
use super::answer::{Answer, link};
use super::call::{Call, Need};

pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::ReadHooks)?;
    let place = world.repository(id)?;
    let hooks = place.hooks.values().collect();
    Ok(Answer::page(world, call, hooks, |hook| shapes::webhook::hook(world, place, hook)))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::WriteHooks)?;
    call.only(&["name", "active", "events", "config"])?;
    if call.text("name")?.is_some_and(|name| name != "web") {
        return Err(Refusal::invalid("Hook", "name", "invalid"));
    }
    let config = call.body.get("config").ok_or_else(|| Refusal::schema("\"config\" wasn't supplied."))?;
    let wish = HookWish { active: call.flag("active")?, events: call.texts("events")?, ..wish(config)? };
    let caller = call.caller()?.clone();
    let hook = world.create_hook(caller.account, caller.client_id, id, wish)?;
    Ok(Answer::created(show(world, id, hook)?))
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::ReadHooks)?;
    Ok(Answer::ok(show(world, id, call.id("hook")?)?))
}

pub(super) fn change(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::WriteHooks)?;
    call.only(&["name", "active", "events", "add_events", "remove_events", "config"])?;
    let hook = world.hook(id, call.id("hook")?)?;
    let mut events = call.texts("events")?;
    if events.is_none() && (call.body.contains_key("add_events") || call.body.contains_key("remove_events")) {
        let removed = call.texts("remove_events")?.unwrap_or_default();
        let mut kept = hook.events.clone();
        kept.extend(call.texts("add_events")?.unwrap_or_default());
        kept.sort();
        kept.dedup();
        kept.retain(|event| !removed.contains(event));
        events = Some(kept);
    }
    let given = call.body.get("config");
    let mut wish = given.map(wish).transpose()?.unwrap_or_default();
    // "config" replaces the whole: a secret that is not repeated is gone.
    if given.is_some() && wish.secret.is_none() {
        wish.secret = Some(None);
    }
    world.change_hook(id, call.id("hook")?, HookWish { active: call.flag("active")?, events, ..wish })?;
    Ok(Answer::ok(show(world, id, call.id("hook")?)?))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::DeleteHooks)?;
    world.delete_hook(call.caller()?.account, id, call.id("hook")?)?;
    Ok(Answer::nothing())
}

pub(super) fn get_config(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::ReadHooks)?;
    Ok(Answer::ok(shapes::webhook::config(&world.hook(id, call.id("hook")?)?.config)))
}

/// Unlike PATCH of the hook, this leaves what is not said.
pub(super) fn change_config(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::WriteHooks)?;
    call.only(&["url", "content_type", "secret", "insecure_ssl"])?;
    let hook = call.id("hook")?;
    world.change_hook(id, hook, wish(&Value::Object(call.body.clone()))?)?;
    Ok(Answer::ok(shapes::webhook::config(&world.hook(id, hook)?.config)))
}

pub(super) fn ping(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::ReadHooks)?;
    world.ping(call.caller()?.account, id, call.id("hook")?)?;
    Ok(Answer::nothing())
}

/// Sends the latest push again, to a hook that listens to pushes.
pub(super) fn test(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::ReadHooks)?;
    world.tell_last_push(call.caller()?.account, id, call.id("hook")?)?;
    Ok(Answer::nothing())
}

/// Paged by a cursor, not by number.
pub(super) fn deliveries(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::ReadHooks)?;
    let size = call.query("per_page").and_then(|text| text.parse().ok()).unwrap_or(30_usize).clamp(1, 100);
    let before = match call.query("cursor") {
        None => u64::MAX,
        Some(cursor) => {
            let number = cursor.strip_prefix("v1_").and_then(|number| number.parse().ok());
            number.ok_or_else(|| Refusal::invalid("HookDelivery", "cursor", "invalid"))?
        }
    };
    let wanted = |it: &&Delivery| match call.query("status") {
        Some("success") => (200..400).contains(&it.status_code),
        Some("failure") => !(200..400).contains(&it.status_code),
        _ => true,
    };
    let hook = world.hook(id, call.id("hook")?)?;
    let mut found: Vec<&Delivery> = hook.deliveries.iter().filter(|it| it.id < before).filter(wanted).collect();
    let more = found.len() > size;
    found.truncate(size);
    let rows = found.iter().map(|it| shapes::webhook::delivery_row(it)).collect();
    let cursor = found.last().filter(|_| more).map(|last| format!("v1_{}", last.id));
    let link = cursor.map(|cursor| link(world, call, "cursor", &cursor, "next"));
    Ok(Answer { link, ..Answer::ok(Value::Array(rows)) })
}

pub(super) fn delivery(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::ReadHooks)?;
    let hook = world.hook(id, call.id("hook")?)?;
    let asked = call.id("delivery")?;
    let found = hook.deliveries.iter().find(|it| it.id == asked).ok_or_else(Refusal::not_found)?;
    Ok(Answer::ok(shapes::webhook::delivery(found)))
}

pub(super) fn redeliver(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::ReadHooks)?;
    world.redeliver(id, call.id("hook")?, call.id("delivery")?)?;
    Ok(Answer::accepted(json!({})))
}

fn show(world: &World, repository: RepositoryId, hook: u64) -> Result<Value, Refusal> {
    Ok(shapes::webhook::hook(world, world.repository(repository)?, world.hook(repository, hook)?))
}

fn wish(config: &Value) -> Result<HookWish, Refusal> {
    if !config.is_object() {
        return Err(Refusal::schema(format!("For 'properties/config', {config} is not an object.")));
    }
    let text = |name: &str| config[name].as_str().map(str::to_owned);
    // Both "0" and 0 are taken, as by GitHub.
    let insecure_ssl = text("insecure_ssl").or_else(|| config["insecure_ssl"].as_u64().map(|it| it.to_string()));
    if insecure_ssl.as_deref().is_some_and(|it| !matches!(it, "0" | "1")) {
        return Err(Refusal::invalid("Hook", "insecure_ssl", "invalid"));
    }
    Ok(HookWish {
        url: text("url"),
        content_type: text("content_type"),
        secret: wished_secret(config),
        insecure_ssl,
        ..HookWish::default()
    })
}
