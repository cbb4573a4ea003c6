//! `POST /oauth/applications`: registers an application without a browser. Not in Flowdock's documents, but in its own
//! command-line example: e-mail and password by Basic, `{"application": {"name", "redirect_uri"}}`.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use integration_sandboxkit::fields::Fields;
use integration_sandboxkit::pages::sent_by_ourselves;
use serde_json::{Value, json};

use super::super::Sandbox;
use super::super::api::caller::basic_user;
use super::super::pages::session::Visitor;
use super::super::pages::{Page, developer};
use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::apps::{App, AppForm};

/// JSON is a program's; a form is the page's own.
pub(super) async fn register(State(sandbox): State<Sandbox>, headers: HeaderMap, body: Bytes) -> Response {
    let mut world = sandbox.world();
    if !is_json(&headers) {
        return from_page(&mut world, &headers, &body);
    }
    match from_program(&mut world, &headers, &body) {
        Ok(app) => (StatusCode::CREATED, axum::Json(app)).into_response(),
        Err(refusal) => (refusal.status, axum::Json(refusal.body())).into_response(),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.starts_with("application/json")
}

fn from_program(world: &mut World, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let user = sent.strip_prefix("Basic ").and_then(|pair| basic_user(world, pair));
    let user = user.ok_or_else(|| Refusal::unauthorized("invalid credentials"))?;
    let asked: Value = serde_json::from_slice(body).map_err(|_| Refusal::bad_request("the body is not valid JSON"))?;
    let text = |name: &str| asked["application"][name].as_str().unwrap_or_default().to_owned();
    let form = AppForm { name: text("name"), redirect_uri: text("redirect_uri"), ..AppForm::default() };
    let id = world.register_app(user, form)?;
    Ok(shown(world.app(id)?))
}

fn shown(app: &App) -> Value {
    json!({
        "id": app.id,
        "name": app.form.name,
        "redirect_uri": app.form.redirect_uri,
        "client_id": app.client_id,
        "client_secret": app.client_secret,
    })
}

fn from_page(world: &mut World, headers: &HeaderMap, body: &[u8]) -> Response {
    let visitor = Visitor::of(headers);
    let made = match visitor.user(world) {
        _ if !sent_by_ourselves(headers) => Err(Refusal::forbidden("This form was sent from another site.")),
        None => Err(Refusal::unauthorized("Choose who you are first.")),
        Some(user) => world.register_app(user, developer::read_form(&Fields::parse(body))),
    };
    match made {
        Ok(id) => Redirect::to(&world.api(&format!("/oauth/applications/{id}"))).into_response(),
        Err(refusal) => Page::refusal(world, &visitor, &refusal),
    }
}
