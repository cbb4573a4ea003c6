//! An app's page, for its developer: settings, and what was delivered.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use integration_sandboxkit::pages::sent_by_ourselves;
use integration_sandboxkit::visits::Visited;

use super::super::Sandbox;
use super::super::hooks::courier::Delivery;
use super::super::hooks::verify;
use super::super::refusal::Refusal;
use super::super::world::World;
use super::session::Visitor;
use super::{Page, Visit, see, show as show_page};

struct Row {
    about: String,
    team: String,
    event_id: String,
    retry: usize,
    reason: &'static str,
    at: String,
    ms: u128,
    result: String,
    good: bool,
    headers: Vec<(String, String)>,
    body: String,
    answer: String,
}

#[derive(Template)]
#[template(path = "sandbox/developer.html")]
struct DeveloperPage {
    page: Page,
    id: String,
    name: String,
    client_id: String,
    client_secret: String,
    signing_secret: String,
    request_url: String,
    redirect_urls: Vec<String>,
    commands: Vec<String>,
    events: Vec<String>,
    rotation: bool,
    pkce: bool,
    waiting: usize,
    deliveries: Vec<Row>,
    /// What a check just found.
    note: Option<&'static str>,
}

pub(super) fn show(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    page(world, &visit.visitor, visit.param("app"), None)
}

fn page(world: &World, visitor: &Visitor, id: &str, note: Option<&'static str>) -> Result<Response, Refusal> {
    let app = world.app(id)?;
    let settings = &app.settings;
    Ok(show_page(&DeveloperPage {
        page: Page::new(world, visitor, &app.name),
        id: app.id.clone(),
        name: app.name.clone(),
        client_id: app.client_id.clone(),
        client_secret: app.client_secret.clone(),
        signing_secret: app.signing_secret.clone(),
        request_url: settings.request_url.clone().unwrap_or_default(),
        redirect_urls: settings.redirect_urls.clone(),
        commands: settings.commands.clone(),
        events: settings.events.clone(),
        rotation: settings.token_rotation,
        pkce: settings.pkce,
        waiting: world.post.waiting(),
        deliveries: world.post.deliveries.iter().filter(|it| it.letter.app == app.id).map(row).collect(),
        note,
    }))
}

fn row(delivery: &Delivery) -> Row {
    let Delivery { letter, outcome } = delivery;
    let result = match (outcome.status, outcome.failure) {
        (0, failure) => failure.unwrap_or("no answer").to_owned(),
        (status, _) => status.to_string(),
    };
    Row {
        about: letter.label.clone(),
        team: letter.team.clone(),
        event_id: letter.event_id.clone(),
        retry: letter.retry,
        reason: letter.reason.unwrap_or_default(),
        at: outcome.at.strftime("%H:%M:%S").to_string(),
        ms: outcome.ms,
        result,
        good: outcome.is_good(),
        headers: outcome.request_headers.clone(),
        body: letter.body.as_str().to_owned(),
        answer: outcome.response_body.clone(),
    }
}

pub(super) fn change(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.param("app").to_owned();
    let app = world.apps.iter_mut().find(|app| app.id == id).ok_or_else(|| Refusal::new("app_not_found"))?;
    app.settings.request_url = visit.fields.text("request_url");
    app.settings.redirect_urls = visit.fields.list("redirect_urls");
    app.settings.commands = visit.fields.list("commands");
    app.settings.token_rotation = visit.fields.get("token_rotation").is_some();
    app.settings.pkce = visit.fields.get("pkce").is_some();
    Ok(see(world, &format!("/apps/{id}")))
}

pub(super) async fn verify(State(sandbox): State<Sandbox>, Path(app): Path<String>, headers: HeaderMap) -> Response {
    let passed =
        if sent_by_ourselves(&headers) { verify::verify_url(&sandbox, &app).await } else { Err(Sandbox::other_site()) };
    told(&sandbox, &app, &headers, passed, "The challenge came back.", "The challenge did not come back.")
}

pub(super) async fn check_ssl(State(sandbox): State<Sandbox>, Path(app): Path<String>, headers: HeaderMap) -> Response {
    let passed =
        if sent_by_ourselves(&headers) { verify::check_ssl(&sandbox, &app).await } else { Err(Sandbox::other_site()) };
    told(&sandbox, &app, &headers, passed, "The probe was answered with 200.", "The probe was not answered with 200.")
}

fn told(
    sandbox: &Sandbox,
    app: &str,
    headers: &HeaderMap,
    passed: Result<bool, Refusal>,
    yes: &'static str,
    no: &'static str,
) -> Response {
    let (world, visitor) = (sandbox.world(), Visitor::of(headers));
    let shown = passed.and_then(|passed| page(&world, &visitor, app, Some(if passed { yes } else { no })));
    shown.unwrap_or_else(|refusal| Page::refusal(&world, &visitor, &refusal))
}
