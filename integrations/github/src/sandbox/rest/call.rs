//! A call as the handlers see it: who, with what right, on which repository, wanting what.

use std::cell::Cell;

use axum::http::{HeaderMap, Method, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use integration_sandboxkit::fields::Fields;
use serde_json::{Map, Value};

use super::super::oauth::scopes;
use super::super::refusal::Refusal;
use super::super::world::people::Role;
use super::super::world::repository::Repository;
use super::super::world::{AccountId, RepositoryId, World};

/// Whoever the token belongs to.
#[derive(Clone)]
pub(super) struct Caller {
    pub account: AccountId,
    pub scopes: Vec<String>,
    pub client_id: Option<String>,
}

/// What a call needs in a repository: a scope of the token and a role of its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Read,
    /// Anyone who can read and is signed in: issues and comments.
    TakePart,
    Triage,
    Push,
    Admin,
    Delete,
    ReadHooks,
    WriteHooks,
    DeleteHooks,
}

pub(super) struct Call {
    pub method: Method,
    /// Below `/api/v3`.
    pub path: String,
    pub params: Vec<(String, String)>,
    pub query: Fields,
    pub headers: HeaderMap,
    pub body: Map<String, Value>,
    pub caller: Option<Caller>,
    /// For `X-Accepted-OAuth-Scopes`; set when the need is known.
    pub accepted: Cell<&'static str>,
}

impl Need {
    fn role(self) -> Role {
        match self {
            Need::Read | Need::TakePart => Role::Read,
            Need::Triage => Role::Triage,
            Need::Push => Role::Push,
            Need::Admin | Need::Delete | Need::ReadHooks | Need::WriteHooks | Need::DeleteHooks => Role::Admin,
        }
    }

    fn scopes(self) -> &'static str {
        match self {
            Need::Read => "repo",
            Need::TakePart | Need::Triage | Need::Push | Need::Admin => "public_repo, repo",
            Need::Delete => "delete_repo",
            Need::ReadHooks => "admin:repo_hook, public_repo, read:repo_hook, repo, write:repo_hook",
            Need::WriteHooks => "admin:repo_hook, public_repo, repo, write:repo_hook",
            Need::DeleteHooks => "admin:repo_hook, public_repo, repo",
        }
    }

    /// Whether a token with these scopes may, on a public or a private repository.
    fn allows(self, held: &[String], private: bool) -> bool {
        let covers = |wanted: &str| scopes::covers(held, wanted);
        let code = covers("repo") || (!private && covers("public_repo"));
        match self {
            Need::Read => !private || covers("repo"),
            Need::TakePart | Need::Triage | Need::Push | Need::Admin => code,
            Need::Delete => covers("delete_repo"),
            Need::ReadHooks => code || covers("read:repo_hook"),
            Need::WriteHooks => code || covers("write:repo_hook"),
            Need::DeleteHooks => code || covers("admin:repo_hook"),
        }
    }
}

impl Call {
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value)
    }

    /// A number in the path; anything else names nothing.
    pub fn id(&self, name: &str) -> Result<u64, Refusal> {
        self.param(name).parse().map_err(|_| Refusal::not_found())
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name)
    }

    pub fn query_pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter()
    }

    pub fn who(&self) -> Option<AccountId> {
        self.caller.as_ref().map(|caller| caller.account)
    }

    /// Whoever calls must have said who they are.
    pub fn caller(&self) -> Result<&Caller, Refusal> {
        self.caller.as_ref().ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, "Requires authentication"))
    }

    pub fn holds(&self, scope: &str) -> bool {
        self.caller.as_ref().is_some_and(|caller| scopes::covers(&caller.scopes, scope))
    }

    /// Whether this caller may know of the repository.
    pub fn sees(&self, world: &World, repository: &Repository) -> bool {
        world.role(self.who(), repository).is_some() && (!repository.private || self.holds("repo"))
    }

    /// The repository of the path, if the caller has what it needs. Missing rights to what GitHub keeps to
    /// administrators look like a missing repository.
    pub fn repository(&self, world: &World, need: Need) -> Result<RepositoryId, Refusal> {
        self.accepted.set(need.scopes());
        let found = self.find_repository(world, need)?;
        if need == Need::Read {
            return Ok(found.id);
        }
        let caller = self.caller()?;
        if !need.allows(&caller.scopes, found.private) {
            return Err(Refusal::not_found());
        }
        let role = world.role(Some(caller.account), found);
        if role >= Some(need.role()) {
            return Ok(found.id);
        }
        Err(match need {
            Need::Admin | Need::Delete => Refusal::forbidden("Must have admin rights to Repository."),
            Need::Push if self.method == Method::PUT => {
                Refusal::forbidden("You must have push access to merge a pull request.")
            }
            _ => Refusal::not_found(),
        })
    }

    fn find_repository<'w>(&self, world: &'w World, need: Need) -> Result<&'w Repository, Refusal> {
        // A token for hooks alone opens the hooks of a private repository, and nothing else there.
        let about_hooks = matches!(need, Need::ReadHooks | Need::WriteHooks | Need::DeleteHooks);
        let by_hooks = about_hooks && self.holds("read:repo_hook");
        let visible = |it: &&Repository| self.sees(world, it) || (by_hooks && world.role(self.who(), it).is_some());
        if !self.param("repository_id").is_empty() {
            return world.repository(self.id("repository_id")?).ok().filter(visible).ok_or_else(Refusal::not_found);
        }
        let (owner, name) = (self.param("owner"), self.param("repo"));
        let found = world.repository_once_named(owner, name);
        let found = found.filter(visible).ok_or_else(Refusal::not_found)?;
        match world.repository_named(owner, name) {
            Some(current) => Ok(current),
            None => Err(self.moved(world, found)),
        }
    }

    /// 301 for reading, 307 for the rest, to the same thing by number.
    fn moved(&self, world: &World, now: &Repository) -> Refusal {
        let reading = matches!(self.method, Method::GET | Method::HEAD);
        let status = if reading { StatusCode::MOVED_PERMANENTLY } else { StatusCode::TEMPORARY_REDIRECT };
        let below = self.below_repository();
        let below = below.map(|rest| format!("/{rest}")).unwrap_or_default();
        let query = self.query.encoded();
        let query = if query.is_empty() { query } else { format!("?{query}") };
        Refusal {
            location: Some(format!("{}/repositories/{}{below}{query}", world.api(), now.id)),
            ..Refusal::new(status, "Moved Permanently")
        }
    }

    /// What its path says after `/repos/{owner}/{repo}/`.
    fn below_repository(&self) -> Option<&str> {
        self.path.strip_prefix("/repos/")?.splitn(3, '/').nth(2)
    }

    /// Its path, with the repository by number where there is one.
    pub fn path_by_number(&self, world: &World) -> String {
        let repository = world.repository_named(self.param("owner"), self.param("repo"));
        match (repository, self.below_repository()) {
            (Some(repository), Some(below)) => format!("/repositories/{}/{below}", repository.id),
            _ => self.path.clone(),
        }
    }

    /// A text of the body. `Ok(None)`: not said; null counts as not said.
    pub fn text(&self, field: &str) -> Result<Option<String>, Refusal> {
        match self.body.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(wrong_type(field, other, "a string")),
        }
    }

    pub fn flag(&self, field: &str) -> Result<Option<bool>, Refusal> {
        match self.body.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(wrong_type(field, other, "a boolean")),
        }
    }

    /// A list of texts; labels may also be objects with a name.
    pub fn texts(&self, field: &str) -> Result<Option<Vec<String>>, Refusal> {
        let list = match self.body.get(field) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(wrong_type(field, other, "an array")),
        };
        let text = |item: &Value| item.as_str().or_else(|| item["name"].as_str()).map(str::to_owned);
        let texts = list.iter().map(|item| text(item).ok_or_else(|| wrong_type(field, item, "a string")));
        texts.collect::<Result<_, _>>().map(Some)
    }

    /// Refuses what the documents do not list, where GitHub is strict about it.
    pub fn only(&self, permitted: &[&str]) -> Result<(), Refusal> {
        match self.body.keys().find(|key| !permitted.contains(&key.as_str())) {
            Some(key) => Err(Refusal::schema(format!("\"{key}\" is not a permitted key."))),
            None => Ok(()),
        }
    }
}

fn wrong_type(field: &str, value: &Value, wanted: &str) -> Refusal {
    Refusal::schema(format!("For 'properties/{field}', {value} is not {wanted}."))
}

/// The token of `Authorization: token …`, `Bearer …`, or Basic with the token as either part.
pub(super) fn token(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return Some(rest.trim().to_owned());
    }
    let (user, password) = basic(headers)?;
    Some(if password.is_empty() || password == "x-oauth-basic" { user } else { password })
}

pub(super) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
