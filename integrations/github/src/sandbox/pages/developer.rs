//! OAuth apps: more clients can be registered here and pointed at the sandbox.

use askama::Template;
use axum::response::Response;
use url::Url;

use super::super::refusal::Refusal;
use super::super::world::World;
use super::{Page, Visit, see, show as show_page};

struct AppRow {
    name: String,
    owner: String,
    client_id: String,
    client_secret: String,
    callback: String,
}

#[derive(Template)]
#[template(path = "sandbox/developers.html")]
struct DevelopersPage {
    page: Page,
    apps: Vec<AppRow>,
}

pub(super) fn list(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let apps = world.registrations.apps.iter().map(|app| AppRow {
        name: app.name.clone(),
        owner: world.account(app.owner).login.clone(),
        client_id: app.client_id.clone(),
        client_secret: app.client_secret.clone(),
        callback: app.callback.clone(),
    });
    Ok(show_page(&DevelopersPage { page: Page::new(world, &visit.visitor, "OAuth apps"), apps: apps.collect() }))
}

pub(super) fn register(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let who = visit.account()?;
    let name = visit.fields.text("name").ok_or_else(|| Refusal::invalid("App", "name", "missing_field"))?;
    let callback = visit.fields.text("callback").unwrap_or_default();
    Url::parse(&callback)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| Refusal::invalid("App", "callback", "invalid"))?;
    world.registrations.register(who, name, callback);
    Ok(see(world, "/settings/developers"))
}
