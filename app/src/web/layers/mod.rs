//! What every answer has in common: a request id, a line in the log, a place in the metrics, safe headers, and a body
//! that a person or a program can read even when something went wrong.
//!
//! From the outside in: [`watch`] names and counts the request, [`headers`] dresses the answer, [`refusal`] puts a
//! readable body on a bare error, [`gate`] turns away what no handler should see, and a panic ends the request only.

mod client;
mod gate;
mod headers;
mod hosts;
mod readers;
mod refusal;
mod request_id;
mod watch;

use std::sync::Arc;

use axum::{Router, middleware};
pub use hosts::Hosts;
pub use request_id::RequestId;
use tower_http::catch_panic::CatchPanicLayer;

use crate::config::ProxySettings;

/// What the layers have to know of the instance.
#[derive(Clone, Debug)]
pub struct Layers {
    /// The names we answer to.
    pub hosts: Hosts,
    /// The origins, besides our own, to which a form may lead: where partners ask for consent.
    pub form_targets: Vec<String>,
    /// Whether we are reached by https only.
    pub https: bool,
    /// Whose word on their callers counts.
    pub proxies: ProxySettings,
    /// Whether the metrics are guarded by a token. Then a scraper may come under any name.
    pub metrics_token: bool,
}

/// Puts the layers around a router.
pub fn wrap(router: Router, layers: Layers) -> Router {
    let headers = headers::SafeHeaders::new(&layers);
    let layers = Arc::new(layers);
    // The last one added is the outermost.
    router
        .layer(CatchPanicLayer::custom(refusal::after_panic))
        .layer(middleware::from_fn_with_state(Arc::clone(&layers), gate::keep))
        .layer(middleware::from_fn(refusal::dress))
        .layer(middleware::from_fn_with_state(headers, headers::add))
        .layer(middleware::from_fn_with_state(layers, watch::request))
}
