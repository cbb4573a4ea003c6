//! The REST API under `/api/v3`: this page is the whole route table. <https://docs.github.com/rest>
//!
//! A handler is a plain function of the world and the [`Call`]; what all calls have in common (who is it, limits,
//! headers, conditional requests) happens once, in [`serve`].

mod account;
mod answer;
mod applications;
mod call;
mod code;
mod hooks;
pub(super) mod issues;
pub(super) mod limits;
mod pulls;
mod releases;
mod repositories;
mod serve;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::MethodRouter;

use self::serve::{delete, get, patch, post, put, unknown};
use super::Sandbox;
use super::world::World;

/// Whose token a call carries; "-" for nobody's.
pub(super) fn login(world: &World, headers: &HeaderMap) -> String {
    let token = call::token(headers).and_then(|value| world.registrations.token(&value));
    token.map_or("-".to_owned(), |token| world.account(token.account).login.clone())
}

pub(super) fn root() -> MethodRouter<Sandbox> {
    get(account::root)
}

pub(super) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/", root())
        .route("/meta", get(account::meta))
        .route("/zen", get(account::zen))
        .route("/rate_limit", get(account::rate_limit))
        .route("/user", get(account::user))
        .route("/user/emails", get(account::emails))
        .route("/user/orgs", get(account::organizations))
        .route("/user/repos", get(account::repositories).merge(post(account::create_repository)))
        .route("/user/starred/{owner}/{repo}", put(repositories::star).merge(delete(repositories::unstar)))
        .route("/users/{login}", get(account::profile))
        .route("/user/{account_id}", get(account::profile_by_id))
        .route("/users/{login}/repos", get(account::repositories_of))
        .route("/orgs/{org}", get(account::organization))
        .route("/orgs/{org}/repos", get(account::repositories_of))
        .route("/orgs/{org}/members", get(account::members))
        .route("/applications/{client_id}/token", applications::token())
        .route("/applications/{client_id}/grant", delete(applications::delete_grant))
        .route("/credentials/revoke", post(applications::revoke_credentials))
        .nest("/repos/{owner}/{repo}", below_repository())
        // The same by number: this is where 301 and 307 point after a rename.
        .nest("/repositories/{repository_id}", below_repository())
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
}

fn below_repository() -> Router<Sandbox> {
    Router::new()
        .route("/", get(repositories::get).merge(patch(repositories::change)).merge(delete(repositories::delete)))
        .route("/transfer", post(repositories::transfer))
        .route("/collaborators", get(repositories::collaborators))
        .route("/assignees", get(repositories::assignees))
        .route("/assignees/{login}", get(repositories::is_assignable))
        .route("/labels", get(repositories::labels).merge(post(repositories::create_label)))
        .route("/hooks", get(hooks::list).merge(post(hooks::create)))
        .route("/hooks/{hook}", get(hooks::get).merge(patch(hooks::change)).merge(delete(hooks::delete)))
        .route("/hooks/{hook}/config", get(hooks::get_config).merge(patch(hooks::change_config)))
        .route("/hooks/{hook}/pings", post(hooks::ping))
        .route("/hooks/{hook}/tests", post(hooks::test))
        .route("/hooks/{hook}/deliveries", get(hooks::deliveries))
        .route("/hooks/{hook}/deliveries/{delivery}", get(hooks::delivery))
        .route("/hooks/{hook}/deliveries/{delivery}/attempts", post(hooks::redeliver))
        .route("/issues", get(issues::list).merge(post(issues::create)))
        .route("/issues/comments", get(issues::all_comments))
        .route(
            "/issues/comments/{comment}",
            get(issues::comment).merge(patch(issues::edit_comment)).merge(delete(issues::delete_comment)),
        )
        .route("/issues/{number}", get(issues::get).merge(patch(issues::change)))
        .route("/issues/{number}/comments", get(issues::comments).merge(post(issues::create_comment)))
        .route("/issues/{number}/assignees", post(issues::assign).merge(delete(issues::unassign)))
        .route(
            "/issues/{number}/labels",
            get(issues::labels)
                .merge(post(issues::add_labels))
                .merge(put(issues::set_labels))
                .merge(delete(issues::clear_labels)),
        )
        .route("/issues/{number}/labels/{name}", delete(issues::remove_label))
        .route("/issues/{number}/lock", put(issues::lock).merge(delete(issues::unlock)))
        .route("/pulls", get(pulls::list).merge(post(pulls::create)))
        .route("/pulls/{number}", get(pulls::get).merge(patch(pulls::change)))
        .route("/pulls/{number}/commits", get(pulls::commits))
        .route("/pulls/{number}/merge", get(pulls::is_merged).merge(put(pulls::merge)))
        .route("/releases", get(releases::list).merge(post(releases::create)))
        .route("/releases/latest", get(releases::latest))
        .route("/releases/tags/{*tag}", get(releases::by_tag))
        .route("/releases/{release}", get(releases::get).merge(patch(releases::change)).merge(delete(releases::delete)))
        .route("/commits", get(code::commits))
        .route("/commits/{*name}", get(code::commit))
        .route("/branches", get(code::branches))
        .route("/branches/{*name}", get(code::branch))
        .route("/git/refs", post(code::create_reference))
        .route("/git/refs/{*name}", delete(code::delete_reference))
}
