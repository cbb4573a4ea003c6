//! A call as the handlers see it: whose token, with which scopes, wanting what.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use integration_sandboxkit::fields::Fields;
use serde_json::{Map, Value};

use super::super::control::rules::TokenAnswer;
use super::super::refusal::Refusal;
use super::super::world::channels::Channel;
use super::super::world::{AppId, TeamId, UserId, World};

/// Whoever the token belongs to.
#[derive(Clone)]
pub(in super::super) struct Caller {
    pub token: String,
    pub app: AppId,
    /// The bot, or the person.
    pub user: UserId,
    pub is_bot: bool,
    /// One; of an organization's token all.
    pub teams: Vec<TeamId>,
    pub enterprise: bool,
    pub scopes: Vec<String>,
}

pub(in super::super) struct Call {
    /// From the query, the form and the JSON; form values are texts.
    pub args: Map<String, Value>,
    pub headers: HeaderMap,
    pub caller: Option<Caller>,
    /// A fault asks for an odd answer of the token endpoint.
    pub fault: Option<TokenAnswer>,
}

impl Caller {
    pub fn holds(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }

    pub fn need(&self, scope: &str) -> Result<(), Refusal> {
        if self.holds(scope) { Ok(()) } else { Err(Refusal::missing_scope(scope, &self.scopes)) }
    }
}

impl Call {
    pub fn caller(&self) -> Result<&Caller, Refusal> {
        self.caller.as_ref().ok_or_else(|| Refusal::new("not_authed"))
    }

    /// The workspace that is meant. An organization's token must say which.
    pub fn team(&self) -> Result<TeamId, Refusal> {
        let caller = self.caller()?;
        match self.optional("team_id").filter(|_| caller.enterprise) {
            Some(team) if caller.teams.contains(&team) => Ok(team),
            Some(_) => Err(Refusal::new("team_access_not_granted")),
            None if caller.enterprise => Err(Refusal::new("missing_argument")),
            None => caller.teams.first().cloned().ok_or_else(|| Refusal::new("invalid_auth")),
        }
    }

    /// The channel of an argument, by id, if the caller may know of it.
    pub fn channel<'w>(&self, world: &'w World, field: &str) -> Result<&'w Channel, Refusal> {
        let caller = self.caller()?;
        let channel = world.visible_channel(&caller.user, &self.required(field)?)?;
        if caller.teams.contains(&channel.team) { Ok(channel) } else { Err(Refusal::no_channel()) }
    }

    /// A text. Numbers and flags of JSON count as what they look like.
    pub fn optional(&self, field: &str) -> Option<String> {
        match self.args.get(field) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        }
    }

    pub fn text(&self, field: &str) -> String {
        self.optional(field).unwrap_or_default()
    }

    pub fn required(&self, field: &str) -> Result<String, Refusal> {
        let missing = || Refusal::invalid_arguments(format!("missing required field: {field}"));
        self.optional(field).filter(|text| !text.is_empty()).ok_or_else(missing)
    }

    pub fn flag(&self, field: &str) -> bool {
        matches!(self.text(field).as_str(), "true" | "1")
    }

    pub fn number(&self, field: &str) -> Result<Option<usize>, Refusal> {
        let invalid = |_| Refusal::new("invalid_limit");
        self.optional(field).filter(|text| !text.is_empty()).map(|text| text.parse().map_err(invalid)).transpose()
    }

    /// A value that forms carry as JSON in a text.
    pub fn json(&self, field: &str) -> Result<Option<Value>, ()> {
        match self.args.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some).map_err(drop),
            Some(other) => Ok(Some(other.clone())),
        }
    }
}

/// The token of a call: in the header, or as a parameter of query or form. JSON bodies have none.
pub(super) fn token(headers: &HeaderMap, query: Option<&str>, body: &[u8]) -> Option<String> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let in_form = || kind.starts_with(FORM).then(|| Fields::parse(body).text("token")).flatten();
    let in_query = || Fields::parse(query.unwrap_or_default().as_bytes()).text("token");
    bearer.map(|token| token.trim().to_owned()).or_else(in_form).or_else(in_query)
}

pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// Name and secret of HTTP Basic.
pub(in super::super) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, secret) = pair.split_once(':')?;
    Some((name.to_owned(), secret.to_owned()))
}
