//! `oauth.v2.access`: a code, or a refresh token, for tokens; and `oauth.v2.exchange`: a lasting token for one that
//! rotates. <https://docs.slack.dev/reference/methods/oauth.v2.access>

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::super::api::call::{Call, basic};
use super::super::control::rules::TokenAnswer;
use super::super::refusal::Refusal;
use super::super::world::apps::{App, Installation};
use super::super::world::tokens::{Code, Holder, Method, TOKEN_SECONDS, Token};
use super::super::world::{AppId, World};

type Fields = Map<String, Value>;

pub(in super::super) fn access(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    if let Some(TokenAnswer::Error { error }) = &call.fault {
        return Err(Refusal::new(error.clone()));
    }
    let app = client(world, call)?.id.clone();
    let answer = match call.optional("grant_type").as_deref() {
        None | Some("" | "authorization_code") => first_tokens(world, call, &app)?,
        Some("refresh_token") => refreshed(world, call, &app)?,
        Some(_) => return Err(Refusal::new("invalid_grant_type")),
    };
    Ok(bent(answer, call.fault.as_ref()))
}

pub(in super::super) fn exchange(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let app = client(world, call)?;
    if !app.settings.token_rotation {
        return Err(Refusal::new("token_rotation_not_enabled"));
    }
    let (app, value) = (app.id.clone(), call.text("token"));
    let old = world.tokens.get(&value).filter(|token| token.app == app).ok_or_else(|| Refusal::new("invalid_token"))?;
    if old.expires.is_some() || old.ended.is_some() {
        return Err(Refusal::new("token_already_exchanged"));
    }
    let fresh = world.tokens.exchange(&value).ok_or_else(|| Refusal::new("invalid_token"))?;
    token_answer(world, &fresh)
}

/// Name and secret, by HTTP Basic or among the parameters.
fn client<'w>(world: &'w World, call: &Call) -> Result<&'w App, Refusal> {
    let (id, secret) = basic(&call.headers).unwrap_or_else(|| (call.text("client_id"), call.text("client_secret")));
    let app = world.app_of_client(&id).ok_or_else(|| Refusal::new("invalid_client_id"))?;
    // A public client, which PKCE makes of an app, may come without its secret.
    let public = app.settings.pkce && secret.is_empty();
    if public || app.client_secret == secret { Ok(app) } else { Err(Refusal::new("bad_client_secret")) }
}

fn first_tokens(world: &mut World, call: &Call, app: &AppId) -> Result<Fields, Refusal> {
    // Whatever follows, the code is used up.
    let code = world.tokens.take_code(&call.text("code")).ok_or_else(|| Refusal::new("invalid_code"))?;
    if code.app != *app {
        return Err(Refusal::new("invalid_code"));
    }
    let sent = call.optional("redirect_uri").filter(|uri| !uri.is_empty());
    if sent != code.redirect_uri {
        return Err(Refusal::new("bad_redirect_uri"));
    }
    let settings = world.app(app)?.settings.clone();
    let verifier = call.optional("code_verifier");
    if !settings.pkce && (code.challenge.is_some() || verifier.is_some()) {
        return Err(Refusal::new("pkce_not_allowed"));
    }
    if !verifies(&code, verifier.as_deref()) {
        return Err(Refusal::new("invalid_code_verifier"));
    }
    let mut bot_scopes = code.scopes.clone();
    match &call.fault {
        Some(TokenAnswer::FewerScopes) => drop(bot_scopes.pop()),
        Some(TokenAnswer::MoreScopes) => bot_scopes.push("files:write".to_owned()),
        _ => {}
    }
    let installation = world.install(app, &code.team, code.enterprise, &code.user, &bot_scopes);
    answer(world, &code, &installation, settings.token_rotation)
}

fn answer(world: &mut World, code: &Code, installation: &Installation, rotating: bool) -> Result<Fields, Refusal> {
    let mut issue = |holder, scopes: &[String]| {
        world.tokens.issue(&code.app, &installation.teams, code.enterprise, holder, scopes, rotating)
    };
    // With user scopes alone there is no token of a bot.
    let bot = (!code.scopes.is_empty()).then(|| issue(Holder::Bot(installation.bot.clone()), &installation.scopes));
    let person = (!code.user_scopes.is_empty()).then(|| issue(Holder::Person(code.user.clone()), &code.user_scopes));
    let workspace = world.workspace(&code.team)?;
    let mut fields = Map::new();
    if let Some(bot) = &bot {
        fields.extend(token_fields(bot));
        fields.insert("bot_user_id".into(), json!(installation.bot));
    }
    let mut authed_user = Map::from_iter([("id".to_owned(), json!(code.user))]);
    authed_user.extend(person.iter().flat_map(token_fields));
    let enterprise = world.enterprise.as_ref().map(|it| json!({"id": it.id, "name": it.name}));
    let team = if code.enterprise { Value::Null } else { json!({"id": workspace.id, "name": workspace.name}) };
    fields.extend([
        ("app_id".into(), json!(code.app)),
        ("authed_user".into(), Value::Object(authed_user)),
        ("team".into(), team),
        ("enterprise".into(), json!(enterprise)),
        ("is_enterprise_install".into(), json!(code.enterprise)),
    ]);
    Ok(fields)
}

fn refreshed(world: &mut World, call: &Call, app: &AppId) -> Result<Fields, Refusal> {
    let fresh = world.tokens.refresh(app, &call.text("refresh_token"));
    token_answer(world, &fresh.ok_or_else(|| Refusal::new("invalid_refresh_token"))?)
}

/// An answer about one token, of a bot or of a person: no `authed_user` this time.
fn token_answer(world: &World, token: &Token) -> Result<Fields, Refusal> {
    let team = token.teams.first().filter(|_| !token.enterprise).map(|id| world.workspace(id)).transpose()?;
    let enterprise = world.enterprise.as_ref().map(|it| json!({"id": it.id, "name": it.name}));
    let mut fields: Fields = token_fields(token).collect();
    let whose = match &token.holder {
        Holder::Bot(user) => ("bot_user_id".to_owned(), json!(user)),
        Holder::Person(user) => ("user_id".to_owned(), json!(user)),
    };
    fields.extend([
        whose,
        ("app_id".into(), json!(token.app)),
        ("team".into(), json!(team.map(|team| json!({"id": team.id, "name": team.name})))),
        ("enterprise".into(), json!(enterprise)),
        ("is_enterprise_install".into(), json!(token.enterprise)),
    ]);
    Ok(fields)
}

fn token_fields(token: &Token) -> impl Iterator<Item = (String, Value)> + use<> {
    let kind = if matches!(token.holder, Holder::Bot(_)) { "bot" } else { "user" };
    let lasting =
        [("access_token", json!(token.value)), ("token_type", json!(kind)), ("scope", json!(token.scopes.join(",")))];
    let rotating =
        token.refresh.clone().map(|refresh| [("refresh_token", json!(refresh)), ("expires_in", json!(TOKEN_SECONDS))]);
    lasting.into_iter().chain(rotating.into_iter().flatten()).map(|(name, value)| (name.to_owned(), value))
}

/// PKCE (RFC 7636): asked for only if a challenge was sent, and then never forgiven.
fn verifies(code: &Code, verifier: Option<&str>) -> bool {
    match (&code.challenge, verifier) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some((challenge, Method::Plain)), Some(verifier)) => verifier == challenge,
        (Some((challenge, Method::S256)), Some(verifier)) => {
            URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) == *challenge
        }
    }
}

/// As a fault wants it.
fn bent(mut fields: Fields, fault: Option<&TokenAnswer>) -> Fields {
    match fault {
        Some(TokenAnswer::EmptyToken) => drop(fields.insert("access_token".into(), json!(""))),
        Some(TokenAnswer::OtherType) => drop(fields.insert("token_type".into(), json!("mac"))),
        Some(TokenAnswer::NoTeam) => drop(fields.insert("team".into(), Value::Null)),
        _ => {}
    }
    fields
}
