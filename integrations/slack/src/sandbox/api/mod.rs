//! The Web API under `/api/`: the table of all methods, each with its tier and the scopes it takes.
//! <https://docs.slack.dev/reference/methods>
//!
//! A handler is a plain function of the world and the [`call::Call`]. What all calls have in common happens once, in
//! [`mod@serve`].

mod auth;
mod blocks;
pub(super) mod call;
mod channels;
mod chat;
mod cursor;
mod history;
pub(super) mod limits;
mod membership;
mod reactions;
mod response_url;
mod serve;
mod users;

use axum::Router;
use axum::http::request::Parts;
use axum::routing::{any, post};
use serde_json::{Map, Value};

use self::call::Call;
use self::limits::Tier;
use super::Sandbox;
use super::oauth::token;
use super::refusal::Refusal;
use super::world::World;

/// A handler: no I/O, no waiting. What it returns stands beside `"ok": true`.
pub(super) type Handler = fn(&mut World, &Call) -> Result<Map<String, Value>, Refusal>;

/// One method of the API.
pub(super) struct Method {
    name: &'static str,
    tier: Tier,
    /// One of these is needed; none: no scope. Some handlers ask for more, when they know the channel.
    scopes: &'static [&'static str],
    /// Whether it needs a token at all.
    token: bool,
    run: Handler,
}

const READ: &[&str] = &["channels:read", "groups:read", "im:read", "mpim:read"];
const HISTORY: &[&str] = &["channels:history", "groups:history", "im:history", "mpim:history"];

const fn method(name: &'static str, tier: Tier, scopes: &'static [&'static str], run: Handler) -> Method {
    Method { name, tier, scopes, token: true, run }
}

const fn without_token(name: &'static str, tier: Tier, run: Handler) -> Method {
    Method { name, tier, scopes: &[], token: false, run }
}

const METHODS: &[Method] = &[
    without_token("api.test", Tier::Four, auth::api_test),
    without_token("oauth.v2.access", Tier::Special, token::access),
    without_token("oauth.v2.exchange", Tier::Special, token::exchange),
    method("apps.uninstall", Tier::One, &[], auth::uninstall),
    method("auth.revoke", Tier::Three, &[], auth::revoke),
    method("auth.test", Tier::Special, &[], auth::test),
    method("bots.info", Tier::Three, &["users:read"], users::bot),
    method("chat.delete", Tier::Three, &["chat:write"], chat::delete),
    method("chat.getPermalink", Tier::Special, &[], chat::permalink),
    method("chat.postEphemeral", Tier::Four, &["chat:write"], chat::post_ephemeral),
    method("chat.postMessage", Tier::Special, &["chat:write"], chat::post_message),
    method("chat.update", Tier::Three, &["chat:write"], chat::update),
    method("conversations.history", Tier::Three, HISTORY, history::history),
    method("conversations.info", Tier::Three, READ, channels::info),
    method("conversations.join", Tier::Three, &["channels:join", "channels:write"], membership::join),
    method(
        "conversations.leave",
        Tier::Three,
        &["channels:manage", "groups:write", "channels:write"],
        membership::leave,
    ),
    method("conversations.list", Tier::Two, READ, channels::list),
    method("conversations.members", Tier::Four, READ, membership::members),
    method("conversations.open", Tier::Three, &["im:write"], membership::open),
    method("conversations.replies", Tier::Three, HISTORY, history::replies),
    method("reactions.add", Tier::Three, &["reactions:write"], reactions::add),
    method("reactions.get", Tier::Three, &["reactions:read"], reactions::get),
    method("reactions.remove", Tier::Two, &["reactions:write"], reactions::remove),
    method("team.info", Tier::Three, &["team:read"], users::team),
    method("users.conversations", Tier::Three, READ, channels::of_user),
    method("users.info", Tier::Four, &["users:read"], users::info),
    method("users.list", Tier::Two, &["users:read"], users::list),
    method("users.lookupByEmail", Tier::Three, &["users:read.email"], users::by_email),
];

pub(super) fn router() -> Router<Sandbox> {
    Router::new().route("/{method}", any(serve::serve))
}

pub(super) fn response_urls() -> Router<Sandbox> {
    Router::new().route("/{team}/{*key}", post(response_url::answer))
}

/// Whose token a call carries, for the record: the workspace; "-" for nobody's.
pub(super) fn workspace(world: &World, call: &Parts, body: &[u8]) -> String {
    let token = call::token(&call.headers, call.uri.query(), body);
    let token = token.and_then(|value| world.tokens.get(&value));
    token.and_then(|token| token.teams.first().cloned()).unwrap_or_else(|| "-".to_owned())
}
