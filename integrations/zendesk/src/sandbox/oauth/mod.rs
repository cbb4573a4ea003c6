//! OAuth of an account: [`consent`] for the person, [`token`] for the app.
//! <https://developer.zendesk.com/api-reference/ticketing/oauth/grant_type_tokens/>

pub(super) mod consent;
pub(super) mod scopes;
pub(super) mod token;

use axum::Router;
use axum::routing::get;

use super::Sandbox;

pub(super) fn router() -> Router<Sandbox> {
    Router::new().route("/{subdomain}/oauth/authorizations/new", get(consent::ask).post(consent::decide))
}
