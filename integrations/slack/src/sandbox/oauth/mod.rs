//! OAuth v2: [`consent`] for the person, [`token`] for the app. <https://docs.slack.dev/authentication/installing-with-oauth>

pub(super) mod consent;
pub(super) mod scopes;
pub(super) mod token;

use axum::Router;
use axum::routing::get;
use url::Url;

use super::Sandbox;

pub(super) fn router() -> Router<Sandbox> {
    Router::new().route("/v2/authorize", get(consent::ask).post(consent::decide))
}

/// Slack's rule: host and port as registered, path the same or below.
pub(super) fn fits_redirect(registered: &[String], asked: &str) -> bool {
    let Ok(asked) = Url::parse(asked) else { return false };
    registered.iter().filter_map(|url| Url::parse(url).ok()).any(|registered| {
        let base = registered.path().trim_end_matches('/');
        let below = asked.path().strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        registered.origin() == asked.origin() && below && asked.username().is_empty() && asked.fragment().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::fits_redirect;

    #[test]
    fn a_redirect_must_be_the_registered_one_or_below() {
        let registered = ["https://log.example/auth/slack/callback".to_owned()];
        for (asked, fits) in [
            ("https://log.example/auth/slack/callback", true),
            ("https://log.example/auth/slack/callback/more?x=1", true),
            ("https://log.example/auth/slack/callbacks", false),
            ("https://log.example/auth", false),
            ("http://log.example/auth/slack/callback", false),
            ("https://log.example:8443/auth/slack/callback", false),
            ("https://evil.example/auth/slack/callback", false),
            ("https://log.example/auth/slack/callback#f", false),
            ("nonsense", false),
        ] {
            assert_eq!(fits_redirect(&registered, asked), fits, "{asked}");
        }
    }
}
