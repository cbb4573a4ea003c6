//! `/_sandbox/…`: what tests and the curious may do that Slack would not let them. JSON in, JSON out.
//!
//! | call | what |
//! |---|---|
//! | `GET /_sandbox/` | workspaces with people and channels, apps with their secrets, this table |
//! | `POST /_sandbox/authorize` `{user, url, decision?, enterprise?}` | the user's answer to an authorize address, without a browser: `{redirect}` |
//! | `POST /_sandbox/installations` `{user, app?, scopes, user_scopes?}` | installs an app: `{bot_token, user_token, …}` |
//! | `POST /_sandbox/tokens/end` `{team, how}` | all tokens there are `revoked`, `expired` or of an app that is `uninstalled`, and no event says so |
//! | `POST /_sandbox/codes/expire`, `/_sandbox/response_urls/expire` | their time is over |
//! | `GET /_sandbox/apps`, `POST /_sandbox/apps` `{name, settings?}` | apps; registers one |
//! | `POST /_sandbox/apps/{app}` `{…}` | changes settings: request_url, redirect_urls, commands, events, token_rotation, pkce, distributed |
//! | `POST /_sandbox/apps/{app}/verify`, `/ssl_check` | checks the request URL as Slack does: `{passed}` |
//! | `POST /_sandbox/say` `{user, channel, text, thread_ts?}` | what the user types there, also `/commands`: `{ts}`, for commands once they are answered |
//! | `GET /_sandbox/channels/{channel}` | the channel with its messages, and its whispers |
//! | `POST /_sandbox/channels` `{team, prefix, count, private?}` | more channels |
//! | `POST /_sandbox/events` `{team, app?, event}` | sends that to the app, as it is |
//! | `POST /_sandbox/enterprise` `{id?, name?}`, `DELETE` | all workspaces belong to an Enterprise Grid organization, or not |
//! | `GET`, `DELETE /_sandbox/calls` | recorded calls of API and OAuth (`?path=` a glob, `?method=`, `?who=` a workspace); forget them |
//! | `GET`, `POST`, `DELETE /_sandbox/rules` | faults of answers, see [`integration_sandboxkit::rules`] and [`rules`] |
//! | `GET`, `POST`, `DELETE /_sandbox/deliveries` | what was sent; faults of deliveries, see [`mail`] |
//! | `GET`, `POST /_sandbox/limits` | rate limits (fields not sent take Slack's values); POST also forgets what was used |
//! | `GET`, `POST /_sandbox/strict` | `{answer_ms, retry_scale, events_per_hour, bots_may_uninstall}` |
//! | `POST /_sandbox/reset` | ends all faults, limits and strictness; the world stays |

mod apps;
pub(super) mod mail;
pub(super) mod rules;
pub(super) mod shortcuts;

use std::collections::VecDeque;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use integration_sandboxkit::Desk;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::rules::Effect;
use super::Sandbox;
use super::api::limits::Allowance;
use super::oauth::consent::Ticket;
use super::refusal::Refusal;

/// When a delivery that was not taken comes back: at once, after a minute, after five.
const RETRY_WAITS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(60), Duration::from_secs(5 * 60)];

/// Everything tests steer by.
#[derive(Default)]
pub(super) struct Control {
    pub strictness: Strictness,
    /// Open consent pages.
    pub tickets: VecDeque<Ticket>,
    pub desk: Desk<Effect>,
}

/// What a test may want other than Slack has it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Strictness {
    answer_ms: u64,
    /// 0.001 makes a minute sixty milliseconds.
    retry_scale: f64,
    /// Of one app in one workspace.
    pub events_per_hour: usize,
    /// Whether `apps.uninstall` takes a bot's token.
    pub bots_may_uninstall: bool,
}

impl Default for Strictness {
    fn default() -> Self {
        Self { answer_ms: 3000, retry_scale: 1.0, events_per_hour: 30_000, bots_may_uninstall: true }
    }
}

impl Strictness {
    /// How long a receiver may take.
    pub fn patience(&self) -> Duration {
        Duration::from_millis(self.answer_ms)
    }

    /// How long a letter that was sent again so often waits for the next time; none: it does not come back.
    pub fn retry_wait(&self, retries: usize) -> Option<Duration> {
        let wait = RETRY_WAITS.get(retries)?;
        Duration::try_from_secs_f64(wait.as_secs_f64() * self.retry_scale).ok()
    }
}

pub(super) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/", get(shortcuts::overview))
        .route("/authorize", post(shortcuts::authorize))
        .route("/installations", post(shortcuts::install))
        .route("/tokens/end", post(shortcuts::end_tokens))
        .route("/codes/expire", post(shortcuts::expire_codes))
        .route("/response_urls/expire", post(shortcuts::expire_response_urls))
        .route("/apps", get(apps::list).post(apps::register))
        .route("/apps/{app}", post(apps::change))
        .route("/apps/{app}/verify", post(apps::verify))
        .route("/apps/{app}/ssl_check", post(apps::check_ssl))
        .route("/say", post(shortcuts::say))
        .route("/channels", post(shortcuts::make_channels))
        .route("/channels/{channel}", get(shortcuts::channel))
        .route("/events", post(apps::send_event))
        .route("/enterprise", post(apps::found_enterprise).delete(apps::end_enterprise))
        .merge(integration_sandboxkit::router())
        .route("/deliveries", get(mail::list).post(mail::add).delete(mail::clear))
        .route("/limits", get(limits).post(set_limits))
        .route("/strict", get(strictness).post(set_strictness))
        .route("/reset", post(reset))
}

async fn limits(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!(sandbox.world().usage.allowance))
}

async fn set_limits(State(sandbox): State<Sandbox>, Json(allowance): Json<Allowance>) -> Json<Value> {
    let mut world = sandbox.world();
    world.usage.forget();
    world.usage.allowance = allowance;
    Json(json!(world.usage.allowance))
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
    sandbox.change(|world| {
        world.control.desk.rules.clear();
        world.control.strictness = Strictness::default();
        world.post.mischief.clear();
        world.post.held = false;
        world.usage.forget();
    });
    Json(json!({"reset": true}))
}

/// An answer, or the refusal as JSON with a status that tests notice.
fn answer(done: Result<Value, Refusal>) -> Response {
    match done {
        Ok(value) => Json(value).into_response(),
        Err(refusal) => (StatusCode::UNPROCESSABLE_ENTITY, Json(refusal.body())).into_response(),
    }
}
