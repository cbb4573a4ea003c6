//! Who is visiting: what the browser's cookies say.

use axum::http::HeaderMap;
use integration_sandboxkit::cookies::{cookie, set_cookie};

use super::super::world::{UserId, World};

/// Who is visiting: a user's id. There are no passwords in a sandbox.
pub(super) const USER_COOKIE: &str = "slack_sandbox_user";
/// Unguessable; binds consent pages to this browser.
const GUARD_COOKIE: &str = "slack_sandbox_guard";

pub(in super::super) struct Visitor {
    user: Option<UserId>,
    pub guard: Option<String>,
}

impl Visitor {
    pub fn of(headers: &HeaderMap) -> Self {
        Self { user: cookie(headers, USER_COOKIE), guard: cookie(headers, GUARD_COOKIE) }
    }

    /// Bots do not visit.
    pub fn user(&self, world: &World) -> Option<UserId> {
        let user = world.users.get(self.user.as_deref()?)?;
        user.bot.is_none().then(|| user.id.clone())
    }
}

pub(in super::super) fn guard_cookie(world: &World, guard: &str, headers: &mut HeaderMap) {
    set_cookie(&world.at, GUARD_COOKIE, guard, headers);
}
