//! Requests that change something are refused when another site's page sent them.
//!
//! The rules are those of Go's `CrossOriginProtection`: browsers say in `Sec-Fetch-Site`, or in `Origin`, where a
//! request comes from, and a page can't forge either. The token in every form (see `extract::Form`) is the second wall.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, header};
use url::Url;

use super::Error;
use crate::state::AppState;

/// Lets through what reads, and what our own pages or no page at all sent.
pub(super) async fn refuse(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if reads || is_ours(request.headers(), &state.core.site.public_url) {
        next.run(request).await
    } else {
        Error::ForeignForm.into_response()
    }
}

fn is_ours(headers: &HeaderMap, public_url: &Url) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        // "none" is a person, by the address bar or a bookmark.
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        // Not a browser, or one older than 2020: the form's token decides.
        return true;
    };
    let Ok(origin) = origin.to_str() else { return false };
    // Our pages send no referrer, and a browser that sends no referrer sends this origin. Where it says nothing better
    // (over plain http), the form's token decides.
    if origin == "null" {
        return true;
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let same_host = origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host);
    same_host || origin == public_url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)))
            .collect();
        is_ours(&headers, &Url::parse("https://patchbay.example/").unwrap())
    }

    #[test]
    fn only_our_own_pages_and_no_page_at_all_are_ours() {
        assert!(taken(&[]));
        assert!(taken(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(taken(&[("sec-fetch-site", "none")]));
        assert!(taken(&[("origin", "https://patchbay.example")]));
        assert!(taken(&[("origin", "http://10.0.0.5:3000"), ("host", "10.0.0.5:3000")]));
        assert!(taken(&[("origin", "null")]));

        assert!(!taken(&[("sec-fetch-site", "cross-site"), ("origin", "https://patchbay.example")]));
        assert!(!taken(&[("sec-fetch-site", "same-site")]));
        assert!(!taken(&[("sec-fetch-site", "")]));
        assert!(!taken(&[("origin", "https://evil.example"), ("host", "patchbay.example")]));
        assert!(!taken(&[("origin", "http://patchbay.example")]));
        assert!(!taken(&[("origin", "https://patchbay.example.evil.example")]));
        assert!(!taken(&[("origin", "")]));
    }
}
