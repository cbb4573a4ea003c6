//! Who is calling: a person by password or own token, an application for a person, or a source.

use axum::http::{HeaderMap, StatusCode, header, request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use integration_sandboxkit::fields::Fields;
use serde_json::{Map, Value};

use super::super::refusal::Refusal;
use super::super::world::people::PASSWORD;
use super::super::world::{AppId, SourceId, UserId, World};
use super::Scopes;

#[derive(Clone)]
pub(super) enum Caller {
    User { id: UserId, app: Option<AppId>, scopes: Vec<String> },
    Source(SourceId),
}

impl Caller {
    pub fn user(&self) -> Option<UserId> {
        match self {
            Caller::User { id, .. } => Some(*id),
            Caller::Source(_) => None,
        }
    }

    /// An application may do what its scopes say; a person everything.
    pub fn check(&self, needed: Scopes) -> Result<(), Refusal> {
        match self {
            Caller::User { app: Some(_), scopes, .. } if !scopes.iter().any(|it| needed.contains(&it.as_str())) => {
                let names = needed.join(" or ");
                Err(Refusal::new(StatusCode::FORBIDDEN, format!("insufficient scope, this needs {names}")))
            }
            _ => Ok(()),
        }
    }
}

/// Nobody is nobody; somebody unknown is refused.
pub(super) fn identify(
    world: &World,
    headers: &HeaderMap,
    fields: &Map<String, Value>,
    legacy: bool,
) -> Result<Option<Caller>, Refusal> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    if let Some(token) = text(if legacy { "token" } else { "flow_token" }).or(text("flow_token")) {
        return world.source_of_token(token).map(|source| Some(Caller::Source(source.id)));
    }
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match sent.and_then(|sent| sent.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => bearer(world, token.trim()).map(Some),
        Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => basic(world, pair.trim()).map(Some),
        Some(_) => Err(Refusal::unauthorized("unknown kind of Authorization")),
        None => text("access_token").map(|token| bearer(world, token)).transpose(),
    }
}

fn bearer(world: &World, value: &str) -> Result<Caller, Refusal> {
    let token = world.live_token(value).ok_or_else(|| Refusal::unauthorized("invalid or expired access token"))?;
    Ok(Caller::User { id: token.user, app: Some(token.app), scopes: token.scopes.clone() })
}

/// E-mail and password, or a personal token in the place of the e-mail.
pub(in super::super) fn basic_user(world: &World, pair: &str) -> Option<UserId> {
    let pair = String::from_utf8(STANDARD.decode(pair).ok()?).ok()?;
    let (name, password) = pair.split_once(':')?;
    let by_password = || world.user_of_email(name).filter(|_| password == PASSWORD).map(|user| user.id);
    world.user_of_personal_token(name).or_else(by_password)
}

fn basic(world: &World, pair: &str) -> Result<Caller, Refusal> {
    let id = basic_user(world, pair).ok_or_else(|| Refusal::unauthorized("invalid credentials"))?;
    Ok(Caller::User { id, app: None, scopes: Vec::new() })
}

/// For the record of calls and for rules: a nick, or `source:ID`.
pub(in super::super) fn name(world: &World, call: &request::Parts, body: &[u8]) -> String {
    let mut fields = Map::new();
    for (name, value) in Fields::parse(call.uri.query().unwrap_or_default().as_bytes()).iter() {
        fields.insert(name.to_owned(), Value::from(value));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(said)) => fields.extend(said),
        _ => fields.extend(Fields::parse(body).iter().map(|(name, value)| (name.to_owned(), Value::from(value)))),
    }
    if let Some(token) = ["flow_token", "token"].iter().find_map(|name| fields.get(*name)).and_then(Value::as_str) {
        let source = world.sources.iter().find(|it| it.flow_token == token);
        return source.map_or_else(|| "-".to_owned(), |it| format!("source:{}", it.id));
    }
    let user = identify(world, &call.headers, &fields, false).ok().flatten().and_then(|caller| caller.user());
    user.and_then(|id| world.users.get(&id)).map_or_else(|| "-".to_owned(), |user| user.nick.clone())
}
