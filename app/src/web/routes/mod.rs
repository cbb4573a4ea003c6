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

/// A moment (unix milliseconds) as a person reads it where no time zone is known.
fn moment(milliseconds: &i64) -> String {
    let moment = jiff::Timestamp::from_millisecond(*milliseconds).unwrap_or_default();
    moment.strftime("%-d %B %Y, %H:%M UTC").to_string()
}
