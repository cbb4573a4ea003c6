//! What Zendesk's statuses mean to us.
//! <https://developer.zendesk.com/api-reference/introduction/requests/>

use std::time::Duration;

use http::{Method, StatusCode};
use integration_contract::{Error, ErrorKind, Response, text};

use crate::wire::ApiError;

/// Limits are by the minute, and a few by ten.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// Where Zendesk names no wait.
const UNNAMED_WAIT: Duration = Duration::from_secs(60);
/// Two updates of one ticket met; the other one is over in a moment.
const COLLISION_WAIT: Duration = Duration::from_secs(2);

/// The error for an answer that is not a success. `doing` finishes "Zendesk did not let us …".
pub(crate) fn of(doing: &str, method: &Method, answer: &Response) -> Error {
    let said: ApiError = serde_json::from_slice(&answer.body).unwrap_or_default();
    let reads = *method == Method::GET;
    match answer.status.as_u16() {
        401 => unauthorized(),
        403 => Error::new(ErrorKind::Forbidden, format!("Zendesk did not let us {doing}{}.", quoted(&said))),
        404 | 410 => {
            Error::new(ErrorKind::NotFound, format!("Zendesk did not let us {doing}: there is no such thing."))
        }
        409 if said.word() == "UpdateConflict" => Error::new(
            ErrorKind::Conflict,
            format!("Zendesk did not let us {doing}: somebody else changed the ticket at the same moment."),
        ),
        // Documented as undone; to be tried again after a moment.
        409 => unable(doing).retry_after(asked(answer).unwrap_or(COLLISION_WAIT)),
        // The key was used before, so the ticket may be there: whoever looks will find it.
        400 if said.word() == "IdempotentRequestError" => {
            Error::new(ErrorKind::UnknownOutcome, format!("Zendesk took another try to {doing} for a different one."))
        }
        422 if said.said().to_ascii_lowercase().contains("closed prevents") => closed(doing),
        429 => Error::new(ErrorKind::RateLimited, "Zendesk asks us to slow down.")
            .retry_after(asked(answer).unwrap_or(UNNAMED_WAIT)),
        400..=499 => Error::new(ErrorKind::Refused, format!("Zendesk did not let us {doing}{}.", quoted(&said))),
        // With a wait it is a deadlock or maintenance, documented as undone.
        503 if asked(answer).is_some() => unable(doing).retry_after(asked(answer).unwrap_or(UNNAMED_WAIT)),
        500..=599 if reads => unable(doing),
        // A write that ended in an outage may have been done all the same.
        500..=599 => Error::new(ErrorKind::UnknownOutcome, format!("Zendesk failed while we tried to {doing}.")),
        _ => undocumented(doing),
    }
}

pub(crate) fn unauthorized() -> Error {
    Error::new(
        ErrorKind::Unauthorized,
        "Zendesk no longer accepts the connection of this account. Connect Zendesk again.",
    )
}

/// What a closed ticket answers to nearly everything.
pub(crate) fn closed(doing: &str) -> Error {
    Error::new(
        ErrorKind::Refused,
        format!(
            "Zendesk did not let us {doing}: it is closed for good. At Zendesk, “Create follow-up” below the ticket opens \
             another one that goes on from it."
        ),
    )
}

/// An answer that Zendesk does not document for this call.
pub(crate) fn undocumented(doing: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("Zendesk did not answer as it documents when we tried to {doing}."))
}

/// After something was written: trouble that passes leaves it open what stands there now.
pub(crate) fn after_writing(error: Error) -> Error {
    if error.passes() {
        Error::new(ErrorKind::UnknownOutcome, "Zendesk did not say what came of it.").caused_by(error)
    } else {
        error
    }
}

/// Whether a 400 or 422 is about what a webhook is to be subscribed to.
pub(crate) fn is_about_subscriptions(answer: &Response) -> bool {
    let refused = matches!(answer.status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY);
    let said: ApiError = serde_json::from_slice(&answer.body).unwrap_or_default();
    refused && said.said().to_ascii_lowercase().contains("subscri")
}

fn unable(doing: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("Zendesk is not able to let us {doing} at the moment."))
}

fn asked(answer: &Response) -> Option<Duration> {
    let seconds = answer.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).clamp(Duration::from_secs(1), LONGEST_WAIT))
}

/// Zendesk's own words, as the end of a sentence.
fn quoted(said: &ApiError) -> String {
    match text::first_line(&text::without_nul(&said.said()), 300) {
        words if words.is_empty() => String::new(),
        words => format!(": “{}”", words.trim_end_matches('.')),
    }
}
