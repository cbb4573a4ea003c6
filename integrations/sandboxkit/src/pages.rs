//! How a sandbox's page goes out, and the style all sandboxes share.

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

/// Serves [the style sheet](../style.css).
pub async fn style() -> impl IntoResponse {
    const STYLE: &str = include_str!("../style.css");
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=300")], STYLE)
}

/// Renders a page. No script, nothing from elsewhere, in nobody's frame, never cached.
pub fn show(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let policy =
                "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";
            let headers = [
                (header::CONTENT_SECURITY_POLICY, policy),
                (header::CACHE_CONTROL, "no-store"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::REFERRER_POLICY, "no-referrer"),
            ];
            (headers, Html(html)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a sandbox page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Whether a form was sent by a page of ours: what another site's page sends does nothing.
pub fn sent_by_ourselves(headers: &HeaderMap) -> bool {
    let origin = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    matches!(origin, None | Some(b"same-origin" | b"none"))
}
