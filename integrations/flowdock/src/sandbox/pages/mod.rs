//! The web side, for people: plain pages and plain forms; this page is their whole route table.
//!
//! Like the API's handlers, a room is a function of the world and the [`Visit`]; [`Visited`] does what is common. Only the
//! one that waits for an application's answer to an action is written out.

mod account;
pub(super) mod developer;
mod flow;
mod home;
mod inbox_settings;
pub(super) mod session;
mod thread;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get as on_get, post as on_post};
use integration_sandboxkit::fields::Fields;
pub(super) use integration_sandboxkit::pages::show;
use integration_sandboxkit::pages::style;
use integration_sandboxkit::visits::{Brought, Params, Room, Visited, get, post};

use self::session::Visitor;
use super::Sandbox;
use super::refusal::Refusal;
use super::world::{FlowId, UserId, World};

pub(super) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/", get(home::home))
        .route("/_style.css", on_get(style))
        .route("/avatars/{id}", get(home::avatar))
        .route("/icons/{id}", get(home::icon))
        .route("/login", get(home::ask_login).merge(post(home::login)))
        .route("/logout", post(home::logout))
        .route("/invitations/{code}", get(home::ask_join).merge(post(home::join)))
        .route("/account/authorized_applications", get(account::applications))
        .route("/account/authorized_applications/{id}/revoke", post(account::revoke))
        .route("/account/tokens", get(account::tokens))
        // Making one is a POST to the same address, which programs know too: `oauth::applications`.
        .route("/oauth/applications", get(developer::list))
        .route("/oauth/applications/new", get(developer::ask))
        .route("/oauth/applications/{id}", get(developer::show_app).merge(post(developer::change)))
        .route("/oauth/applications/{id}/sources", post(developer::generate_source))
        .nest("/app/{org}/{flow}", below_flow())
}

fn below_flow() -> Router<Sandbox> {
    Router::new()
        .route("/", get(flow::show_flow))
        .route("/join", post(flow::join))
        .route("/messages", post(flow::say))
        .route("/messages/{id}/delete", post(flow::delete))
        .route("/threads/{thread}", get(thread::show_thread))
        .route("/threads/{thread}/messages", post(thread::comment))
        .route("/threads/{thread}/actions", on_post(thread::act))
        .route("/inbox-settings", get(inbox_settings::show_settings))
        .route("/inbox-settings/{source}/remove", post(inbox_settings::remove))
}

/// One request of a browser.
pub(super) struct Visit {
    visitor: Visitor,
    user: Option<UserId>,
    params: Params,
    /// Of the form, or of the query.
    fields: Fields,
}

impl Visited for Sandbox {
    type World = World;
    type Visit = Visit;
    type Refusal = Refusal;

    fn answer(&self, room: Room<Self>, brought: Brought) -> Response {
        let mut world = self.world();
        let visit = Visit::new(&world, brought);
        room(&mut world, &visit).unwrap_or_else(|refusal| Page::refusal(&world, &visit.visitor, &refusal))
    }

    fn other_site() -> Refusal {
        Refusal::forbidden("This form was sent from another site.")
    }
}

impl Visit {
    fn new(world: &World, brought: Brought) -> Self {
        let visitor = Visitor::of(&brought.headers);
        Self { user: visitor.user(world), visitor, params: brought.params, fields: brought.fields }
    }

    fn param(&self, name: &str) -> &str {
        self.params.get(name)
    }

    fn id(&self, name: &str) -> Result<u64, Refusal> {
        self.param(name).parse().map_err(|_| Refusal::not_found())
    }

    /// Whoever sees or does something must have chosen who they are.
    fn user(&self) -> Result<UserId, Refusal> {
        self.user.ok_or_else(|| Refusal::unauthorized("Choose who you are first."))
    }

    /// The flow of the path, if the visitor is in it.
    fn joined(&self, world: &World) -> Result<FlowId, Refusal> {
        let user = self.user()?;
        world.joined(user, world.flow_at(user, self.param("org"), self.param("flow"))?)
    }

    /// Below the flow of the path.
    fn below_flow(&self, path: &str) -> String {
        format!("/app/{}/{}{path}", self.param("org"), self.param("flow"))
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
}

impl Page {
    pub fn new(world: &World, visitor: &Visitor, title: &str) -> Self {
        let user = visitor.user(world).and_then(|id| world.users.get(&id));
        let me = user.map(|user| Me { name: user.name.clone() });
        Self { title: title.to_owned(), at: world.at.clone(), me }
    }

    /// A "no" as a page with a way out.
    pub fn refusal(world: &World, visitor: &Visitor, refusal: &Refusal) -> Response {
        let sentence = match refusal.message.as_str() {
            "not found" => "There is nothing at this address, or it is not for you.".to_owned(),
            _ => refusal.sentence(),
        };
        let page = RefusalPage { page: Page::new(world, visitor, "That did not work"), sentence };
        let mut response = show(&page);
        *response.status_mut() = refusal.status;
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

/// Every other address: a page for browsers, Flowdock's JSON for programs.
pub(super) async fn elsewhere(State(sandbox): State<Sandbox>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let refusal = Refusal::not_found();
    if accept.contains("text/html") {
        return Page::refusal(&sandbox.world(), &Visitor::of(&headers), &refusal);
    }
    (refusal.status, axum::Json(refusal.body())).into_response()
}
