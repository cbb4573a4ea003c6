//! HTTP: the whole route table, and what every answer has in common.
//!
//! A handler reads, asks `core`, answers; its signature says who may come in (see `extract`).

use axum::{Router, middleware, routing::get};

use crate::state::AppState;

pub mod assets;
pub mod body;
mod browser_session;
mod cross_origin;
mod doors;
mod error;
pub mod extract;
pub mod layers;
pub mod page;
pub mod routes;

pub use error::{Error, Result};

/// Every route. What all answers have in common beyond pages (request ids, deadlines, security headers) is laid around
/// it by the server.
pub fn router(state: AppState) -> Router {
    pages(&state).merge(routes::hooks()).route("/static/{*path}", get(assets::show)).with_state(state)
}

/// What people open in a browser: with a session, forms that only our own pages can send, and errors as pages.
fn pages(state: &AppState) -> Router<AppState> {
    Router::new()
        .merge(routes::logs())
        .merge(routes::people())
        .merge(routes::integrations())
        .merge(routes::styleguide())
        .fallback(error::no_such_page)
        .method_not_allowed_fallback(error::no_such_method)
        .layer(middleware::from_fn_with_state(state.clone(), cross_origin::refuse))
        .layer(middleware::from_fn_with_state(state.clone(), error::draw))
        .layer(browser_session::layer(&state.core))
}
