//! `/_sandbox/…`: what tests and the curious may do that Zendesk would not let them. JSON in, JSON out.
//!
//! | call | what |
//! |---|---|
//! | `GET /_sandbox/` | accounts with people, tickets, OAuth clients and API tokens, this table |
//! | `POST /_sandbox/authorize` `{user, url, decision?}` | the user's answer to an authorize address, without a browser: `{redirect}` |
//! | `POST /_sandbox/tokens` `{account?, user, scopes?, expires_in?}` | a token of the product's client: `{access_token, refresh_token}` |
//! | `POST /_sandbox/tokens/end` `{account?, how}` | all tokens there are `revoked` or `expired` |
//! | `POST /_sandbox/codes/expire`, `/_sandbox/idempotency/expire` | their time is over |
//! | `GET`, `POST /_sandbox/clients` `{account?, identifier?, …}` | OAuth clients; changes `redirect_uris`, `public`, `expiring`, or adds a new one |
//! | `GET`, `POST /_sandbox/accounts/{subdomain}` `{…}` | an account's house rules; what is not sent takes its default |
//! | `POST /_sandbox/people` `{account?, name, email, role?}` | another person: `{id}` |
//! | `POST /_sandbox/tickets` `{account?, user, subject, body}` | a ticket, written by that person on the web: `{id}` |
//! | `POST /_sandbox/say` `{account?, user, ticket, body?, public?, status?, tags?}` | what that person does to a ticket on the web |
//! | `GET /_sandbox/tickets/{account}/{id}` | a ticket with its comments, also the private ones |
//! | `POST /_sandbox/index` | search knows everything up to now |
//! | `GET`, `DELETE /_sandbox/calls` | recorded calls of API and OAuth (`?path=` a glob, `?method=`, `?who=` an account); forget them |
//! | `GET`, `POST`, `DELETE /_sandbox/rules` | faults of answers, see [`integration_sandboxkit::rules`] and [`rules`] |
//! | `GET`, `POST`, `DELETE /_sandbox/deliveries` | what was sent; faults of deliveries, see [`mail`] |
//! | `GET`, `POST /_sandbox/limits` | rate limits (fields not sent take their defaults); POST also forgets what was used |
//! | `GET`, `POST /_sandbox/strict` | `{search_lag_ms, export_lag_ms, conflict_ms, token_status, me_forgives_bad_tokens, answer_ms, retry_scale, breaker}` |
//! | `POST /_sandbox/reset` | ends all faults, limits, rests of webhooks and strictness; the world stays |

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
use super::hooks::sending::Outcome;
use super::oauth::consent::Consent;
use super::refusal::{Body, Refusal};

/// Between attempts, the first wait; each is twice as long as the one before.
const RETRY_WAIT: Duration = Duration::from_secs(1);
const RETRIES_OF_TIMEOUTS: usize = 5;
const RETRIES_OF_REFUSALS: usize = 3;
/// A receiver that wants to wait longer is not asked again.
const RETRY_AFTER_MAX: u64 = 60;

/// Everything tests steer by.
#[derive(Default)]
pub(super) struct Control {
    pub strictness: Strictness,
    /// Open consent pages.
    pub consents: VecDeque<Consent>,
    pub desk: Desk<Effect>,
}

/// What a test may want other than Zendesk has it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Strictness {
    /// How far search is behind.
    pub search_lag_ms: i64,
    /// How far incremental exports are behind.
    pub export_lag_ms: i64,
    /// Updates of one ticket that are closer than this collide; 0: never.
    pub conflict_ms: i64,
    /// The status of a token that was granted.
    pub token_status: u16,
    /// Whether `users/me` takes a token that has ended for none at all.
    pub me_forgives_bad_tokens: bool,
    /// A receiver may take so long.
    answer_ms: u64,
    /// 0.001 makes a second a millisecond.
    retry_scale: f64,
    /// Whether a webhook that fails too often is given a rest.
    pub breaker: bool,
}

impl Default for Strictness {
    fn default() -> Self {
        Self {
            search_lag_ms: 60_000,
            export_lag_ms: 60_000,
            conflict_ms: 0,
            token_status: 201,
            me_forgives_bad_tokens: false,
            answer_ms: 12_000,
            retry_scale: 1.0,
            breaker: true,
        }
    }
}

impl Strictness {
    pub fn patience(&self) -> Duration {
        Duration::from_millis(self.answer_ms)
    }

    /// After which wait an attempt is repeated; none: it is not.
    pub fn retry_wait(&self, outcome: &Outcome, attempts: usize) -> Option<Duration> {
        let doubled = || RETRY_WAIT * 2_u32.pow(u32::try_from(attempts).unwrap_or(u32::MAX).min(16));
        let wait = match outcome.status {
            0 if outcome.timed_out && attempts < RETRIES_OF_TIMEOUTS => doubled(),
            409 if attempts < RETRIES_OF_REFUSALS => doubled(),
            429 | 503 if attempts < RETRIES_OF_REFUSALS => {
                Duration::from_secs(outcome.retry_after.filter(|seconds| *seconds < RETRY_AFTER_MAX)?)
            }
            _ => return None,
        };
        Duration::try_from_secs_f64(wait.as_secs_f64() * self.retry_scale).ok()
    }
}

pub(super) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/", get(shortcuts::overview))
        .route("/authorize", post(shortcuts::authorize))
        .route("/tokens", post(shortcuts::issue_token))
        .route("/tokens/end", post(shortcuts::end_tokens))
        .route("/codes/expire", post(shortcuts::expire_codes))
        .route("/idempotency/expire", post(shortcuts::expire_idempotency))
        .route("/clients", get(shortcuts::clients).post(shortcuts::change_client))
        .route("/accounts/{subdomain}", get(shortcuts::house_rules).post(shortcuts::set_house_rules))
        .route("/people", post(shortcuts::add_person))
        .route("/tickets", post(shortcuts::write_ticket))
        .route("/tickets/{subdomain}/{id}", get(shortcuts::ticket))
        .route("/say", post(shortcuts::say))
        .route("/index", post(shortcuts::index))
        .merge(integration_sandboxkit::router())
        .route("/deliveries", get(mail::list).post(mail::add).delete(mail::clear))
        .route("/limits", get(limits).post(set_limits))
        .route("/strict", get(strictness).post(set_strictness))
        .route("/reset", post(reset))
}

async fn limits(State(sandbox): State<Sandbox>) -> Json<Value> {
    let world = sandbox.world();
    Json(json!(world.accounts.values().next().map(|account| &account.usage.allowance)))
}

async fn set_limits(State(sandbox): State<Sandbox>, Json(allowance): Json<Allowance>) -> Json<Value> {
    for account in sandbox.world().accounts.values_mut() {
        account.usage.forget();
        account.usage.allowance = allowance.clone();
    }
    Json(json!(allowance))
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
        for account in world.accounts.values_mut() {
            account.post.mischief.clear();
            account.post.held = false;
            account.post.forgive();
            account.usage.forget();
            account.house = Default::default();
        }
    });
    Json(json!({"reset": true}))
}

/// The account that is meant when none is named.
fn first() -> String {
    "acme".to_owned()
}

/// An answer, or the refusal as JSON with a status that tests notice.
fn answer(done: Result<Value, Refusal>) -> Response {
    match done {
        Ok(value) => Json(value).into_response(),
        Err(refusal) => {
            let body = match refusal.body {
                Body::Json(body) => body,
                Body::Text(text) => json!({"error": text}),
            };
            (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
        }
    }
}
