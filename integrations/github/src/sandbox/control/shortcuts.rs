//! Shortcuts past pages and consent, for tests and for pointing other clients here.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use integration_sandboxkit::{rules, table};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Sandbox;
use super::super::oauth::{consent, scopes};
use super::super::refusal::Refusal;
use super::super::world::{AccountId, World};
use super::refuse;

/// Scopes of the ready tokens.
const EVERYTHING: &str = "repo admin:repo_hook delete_repo read:org user";
const READY: &str = "ready-made by the sandbox";

pub(in super::super) async fn overview(State(sandbox): State<Sandbox>) -> Json<Value> {
    let mut world = sandbox.world();
    let people: Vec<(AccountId, String, String)> =
        world.users().map(|user| (user.id, user.login.clone(), user.name.clone())).collect();
    let users: Vec<Value> = people
        .into_iter()
        .map(|(id, login, name)| json!({"id": id, "login": login, "name": name, "token": ready_token(&mut world, id)}))
        .collect();
    let apps: Vec<Value> = world
        .registrations
        .apps
        .iter()
        .map(|app| {
            json!({
                "name": app.name, "client_id": app.client_id, "client_secret": app.client_secret,
                "callback": app.callback, "suspended": app.suspended,
            })
        })
        .collect();
    let effects = [rules::effects(), table(include_str!("rules.rs"))].concat();
    let at = &world.at;
    Json(json!({
        "what": "GitHub sandbox: a stand-in inside Patchbay",
        "web": at,
        "api": world.api(),
        "authorize": format!("{at}/login/oauth/authorize"),
        "token": format!("{at}/login/oauth/access_token"),
        "users": users,
        "apps": apps,
        "control": table(include_str!("mod.rs")),
        "effects_of_rules": effects,
        "effects_of_deliveries": table(include_str!("mail.rs")),
    }))
}

fn ready_token(world: &mut World, account: AccountId) -> String {
    let tokens = &world.registrations.tokens;
    let ready = tokens.iter().find(|token| token.account == account && token.note.as_deref() == Some(READY));
    match ready {
        Some(token) => token.value.clone(),
        None => {
            let scopes = scopes::normalised(EVERYTHING);
            world.registrations.issue_personal_token(account, READY.to_owned(), scopes).value
        }
    }
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
    Cancel,
}

pub(super) async fn authorize(State(sandbox): State<Sandbox>, Json(ask): Json<Authorize>) -> Response {
    sandbox.change(|world| {
        let redirect = user(world, &ask.user)
            .and_then(|who| consent::decide_for(world, who, &ask.url, ask.decision == Decision::Authorize));
        match redirect {
            Ok(url) => Json(json!({"redirect": url})).into_response(),
            Err(refusal) => refuse(&refusal),
        }
    })
}

#[derive(Deserialize)]
pub(super) struct NewToken {
    user: String,
    scopes: Option<String>,
    client_id: Option<String>,
}

pub(super) async fn make_token(State(sandbox): State<Sandbox>, Json(ask): Json<NewToken>) -> Response {
    let mut world = sandbox.world();
    let who = match user(&world, &ask.user) {
        Ok(who) => who,
        Err(refusal) => return refuse(&refusal),
    };
    let scopes = scopes::normalised(ask.scopes.as_deref().unwrap_or(EVERYTHING));
    let token = match ask.client_id {
        Some(client_id) if world.registrations.app(&client_id).is_none() => {
            return refuse(&Refusal::custom("App", &format!("{client_id} is not registered")));
        }
        Some(client_id) => world.registrations.issue_token(who, &client_id, scopes),
        None => world.registrations.issue_personal_token(who, "made by a test".to_owned(), scopes),
    };
    Json(json!({"token": token.value, "scopes": token.scopes})).into_response()
}

pub(super) async fn revoke_user(State(sandbox): State<Sandbox>, Path(login): Path<String>) -> Response {
    let mut world = sandbox.world();
    match user(&world, &login) {
        Ok(who) => {
            let before = world.registrations.tokens.len();
            world.registrations.tokens.retain(|token| token.account != who);
            world.registrations.grants.retain(|grant| grant.account != who);
            Json(json!({"revoked": before - world.registrations.tokens.len()})).into_response()
        }
        Err(refusal) => refuse(&refusal),
    }
}

#[derive(Deserialize)]
pub(super) struct Suspension {
    suspended: bool,
}

pub(super) async fn suspend_app(
    State(sandbox): State<Sandbox>,
    Path(client_id): Path<String>,
    Json(ask): Json<Suspension>,
) -> Response {
    let mut world = sandbox.world();
    match world.registrations.apps.iter_mut().find(|app| app.client_id == client_id) {
        Some(app) => {
            app.suspended = ask.suspended;
            Json(json!({"client_id": client_id, "suspended": ask.suspended})).into_response()
        }
        None => refuse(&Refusal::not_found()),
    }
}

pub(super) async fn hooks(State(sandbox): State<Sandbox>) -> Json<Value> {
    let world = sandbox.world();
    let hooks = world.repositories.values().flat_map(|place| place.hooks.values().map(move |hook| (place, hook)));
    let shown: Vec<Value> = hooks
        .map(|(place, hook)| {
            json!({
                "id": hook.id,
                "repository": world.full_name(place),
                "repository_id": place.id,
                "url": hook.config.url,
                "content_type": hook.config.content_type,
                "has_secret": hook.config.secret.is_some(),
                "events": hook.events,
                "active": hook.active,
                "owner": world.account(hook.owner).login,
                "client_id": hook.made_by,
                "deliveries": hook.deliveries.len(),
            })
        })
        .collect();
    Json(json!(shown))
}

#[derive(Deserialize)]
pub(super) struct AnyEvent {
    repository: String,
    event: String,
    payload: Value,
}

pub(super) async fn send_event(State(sandbox): State<Sandbox>, Json(ask): Json<AnyEvent>) -> Response {
    sandbox.change(|world| {
        let (owner, name) = ask.repository.split_once('/').unwrap_or_default();
        let found = world.repository_named(owner, name).map(|place| place.id).ok_or_else(Refusal::not_found);
        match found.and_then(|id| world.tell_anything(id, &ask.event, ask.payload)) {
            Ok(heard) => Json(json!({"heard": heard})).into_response(),
            Err(refusal) => refuse(&refusal),
        }
    })
}

#[derive(Deserialize)]
pub(super) struct ManyRepositories {
    owner: String,
    prefix: String,
    count: usize,
    #[serde(default)]
    private: bool,
}

pub(super) async fn make_repositories(State(sandbox): State<Sandbox>, Json(ask): Json<ManyRepositories>) -> Response {
    let mut world = sandbox.world();
    let Some(owner) = world.account_named(&ask.owner).map(|account| account.id) else {
        return refuse(&Refusal::not_found());
    };
    let width = ask.count.to_string().len();
    let made: Result<Vec<u64>, Refusal> = (1..=ask.count)
        .map(|number| world.create_repository(owner, &format!("{}-{number:0width$}", ask.prefix), ask.private))
        .collect();
    match made {
        Ok(ids) => Json(json!({"created": ids.len()})).into_response(),
        Err(refusal) => refuse(&refusal),
    }
}

fn user(world: &World, login: &str) -> Result<AccountId, Refusal> {
    let missing = || Refusal::custom("User", &format!("{login} is not a user here"));
    world.user_named(login).map(|account| account.id).ok_or_else(missing)
}
