//! The web side, for people: plain pages and plain forms; this page is their whole route table.
//!
//! Like the REST handlers, a room is a function of the world and the [`Visit`]; [`Visited`] does what is common.

mod account;
mod developer;
mod home;
mod issue;
mod repository;
pub(super) mod session;
mod settings;
mod webhooks;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get as on_get;
use integration_sandboxkit::fields::Fields;
use integration_sandboxkit::pages::style;
use integration_sandboxkit::visits::{Brought, Params, Room, Visited, get, post};

pub(super) use integration_sandboxkit::pages::show;

use self::session::Visitor;
use super::Sandbox;
use super::refusal::Refusal;
use super::world::people::Role;
use super::world::{AccountId, RepositoryId, World};

pub(super) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/", get(home::home))
        .route("/_style.css", on_get(style))
        .route("/avatars/{id}", get(home::avatar))
        .route("/login", get(account::ask_login).merge(post(account::login)))
        .route("/logout", post(account::logout))
        .route("/settings/applications", get(account::applications))
        .route("/settings/applications/{client_id}/revoke", post(account::revoke))
        .route("/settings/tokens", post(account::make_token))
        .route("/settings/tokens/{id}/delete", post(account::delete_token))
        .route("/settings/developers", get(developer::list).merge(post(developer::register)))
        .route("/{owner}", get(home::profile))
        .nest("/{owner}/{repo}", below_repository())
}

fn below_repository() -> Router<Sandbox> {
    Router::new()
        .route("/", get(repository::show))
        .route("/star", post(repository::star))
        .route("/push", post(repository::push))
        .route("/tags", post(repository::tag))
        .route("/branches/delete", post(repository::delete_branch))
        .route("/releases", get(repository::show).merge(post(repository::release)))
        .route("/releases/tag/{*tag}", get(repository::show_release))
        .route("/commit/{sha}", get(repository::show_commit))
        .route("/compare/{*range}", get(repository::compare))
        .route("/tree/{*branch}", get(repository::show))
        .route("/issues", get(repository::show).merge(post(issue::open)))
        .route("/pulls", get(repository::show).merge(post(issue::open_pull)))
        .route("/issues/{number}", get(issue::show))
        .route("/pull/{number}", get(issue::show))
        .route("/issues/{number}/comments", post(issue::comment))
        .route("/issues/{number}/edit", post(issue::edit))
        .route("/issues/{number}/state", post(issue::set_state))
        .route("/issues/{number}/labels", post(issue::set_labels))
        .route("/issues/{number}/assignees", post(issue::set_assignees))
        .route("/issues/{number}/take", post(issue::take))
        .route("/issues/{number}/lock", post(issue::lock))
        .route("/issues/{number}/delete", post(issue::delete))
        .route("/issues/{number}/transfer", post(issue::transfer))
        .route("/pull/{number}/merge", post(issue::merge))
        .route("/comments/{comment}/edit", post(issue::edit_comment))
        .route("/comments/{comment}/delete", post(issue::delete_comment))
        .route("/settings", get(settings::show))
        .route("/settings/rename", post(settings::rename))
        .route("/settings/transfer", post(settings::transfer))
        .route("/settings/archive", post(settings::archive))
        .route("/settings/visibility", post(settings::visibility))
        .route("/settings/issues", post(settings::issues))
        .route("/settings/delete", post(settings::delete))
        .route("/settings/hooks", get(webhooks::list).merge(post(webhooks::add)))
        .route("/settings/hooks/{hook}", get(webhooks::show))
        .route("/settings/hooks/{hook}/ping", post(webhooks::ping))
        .route("/settings/hooks/{hook}/delete", post(webhooks::delete))
        .route("/settings/hooks/{hook}/deliveries/{delivery}/redeliver", post(webhooks::redeliver))
}

/// One request of a browser.
pub(super) struct Visit {
    visitor: Visitor,
    account: Option<AccountId>,
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
        Refusal::forbidden("This form was sent from another site.")
    }
}

impl Visit {
    fn new(world: &World, brought: Brought) -> Self {
        let visitor = Visitor::of(&brought.headers);
        Self { account: visitor.account(world), visitor, params: brought.params, fields: brought.fields }
    }

    fn param(&self, name: &str) -> &str {
        self.params.get(name)
    }

    fn id(&self, name: &str) -> Result<u64, Refusal> {
        self.param(name).parse().map_err(|_| Refusal::not_found())
    }

    /// Whoever does something must have chosen who they are.
    fn account(&self) -> Result<AccountId, Refusal> {
        self.account.ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, "Choose who you are first."))
    }

    /// The repository of the path, if the visitor has that role there. Old names lead to the new one.
    fn repository(&self, world: &World, role: Role) -> Result<RepositoryId, Refusal> {
        let (owner, name) = (self.param("owner"), self.param("repo"));
        let found = world.repository_once_named(owner, name);
        let found = found.ok_or_else(Refusal::not_found)?;
        let held = world.role(self.account, found).ok_or_else(Refusal::not_found)?;
        if world.repository_named(owner, name).is_none() {
            return Err(Refusal {
                location: Some(world.web_url(found)),
                ..Refusal::new(StatusCode::MOVED_PERMANENTLY, "Moved Permanently")
            });
        }
        if held < role {
            return Err(Refusal::forbidden("Your role in this repository does not allow that."));
        }
        Ok(found.id)
    }
}

/// What every page shows around its content.
pub(super) struct Page {
    pub title: String,
    pub at: String,
    pub login: Option<String>,
}

impl Page {
    pub fn new(world: &World, visitor: &Visitor, title: &str) -> Self {
        let login = visitor.account(world).map(|id| world.account(id).login.clone());
        Self { title: title.to_owned(), at: world.at.clone(), login }
    }

    /// A "no" as a page with a way out.
    pub fn refusal(world: &World, visitor: &Visitor, refusal: &Refusal) -> Response {
        if let Some(location) = refusal.location.as_ref().filter(|_| refusal.status.is_redirection()) {
            return (refusal.status, [(header::LOCATION, location.clone())]).into_response();
        }
        let page = RefusalPage {
            page: Page::new(world, visitor, &refusal.sentence()),
            status: refusal.status.as_u16(),
            sentence: refusal.sentence(),
        };
        let mut response = show(&page);
        *response.status_mut() = refusal.status;
        response
    }
}

#[derive(Template)]
#[template(path = "sandbox/refusal.html")]
struct RefusalPage {
    page: Page,
    status: u16,
    sentence: String,
}

/// A name and address of something to click.
struct Reference {
    text: String,
    url: String,
}

/// After a form: on to that page.
fn see(world: &World, path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, format!("{}{path}", world.at))]).into_response()
}

/// After a form of a repository: on to a page of it.
fn see_below(world: &World, repository: RepositoryId, path: &str) -> Result<Response, Refusal> {
    let name = world.full_name(world.repository(repository)?);
    Ok(see(world, &format!("/{name}{path}")))
}

/// Every other address.
pub(super) async fn elsewhere(State(sandbox): State<Sandbox>, headers: HeaderMap) -> Response {
    Page::refusal(&sandbox.world(), &Visitor::of(&headers), &Refusal::not_found())
}
