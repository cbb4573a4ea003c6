//! The team's log: reading it, writing into it, and one entry's own page.

use axum::{
    Router,
    routing::{get, post},
};

use crate::state::AppState;

mod asked;
mod calendar;
mod entry;
mod export;
mod home;
mod live;
mod mine;
mod show;
pub(super) mod shown;

/// The routes.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(home::show))
        .route("/log", get(mine::show))
        .route("/log/live", get(live::own_news))
        .route("/log/export.csv", get(export::own_csv))
        .route("/log/export.json", get(export::own_json))
        .route("/teams/{team}", get(show::show))
        .route("/teams/{team}/live", get(live::news))
        .route("/teams/{team}/export.csv", get(export::csv))
        .route("/teams/{team}/export.json", get(export::json))
        .route("/teams/{team}/entries", get(show::back).post(show::write))
        .route("/teams/{team}/entries/{entry}", get(entry::show).post(entry::edit))
        .route("/teams/{team}/entries/{entry}/complete", post(entry::complete))
        .route("/teams/{team}/entries/{entry}/reopen", post(entry::reopen))
        .route("/teams/{team}/entries/{entry}/archive", post(entry::archive))
        .route("/teams/{team}/entries/{entry}/unarchive", post(entry::unarchive))
}
