//! The session cookie, and the cookie that binds a signed-out visitor's forms to their browser.
//!
//! A page never makes a session: one begins at log-in. So reading pages signed out costs no row.

use tower_cookies::cookie::{Cookie, SameSite};
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite as SessionSameSite};

use crate::core::{
    Core,
    sessions::{ABSOLUTE, Sessions},
};

/// Puts a session into every request; a row and a cookie follow once something is kept in it.
pub(super) fn layer(core: &Core) -> SessionManagerLayer<Sessions> {
    // The cookie may outlive the session: when it ends is decided here, not in the browser.
    let lifetime = time::Duration::try_from(ABSOLUTE).unwrap_or(time::Duration::DAY);
    SessionManagerLayer::new(Sessions::new(core.clone()))
        .with_name(name(core, ""))
        .with_secure(is_secure(core))
        .with_http_only(true)
        // Not Strict: the way back from a partner's consent page is a click on a foreign site.
        .with_same_site(SessionSameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(lifetime))
}

/// The name of the visitor's cookie.
pub(super) fn visitor_name(core: &Core) -> String {
    name(core, "-visitor")
}

/// The visitor's cookie; it lives as long as the browser's window.
pub(super) fn visitor_cookie(core: &Core, value: String) -> Cookie<'static> {
    hardened(core, Cookie::new(visitor_name(core), value))
}

/// Makes the browser forget the session cookie. A cookie with the `__Host-` prefix is only replaced by one that has
/// the attributes the prefix promises.
pub(super) fn forgotten_session(core: &Core) -> Cookie<'static> {
    let mut cookie = hardened(core, Cookie::new(name(core, ""), ""));
    cookie.make_removal();
    cookie
}

fn hardened(core: &Core, mut cookie: Cookie<'static>) -> Cookie<'static> {
    cookie.set_secure(is_secure(core));
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_path("/");
    cookie
}

fn name(core: &Core, suffix: &str) -> String {
    // The prefix makes browsers refuse a cookie of this name from a sibling host; they only know it over https.
    let prefix = if is_secure(core) { "__Host-" } else { "" };
    format!("{prefix}patchbay{suffix}")
}

fn is_secure(core: &Core) -> bool {
    core.site.public_url.scheme() == "https"
}
