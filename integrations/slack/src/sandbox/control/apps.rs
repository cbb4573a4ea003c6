//! Apps, what they hear, and the enterprise: for tests.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::Sandbox;
use super::super::hooks::verify;
use super::super::refusal::Refusal;
use super::super::world::apps::{App, AppSettings};
use super::super::world::{AppId, Enterprise, TeamId, World};
use super::answer;

pub(super) fn shown(app: &App) -> Value {
    json!({
        "id": app.id,
        "name": app.name,
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "signing_secret": app.signing_secret,
        "settings": app.settings,
    })
}

pub(super) async fn list(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(sandbox.world().apps.iter().map(shown).collect())
}

#[derive(Deserialize)]
pub(super) struct NewApp {
    name: String,
    #[serde(default)]
    settings: Map<String, Value>,
}

pub(super) async fn register(State(sandbox): State<Sandbox>, Json(new): Json<NewApp>) -> Response {
    let mut world = sandbox.world();
    let fresh = AppSettings {
        request_url: None,
        redirect_urls: Vec::new(),
        commands: Vec::new(),
        events: Vec::new(),
        token_rotation: false,
        pkce: false,
        distributed: true,
    };
    let registered = with(&fresh, new.settings).map(|settings| {
        let app = App::register(&new.name, settings);
        let shown = shown(&app);
        world.apps.push(app);
        shown
    });
    answer(registered)
}

pub(super) async fn change(
    State(sandbox): State<Sandbox>,
    Path(app): Path<AppId>,
    Json(changes): Json<Map<String, Value>>,
) -> Response {
    let mut world = sandbox.world();
    answer(change_settings(&mut world, &app, changes))
}

fn change_settings(world: &mut World, id: &str, changes: Map<String, Value>) -> Result<Value, Refusal> {
    let settings = with(&world.app(id)?.settings, changes)?;
    let app = world.apps.iter_mut().find(|app| app.id == id).ok_or_else(|| Refusal::new("app_not_found"))?;
    app.settings = settings;
    Ok(shown(app))
}

/// The settings with some of them changed.
fn with(settings: &AppSettings, changes: Map<String, Value>) -> Result<AppSettings, Refusal> {
    let mut all = json!(settings);
    if let Value::Object(fields) = &mut all {
        fields.extend(changes);
    }
    serde_json::from_value(all).map_err(Refusal::invalid_arguments)
}

pub(super) async fn verify(State(sandbox): State<Sandbox>, Path(app): Path<AppId>) -> Response {
    answer(verify::verify_url(&sandbox, &app).await.map(|passed| json!({"passed": passed})))
}

pub(super) async fn check_ssl(State(sandbox): State<Sandbox>, Path(app): Path<AppId>) -> Response {
    answer(verify::check_ssl(&sandbox, &app).await.map(|passed| json!({"passed": passed})))
}

#[derive(Deserialize)]
pub(super) struct AnyEvent {
    team: TeamId,
    app: Option<AppId>,
    event: Value,
}

pub(super) async fn send_event(State(sandbox): State<Sandbox>, Json(ask): Json<AnyEvent>) -> Response {
    sandbox.change(|world| {
        let app = ask.app.unwrap_or_else(|| world.apps[0].id.clone());
        answer(world.tell_anything(&app, &ask.team, &ask.event).map(|()| json!({"sent": true})))
    })
}

#[derive(Deserialize)]
pub(super) struct NewEnterprise {
    id: Option<String>,
    name: Option<String>,
}

pub(super) async fn found_enterprise(State(sandbox): State<Sandbox>, Json(new): Json<NewEnterprise>) -> Json<Value> {
    let enterprise = Enterprise {
        id: new.id.unwrap_or_else(|| "E0INITECH1".to_owned()),
        name: new.name.unwrap_or_else(|| "Initech".to_owned()),
    };
    let shown = json!({"id": enterprise.id, "name": enterprise.name});
    sandbox.world().enterprise = Some(enterprise);
    Json(shown)
}

pub(super) async fn end_enterprise(State(sandbox): State<Sandbox>) -> Json<Value> {
    sandbox.world().enterprise = None;
    Json(json!({"ended": true}))
}
