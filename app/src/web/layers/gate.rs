//! What no handler should see: addresses without end, methods that only serve to look around, other people's names, and
//! pages under a name of ours that is not the public one.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderValue, Method, StatusCode, header};

use super::{
    Layers,
    hosts::{Called, Stranger},
    readers::{self, Reader},
};

/// The longest address.
const URI_LIMIT: usize = 8 * 1024;

pub(super) async fn keep(State(layers): State<Arc<Layers>>, request: Request, next: Next) -> Response {
    if length_of(request.uri()) > URI_LIMIT {
        return StatusCode::URI_TOO_LONG.into_response();
    }
    if matches!(*request.method(), Method::TRACE | Method::CONNECT) {
        let mut response = StatusCode::METHOD_NOT_ALLOWED.into_response();
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST, DELETE"));
        return response;
    }
    if !goes_by_any_name(request.uri().path(), &layers) {
        match layers.hosts.check(request.uri(), request.headers()) {
            Ok(Called::ByName) => {}
            Ok(Called::ByOtherName(home)) => {
                if let Some(address) = address_of_page(&request, home) {
                    return Redirect::temporary(&address).into_response();
                }
            }
            Err(Stranger::Nobody) => return StatusCode::BAD_REQUEST.into_response(),
            Err(Stranger::SomebodyElse) => {
                let host = request.headers().get(header::HOST);
                tracing::warn!(?host, "a request under a name that is not ours; is PATCHBAY_PUBLIC_URL right?");
                return StatusCode::MISDIRECTED_REQUEST.into_response();
            }
        }
    }
    next.run(request).await
}

/// Where the page is that a person asks for; none when it is no page, or something is sent along.
fn address_of_page(request: &Request, mut home: url::Url) -> Option<String> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads || readers::of(request.uri().path()) != Reader::Person {
        return None;
    }
    home.set_path(request.uri().path());
    home.set_query(request.uri().query());
    Some(home.into())
}

/// Balancers and scrapers come to an address, not to a name.
fn goes_by_any_name(path: &str, layers: &Layers) -> bool {
    matches!(path, "/healthz" | "/readyz") || (path == "/metrics" && layers.metrics_token)
}

fn length_of(uri: &http::Uri) -> usize {
    uri.path_and_query().map_or(0, |target| target.as_str().len())
        + uri.authority().map_or(0, |authority| authority.as_str().len())
}
