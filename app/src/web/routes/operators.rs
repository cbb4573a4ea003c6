//! For those who run this: does it live, does it take requests, what has it counted.

use std::{net::SocketAddr, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use integration_contract::{ExposeSecret, SecretString};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::time::timeout;

use crate::{core::sealing::digest_of, db::Db, metrics, server::Stopping};

/// What these routes look at.
#[derive(Clone)]
pub struct Operators {
    /// Asked whether it answers.
    pub db: Db,
    /// Asked whether the service is about to stop.
    pub stopping: Stopping,
    /// What was counted.
    pub counted: PrometheusHandle,
    /// Who shows it may read what was counted; without one, only this machine may.
    pub token: Option<SecretString>,
}

/// The routes.
pub fn router(operators: Operators) -> Router {
    Router::new()
        .route("/healthz", get(lives))
        .route("/readyz", get(is_ready))
        .route("/metrics", get(counted))
        .with_state(operators)
}

/// The process lives: it answers.
async fn lives() -> &'static str {
    "ok"
}

/// Requests are welcome. Why not stands in the log and in the metrics, not here.
async fn is_ready(State(operators): State<Operators>) -> Response {
    if !operators.stopping.is_stopping() && database_answers(&operators.db).await {
        "ok".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], "fail").into_response()
    }
}

async fn counted(State(operators): State<Operators>, request: Request) -> Response {
    if let Err(refused) = may_read(operators.token.as_ref(), &request) {
        return refused;
    }
    metrics::observe(database_answers(&operators.db).await);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], operators.counted.render()).into_response()
}

fn may_read(token: Option<&SecretString>, request: &Request) -> Result<(), Response> {
    match token {
        Some(token) if shows(request.headers(), token) => Ok(()),
        Some(_) => Err((StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response()),
        None if is_this_machine(request) => Ok(()),
        None => Err(StatusCode::NOT_FOUND.into_response()),
    }
}

fn shows(headers: &HeaderMap, token: &SecretString) -> bool {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    // Digests, so that not even the length shows in the time it takes.
    shown.is_some_and(|shown| {
        verify_slices_are_equal(&digest_of(shown), &digest_of(token.expose_secret().as_bytes())).is_ok()
    })
}

/// A proxy on this machine calls from here too, but for others, and says so.
fn is_this_machine(request: &Request) -> bool {
    let for_others = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"]
        .iter()
        .any(|name| request.headers().contains_key(*name));
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    !for_others && peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback())
}

async fn database_answers(db: &Db) -> bool {
    match timeout(Duration::from_secs(1), db.reader().ping()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer");
            false
        }
        Err(_) => {
            tracing::warn!("the database did not answer within a second");
            false
        }
    }
}
