//! Names each request, and writes down how it went: one line in the log and one count in the metrics.
//!
//! A query string never appears here: codes, states and hook keys stand in queries.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderName, HeaderValue, Method};
use tracing::{Instrument, field::Empty};

use super::{Layers, RequestId, client, readers};
use crate::metrics;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(super) async fn request(State(layers): State<Arc<Layers>>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = RequestId::new();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let path = loggable(request.uri().path(), route.as_ref());
    let quiet = readers::of(request.uri().path()) == readers::Reader::Operator;
    let client = client::note(&mut request, &layers.proxies).map(|client| client.to_string());
    let value = HeaderValue::try_from(id.to_string()).expect("an id is plain ASCII");
    // Replaces what came from outside, so that nobody can write into our log.
    request.headers_mut().insert(X_REQUEST_ID, value.clone());

    let span = tracing::info_span!("request", request_id = %id, %method, path = ?path, client, status = Empty);
    let mut response = id.scope(next.run(request)).instrument(span.clone()).await;

    let took = begun.elapsed();
    let status = response.status();
    span.record("status", status.as_u16());
    span.in_scope(|| {
        let milliseconds = took.as_millis();
        if quiet {
            tracing::debug!(milliseconds, "answered");
        } else {
            tracing::info!(milliseconds, "answered");
        }
    });
    metrics::request(method_word(&method), route.as_ref().map_or("none", |route| route.as_str()), status, took);
    response.headers_mut().insert(X_REQUEST_ID, value);
    response
}

/// The path as it may stand in a log: where the route calls a segment a token or a key, its name instead; and not
/// without end.
fn loggable(path: &str, route: Option<&MatchedPath>) -> String {
    let cut = |path: &str| path.chars().take(200).collect();
    let Some(route) = route.map(MatchedPath::as_str) else { return cut(path) };
    if !["{token}", "{key}", "{secret}", "{code}"].iter().any(|name| route.contains(name)) {
        return cut(path);
    }
    let segments = route.split('/').zip(path.split('/')).map(|(name, value)| match name {
        "{token}" | "{key}" | "{secret}" | "{code}" => name,
        _ => value,
    });
    cut(&segments.collect::<Vec<_>>().join("/"))
}

/// Anything may stand where a method stands; a label with endless values would fill the memory.
fn method_word(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
