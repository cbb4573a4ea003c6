//! The Zendesk sandbox: a stand-in for Zendesk's whole outside. Accounts with their OAuth and API, webhooks that are
//! really delivered, and web pages on which agents answer tickets and customers write them.
//!
//! It shares no code with the rest of this crate: a mistake in reading Zendesk's documents would otherwise be made on
//! both sides, and hide. What has nothing to do with Zendesk is in `integration-sandboxkit`.
//!
//! | address | room | what |
//! |---|---|---|
//! | `/` and `/{subdomain}/…` | `pages` | for people: tickets, requests, the admin's lists |
//! | `/{subdomain}/oauth/…` | `oauth` | consent and tokens |
//! | `/{subdomain}/api/v2/…` | `api` | the API |
//! | `/_sandbox/…` | `control` | faults, recorded calls, shortcuts for tests; its table says all |
//!
//! An account's subdomain is the first step of the path. Whoever maps hosts to the sandbox may leave it out: a host
//! whose first label is an account's subdomain means that account (`host`).
//!
//! The state is in `world`, the JSON in `shapes`, what is sent to webhooks in `hooks`.
//!
//! Where it is not Zendesk, on purpose, is told in the crate's README under "Choices of ours".

mod api;
mod control;
mod hooks;
mod host;
mod oauth;
mod pages;
mod refusal;
mod shapes;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::http::request;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get};
use integration_sandboxkit::{Desk, Gated, gate};
use reqwest::Client;
use reqwest::redirect::Policy;
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
/// (`…/auth/zendesk/callback`), with which the product's global OAuth client is registered. The router must run on
/// Tokio, and forgets everything when it is dropped.
pub fn open(at: &Url, callback: &Url) -> Opened {
    let at = at.as_str().trim_end_matches('/').to_owned();
    let sandbox = Sandbox {
        world: Arc::new(Mutex::new(World::new(at.clone(), callback.as_str()))),
        // A webhook that is answered with a redirect has failed.
        http: Client::builder().redirect(Policy::none()).build().expect("a plain HTTP client can be made"),
    };
    let guarded = Router::new()
        .route("/{subdomain}/api/v2/{*path}", any(api::serve::serve))
        .route("/{subdomain}/oauth/tokens", any(oauth::token::serve))
        .merge(oauth::router())
        .layer(from_fn_with_state(sandbox.clone(), gate::pass::<Sandbox>));
    let inner = guarded
        .merge(pages::router())
        .nest("/_sandbox", control::router())
        .route("/_sandbox/", get(control::shortcuts::overview))
        .fallback(pages::elsewhere)
        .with_state(sandbox.clone());
    let settings = vec![
        ("CLIENT_ID", world::clients::CLIENT_ID.to_owned()),
        ("CLIENT_SECRET", world::clients::CLIENT_SECRET.to_owned()),
        ("URL", format!("{at}/{{subdomain}}")),
    ];
    Opened { router: host::by_host(sandbox, inner), settings }
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

    /// The account it is for.
    fn who(&self, call: &request::Parts, _body: &[u8]) -> String {
        call.uri.path().split('/').nth(1).filter(|it| !it.is_empty()).unwrap_or("-").to_owned()
    }
}
