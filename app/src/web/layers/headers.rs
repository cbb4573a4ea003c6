//! The headers that make an answer safe to show in a browser, on every answer alike.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::Layers;

/// Made once from the settings.
#[derive(Clone)]
pub(super) struct SafeHeaders(Vec<(HeaderName, HeaderValue)>);

impl SafeHeaders {
    pub(super) fn new(layers: &Layers) -> Self {
        let mut headers = vec![
            (header::CONTENT_SECURITY_POLICY, content_policy(&layers.form_targets)),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            // For browsers too old for frame-ancestors.
            (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
            // Pages hold what only one person may see. Static files say otherwise themselves.
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        if layers.https {
            let a_year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
            headers.push((header::STRICT_TRANSPORT_SECURITY, a_year));
        }
        Self(headers)
    }
}

/// Adds what the handler has not set, and ends connections on which a body was left unread.
pub(super) async fn add(State(safe): State<SafeHeaders>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let status = response.status();
    let headers = response.headers_mut();
    for (name, value) in safe.0 {
        headers.entry(name).or_insert(value);
    }
    if matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::URI_TOO_LONG) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// No script but ours, no frame, and forms that lead to ourselves or to a partner's consent page: browsers apply
/// `form-action` to the redirect after a post as well.
fn content_policy(form_targets: &[String]) -> HeaderValue {
    let mut policy =
        "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'".to_owned();
    for target in form_targets {
        policy.push(' ');
        policy.push_str(target);
    }
    // Origins are plain ASCII, so this is always a header's text.
    HeaderValue::try_from(policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
}
