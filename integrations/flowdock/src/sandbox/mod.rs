//! The Flowdock sandbox: a stand-in for Flowdock's whole outside. Consent page and tokens, REST and streaming API,
//! signed thread actions that are really sent, and web pages with flows, inbox, settings and developer applications.
//!
//! The service ended in 2023, so this is the only Flowdock there is. What its documents leave open is chosen here, and
//! told in the crate's README under "Choices of ours".
//!
//! It shares no code with the rest of this crate: a mistake in reading Flowdock's documents would otherwise be made
//! on both sides, and hide. What has nothing to do with Flowdock is in `integration-sandboxkit`.
//!
//! | address | room | what |
//! |---|---|---|
//! | `/flows`, `/messages`, … (also below `/v1` and `/v2`) | `api` | REST |
//! | `/stream/flows…`, `/flows?filter=…` | `api` | the streaming API |
//! | `/oauth/authorize`, `/oauth/token`, `/oauth/applications` | `oauth`, `pages` | consent, tokens, developer applications |
//! | `/`, `/app/…`, `/account/…` | `pages` | for people |
//! | `/_sandbox/…` | `control` | faults, recorded calls, shortcuts for tests; its table says all |
//!
//! The state is in `world`, the JSON in `shapes`; `actions` sends what somebody chose in a thread's gear menu.

mod actions;
mod api;
mod control;
mod oauth;
mod pages;
mod refusal;
mod shapes;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::Request;
use axum::http::{Uri, request, uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use integration_sandboxkit::{Desk, Gated, gate};
use reqwest::Client;
use reqwest::redirect::Policy;
use tower::ServiceExt;
use url::Url;

use self::world::World;

/// An open sandbox.
pub struct Opened {
    /// Its routes, relative: nest it under the path that `at` names.
    pub router: Router,
    /// The settings that point the product here, without the prefix of the product's variables.
    pub settings: Vec<(&'static str, String)>,
}

/// Opens the sandbox, freshly seeded.
///
/// `at` is its own public base, without a slash at the end; `callback` the product's OAuth callback
/// (`…/auth/flowdock/callback`), from which follow the setup and configuration URIs that the product's application is
/// registered with (`…/integrations/flowdock/setup` and `…/configure`; others can be set on the application's page).
/// The router must run on Tokio, and forgets everything when it is dropped.
pub fn open(at: &Url, callback: &Url) -> Opened {
    let at = at.as_str().trim_end_matches('/').to_owned();
    let sandbox = Sandbox {
        world: Arc::new(Mutex::new(World::new(at.clone(), callback))),
        http: Client::builder().redirect(Policy::none()).build().expect("a plain HTTP client can be made"),
    };
    let guarded = api::router()
        .merge(oauth::router())
        .nest("/v1", api::router())
        .nest("/v2", api::router())
        .layer(from_fn(api::cors::allow))
        .layer(from_fn_with_state(sandbox.clone(), gate::pass::<Sandbox>));
    let routes = guarded
        .merge(pages::router())
        .nest("/_sandbox", control::router())
        .route("/_sandbox/", get(control::shortcuts::overview))
        .fallback(pages::elsewhere)
        .with_state(sandbox);
    // A layer of a router sees a request when its route is chosen already, so this stands before the router.
    let tidied = routes.map_request(tidy);
    let router = Router::new().route_service("/", tidied.clone()).route_service("/{*path}", tidied);
    let settings = vec![
        ("CLIENT_ID", world::apps::CLIENT_ID.to_owned()),
        ("CLIENT_SECRET", world::apps::CLIENT_SECRET.to_owned()),
        ("API_URL", at.clone()),
        ("WEB_URL", at),
    ];
    Opened { router, settings }
}

/// Published clients write `//flows` and `/flows.json`; Flowdock took both.
fn tidy(mut request: Request) -> Request {
    // What the outer routes found in the path would count as parameters of ours.
    request.extensions_mut().clear();
    let mut path = request.uri().path().to_owned();
    while path.contains("//") {
        path = path.replace("//", "/");
    }
    if let Some(short) = path.strip_suffix(".json").filter(|_| !path.starts_with("/files/")) {
        path = short.to_owned();
    }
    if path != request.uri().path() {
        if let Some(query) = request.uri().query() {
            path = format!("{path}?{query}");
        }
        if let Ok(path_and_query) = uri::PathAndQuery::try_from(path) {
            *request.uri_mut() = Uri::from(path_and_query);
        }
    }
    request
}

#[derive(Clone)]
struct Sandbox {
    world: Arc<Mutex<World>>,
    http: Client,
}

impl Sandbox {
    /// The world, for a moment: never hold it over an await (the guard is not `Send`, so it would not compile).
    fn world(&self) -> MutexGuard<'_, World> {
        // A panic while the world was locked is a bug elsewhere; the world itself is still the best we have.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gated for Sandbox {
    type Own = control::rules::Effect;

    fn desk<T>(&self, look: impl FnOnce(&mut Desk<Self::Own>) -> T) -> T {
        look(&mut self.world().control.desk)
    }

    fn who(&self, call: &request::Parts, body: &[u8]) -> String {
        api::caller::name(&self.world(), call, body)
    }
}
