//! The API: this page is its whole route table. What is common to all calls is in [`serve`].
//! <https://developer.zendesk.com/api-reference/>

mod account;
pub(super) mod call;
mod comments;
mod exports;
pub(super) mod limits;
mod oauth;
mod paging;
mod query;
mod reading;
mod requests;
mod search;
pub(super) mod serve;
mod tickets;
mod triggers;
mod uploads;
mod users;
mod webhooks;

use self::call::{Answer, Call};
use super::refusal::Refusal;
use super::world::account::Account;

/// Does the work of one route.
type Room = fn(&mut Account, &Call) -> Result<Answer, Refusal>;

/// Who may call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Anyone,
    User,
    Agent,
    Admin,
}

struct Route {
    method: &'static str,
    /// Without `.json`; `{}` stands for anything.
    path: &'static str,
    /// What a token needs a scope for; empty: nothing.
    resource: &'static str,
    who: Who,
    room: Room,
}

const fn route(method: &'static str, path: &'static str, resource: &'static str, who: Who, room: Room) -> Route {
    Route { method, path, resource, who, room }
}

use Who::{Admin, Agent, Anyone, User};

/// The first that fits counts.
const ROUTES: &[Route] = &[
    route("GET", "tickets", "tickets", Agent, tickets::list),
    route("POST", "tickets", "tickets", Agent, tickets::create),
    route("GET", "tickets/count", "tickets", Agent, tickets::count),
    route("GET", "tickets/show_many", "tickets", Agent, tickets::show_many),
    route("POST", "tickets/create_many", "tickets", Agent, tickets::create_many),
    route("PUT", "tickets/update_many", "tickets", Agent, tickets::update_many),
    route("GET", "tickets/recent", "tickets", Agent, tickets::list),
    route("GET", "tickets/{}", "tickets", Agent, tickets::show),
    route("PUT", "tickets/{}", "tickets", Agent, tickets::update),
    route("DELETE", "tickets/{}", "tickets", Agent, tickets::delete),
    route("GET", "tickets/{}/tags", "tickets", Agent, tickets::tags),
    route("POST", "tickets/{}/tags", "tickets", Agent, tickets::set_tags),
    route("PUT", "tickets/{}/tags", "tickets", Agent, tickets::add_tags),
    route("DELETE", "tickets/{}/tags", "tickets", Agent, tickets::remove_tags),
    route("GET", "tickets/{}/audits", "tickets", Agent, comments::audits),
    route("GET", "tickets/{}/comments", "tickets", Agent, comments::list),
    route("GET", "tickets/{}/comments/count", "tickets", Agent, comments::count),
    route("PUT", "tickets/{}/comments/{}/make_private", "tickets", Agent, comments::make_private),
    route("PUT", "tickets/{}/comments/{}/redact", "tickets", Agent, comments::redact),
    route("GET", "users/{}/tickets/requested", "tickets", Agent, tickets::requested_by),
    route("GET", "users/{}/tickets/assigned", "tickets", Agent, tickets::assigned_to),
    route("GET", "organizations/{}/tickets", "tickets", Agent, tickets::of_organization),
    route("GET", "incremental/tickets", "tickets", Admin, exports::tickets_by_time),
    route("GET", "incremental/tickets/cursor", "tickets", Admin, exports::tickets_by_cursor),
    route("GET", "incremental/users/cursor", "users", Admin, exports::users_by_cursor),
    route("GET", "requests", "requests", User, requests::list),
    route("POST", "requests", "requests", User, requests::create),
    route("GET", "requests/{}", "requests", User, requests::show),
    route("PUT", "requests/{}", "requests", User, requests::update),
    route("GET", "requests/{}/comments", "requests", User, requests::comments),
    route("GET", "users/me", "users", Anyone, users::me),
    route("GET", "users", "users", Agent, users::list),
    route("POST", "users", "users", Agent, users::create),
    route("GET", "users/count", "users", Agent, users::count),
    route("GET", "users/search", "users", Agent, users::search),
    route("GET", "users/show_many", "users", Agent, users::show_many),
    route("POST", "users/create_or_update", "users", Agent, users::create_or_update),
    route("GET", "users/{}", "users", Agent, users::show),
    route("PUT", "users/{}", "users", Agent, users::update),
    route("DELETE", "users/{}", "users", Admin, users::delete),
    route("GET", "groups", "users", Agent, account::groups),
    route("GET", "groups/assignable", "users", Agent, account::groups),
    route("GET", "groups/{}", "users", Agent, account::group),
    route("GET", "organizations", "organizations", Agent, account::organizations),
    route("GET", "organizations/{}", "organizations", Agent, account::organization),
    route("GET", "custom_statuses", "tickets", User, account::statuses),
    route("GET", "custom_statuses/{}", "tickets", User, account::status),
    route("GET", "job_statuses/{}", "tickets", Agent, account::job),
    route("GET", "search", "search", Agent, search::search),
    route("GET", "search/count", "search", Agent, search::count),
    route("GET", "search/export", "search", Agent, search::export),
    route("POST", "uploads", "tickets", User, uploads::upload),
    route("DELETE", "uploads/{}", "tickets", User, uploads::forget),
    route("GET", "attachments/{}", "tickets", Agent, uploads::show),
    route("GET", "attachments/{}/content", "", Anyone, uploads::content),
    route("GET", "webhooks", "webhooks", Admin, webhooks::list),
    route("POST", "webhooks", "webhooks", Admin, webhooks::create),
    route("POST", "webhooks/test", "webhooks", Admin, webhooks::test),
    route("GET", "webhooks/{}", "webhooks", Admin, webhooks::show),
    route("PUT", "webhooks/{}", "webhooks", Admin, webhooks::replace),
    route("PATCH", "webhooks/{}", "webhooks", Admin, webhooks::change),
    route("DELETE", "webhooks/{}", "webhooks", Admin, webhooks::delete),
    route("GET", "webhooks/{}/signing_secret", "webhooks", Admin, webhooks::secret),
    route("POST", "webhooks/{}/signing_secret", "webhooks", Admin, webhooks::new_secret),
    route("GET", "webhooks/{}/invocations", "webhooks", Admin, webhooks::invocations),
    route("GET", "webhooks/{}/invocations/{}/attempts", "webhooks", Admin, webhooks::attempts),
    route("GET", "triggers", "triggers", Admin, triggers::list),
    route("POST", "triggers", "triggers", Admin, triggers::create),
    route("GET", "triggers/active", "triggers", Admin, triggers::active),
    route("GET", "triggers/search", "triggers", Admin, triggers::search),
    route("GET", "triggers/{}", "triggers", Admin, triggers::show),
    route("PUT", "triggers/{}", "triggers", Admin, triggers::update),
    route("DELETE", "triggers/{}", "triggers", Admin, triggers::delete),
    route("GET", "oauth/tokens/current", "", User, oauth::current),
    route("DELETE", "oauth/tokens/current", "", User, oauth::revoke_current),
    route("GET", "oauth/tokens", "oauth", User, oauth::tokens),
    route("POST", "oauth/tokens", "oauth", Admin, oauth::create_token),
    route("GET", "oauth/tokens/{}", "oauth", User, oauth::token),
    route("DELETE", "oauth/tokens/{}", "oauth", User, oauth::revoke),
    route("GET", "oauth/clients", "oauth", Admin, oauth::clients),
    route("POST", "oauth/clients", "oauth", Admin, oauth::create_client),
    route("GET", "oauth/clients/{}", "oauth", Admin, oauth::client),
    route("DELETE", "oauth/clients/{}", "oauth", Admin, oauth::delete_client),
];

impl Route {
    /// What stands where it has `{}`.
    fn fits(&self, method: &str, path: &[&str]) -> Option<Vec<String>> {
        let own: Vec<&str> = self.path.split('/').collect();
        let same = |(own, path): (&&str, &&str)| *own == "{}" || own == path;
        let fits = self.method == method && own.len() == path.len() && own.iter().zip(path).all(same);
        let found = own.iter().zip(path).filter(|(own, _)| **own == "{}").map(|(_, it)| (*it).to_owned());
        fits.then(|| found.collect())
    }
}
