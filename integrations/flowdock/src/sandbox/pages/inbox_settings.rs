//! Inbox settings: a flow's sources, and the applications that can become one.

use askama::Template;
use axum::response::Response;

use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::sources::Source;
use super::{Page, Visit, see, show};

struct Row {
    id: u64,
    app: u64,
    application: String,
    name: String,
    creator: String,
    external_url: Option<String>,
    error: Option<String>,
    configure: Option<String>,
}

struct Offer {
    id: u64,
    name: String,
    description: String,
    setup: Option<String>,
}

#[derive(Template)]
#[template(path = "sandbox/inbox_settings.html")]
struct SettingsPage {
    page: Page,
    here: String,
    flow_path: String,
    flow: String,
    sources: Vec<Row>,
    offers: Vec<Offer>,
}

pub(super) fn show_settings(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let flow = visit.joined(world)?;
    let flow = world.flow(&flow)?;
    let offers = world.offered_apps(visit.user()?).filter(|app| !app.form.shortcut);
    let offers = offers.map(|app| Offer {
        id: app.id,
        name: app.form.name.clone(),
        description: app.form.description.clone().unwrap_or_default(),
        setup: world.setup_link(app, flow),
    });
    Ok(show(&SettingsPage {
        page: Page::new(world, &visit.visitor, "Inbox settings"),
        here: world.api(&visit.below_flow("/inbox-settings")),
        flow_path: visit.below_flow(""),
        flow: flow.name.clone(),
        sources: world.sources_of(&flow.id).map(|source| row(world, source)).collect(),
        offers: offers.collect(),
    }))
}

fn row(world: &World, source: &Source) -> Row {
    Row {
        id: source.id,
        app: source.app,
        application: world.app(source.app).map_or_else(|_| String::new(), |app| app.form.name.clone()),
        name: source.name.clone(),
        creator: world.user(source.creator).map_or_else(|_| String::new(), |user| user.name.clone()),
        external_url: source.external_url.clone().filter(|url| url.starts_with("http")),
        error: source.error_message.clone(),
        configure: world.configure_link(source),
    }
}

pub(super) fn remove(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let (flow, id) = (visit.joined(world)?, visit.id("source")?);
    if world.source(id)?.flow != flow {
        return Err(Refusal::not_found());
    }
    world.remove_source(visit.user()?, id)?;
    Ok(see(world, &visit.below_flow("/inbox-settings")))
}
