//! Developer applications: registering one, its id and secret, the setup-link and the source generator.

use askama::Template;
use axum::response::Response;
use integration_sandboxkit::fields::Fields;

use super::super::actions::Sent;
use super::super::refusal::{BLANK, Refusal};
use super::super::world::World;
use super::super::world::apps::{App, AppForm};
use super::{Page, Visit, see, show};

/// Sent actions shown, the newest.
const SHOWN: usize = 20;

struct Row {
    id: u64,
    name: String,
    mine: bool,
}

struct Choice {
    id: String,
    path: String,
    setup: Option<String>,
}

struct Action {
    who: String,
    name: String,
    request: String,
    body: String,
    answer: String,
    good: bool,
}

#[derive(Template)]
#[template(path = "sandbox/applications.html")]
struct ListPage {
    page: Page,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "sandbox/new_application.html")]
struct NewPage {
    page: Page,
    form: AppForm,
}

#[derive(Template)]
#[template(path = "sandbox/application.html")]
struct AppPage {
    page: Page,
    app: App,
    here: String,
    flows: Vec<Choice>,
    sources: Vec<String>,
    actions: Vec<Action>,
    /// Of the source that was just generated.
    token: Option<String>,
}

pub(super) fn list(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let user = visit.user()?;
    let rows = world.offered_apps(user);
    let rows = rows.map(|app| Row { id: app.id, name: app.form.name.clone(), mine: app.owner == user }).collect();
    Ok(show(&ListPage { page: Page::new(world, &visit.visitor, "Developer applications"), rows }))
}

pub(super) fn ask(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    visit.user()?;
    Ok(show(&NewPage { page: Page::new(world, &visit.visitor, "New application"), form: AppForm::default() }))
}

/// What the form of an application says.
pub(in super::super) fn read_form(fields: &Fields) -> AppForm {
    AppForm {
        name: fields.text("name").unwrap_or_default(),
        redirect_uri: fields.text("redirect_uri").unwrap_or_default(),
        setup_uri: fields.text("setup_uri"),
        configuration_uri: fields.text("configuration_uri"),
        icon_url: fields.text("icon_url"),
        description: fields.text("description"),
        help: fields.text("help"),
        shortcut: fields.get("shortcut").is_some(),
    }
}

pub(super) fn show_app(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    app_page(world, visit, None)
}

fn app_page(world: &World, visit: &Visit, token: Option<String>) -> Result<Response, Refusal> {
    let user = visit.user()?;
    let app = world.own_app(user, visit.id("id")?)?;
    let joined = || world.flows.iter().filter(|flow| flow.is_in(user));
    let flows = joined().map(|flow| Choice {
        id: flow.id.clone(),
        path: world.flow_path(flow),
        setup: world.setup_link(app, flow),
    });
    let sources = world.sources.iter().filter(|source| source.app == app.id && !source.removed);
    let actions = world.sent.iter().rev().filter(|sent| sent.app == app.id).take(SHOWN);
    Ok(show(&AppPage {
        page: Page::new(world, &visit.visitor, &app.form.name),
        app: app.clone(),
        here: world.api(&format!("/oauth/applications/{}", app.id)),
        flows: flows.collect(),
        sources: sources
            .filter_map(|it| Some(format!("{} in {}", it.name, world.flow_path(world.flow(&it.flow).ok()?))))
            .collect(),
        actions: actions.map(|sent| action(world, sent)).collect(),
        token,
    }))
}

fn action(world: &World, sent: &Sent) -> Action {
    let headers = sent.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect::<String>();
    let answer = sent.answer.shown();
    Action {
        who: world.user(sent.user).map_or_else(|_| String::new(), |user| user.name.clone()),
        name: sent.name.clone(),
        request: format!("{} {}\n{headers}", sent.method, sent.url),
        body: sent.body.clone(),
        good: answer["result"] == "done",
        answer: answer.to_string(),
    }
}

pub(super) fn change(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.id("id")?;
    world.change_app(visit.user()?, id, read_form(&visit.fields))?;
    Ok(see(world, &format!("/oauth/applications/{id}")))
}

/// The token is shown on the page that answers, once.
pub(super) fn generate_source(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let user = visit.user()?;
    let app = world.own_app(user, visit.id("id")?)?.id;
    let flow = visit.fields.text("flow").ok_or_else(|| Refusal::invalid("flow", BLANK))?;
    let flow = world.flow_called(user, &flow)?.id.clone();
    let id = world.create_source(user, app, &flow, visit.fields.text("name"), visit.fields.text("external_url"))?;
    let token = world.source(id)?.flow_token.clone();
    app_page(world, visit, Some(token))
}
