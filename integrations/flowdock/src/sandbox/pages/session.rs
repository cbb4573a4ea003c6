//! Who is visiting: what the browser's cookies say.

use axum::http::HeaderMap;
use integration_sandboxkit::cookies::{cookie, set_cookie};

use super::super::world::{UserId, World};

/// Who is visiting: a nick. There are no passwords on the pages.
pub(super) const USER_COOKIE: &str = "flowdock_sandbox_user";
/// Unguessable; binds consent pages to this browser.
const GUARD_COOKIE: &str = "flowdock_sandbox_guard";

pub(in super::super) struct Visitor {
    nick: Option<String>,
    pub guard: Option<String>,
}

impl Visitor {
    pub fn of(headers: &HeaderMap) -> Self {
        Self { nick: cookie(headers, USER_COOKIE), guard: cookie(headers, GUARD_COOKIE) }
    }

    pub fn user(&self, world: &World) -> Option<UserId> {
        world.user_called(self.nick.as_deref()?).ok().map(|user| user.id)
    }
}

pub(in super::super) fn guard_cookie(world: &World, guard: &str, headers: &mut HeaderMap) {
    set_cookie(&world.at, GUARD_COOKIE, guard, headers);
}
