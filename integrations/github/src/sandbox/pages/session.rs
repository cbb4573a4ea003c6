//! Who is visiting: what the browser's cookies say.

use axum::http::HeaderMap;
use integration_sandboxkit::cookies::{cookie, set_cookie};

use super::super::world::{AccountId, World};

/// Who is visiting: a login. There are no passwords in a sandbox.
pub(super) const USER_COOKIE: &str = "github_sandbox_user";
/// Unguessable; binds consent pages to this browser.
const GUARD_COOKIE: &str = "github_sandbox_guard";

pub(in super::super) struct Visitor {
    login: Option<String>,
    pub guard: Option<String>,
}

impl Visitor {
    pub fn of(headers: &HeaderMap) -> Self {
        Self { login: cookie(headers, USER_COOKIE), guard: cookie(headers, GUARD_COOKIE) }
    }

    pub fn account(&self, world: &World) -> Option<AccountId> {
        world.user_named(self.login.as_deref()?).map(|account| account.id)
    }
}

pub(in super::super) fn guard_cookie(world: &World, guard: &str, headers: &mut HeaderMap) {
    set_cookie(&world.at, GUARD_COOKIE, guard, headers);
}
