//! The web side, for people: plain pages and plain forms; this page is their whole route table.
//!
//! A room is a function of the world and the [`Visit`]; [`Visited`] does what is common.

mod admin;
mod agent;
mod home;
mod requests;
pub(super) mod session;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get as on_get;
use integration_sandboxkit::fields::Fields;
pub(super) use integration_sandboxkit::pages::show;
use integration_sandboxkit::pages::style;
use integration_sandboxkit::visits::{Brought, Params, Room, Visited, get, post};

use self::session::Visitor;
use super::Sandbox;
use super::refusal::Refusal;
use super::world::World;
use super::world::account::{Account, Actor};
use super::world::words::{Channel, Role};

pub(super) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/", get(home::home))
        .route("/_style.css", on_get(style))
        .route("/login", get(home::ask_login).merge(post(home::login)))
        .route("/logout", post(home::logout))
        .route("/{subdomain}", get(home::enter))
        .route("/{subdomain}/", get(home::enter))
        .route("/{subdomain}/agent", get(agent::list))
        .route("/{subdomain}/agent/tickets/{ticket}", get(agent::ticket).merge(post(agent::submit)))
        .route("/{subdomain}/agent/tickets/{ticket}/delete", post(agent::delete))
        .route("/{subdomain}/hc/requests", get(requests::list).merge(post(requests::create)))
        .route("/{subdomain}/hc/requests/{ticket}", get(requests::request).merge(post(requests::answer)))
        .route("/{subdomain}/admin", get(admin::overview))
        .route("/{subdomain}/admin/clients/{client}", post(admin::change_client))
        .route("/{subdomain}/admin/webhooks/{webhook}", get(admin::webhook))
}

/// One request of a browser.
pub(super) struct Visit {
    visitor: Visitor,
    params: Params,
    /// Of the form, or of the query.
    fields: Fields,
}

impl Visited for Sandbox {
    type World = World;
    type Visit = Visit;
    type Refusal = Refusal;

    fn answer(&self, room: Room<Self>, brought: Brought) -> Response {
        let visit = Visit { visitor: Visitor::of(&brought.headers), params: brought.params, fields: brought.fields };
        self.change(|world| {
            room(world, &visit).unwrap_or_else(|refusal| Page::refusal(world, &visit.visitor, &refusal))
        })
    }

    fn other_site() -> Refusal {
        Refusal::page(403, "This form was sent from another site.")
    }
}

impl Visit {
    fn param(&self, name: &str) -> &str {
        self.params.get(name)
    }

    fn account<'w>(&self, world: &'w World) -> Result<&'w Account, Refusal> {
        world.account(self.param("subdomain"))
    }

    fn number(&self, name: &str) -> Result<u64, Refusal> {
        self.param(name).parse().map_err(|_| Refusal::not_found())
    }

    /// Whoever does something must have chosen who they are, be of the account, and be allowed to.
    fn person(&self, world: &World, may: fn(Role) -> bool) -> Result<Actor, Refusal> {
        let subdomain = self.param("subdomain");
        world.account(subdomain)?;
        let user = self.visitor.user_in(world, subdomain);
        let user = user.ok_or_else(|| Refusal::page(403, "Choose who you are in this account first."))?;
        let role = world.account(subdomain)?.user(user)?.role;
        if may(role) {
            Ok(Actor { user, channel: Channel::Web })
        } else {
            Err(Refusal::page(403, "This page is not for people of your role."))
        }
    }

    /// A browser's lines end in two signs.
    fn text(&self, name: &str) -> Option<String> {
        self.fields.text(name).map(|text| text.replace("\r\n", "\n"))
    }
}

/// What every page shows around its content.
pub(super) struct Page {
    pub title: String,
    pub at: String,
    pub me: Option<Me>,
}

/// Who is visiting.
pub(super) struct Me {
    pub name: String,
    pub account: String,
    /// The account's address.
    pub home: String,
    pub staff: bool,
    pub admin: bool,
}

impl Page {
    pub fn new(world: &World, visitor: &Visitor, title: &str) -> Self {
        let me = visitor.whole(world).and_then(|(account, user)| {
            let user = account.user(user).ok()?;
            Some(Me {
                name: user.name.clone(),
                account: account.name.clone(),
                home: account.at.clone(),
                staff: user.role.is_staff(),
                admin: user.role == Role::Admin,
            })
        });
        Self { title: title.to_owned(), at: world.at.clone(), me }
    }

    /// A "no" as a page with a way out.
    pub fn refusal(world: &World, visitor: &Visitor, refusal: &Refusal) -> Response {
        let page = RefusalPage { page: Page::new(world, visitor, "That did not work"), sentence: refusal.sentence() };
        let mut response = show(&page);
        *response.status_mut() = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
        response
    }
}

#[derive(Template)]
#[template(path = "sandbox/refusal.html")]
struct RefusalPage {
    page: Page,
    sentence: String,
}

/// After a form: on to that page.
fn see(world: &World, path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, format!("{}{path}", world.at))]).into_response()
}

/// Every other address.
pub(super) async fn elsewhere(State(sandbox): State<Sandbox>, headers: HeaderMap) -> Response {
    let refusal = Refusal::page(404, "There is nothing at this address.");
    Page::refusal(&sandbox.world(), &Visitor::of(&headers), &refusal)
}
