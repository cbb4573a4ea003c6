//! The handlers, one file per thing a person does, each beside the structs of its pages.

use axum::Router;

use crate::state::AppState;

pub mod operators;
mod people;
#[cfg(debug_assertions)]
pub mod styleguide;

/// People: accounts, organizations, teams, invitations.
pub(super) fn people() -> Router<AppState> {
    people::routes()
}
