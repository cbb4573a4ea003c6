//! The GitHub sandbox: a stand-in for GitHub's whole outside. Consent page, token endpoint, REST API, signed
//! webhooks that are really delivered, and web pages on which a person opens an issue or pushes a commit.
//!
//! It shares no code with the rest of this crate: a mistake in reading GitHub's documents would otherwise be made
//! on both sides, and hide. What has nothing to do with GitHub is in `integration-sandboxkit`.
//!
//! | address | room | what |
//! |---|---|---|
//! | `/` and below | `pages` | for people |
//! | `/login/oauth/…` | `oauth` | consent and tokens |
//! | `/api/v3/…` | `rest` | the API, below a path as on GitHub Enterprise Server |
//! | `/_sandbox/…` | `control` | faults, recorded calls, shortcuts for tests; its table says all |
//!
//! The state is in `world`, the JSON in `shapes`, the post in `hooks`.
//!
//! Where it is not GitHub, on purpose: loopback addresses may have webhooks (unless strict); hosts under `.example`
//! are never called; `insecure_ssl` is kept and not acted on; deliveries of one hook wait for each other; a transfer
//! needs no consent of the new owner; a pull request's branches are in one repository and never conflict; Markdown
//! is shown as paragraphs; the limit of 100 calls at once is not kept; there are no passwords.

mod control;
mod hooks;
mod oauth;
mod pages;
mod refusal;
mod rest;
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

/// An open sandbox.
pub struct Opened {
    /// Its routes, relative: nest it under the path that `at` names.
    pub router: Router,
    /// The settings that point the product here, without the prefix of the product's variables.
    pub settings: Vec<(&'static str, String)>,
}

/// Opens the sandbox, freshly seeded.
///
/// `at` is its own public base, without a slash at the end; `callback` the product's OAuth callback. The router must
/// run on Tokio, and forgets everything when it is dropped.
pub fn open(at: &Url, callback: &Url) -> Opened {
    let at = at.as_str().trim_end_matches('/').to_owned();
    let sandbox = Sandbox {
        world: Arc::new(Mutex::new(World::new(at.clone(), callback.to_string()))),
        http: Client::builder().redirect(Policy::none()).build().expect("a plain HTTP client can be made"),
    };
    let guarded = Router::new()
        .nest("/api/v3", rest::router())
        // `nest` knows its own path only without the slash at the end; clients ask for both.
        .route("/api/v3/", rest::root())
        .nest("/login/oauth", oauth::router())
        .layer(from_fn_with_state(sandbox.clone(), gate::pass::<Sandbox>));
    let router = guarded.merge(pages::router()).nest("/_sandbox", control::router());
    let router =
        router.route("/_sandbox/", get(control::shortcuts::overview)).fallback(pages::elsewhere).with_state(sandbox);
    let settings = vec![
        ("CLIENT_ID", world::apps::CLIENT_ID.to_owned()),
        ("CLIENT_SECRET", world::apps::CLIENT_SECRET.to_owned()),
        ("AUTHORIZE_URL", format!("{at}/login/oauth/authorize")),
        ("TOKEN_URL", format!("{at}/login/oauth/access_token")),
        ("API_URL", format!("{at}/api/v3")),
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

    fn who(&self, call: &request::Parts, _: &[u8]) -> String {
        rest::login(&self.world(), &call.headers)
    }
}
