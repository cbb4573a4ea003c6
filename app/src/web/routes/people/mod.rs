//! People: accounts and log-in, organizations and their members, teams, invitations.

use axum::{
    Router,
    routing::{get, post},
};

use crate::state::AppState;

mod audit;
mod browsers;
mod deletion;
mod invitations;
mod log_in;
mod organization_settings;
mod organizations;
mod password;
mod retention;
mod settings;
mod sign_up;
mod team_settings;
mod teams;

/// The routes.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/signup", get(sign_up::show).post(sign_up::sign_up))
        .route("/login", get(log_in::show).post(log_in::log_in))
        .route("/logout", post(log_in::log_out))
        .route("/password/forgotten", get(password::forgotten).post(password::ask))
        .route("/password/asked", get(password::asked))
        .route("/password/new/{token}", get(password::show).post(password::set))
        .route("/settings", get(settings::show).post(settings::rename))
        .route("/settings/password", get(settings::back).post(settings::change_password))
        .route("/settings/sessions/end-others", post(settings::end_other_sessions))
        .route("/settings/sessions/{session}/end", post(settings::end_session))
        .route("/settings/accounts/{account}/disconnect", post(settings::disconnect))
        .route("/organizations", get(organizations::list))
        .route("/organizations/new", get(organizations::new).post(organizations::found))
        .route("/organizations/current", post(organizations::choose))
        .merge(organization())
        .route("/invitations/{token}", get(invitations::show).post(invitations::accept))
        .route("/teams/new", get(teams::new).post(teams::create))
        .route("/teams/{team}/settings", get(team_settings::show).post(team_settings::change))
        .route("/teams/{team}/members", get(team_settings::back).post(team_settings::add_member))
        .route("/teams/{team}/members/{user}/remove", post(team_settings::remove_member))
        .route("/teams/{team}/digest", post(team_settings::choose_digest))
        .route("/teams/{team}/digest/mine", post(team_settings::receive_digest))
        .route("/teams/{team}/leave", post(team_settings::leave))
        .route("/teams/{team}/delete", get(team_settings::back).post(team_settings::delete))
}

/// One organization's.
fn organization() -> Router<AppState> {
    use organization_settings as settings;
    Router::new()
        .route("/organizations/{organization}/settings", get(settings::show).post(settings::rename))
        .route("/organizations/{organization}/invitations", get(settings::back).post(settings::invite))
        .route("/organizations/{organization}/invitations/{invitation}/revoke", post(settings::revoke))
        .route("/organizations/{organization}/members/{user}/role", post(settings::change_role))
        .route("/organizations/{organization}/members/{user}/remove", post(settings::remove_member))
        .route("/organizations/{organization}/leave", post(settings::leave))
        .route("/organizations/{organization}/audit", get(audit::show))
        .route("/organizations/{organization}/audit/export.csv", get(audit::csv))
        .route("/organizations/{organization}/audit/export.json", get(audit::json))
        .route("/organizations/{organization}/retention", get(retention::show).post(retention::choose))
        .route("/organizations/{organization}/delete", get(deletion::show).post(deletion::delete))
        .route("/receipts/{receipt}", get(deletion::receipt))
}
