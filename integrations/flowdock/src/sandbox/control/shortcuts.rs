//! Shortcuts past pages and consent, for tests and for pointing other clients here.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use integration_sandboxkit::{rules, table};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Sandbox;
use super::super::actions::{self, Sent, sending};
use super::super::oauth::{consent, scopes};
use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::apps::{App, AppForm};
use super::super::world::chat::{Post, Poster};
use super::super::world::messages::Place;
use super::super::world::people::PASSWORD;
use super::super::world::sources::Source;
use super::super::world::{SourceId, World};
use super::answer;

pub(in super::super) async fn overview(State(sandbox): State<Sandbox>) -> Json<Value> {
    let world = sandbox.world();
    let users: Value = world
        .users
        .values()
        .map(|user| {
            let mut shown = shapes::people::user(&world, user);
            shown["password"] = json!(PASSWORD);
            shown["token"] = json!(world.tokens.personal.get(&user.id));
            shown
        })
        .collect();
    let flows: Value = world
        .flows
        .iter()
        .map(|flow| {
            let sources: Value = world.sources_of(&flow.id).map(|source| told(&world, source)).collect();
            json!({
                "id": flow.id,
                "path": world.flow_path(flow),
                "name": flow.name,
                "members": flow.members.keys().collect::<Vec<_>>(),
                "api_token": flow.api_token,
                "sources": sources,
            })
        })
        .collect();
    let effects = [rules::effects(), table(include_str!("rules.rs"))].concat();
    let at = &world.at;
    Json(json!({
        "what": "Flowdock sandbox: a stand-in inside Patchbay",
        "web": at,
        "api": at,
        "stream": format!("{at}/stream/flows"),
        "authorize": format!("{at}/oauth/authorize"),
        "token": format!("{at}/oauth/token"),
        "users": users,
        "flows": flows,
        "applications": world.apps.iter().map(app).collect::<Value>(),
        "control": table(include_str!("mod.rs")),
        "effects_of_rules": effects,
        "forgeries": table(include_str!("forgery.rs")),
    }))
}

fn app(it: &App) -> Value {
    json!({
        "id": it.id,
        "name": it.form.name,
        "client_id": it.client_id,
        "client_secret": it.client_secret,
        "redirect_uri": it.form.redirect_uri,
        "setup_uri": it.form.setup_uri,
        "configuration_uri": it.form.configuration_uri,
    })
}

/// With its token, and whether it is gone.
fn told(world: &World, source: &Source) -> Value {
    let mut shown = shapes::source::new_source(world, source);
    shown["removed"] = json!(source.removed);
    shown
}

/// By name or client id; the product's own unless said otherwise.
fn app_called<'a>(world: &'a World, name: Option<&str>) -> Result<&'a App, Refusal> {
    let name = name.unwrap_or("patchbay");
    let found = world.apps.iter().find(|it| it.form.name.eq_ignore_ascii_case(name) || it.client_id == name);
    found.ok_or_else(Refusal::not_found)
}

#[derive(Deserialize)]
pub(super) struct Authorize {
    user: String,
    url: String,
    #[serde(default)]
    decision: Decision,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Decision {
    #[default]
    Authorize,
    Deny,
}

pub(super) async fn authorize(State(sandbox): State<Sandbox>, Json(ask): Json<Authorize>) -> Response {
    let mut world = sandbox.world();
    let user = world.user_called(&ask.user).map(|user| user.id);
    let agreed = ask.decision == Decision::Authorize;
    let redirect = user.and_then(|user| consent::decide_for(&mut world, user, &ask.url, agreed));
    answer(redirect.map(|redirect| json!({"redirect": redirect})))
}

#[derive(Deserialize)]
pub(super) struct MakeToken {
    user: String,
    scopes: Option<String>,
    application: Option<String>,
}

pub(super) async fn make_token(State(sandbox): State<Sandbox>, Json(ask): Json<MakeToken>) -> Response {
    let mut world = sandbox.world();
    let made = world.user_called(&ask.user).map(|user| user.id).and_then(|user| {
        let app = app_called(&world, ask.application.as_deref())?.id;
        let scopes = scopes::read(ask.scopes.as_deref());
        Ok((user, app, scopes.ok_or_else(|| Refusal::invalid("scopes", "is invalid"))?))
    });
    answer(made.map(|(user, app, scopes)| {
        let token = world.issue_token(user, app, scopes);
        json!({"access_token": token.value, "refresh_token": token.refresh, "scopes": token.scopes})
    }))
}

#[derive(Deserialize)]
pub(super) struct EndTokens {
    user: Option<String>,
    how: End,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum End {
    Expired,
    Revoked,
}

pub(super) async fn end_tokens(State(sandbox): State<Sandbox>, Json(ask): Json<EndTokens>) -> Response {
    let mut world = sandbox.world();
    let user = match ask.user.map(|name| world.user_called(&name).map(|user| user.id)).transpose() {
        Ok(user) => user,
        Err(refusal) => return answer(Err(refusal)),
    };
    let meant = |whose: u64| user.is_none_or(|user| user == whose);
    let ended = world.tokens.access.iter().filter(|token| meant(token.user)).count();
    match ask.how {
        End::Revoked => world.tokens.access.retain(|token| !meant(token.user)),
        End::Expired => {
            let there = world.tokens.access.iter_mut().filter(|token| meant(token.user));
            there.for_each(|token| token.expires = Timestamp::UNIX_EPOCH);
        }
    }
    answer(Ok(json!({"ended": ended})))
}

pub(super) async fn expire_codes(State(sandbox): State<Sandbox>) -> Json<Value> {
    for code in sandbox.world().tokens.codes.values_mut() {
        code.expires = Timestamp::UNIX_EPOCH;
    }
    Json(json!({"expired": true}))
}

pub(super) async fn applications(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(sandbox.world().apps.iter().map(app).collect())
}

#[derive(Deserialize)]
pub(super) struct Register {
    owner: String,
    name: String,
    redirect_uri: String,
    setup_uri: Option<String>,
    configuration_uri: Option<String>,
}

pub(super) async fn register(State(sandbox): State<Sandbox>, Json(ask): Json<Register>) -> Response {
    let mut world = sandbox.world();
    let owner = world.user_called(&ask.owner).map(|user| user.id);
    let form = AppForm {
        name: ask.name,
        redirect_uri: ask.redirect_uri,
        setup_uri: ask.setup_uri,
        configuration_uri: ask.configuration_uri,
        ..AppForm::default()
    };
    let made = owner.and_then(|owner| world.register_app(owner, form));
    answer(made.and_then(|id| world.app(id).map(app)))
}

#[derive(Deserialize)]
pub(super) struct MakeSource {
    user: String,
    /// An id or a path.
    flow: String,
    name: String,
    application: Option<String>,
}

pub(super) async fn make_source(State(sandbox): State<Sandbox>, Json(ask): Json<MakeSource>) -> Response {
    answer(make_source_as(&mut sandbox.world(), ask))
}

fn make_source_as(world: &mut World, ask: MakeSource) -> Result<Value, Refusal> {
    let user = world.user_called(&ask.user)?.id;
    let flow = world.flow_called(user, &ask.flow)?.id.clone();
    let app = app_called(world, ask.application.as_deref())?.id;
    let id = world.create_source(user, app, &flow, Some(ask.name), None)?;
    Ok(told(world, world.source(id)?))
}

pub(super) async fn source(State(sandbox): State<Sandbox>, Path(id): Path<SourceId>) -> Response {
    let world = sandbox.world();
    let found = world.sources.iter().find(|it| it.id == id).ok_or_else(Refusal::not_found);
    answer(found.map(|source| told(&world, source)))
}

pub(super) async fn remove_source(State(sandbox): State<Sandbox>, Path(id): Path<SourceId>) -> Response {
    let mut world = sandbox.world();
    let somebody = world.source(id).and_then(|source| {
        let members = &world.flow(&source.flow)?.members;
        members.iter().find(|(_, it)| !it.disabled).map(|(user, _)| *user).ok_or_else(Refusal::not_found)
    });
    answer(somebody.and_then(|user| world.remove_source(user, id)).map(|()| json!({"removed": true})))
}

pub(super) async fn flow(State(sandbox): State<Sandbox>, Path((org, flow)): Path<(String, String)>) -> Response {
    let world = sandbox.world();
    let path = format!("{org}/{flow}");
    let found = world.flows.iter().find(|it| world.flow_path(it) == path).ok_or_else(Refusal::not_found);
    answer(found.map(|flow| {
        let threads: Value = world
            .threads
            .values()
            .filter(|thread| thread.flow == flow.id)
            .map(|thread| {
                let mut shown = shapes::thread::thread(&world, thread);
                shown["external_thread_id"] = json!(thread.external_id);
                shown["actions"] = json!(thread.state.actions);
                shown
            })
            .collect();
        let place = Place::Flow(flow.id.clone());
        let messages = world.messages_of(&place);
        let messages: Value = messages.map(|message| shapes::message::message(&world, message)).collect();
        json!({"id": flow.id, "threads": threads, "messages": messages})
    }))
}

#[derive(Deserialize)]
pub(super) struct Say {
    user: String,
    flow: String,
    text: String,
    thread: Option<String>,
}

pub(super) async fn say(State(sandbox): State<Sandbox>, Json(ask): Json<Say>) -> Response {
    answer(say_as(&mut sandbox.world(), ask))
}

fn say_as(world: &mut World, ask: Say) -> Result<Value, Refusal> {
    let user = world.user_called(&ask.user)?.id;
    let place = Place::Flow(world.joined(user, world.flow_called(user, &ask.flow)?)?);
    let post = Post {
        event: Some("message".to_owned()),
        content: Value::from(ask.text),
        thread_id: ask.thread,
        ..Post::default()
    };
    let id = world.post(Poster::User(user), &place, post)?;
    Ok(shapes::message::message(world, world.message(&place, id)?))
}

pub(super) async fn actions(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(sandbox.world().sent.iter().map(Sent::shown).collect())
}

#[derive(Deserialize)]
pub(super) struct Act {
    user: String,
    thread: String,
    /// The action's.
    name: String,
}

pub(super) async fn act(State(sandbox): State<Sandbox>, Json(ask): Json<Act>) -> Response {
    let chosen = choose(&sandbox.world(), &ask);
    let done = match chosen {
        Ok((user, signed)) => sending::send(&sandbox, user, &ask.thread, &signed).await,
        Err(refusal) => Err(refusal),
    };
    answer(done.and_then(|id| sandbox.world().sent(id).map(Sent::shown)))
}

fn choose(world: &World, ask: &Act) -> Result<(u64, String), Refusal> {
    let user = world.user_called(&ask.user)?.id;
    let thread = world.visible_thread(user, &ask.thread)?;
    let action = thread.state.actions.iter().find(|action| action["name"] == ask.name.as_str());
    let action = action.ok_or_else(Refusal::not_found)?;
    Ok((user, actions::signature(world, thread, action)))
}

pub(super) async fn replay(State(sandbox): State<Sandbox>, Path(id): Path<u64>) -> Response {
    let done = sending::replay(&sandbox, id).await;
    answer(done.and_then(|id| sandbox.world().sent(id).map(Sent::shown)))
}
