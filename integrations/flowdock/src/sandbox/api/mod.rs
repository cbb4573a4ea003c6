//! The REST and streaming API; this page is its whole route table, with the scopes that open each call.
//!
//! A handler is a function of the world and the [`call::Call`]; [`serve`] does what is common.

mod answer;
mod body;
mod call;
pub(super) mod caller;
pub(super) mod cors;
mod files;
mod flows;
mod messages;
mod organizations;
mod private;
mod push;
mod serve;
mod sources;
mod streaming;
mod threads;
mod users;

use axum::Router;
use axum::routing::{get as on_get, post as on_post};

use self::serve::{delete, get, post, put};
use super::Sandbox;

/// Any of these opens the call; a person's password or own token opens all.
type Scopes = &'static [&'static str];

const FLOW: Scopes = &["flow"];
const PRIVATE: Scopes = &["private"];
const MANAGE: Scopes = &["manage"];
const PROFILE: Scopes = &["profile"];
const INTEGRATION: Scopes = &["integration"];
/// What an integration needs to know of a flow.
const SEE_FLOWS: Scopes = &["flow", "manage", "integration"];
const SEE_PEOPLE: Scopes = &["flow", "private", "manage", "profile"];
const CARE_FOR_SOURCES: Scopes = &["integration", "manage"];

pub(super) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/user", get(users::myself, PROFILE))
        .route("/users", get(users::list, SEE_PEOPLE))
        .route("/users/{id}", get(users::show, SEE_PEOPLE).merge(put(users::change, PROFILE)))
        .route("/organizations", get(organizations::list, SEE_FLOWS))
        .route("/organizations/find", get(organizations::find, SEE_FLOWS))
        .route("/organizations/{org}", get(organizations::show, SEE_FLOWS).merge(put(organizations::change, MANAGE)))
        .route("/organizations/{org}/users", get(organizations::users, SEE_PEOPLE))
        .route(
            "/organizations/{org}/users/{id}",
            get(organizations::user, SEE_PEOPLE).merge(delete(organizations::remove_user, MANAGE)),
        )
        .route("/flows", on_get(streaming::flows_or_stream))
        .route("/flows/all", get(flows::all, SEE_FLOWS))
        .route("/flows/find", get(flows::find, SEE_FLOWS))
        .route("/flows/{org}", post(flows::create, MANAGE))
        .nest("/flows/{org}/{flow}", below_flow())
        .route("/sources", get(sources::list_all, CARE_FOR_SOURCES).merge(put(sources::change_own, CARE_FOR_SOURCES)))
        .route("/messages", post(messages::post, FLOW))
        .route("/comments", post(messages::comment, FLOW))
        // Of the time before `POST /messages`; Flowdock's own example still uses it.
        .route("/activities", post(messages::post, FLOW))
        .route("/private", get(private::list, PRIVATE))
        .route("/private/{user}", get(private::show, PRIVATE).merge(put(private::change, PRIVATE)))
        .route("/private/{user}/messages", get(private::messages, PRIVATE).merge(post(private::post, PRIVATE)))
        .route(
            "/private/{user}/messages/{id}",
            get(private::message, PRIVATE).merge(put(private::edit, PRIVATE)).merge(delete(private::delete, PRIVATE)),
        )
        .route("/files/{*path}", get(files::link, &["flow", "private"]))
        .route("/storage/{link}", on_get(files::download))
        .route("/messages/chat/{tokens}", post(push::chat, &[]))
        .route("/messages/team_inbox/{tokens}", post(push::team_inbox, &[]))
        .route("/messages/influx/{tokens}", post(push::team_inbox, &[]))
        .route("/stream/flows", on_get(streaming::listen))
        .route("/stream/flows/{org}/{flow}", on_get(streaming::listen))
}

fn below_flow() -> Router<Sandbox> {
    Router::new()
        .route("/", get(flows::show, SEE_FLOWS).merge(put(flows::change, MANAGE)))
        .route("/users", get(flows::users, SEE_PEOPLE).merge(post(flows::add_user, MANAGE)))
        .route("/users/{id}", put(flows::block_user, MANAGE))
        .route("/invitations", get(flows::invitations, MANAGE).merge(post(flows::invite, MANAGE)))
        .route("/invitations/import", post(flows::invite_many, MANAGE))
        .route("/invitations/{id}", get(flows::invitation, MANAGE).merge(delete(flows::uninvite, MANAGE)))
        .route("/sources", get(sources::list, CARE_FOR_SOURCES).merge(post(sources::create, INTEGRATION)))
        // The name of `sources` before November 2014.
        .route("/integrations", get(sources::list, CARE_FOR_SOURCES).merge(post(sources::create, INTEGRATION)))
        .route(
            "/sources/{id}",
            get(sources::show, CARE_FOR_SOURCES)
                .merge(put(sources::change, CARE_FOR_SOURCES))
                .merge(delete(sources::remove, CARE_FOR_SOURCES)),
        )
        .route("/messages", get(messages::list, FLOW).merge(post(messages::post_here, FLOW)))
        .route(
            "/messages/{id}",
            get(messages::show, FLOW).merge(put(messages::edit, FLOW)).merge(delete(messages::delete, FLOW)),
        )
        .route("/messages/{id}/comments", get(messages::comments, FLOW).merge(post(messages::comment_here, FLOW)))
        .route("/threads", get(threads::list, FLOW))
        .route("/threads/{thread}", get(threads::show, FLOW))
        .route("/threads/{thread}/messages", get(threads::messages, FLOW).merge(post(threads::post, FLOW)))
        .route("/threads/{thread}/actions/{signed}", on_post(threads::act))
}
