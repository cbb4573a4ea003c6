//! Who is visiting: what the browser's cookies say.

use axum::http::HeaderMap;
use integration_sandboxkit::cookies::{cookie, set_cookie};

use super::super::world::World;
use super::super::world::account::Account;

/// A user's id; there are no passwords in a sandbox. Ids differ between accounts.
pub(super) const USER_COOKIE: &str = "zendesk_sandbox_user";
/// Unguessable; binds consent pages to this browser.
const GUARD_COOKIE: &str = "zendesk_sandbox_guard";

pub(in super::super) struct Visitor {
    user: Option<u64>,
    pub guard: Option<String>,
}

impl Visitor {
    pub fn of(headers: &HeaderMap) -> Self {
        let user = cookie(headers, USER_COOKIE).and_then(|id| id.parse().ok());
        Self { user, guard: cookie(headers, GUARD_COOKIE) }
    }

    pub fn whole<'w>(&self, world: &'w World) -> Option<(&'w Account, u64)> {
        let user = self.user?;
        let account = world.accounts.values().find(|account| account.user(user).is_ok())?;
        Some((account, user))
    }

    /// Their id, if they are of that account.
    pub fn user_in(&self, world: &World, subdomain: &str) -> Option<u64> {
        self.whole(world).filter(|(account, _)| account.subdomain == subdomain).map(|(_, user)| user)
    }
}

pub(in super::super) fn guard_cookie(world: &World, guard: &str, headers: &mut HeaderMap) {
    set_cookie(&world.at, GUARD_COOKIE, guard, headers);
}
