//! What every web handler can reach.

use std::{num::NonZeroU32, sync::Arc};

use axum::extract::FromRef;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use url::Url;

use crate::{core::Core, db::LinkId, server::Stopping};

/// The state of the router. Cheap to clone.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// The nouns and their rules.
    pub core: Core,
    /// How many hooks a link may bring.
    pub hook_limits: HookLimits,
    /// What visitors of the demo are told; none outside of it.
    pub demo: Option<Arc<Demo>>,
    /// Tells answers that go on for long when they have to end.
    pub stopping: Stopping,
}

impl AppState {
    /// The state around a core.
    pub fn new(core: Core) -> Self {
        Self { core, hook_limits: HookLimits::default(), demo: None, stopping: Stopping::default() }
    }
}

/// What visitors of the demo are told: as whom to log in, and where the partners' sandboxes are.
#[derive(Debug)]
pub struct Demo {
    /// Everybody's password.
    pub password: &'static str,
    /// Whoever can be logged in as; the first one is where to begin.
    pub people: Vec<DemoPerson>,
    /// What to try with each partner.
    pub trials: Vec<Trial>,
}

/// What to try with a partner.
#[derive(Debug)]
pub struct Trial {
    /// The partner's name.
    pub partner: &'static str,
    /// Where its sandbox is.
    pub sandbox: Url,
    /// What to pick in the link form.
    pub pick: &'static str,
    /// What to do in the sandbox, and what comes of it.
    pub deed: &'static str,
}

/// Somebody to log in as.
#[derive(Clone, Copy, Debug)]
pub struct DemoPerson {
    /// What they log in with.
    pub email: &'static str,
    /// What others see.
    pub name: &'static str,
    /// Where they belong.
    pub what: &'static str,
}

/// How many hooks a link may bring: 600 a minute for as long as it likes, 1,000 at once.
#[derive(Clone)]
pub struct HookLimits(Arc<DefaultKeyedRateLimiter<LinkId>>);

impl Default for HookLimits {
    fn default() -> Self {
        const A_MINUTE: NonZeroU32 = NonZeroU32::new(600).expect("600 is not 0");
        const AT_ONCE: NonZeroU32 = NonZeroU32::new(1000).expect("1000 is not 0");
        Self(Arc::new(RateLimiter::keyed(Quota::per_minute(A_MINUTE).allow_burst(AT_ONCE))))
    }
}

impl HookLimits {
    /// Counts one hook of a link.
    ///
    /// # Errors
    /// When the link has had its share.
    pub fn check(&self, link: LinkId) -> Result<(), OverLimit> {
        self.0.check_key(&link).map_err(|_| OverLimit)
    }
}

/// A link brought more hooks than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverLimit;
