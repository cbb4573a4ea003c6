//! OAuth 2 as GitHub does it for OAuth apps: [`consent`] for the person, [`token`] for the app.

pub(super) mod consent;
pub(super) mod scopes;
mod token;

use axum::Router;
use axum::routing::{get, post};
use url::Url;

use super::Sandbox;

pub(super) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/authorize", get(consent::ask).post(consent::decide))
        .route("/access_token", post(token::exchange))
}

/// GitHub's rule: host (or a sub-domain of it) and port as registered, path the same or below; a loopback
/// address may have any port.
pub(super) fn fits_callback(registered: &str, asked: &str) -> bool {
    let (Ok(registered), Ok(asked)) = (Url::parse(registered), Url::parse(asked)) else {
        return false;
    };
    let (Some(host), Some(asked_host)) = (registered.host_str(), asked.host_str()) else {
        return false;
    };
    let same_host = host == asked_host || asked_host.ends_with(&format!(".{host}"));
    let loopback = matches!(asked_host, "localhost" | "127.0.0.1" | "[::1]");
    let same_port = loopback || registered.port_or_known_default() == asked.port_or_known_default();
    let base = registered.path().trim_end_matches('/');
    let below = asked.path() == base || asked.path().strip_prefix(base).is_some_and(|rest| rest.starts_with('/'));
    let same_scheme = registered.scheme() == asked.scheme();
    same_scheme && same_host && same_port && below && asked.username().is_empty() && asked.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_must_stay_under_the_registered_callback() {
        let registered = "https://example.com/path";
        for good in ["https://example.com/path", "https://example.com/path/sub", "https://oauth.example.com/path"] {
            assert!(fits_callback(registered, good), "{good}");
        }
        for bad in [
            "https://example.com/bar",
            "https://example.com/",
            "https://example.com:8080/path",
            "https://example.com/pathology",
            "https://evil-example.com/path",
            "https://example.com/path/../bar",
            "http://example.com/path",
            "https://user@example.com/path",
            "nonsense",
        ] {
            assert!(!fits_callback(registered, bad), "{bad}");
        }
    }

    #[test]
    fn a_loopback_redirect_may_vary_its_port() {
        assert!(fits_callback("http://127.0.0.1/back", "http://127.0.0.1:4567/back"));
        assert!(!fits_callback("http://127.0.0.1/back", "http://127.0.0.1:4567/elsewhere"));
    }
}
