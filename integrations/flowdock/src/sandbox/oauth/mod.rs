//! OAuth 2.0: consent, tokens, and registering an application by program.
//! <https://www.flowdock.com/api/authentication>

mod applications;
pub(super) mod consent;
pub(super) mod scopes;
mod token;

use axum::Router;
use axum::routing::{get, post};

use super::Sandbox;

pub(super) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/oauth/authorize", get(consent::ask).post(consent::decide))
        .route("/oauth/authorize/{code}", get(consent::show_code))
        .route("/oauth/token", post(token::exchange))
        .route("/oauth/applications", post(applications::register))
}
