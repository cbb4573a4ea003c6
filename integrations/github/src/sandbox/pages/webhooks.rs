//! Webhooks of a repository, with what was delivered and what came back.

use askama::Template;
use axum::response::Response;

use super::super::hooks::courier::Delivery;
use super::super::hooks::{Hook, HookWish};
use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::people::Role;
use super::repository::Heading;
use super::{Page, Visit, see_below, show as show_page};

struct HookRow {
    id: u64,
    url: String,
    events: String,
    active: bool,
    owner: String,
    made_by: String,
    content_type: String,
    has_secret: bool,
    last: String,
}

struct DeliveryRow {
    id: u64,
    event: String,
    action: String,
    guid: String,
    at: String,
    redelivery: bool,
    good: bool,
    status: String,
    status_code: u16,
    seconds: f64,
    request_headers: Vec<(String, String)>,
    payload: String,
    response_headers: Vec<(String, String)>,
    response_body: String,
}

#[derive(Template)]
#[template(path = "sandbox/hooks.html")]
struct HooksPage {
    page: Page,
    heading: Heading,
    hooks: Vec<HookRow>,
}

#[derive(Template)]
#[template(path = "sandbox/hook.html")]
struct HookPage {
    page: Page,
    heading: Heading,
    hook: HookRow,
    deliveries: Vec<DeliveryRow>,
}

pub(super) fn list(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = world.repository(visit.repository(world, Role::Admin)?)?;
    Ok(show_page(&HooksPage {
        page: Page::new(world, &visit.visitor, &format!("Webhooks of {}", world.full_name(place))),
        heading: Heading::of(world, visit, place),
        hooks: place.hooks.values().map(|hook| hook_row(world, hook)).collect(),
    }))
}

pub(super) fn show(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Admin)?;
    let hook = world.hook(id, visit.id("hook")?)?;
    Ok(show_page(&HookPage {
        page: Page::new(world, &visit.visitor, &format!("Webhook {}", hook.id)),
        heading: Heading::of(world, visit, world.repository(id)?),
        hook: hook_row(world, hook),
        deliveries: hook.deliveries.iter().map(delivery_row).collect(),
    }))
}

pub(super) fn add(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Admin)?;
    let events = visit.fields.list("events");
    let wish = HookWish {
        url: visit.fields.text("url"),
        content_type: visit.fields.text("content_type"),
        secret: Some(visit.fields.text("secret")),
        events: Some(events).filter(|events| !events.is_empty()),
        ..HookWish::default()
    };
    world.create_hook(visit.account()?, None, id, wish)?;
    see_below(world, id, "/settings/hooks")
}

pub(super) fn ping(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let (id, hook) = (visit.repository(world, Role::Admin)?, visit.id("hook")?);
    world.ping(visit.account()?, id, hook)?;
    see_below(world, id, &format!("/settings/hooks/{hook}"))
}

pub(super) fn delete(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Admin)?;
    world.delete_hook(visit.account()?, id, visit.id("hook")?)?;
    see_below(world, id, "/settings/hooks")
}

pub(super) fn redeliver(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let (id, hook) = (visit.repository(world, Role::Admin)?, visit.id("hook")?);
    world.redeliver(id, hook, visit.id("delivery")?)?;
    see_below(world, id, &format!("/settings/hooks/{hook}"))
}

fn hook_row(world: &World, hook: &Hook) -> HookRow {
    let app = hook.made_by.as_deref().and_then(|id| world.registrations.app(id));
    HookRow {
        id: hook.id,
        url: hook.config.url.clone(),
        events: hook.events.join(", "),
        active: hook.active,
        owner: world.account(hook.owner).login.clone(),
        made_by: app.map_or_else(|| "by hand or with an own token".to_owned(), |app| format!("through {}", app.name)),
        content_type: hook.config.content_type.clone(),
        has_secret: hook.config.secret.is_some(),
        last: match hook.last_response.code {
            Some(code) => format!("{code} {}", hook.last_response.message.as_deref().unwrap_or_default()),
            None => "never used".to_owned(),
        },
    }
}

fn delivery_row(delivery: &Delivery) -> DeliveryRow {
    DeliveryRow {
        id: delivery.id,
        event: delivery.event.clone(),
        action: delivery.action.clone().unwrap_or_default(),
        guid: delivery.guid.clone(),
        at: delivery.at.strftime("%H:%M:%S").to_string(),
        redelivery: delivery.redelivery,
        good: (200..300).contains(&delivery.status_code),
        status: delivery.status.clone(),
        status_code: delivery.status_code,
        seconds: delivery.seconds,
        request_headers: delivery.request_headers.clone(),
        payload: serde_json::to_string_pretty(&*delivery.payload).unwrap_or_default(),
        response_headers: delivery.response_headers.clone(),
        response_body: delivery.response_body.clone(),
    }
}
