//! One call, understood, and its answer.

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use integration_sandboxkit::fields::Fields;
use serde_json::{Value, json};

use super::super::control::Strictness;
use super::super::hooks::sending::Parcel;
use super::super::refusal::Refusal;
use super::super::world::account::Actor;
use super::super::world::words::{Channel, Role};

pub(super) struct Call {
    /// Where the account is for this caller, without a slash at the end.
    pub base: String,
    /// Below `/api/v2/`, without `.json`.
    pub path: String,
    /// What stands in the path where the route has `{}`.
    pub params: Vec<String>,
    pub query: Fields,
    pub headers: HeaderMap,
    pub bytes: Bytes,
    /// `null` without a body, or for one that is no JSON.
    pub body: Value,
    pub caller: Option<Caller>,
    pub strict: Strictness,
}

/// Who calls.
#[derive(Clone)]
pub(super) struct Caller {
    pub user: u64,
    pub role: Role,
    /// None: an API token, which may all that its person may.
    pub scopes: Option<Vec<String>>,
    /// The OAuth token's number.
    pub token: Option<u64>,
}

pub(super) struct Answer {
    pub status: u16,
    pub content: Content,
    pub headers: Vec<(&'static str, String)>,
}

pub(super) enum Content {
    Json(Value),
    Nothing,
    File {
        kind: String,
        bytes: Vec<u8>,
    },
    /// What somewhere else answers to this.
    Of(Box<Parcel>),
}

impl Answer {
    pub fn ok(body: Value) -> Result<Self, Refusal> {
        Ok(Self { status: 200, content: Content::Json(body), headers: Vec::new() })
    }

    pub fn created(body: Value) -> Result<Self, Refusal> {
        Ok(Self { status: 201, content: Content::Json(body), headers: Vec::new() })
    }

    pub fn nothing() -> Result<Self, Refusal> {
        Ok(Self { status: 204, content: Content::Nothing, headers: Vec::new() })
    }

    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl Call {
    pub fn caller(&self) -> Result<&Caller, Refusal> {
        self.caller.as_ref().ok_or_else(Refusal::unauthenticated)
    }

    pub fn actor(&self) -> Result<Actor, Refusal> {
        Ok(Actor { user: self.caller()?.user, channel: Channel::Api })
    }

    pub fn param(&self, index: usize) -> &str {
        self.params.get(index).map_or("", String::as_str)
    }

    pub fn id(&self, index: usize) -> Result<u64, Refusal> {
        let why = "Invalid parameter: id must be an integer";
        self.param(index).parse().map_err(|_| Refusal::invalid_attribute("id", why))
    }

    /// Numbers of a list in the query.
    pub fn ids(&self) -> Result<Vec<u64>, Refusal> {
        let why = "Invalid parameter: ids must be a list of at most 100 integers";
        let invalid = || Refusal::invalid_attribute("ids", why);
        let ids: Result<Vec<u64>, _> = self.query.list("ids").iter().map(|id| id.parse()).collect();
        ids.ok().filter(|ids| (1..=100).contains(&ids.len())).ok_or_else(invalid)
    }

    /// The object that the body carries under that name.
    pub fn object(&self, name: &str) -> Result<&Value, Refusal> {
        if !self.bytes.is_empty() && self.body.is_null() {
            return Err(Refusal::bad_json());
        }
        let object = self.body.get(name).filter(|it| it.is_object());
        object.ok_or_else(|| Refusal::invalid_attribute(name, "It must be an object"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether related records are wanted beside the answer.
    pub fn wants(&self, what: &str) -> bool {
        self.query.list("include").iter().any(|it| it == what)
    }

    /// The address of the same call with another query.
    pub fn again(&self, query: &Fields) -> Value {
        json!(format!("{}/api/v2/{}.json?{}", self.base, self.path, query.encoded()))
    }
}

/// Name and secret of HTTP Basic.
pub(in super::super) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, secret) = pair.split_once(':')?;
    Some((name.to_owned(), secret.to_owned()))
}
