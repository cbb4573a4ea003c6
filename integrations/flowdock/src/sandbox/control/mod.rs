//! `/_sandbox/…`: what tests and the curious may do that Flowdock would not let them. JSON in, JSON out.
//!
//! | call | what |
//! |---|---|
//! | `GET /_sandbox/` | people with their tokens, flows with their sources, applications with their secrets, this table |
//! | `POST /_sandbox/authorize` `{user, url, decision?}` | the user's answer to an authorize address, without a browser: `{redirect}` |
//! | `POST /_sandbox/tokens` `{user, scopes?, application?}` | an access token of an application (`patchbay`), as if the user had agreed |
//! | `POST /_sandbox/tokens/end` `{user?, how}` | access tokens are `expired` (a refresh still helps) or `revoked` |
//! | `POST /_sandbox/codes/expire` | open codes are too old |
//! | `GET`, `POST /_sandbox/applications` `{owner, name, redirect_uri, …}` | applications; registers one |
//! | `POST /_sandbox/sources` `{user, flow, name, application?}` | a new source with its `flow_token` |
//! | `GET`, `DELETE /_sandbox/sources/{id}` | a source, also a removed one; removes it as a person of the flow would |
//! | `GET /_sandbox/flows/{org}/{flow}` | the flow's threads, with where their actions really lead, and its messages |
//! | `POST /_sandbox/say` `{user, flow, text, thread?}` | what the user types there |
//! | `POST /_sandbox/actions` `{user, thread, name}` | the user chooses that in the thread's gear menu: what was sent and answered |
//! | `GET /_sandbox/actions` | actions that were sent |
//! | `POST /_sandbox/actions/{id}/replay` | sends it again, byte for byte |
//! | `GET`, `POST`, `DELETE /_sandbox/forgeries` `{forgery, times?}` | the next actions are forged, see [`forgery`] |
//! | `GET`, `POST /_sandbox/clock` `{seconds}` | the sandbox's clock is so much ahead |
//! | `GET`, `DELETE /_sandbox/calls` | recorded calls of API and OAuth (`?path=` a glob, `?method=`, `?who=` a nick or `source:ID`); forget them |
//! | `GET`, `POST`, `DELETE /_sandbox/rules` | faults of answers, see [`integration_sandboxkit::rules`] and [`rules`] |
//! | `GET`, `POST /_sandbox/strict` | `{expires_in}`: how long access tokens live, in seconds |
//! | `POST /_sandbox/reset` | ends all faults, forgeries and strictness, and sets the clock right; the world stays |

pub(super) mod forgery;
pub(super) mod rules;
pub(super) mod shortcuts;

use std::collections::VecDeque;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use integration_sandboxkit::Desk;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::forgery::Forgeries;
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
    pub forgeries: Forgeries,
    /// Seconds ahead of the machine's.
    pub clock: i64,
    pub desk: Desk<Effect>,
}

/// What a test may want other than it is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Strictness {
    pub expires_in: i64,
}

impl Default for Strictness {
    fn default() -> Self {
        Self { expires_in: 7200 }
    }
}

pub(super) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/", get(shortcuts::overview))
        .route("/authorize", post(shortcuts::authorize))
        .route("/tokens", post(shortcuts::make_token))
        .route("/tokens/end", post(shortcuts::end_tokens))
        .route("/codes/expire", post(shortcuts::expire_codes))
        .route("/applications", get(shortcuts::applications).post(shortcuts::register))
        .route("/sources", post(shortcuts::make_source))
        .route("/sources/{id}", get(shortcuts::source).delete(shortcuts::remove_source))
        .route("/flows/{org}/{flow}", get(shortcuts::flow))
        .route("/say", post(shortcuts::say))
        .route("/actions", get(shortcuts::actions).post(shortcuts::act))
        .route("/actions/{id}/replay", post(shortcuts::replay))
        .route("/forgeries", get(forgery::list).post(forgery::add).delete(forgery::clear))
        .route("/clock", get(clock).post(set_clock))
        .merge(integration_sandboxkit::router())
        .route("/strict", get(strictness).post(set_strictness))
        .route("/reset", post(reset))
}

#[derive(Serialize, Deserialize)]
struct Clock {
    seconds: i64,
}

async fn clock(State(sandbox): State<Sandbox>) -> Json<Value> {
    let world = sandbox.world();
    Json(json!({"seconds": world.control.clock, "now": world.now().to_string()}))
}

async fn set_clock(state: State<Sandbox>, Json(Clock { seconds }): Json<Clock>) -> Json<Value> {
    state.0.world().control.clock = seconds;
    clock(state).await
}

async fn strictness(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!(sandbox.world().control.strictness))
}

async fn set_strictness(State(sandbox): State<Sandbox>, Json(strictness): Json<Strictness>) -> Json<Value> {
    let mut world = sandbox.world();
    world.control.strictness = strictness;
    Json(json!(world.control.strictness))
}

async fn reset(State(sandbox): State<Sandbox>) -> Json<Value> {
    let mut world = sandbox.world();
    world.control.desk.rules.clear();
    world.control.strictness = Strictness::default();
    world.control.forgeries.clear();
    world.control.clock = 0;
    Json(json!({"reset": true}))
}

/// An answer, or the refusal with its own status.
fn answer(done: Result<Value, Refusal>) -> Response {
    match done {
        Ok(value) => Json(value).into_response(),
        Err(refusal) => (refusal.status, Json(refusal.body())).into_response(),
    }
}
