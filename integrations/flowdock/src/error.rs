//! What Flowdock's refusals mean to us.
//!
//! The kinds are those of [`integration_contract::Integration::deliver`]: what is about the credential, about the link, about
//! this one message, and what passes. Flowdock answers in JSON, so a page in HTML is a proxy's: it says nothing of a
//! token, of a source or of a flow, and counts as an outage whatever its status.

use std::time::Duration;

use integration_contract::{Error, ErrorKind, Response, text};

use crate::wire::ApiError;

/// No limit is documented, so neither is a wait.
const UNNAMED_WAIT: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What a call was made for, and with which right.
#[derive(Clone, Copy)]
pub(crate) struct About {
    /// Finishes "Flowdock did not let us …".
    pub(crate) doing: &'static str,
    /// An outage leaves it open whether it was done.
    pub(crate) writes: bool,
    pub(crate) by: By,
}

/// What a call shows of who is calling.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// A person's access.
    Person,
    /// The token of the link's source.
    Source,
}

/// The error for an answer that is no success.
pub(crate) fn of(about: About, answer: &Response) -> Error {
    if is_page(answer) {
        return outage(about);
    }
    let doing = about.doing;
    let said: ApiError = serde_json::from_slice(&answer.body).unwrap_or_default();
    match (answer.status.as_u16(), about.by) {
        (401, By::Person) => Error::new(
            ErrorKind::Unauthorized,
            "Flowdock no longer accepts the connection of this account. Connect Flowdock again.",
        ),
        // The account has nothing to do with it; a new source has a new token.
        (401 | 404, By::Source) => Error::new(
            ErrorKind::NotFound,
            "Flowdock does not know this link's source. Press Try again to make a new one.",
        ),
        (403, By::Person) => {
            Error::new(ErrorKind::Forbidden, format!("Flowdock did not let us {doing}{}.", quoted(&said)))
        }
        (403, By::Source) => Error::new(
            ErrorKind::Forbidden,
            format!("Flowdock did not let us {doing}{}. When that has changed, press Try again.", quoted(&said)),
        ),
        (404, By::Person) => Error::new(
            ErrorKind::NotFound,
            format!("Flowdock did not let us {doing}: it shows no such thing to this account."),
        ),
        (410, By::Source) => {
            Error::new(ErrorKind::Gone, "The link's source was removed at Flowdock, so the link is removed, too.")
        }
        (410, By::Person) => Error::new(ErrorKind::NotFound, format!("Flowdock did not let us {doing}: it is gone.")),
        (429, _) => limited(answer),
        (400..=499, _) => Error::new(ErrorKind::Refused, format!("Flowdock did not let us {doing}{}.", quoted(&said))),
        _ => outage(about),
    }
}

/// An answer that Flowdock does not document: an outage, as far as we can tell.
pub(crate) fn outage(about: About) -> Error {
    let doing = about.doing;
    if about.writes {
        Error::new(ErrorKind::UnknownOutcome, format!("Flowdock did not say whether it let us {doing}."))
    } else {
        Error::new(ErrorKind::Unavailable, format!("Flowdock is not able to let us {doing} at the moment."))
    }
}

/// Something for browsers.
pub(crate) fn is_page(answer: &Response) -> bool {
    let kind = answer.header("content-type").unwrap_or_default().to_ascii_lowercase();
    kind.contains("html") || answer.body.trim_ascii_start().starts_with(b"<")
}

fn limited(answer: &Response) -> Error {
    let asked = answer.header("retry-after").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    let wait = asked.unwrap_or(UNNAMED_WAIT).clamp(Duration::from_secs(1), LONGEST_WAIT);
    Error::new(ErrorKind::RateLimited, "Flowdock asks us to slow down.").retry_after(wait)
}

/// Flowdock's own words, as the end of a sentence.
fn quoted(said: &ApiError) -> String {
    let mut words = said.message.trim().to_owned();
    for (field, problems) in &said.errors {
        words = format!("{words}; {field} {}", problems.join(", "));
    }
    match text::first_line(&text::without_nul(words.trim_start_matches("; ")), 200) {
        words if words.is_empty() => String::new(),
        words => format!(": “{}”", words.trim_end_matches('.')),
    }
}
