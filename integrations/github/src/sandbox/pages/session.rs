//! What a browser brings: form fields, and the cookies that say who is visiting.

use axum::http::{HeaderMap, HeaderValue, header};
use url::form_urlencoded;

use super::super::world::{AccountId, World};

/// Who is visiting: a login. There are no passwords in a sandbox.
pub(super) const USER_COOKIE: &str = "github_sandbox_user";
/// Unguessable; binds consent pages to this browser.
const GUARD_COOKIE: &str = "github_sandbox_guard";

/// Urlencoded pairs, in order, with repeats.
#[derive(Default)]
pub(in super::super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// Without spaces around it; nothing if nothing is left.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// Entries of a field separated by commas.
    pub fn list(&self, name: &str) -> Vec<String> {
        let entries = self.all(name).flat_map(|text| text.split(','));
        entries.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn extend(&mut self, more: impl IntoIterator<Item = (String, String)>) {
        self.0.extend(more);
    }

    pub fn encoded(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.iter()).finish()
    }
}

pub(in super::super) struct Visitor {
    login: Option<String>,
    pub guard: Option<String>,
}

impl Visitor {
    pub fn of(headers: &HeaderMap) -> Self {
        Self { login: cookie(headers, USER_COOKIE), guard: cookie(headers, GUARD_COOKIE) }
    }

    pub fn account(&self, world: &World) -> Option<AccountId> {
        world.user_named(self.login.as_deref()?).map(|account| account.id)
    }
}

pub(in super::super) fn guard_cookie(world: &World, guard: &str, headers: &mut HeaderMap) {
    set_cookie(world, GUARD_COOKIE, guard, headers);
}

/// A cookie for our own path only: the product may live on the same host.
pub(super) fn set_cookie(world: &World, name: &str, value: &str, headers: &mut HeaderMap) {
    let path = url::Url::parse(&world.at).map_or("/".to_owned(), |at| at.path().to_owned());
    let age = if value.is_empty() { "; Max-Age=0" } else { "" };
    if let Ok(cookie) = HeaderValue::try_from(format!("{name}={value}; Path={path}; HttpOnly; SameSite=Lax{age}")) {
        headers.append(header::SET_COOKIE, cookie);
    }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(it, _)| *it == name).map(|(_, value)| value.to_owned())
}
