//! The handlers, one file per thing a person does, each beside the structs of its pages.

use axum::{
    Router,
    routing::{get, post},
};

use crate::state::AppState;

mod action;
mod authorize;
mod connect;
mod hook;
mod integrations;
pub mod links;
mod log;
mod mirrors;
pub mod operators;
mod people;
mod setup;
mod site;
#[cfg(debug_assertions)]
mod styleguide;

/// People: accounts, organizations, teams, invitations.
pub(super) fn people() -> Router<AppState> {
    people::routes()
}

/// The first page, and the logs of teams.
pub(super) fn logs() -> Router<AppState> {
    log::routes()
}

/// The catalogue, connecting an account, the links, and the mirrors that join two of them.
pub(super) fn integrations() -> Router<AppState> {
    Router::new()
        .route("/integrations", get(integrations::catalogue))
        .route("/integrations/{partner}", get(integrations::partner))
        .route("/integrations/{partner}/icon.svg", get(integrations::icon))
        .route("/integrations/{partner}/link", get(links::new).post(links::create).delete(links::destroy))
        .route("/integrations/{partner}/link/{link}", get(links::show).post(links::change))
        .route("/integrations/{partner}/link/{link}/activity", get(links::activity))
        .route("/integrations/{partner}/link/{link}/activity/{event}", get(links::trace))
        .route("/integrations/{partner}/authorize", get(authorize::show).post(authorize::accept))
        .route("/integrations/{partner}/setup", get(setup::show).post(setup::go_on))
        .route("/integrations/{partner}/configure", get(setup::configure))
        .route("/integrations/{partner}/disconnect", post(connect::disconnect))
        .route("/integrations/mirrors/{offer}", get(mirrors::offer::show))
        .route("/mirrors/new", get(mirrors::new).post(mirrors::choose))
        .route("/mirrors/{mirror}", get(mirrors::show).post(mirrors::change).delete(mirrors::destroy))
        .route("/auth/{partner}", post(connect::start))
        .route("/auth/{partner}/callback", get(connect::callback))
}

/// The components, for whoever changes them; a release has no such page.
pub(super) fn styleguide() -> Router<AppState> {
    #[cfg(debug_assertions)]
    return Router::new().route("/styleguide", get(styleguide::show));
    #[cfg(not(debug_assertions))]
    Router::new()
}

/// What partners call: no session, no cookies, no pages.
pub(super) fn hooks() -> Router<AppState> {
    Router::new()
        .route("/integrations/{partner}/hook", post(hook::hook))
        .route("/integrations/{partner}/actions/{token}", post(action::action))
}
