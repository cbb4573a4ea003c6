//! Accounts by host: `acme.zendesk.test/api/v2/…` is the same as `…/acme/api/v2/…`, for clients that insist on a host of
//! their own per account.

use axum::Router;
use axum::extract::{OriginalUri, Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tower::ServiceExt;

use super::Sandbox;

/// The address under which a client that came by host reaches the account: what its links begin with.
#[derive(Clone)]
pub(super) struct Base(pub String);

pub(super) fn by_host(sandbox: Sandbox, inner: Router) -> Router {
    Router::new().route("/", any(enter)).fallback(enter).with_state((sandbox, inner))
}

async fn enter(State((sandbox, inner)): State<(Sandbox, Router)>, mut request: Request) -> Response {
    let first = request.uri().path().split('/').nth(1).unwrap_or_default().to_owned();
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).and_then(|host| {
        let label = host.split(['.', ':']).next()?.to_ascii_lowercase();
        sandbox.world().accounts.contains_key(&label).then(|| (host.to_owned(), label))
    });
    let known = first.starts_with('_') || sandbox.world().accounts.contains_key(&first);
    if let (Some((host, subdomain)), false) = (named, known) {
        let before = prefix(&request);
        let scheme = forwarded_scheme(request.headers());
        request.extensions_mut().insert(Base(format!("{scheme}://{host}{before}")));
        if let Some(uri) = below(request.uri(), &subdomain) {
            *request.uri_mut() = uri;
        }
    }
    inner.oneshot(request).await.into_response()
}

/// What was cut off the path on the way here, by being nested.
fn prefix(request: &Request) -> String {
    let whole = request.extensions().get::<OriginalUri>().map_or("", |OriginalUri(uri)| uri.path());
    whole.strip_suffix(request.uri().path()).unwrap_or_default().trim_end_matches('/').to_owned()
}

fn forwarded_scheme(headers: &HeaderMap) -> &'static str {
    match headers.get("x-forwarded-proto").map(|value| value.as_bytes()) {
        Some(b"https") => "https",
        _ => "http",
    }
}

fn below(uri: &Uri, subdomain: &str) -> Option<Uri> {
    let rest = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("/{subdomain}{rest}").parse().ok()?);
    Uri::from_parts(parts).ok()
}
