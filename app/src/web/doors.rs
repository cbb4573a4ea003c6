//! Doors: where it goes on from an address that did not work. Our pages send no referrer, so an address itself has to say
//! on which page a person was: forms post to addresses at or below their page's.

use http::{Method, StatusCode};

use super::extract::ReturnPath;

/// A way on, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// Where it leads.
    pub path: String,
    /// What it says.
    pub words: String,
}

impl Door {
    /// A door to `path`.
    pub fn new(path: impl Into<String>, words: impl Into<String>) -> Self {
        Self { path: path.into(), words: words.into() }
    }

    /// The door that is always there.
    pub fn first_page() -> Self {
        Self::new("/", "Go to the first page")
    }
}

/// The page where a person was who asked for `path`, as far as the path tells.
pub fn above(path: &str) -> Option<Door> {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let door = match segments.as_slice() {
        ["teams", "new"] => Door::new("/teams/new", "Go back to the new team"),
        ["teams", team] | ["teams", team, "entries" | "live" | "export.csv" | "export.json", ..] => {
            Door::new(format!("/teams/{team}"), "Go to the team's log")
        }
        ["teams", team, ..] => Door::new(format!("/teams/{team}/settings"), "Go to the team's settings"),
        ["organizations", "new" | "current"] | ["organizations"] => {
            Door::new("/organizations", "Go to your organizations")
        }
        ["organizations", id, ..] => {
            Door::new(format!("/organizations/{id}/settings"), "Go to the organization's settings")
        }
        ["settings", ..] => Door::new("/settings", "Go to your settings"),
        ["mirrors", "new"] => Door::new("/mirrors/new", "Go back to the new mirror"),
        ["mirrors", mirror, ..] => Door::new(format!("/mirrors/{mirror}"), "Go to the mirror"),
        ["integrations"] | ["integrations", "mirrors", ..] => Door::new("/integrations", "Go to the integrations"),
        ["integrations", partner, "link", link, ..] => {
            Door::new(format!("/integrations/{partner}/link/{link}"), "Go to the link")
        }
        ["integrations" | "auth", partner, ..] => {
            Door::new(format!("/integrations/{partner}"), "Go to the integration's page")
        }
        ["login"] => Door::new("/login", "Go back to the log-in"),
        ["signup"] => Door::new("/signup", "Go back to the sign-up"),
        ["password", "forgotten"] => Door::new("/password/forgotten", "Go back to the form"),
        ["password", "new", token] => Door::new(format!("/password/new/{token}"), "Go back to the new password"),
        ["invitations", token] => Door::new(format!("/invitations/{token}"), "Go back to the invitation"),
        _ => return None,
    };
    // Every segment stands in a page of ours as it came.
    Some(door).filter(|door| !ReturnPath::new(&door.path).as_str().is_empty())
}

/// The way on after an error of this status at this address; `in_sight` says whether the person may see what is there.
pub fn after(status: StatusCode, method: &Method, address: &str, in_sight: impl Fn(&str) -> bool) -> Option<Door> {
    let path = address.split('?').next().unwrap_or_default();
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let passes = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
    let again = ReturnPath::new(address);
    // What a partner sent somebody here with is good for one time.
    if reads && passes && !again.as_str().is_empty() && !path.starts_with("/auth/") {
        return Some(Door::new(again.as_str(), "Try again"));
    }
    // Not to where it just did not work: another question to the same page may.
    let here = if matches!(status.as_u16(), 403 | 404) { path } else { address };
    above(path)
        .filter(|door| !reads || door.path != here)
        .filter(|door| status != StatusCode::NOT_FOUND || in_sight(&door.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_at_or_below_its_page() {
        for (path, page) in [
            ("/teams/7/members/8/remove", "/teams/7/settings"),
            ("/teams/7/entries/9/archive", "/teams/7"),
            ("/organizations/7/invitations", "/organizations/7/settings"),
            ("/settings/sessions/ab/end", "/settings"),
            ("/integrations/fake/link/7", "/integrations/fake/link/7"),
            ("/integrations/fake/link", "/integrations/fake"),
            ("/auth/fake/callback", "/integrations/fake"),
            ("/mirrors/7", "/mirrors/7"),
            ("/login", "/login"),
            ("/password/new/abc", "/password/new/abc"),
        ] {
            assert_eq!(above(path).map(|door| door.path).as_deref(), Some(page), "{path}");
        }
        for nowhere in ["/", "", "/nowhere", "/logout", "/static/x", "/teams/\\evil.example", "/mirrors/a b"] {
            assert_eq!(above(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn a_door_does_not_lead_to_where_it_just_did_not_work() {
        let door = |status: u16, method: Method, address: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            after(status, &method, address, |path| path == "/teams/7").map(|door| door.path)
        };
        assert_eq!(door(503, Method::GET, "/teams/7?day=2026-11-22").as_deref(), Some("/teams/7?day=2026-11-22"));
        assert_eq!(door(503, Method::POST, "/teams/7/entries").as_deref(), Some("/teams/7"));
        assert_eq!(door(502, Method::GET, "/auth/fake/callback?code=c").as_deref(), Some("/integrations/fake"));
        assert_eq!(door(422, Method::GET, "/teams/7?from=never").as_deref(), Some("/teams/7"));
        assert_eq!(door(403, Method::GET, "/organizations/7/settings"), None);
        assert_eq!(door(404, Method::GET, "/teams/7/entries/9").as_deref(), Some("/teams/7"));
        assert_eq!(door(404, Method::GET, "/teams/8/entries/9"), None);
        assert_eq!(door(404, Method::GET, "/teams/7"), None);
    }
}
