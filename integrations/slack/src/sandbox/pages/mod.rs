//! The web side, for people: plain pages and plain forms; this page is their whole route table.
//!
//! Like the API's handlers, a room is a function of the world and the [`Visit`]; [`Visited`] does what is common. Three
//! rooms wait for the app's answer and are written out: a slash command, and the checks of a request URL.

mod channel;
mod deeds;
mod developer;
mod home;
mod mrkdwn;
pub(super) mod session;
mod workspace;

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
use super::world::people::User;
use super::world::{UserId, World};

pub(super) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/", get(home::home))
        .route("/_style.css", on_get(style))
        .route("/avatars/{user}", get(home::avatar))
        .route("/login", get(home::ask_login).merge(post(home::login)))
        .route("/logout", post(home::logout))
        .route("/archives/{channel}/{message}", get(channel::permalink))
        .route("/apps/{app}", get(developer::show))
        .route("/apps/{app}/settings", post(developer::change))
        .route("/apps/{app}/verify", on_post(developer::verify))
        .route("/apps/{app}/ssl_check", on_post(developer::check_ssl))
        // `nest` knows its own path only without the slash at the end; Slack's addresses have it.
        .route("/client/{team}/", get(workspace::show))
        .nest("/client/{team}", below_workspace())
}

fn below_workspace() -> Router<Sandbox> {
    Router::new()
        .route("/", get(workspace::show))
        .route("/apps", get(workspace::apps))
        .route("/apps/{app}/uninstall", post(workspace::uninstall))
        .route("/apps/{app}/revoke", post(workspace::revoke))
        .route("/channels", post(deeds::create))
        .route("/{channel}", get(channel::show))
        .route("/{channel}/messages", on_post(deeds::say))
        .route("/{channel}/edit", post(deeds::edit))
        .route("/{channel}/delete", post(deeds::delete))
        .route("/{channel}/react", post(deeds::react))
        .route("/{channel}/join", post(deeds::join))
        .route("/{channel}/leave", post(deeds::leave))
        .route("/{channel}/invite", post(deeds::invite))
        .route("/{channel}/remove", post(deeds::remove))
        .route("/{channel}/archive", post(deeds::archive))
        .route("/{channel}/unarchive", post(deeds::unarchive))
        .route("/{channel}/rename", post(deeds::rename))
        .route("/{channel}/delete_channel", post(deeds::delete_channel))
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
        self.change(|world| {
            let visit = Visit::new(world, brought);
            room(world, &visit).unwrap_or_else(|refusal| Page::refusal(world, &visit.visitor, &refusal))
        })
    }

    fn other_site() -> Refusal {
        Refusal::new("other_site")
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

    /// Whoever does something must have chosen who they are, and be in the workspace.
    fn member(&self, world: &World) -> Result<UserId, Refusal> {
        let user = self.user.clone().ok_or_else(|| Refusal::new("not_signed_in"))?;
        if world.user(&user)?.is_in(self.param("team")) { Ok(user) } else { Err(Refusal::new("not_signed_in")) }
    }

    fn text(&self, name: &str) -> Result<String, Refusal> {
        self.fields.text(name).ok_or_else(|| Refusal::new("no_text"))
    }
}

/// What every page shows around its content.
pub(super) struct Page {
    pub title: String,
    pub at: String,
    pub me: Option<Me>,
    /// The app the product is registered as.
    pub app: String,
}

/// Who is visiting.
pub(super) struct Me {
    pub name: String,
    pub team: String,
    pub workspace: String,
}

impl Page {
    pub fn new(world: &World, visitor: &Visitor, title: &str) -> Self {
        let user: Option<&User> = visitor.user(world).and_then(|id| world.users.get(&id));
        let me = user.map(|user| Me {
            name: user.name.clone(),
            team: user.home().to_owned(),
            workspace: world.workspace(user.home()).map_or_else(|_| String::new(), |team| team.name.clone()),
        });
        let app = world.apps.first().map_or_else(String::new, |app| app.id.clone());
        Self { title: title.to_owned(), at: world.at.clone(), me, app }
    }

    /// A "no" as a page with a way out.
    pub fn refusal(world: &World, visitor: &Visitor, refusal: &Refusal) -> Response {
        let page = RefusalPage {
            page: Page::new(world, visitor, "That did not work"),
            sentence: refusal.sentence().to_owned(),
            error: refusal.error.clone(),
        };
        let mut response = show(&page);
        *response.status_mut() = match refusal.error.as_str() {
            "not_found" | "channel_not_found" | "message_not_found" | "team_not_found" | "app_not_found" => {
                StatusCode::NOT_FOUND
            }
            "not_signed_in" | "other_site" | "stale_consent" => StatusCode::FORBIDDEN,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        response
    }
}

#[derive(Template)]
#[template(path = "sandbox/refusal.html")]
struct RefusalPage {
    page: Page,
    sentence: String,
    error: String,
}

/// After a form: on to that page.
fn see(world: &World, path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, format!("{}{path}", world.at))]).into_response()
}

/// Every other address.
pub(super) async fn elsewhere(State(sandbox): State<Sandbox>, headers: HeaderMap) -> Response {
    Page::refusal(&sandbox.world(), &Visitor::of(&headers), &Refusal::new("not_found"))
}
