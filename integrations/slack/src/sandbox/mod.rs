//! The Slack sandbox: a stand-in for Slack's whole outside. Consent page, Web API, signed events and slash commands
//! that are really delivered, and web pages on which a person types a message or `/done`.
//!
//! It shares no code with the rest of this crate: a mistake in reading Slack's documents would otherwise be made on
//! both sides, and hide. What has nothing to do with Slack is in `integration-sandboxkit`.
//!
//! | address | room | what |
//! |---|---|---|
//! | `/` and below | `pages` | for people: workspaces, channels, the app's settings |
//! | `/oauth/v2/authorize` | `oauth` | consent; the tokens are calls of the API |
//! | `/api/…` | `api` | the Web API |
//! | `/commands/…` | `api` | `response_url`s |
//! | `/_sandbox/…` | `control` | faults, recorded calls, shortcuts for tests; its table says all |
//!
//! The state is in `world`, the JSON in `shapes`, the post in `hooks`.
//!
//! Where it is not Slack, on purpose, is told in the crate's README under "Choices of ours".

mod api;
mod control;
mod hooks;
mod oauth;
mod pages;
mod refusal;
mod shapes;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::http::request;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use integration_sandboxkit::{Desk, Gated, gate};
use reqwest::Client;
use reqwest::redirect::Policy;
use url::Url;

use self::world::World;

/// Slack gives up after so many redirects of a request URL.
const REDIRECTS: usize = 2;
/// From the product's OAuth callback to where Slack sends events and commands: the address of its hooks.
const HOOK_FROM_CALLBACK: &str = "../../integrations/slack/hook";

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
/// (`…/auth/slack/callback`), from which follows the request URL that the product's app is registered with
/// (`…/integrations/slack/hook`; another can be set on the app's page). The router must run on Tokio, and forgets
/// everything when it is dropped.
pub fn open(at: &Url, callback: &Url) -> Opened {
    let at = at.as_str().trim_end_matches('/').to_owned();
    let request_url = callback.join(HOOK_FROM_CALLBACK).ok().map(String::from);
    let sandbox = Sandbox {
        world: Arc::new(Mutex::new(World::new(at.clone(), callback.to_string(), request_url))),
        http: Client::builder().redirect(Policy::limited(REDIRECTS)).build().expect("a plain HTTP client can be made"),
    };
    let guarded = Router::new()
        .nest("/api", api::router())
        .nest("/commands", api::response_urls())
        .nest("/oauth", oauth::router())
        .layer(from_fn_with_state(sandbox.clone(), gate::pass::<Sandbox>));
    let router = guarded.merge(pages::router()).nest("/_sandbox", control::router());
    let router =
        router.route("/_sandbox/", get(control::shortcuts::overview)).fallback(pages::elsewhere).with_state(sandbox);
    let settings = vec![
        ("CLIENT_ID", world::apps::CLIENT_ID.to_owned()),
        ("CLIENT_SECRET", world::apps::CLIENT_SECRET.to_owned()),
        ("SIGNING_SECRET", world::apps::SIGNING_SECRET.to_owned()),
        ("AUTHORIZE_URL", format!("{at}/oauth/v2/authorize")),
        ("API_URL", format!("{at}/api/")),
    ];
    Opened { router, settings }
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

    /// Does something to the world, and lets the post go out afterwards.
    fn change<T>(&self, deed: impl FnOnce(&mut World) -> T) -> T {
        let done = deed(&mut self.world());
        hooks::courier::dispatch(self);
        done
    }
}

impl Gated for Sandbox {
    type Own = control::rules::Effect;

    fn desk<T>(&self, look: impl FnOnce(&mut Desk<Self::Own>) -> T) -> T {
        look(&mut self.world().control.desk)
    }

    fn who(&self, call: &request::Parts, body: &[u8]) -> String {
        api::workspace(&self.world(), call, body)
    }
}
