//! `/_sandbox/…`: what tests and the curious may do that GitHub would not let them. JSON in, JSON out.
//!
//! | call | what |
//! |---|---|
//! | `GET /_sandbox/` | users with a ready token each, apps with their secrets, this table |
//! | `POST /_sandbox/authorize` `{user, url, decision?}` | the user's answer to an authorize address, without a browser: `{redirect}` |
//! | `POST /_sandbox/tokens` `{user, scopes?, client_id?}` | a token: of an app, or a personal one |
//! | `POST /_sandbox/users/{login}/revoke` | ends all tokens and permissions of a user |
//! | `POST /_sandbox/apps/{client_id}/suspend` `{suspended}` | suspends an app, or not |
//! | `GET`, `DELETE /_sandbox/calls` | recorded calls of API and OAuth (`?path=` a glob, `?method=`, `?who=`); forget them |
//! | `GET`, `POST`, `DELETE /_sandbox/rules` | faults of answers, see [`integration_sandboxkit::rules`] and [`rules`] |
//! | `GET`, `POST`, `DELETE /_sandbox/deliveries` | faults of webhook deliveries, see [`mail`] |
//! | `GET /_sandbox/hooks` | every webhook there is |
//! | `POST /_sandbox/events` `{repository, event, payload}` | sends that to all active hooks of the repository, as it is |
//! | `POST /_sandbox/repositories` `{owner, prefix, count, private?}` | more repositories |
//! | `GET`, `POST /_sandbox/limits` | rate limits (fields not sent take GitHub's values); POST also forgets what was used |
//! | `GET`, `POST /_sandbox/strict` | `{refuse_loopback_hooks, hook_timeout_ms}` |
//! | `POST /_sandbox/reset` | ends all faults, limits and strictness; the world stays |

pub(super) mod mail;
pub(super) mod rules;
pub(super) mod shortcuts;

use std::collections::VecDeque;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use integration_sandboxkit::Desk;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::rules::Effect;
use super::Sandbox;
use super::oauth::consent::Ticket;
use super::refusal::Refusal;

/// Everything tests steer by.
#[derive(Default)]
pub(super) struct Control {
    pub strictness: Strictness,
    /// Open consent pages.
    pub tickets: VecDeque<Ticket>,
    pub desk: Desk<Effect>,
}

/// Where a stand-in on one machine must be laxer than GitHub, unless a test wants it strict.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Strictness {
    refuse_loopback_hooks: bool,
    hook_timeout_ms: u64,
}

impl Default for Strictness {
    fn default() -> Self {
        Self { refuse_loopback_hooks: false, hook_timeout_ms: 10_000 }
    }
}

impl Strictness {
    pub fn refuses_loopback_hooks(&self) -> bool {
        self.refuse_loopback_hooks
    }

    /// How long a receiver may take.
    pub fn hook_timeout(&self) -> Duration {
        Duration::from_millis(self.hook_timeout_ms)
    }
}

pub(super) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/", get(shortcuts::overview))
        .route("/authorize", post(shortcuts::authorize))
        .route("/tokens", post(shortcuts::make_token))
        .route("/users/{login}/revoke", post(shortcuts::revoke_user))
        .route("/apps/{client_id}/suspend", post(shortcuts::suspend_app))
        .merge(integration_sandboxkit::router())
        .route("/deliveries", get(mail::list).post(mail::add).delete(mail::clear))
        .route("/hooks", get(shortcuts::hooks))
        .route("/events", post(shortcuts::send_event))
        .route("/repositories", post(shortcuts::make_repositories))
        .route("/limits", get(limits).post(set_limits))
        .route("/strict", get(strictness).post(set_strictness))
        .route("/reset", post(reset))
}

async fn limits(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!(sandbox.world().usage.allowance))
}

async fn set_limits(
    State(sandbox): State<Sandbox>,
    Json(allowance): Json<super::rest::limits::Allowance>,
) -> Json<Value> {
    let mut world = sandbox.world();
    world.usage.forget();
    world.usage.allowance = allowance;
    Json(json!(world.usage.allowance))
}

async fn strictness(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!(sandbox.world().control.strictness))
}

async fn set_strictness(State(sandbox): State<Sandbox>, Json(strictness): Json<Strictness>) -> Json<Value> {
    sandbox.world().control.strictness = strictness.clone();
    Json(json!(strictness))
}

async fn reset(State(sandbox): State<Sandbox>) -> Json<Value> {
    sandbox.change(|world| {
        world.control.desk.rules.clear();
        world.control.strictness = Strictness::default();
        world.post.mischief.clear();
        world.post.held = false;
        world.usage.forget();
    });
    Json(json!({"reset": true}))
}

/// A refusal as JSON, without the dress of the REST API.
fn refuse(refusal: &Refusal) -> Response {
    (refusal.status, Json(refusal.body())).into_response()
}
