//! What GitHub's statuses mean to us. GitHub hides missing rights behind 404 and limits behind 403; both end here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Method;
use integration_contract::{Error, ErrorKind, Response, Result, text};

use crate::wire::ApiError;

/// The wait that GitHub asks for at least when a secondary limit names none.
const SECONDARY_WAIT: Duration = Duration::from_secs(60);
/// A primary limit resets within an hour; a reset further off is a wrong clock, theirs or ours.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The error for an answer that is not a success. `doing` finishes "GitHub did not let us …".
pub(crate) fn of(doing: &str, method: &Method, answer: &Response) -> Error {
    let said: ApiError = serde_json::from_slice(&answer.body).unwrap_or_default();
    let status = answer.status.as_u16();
    match status {
        401 => Error::new(
            ErrorKind::Unauthorized,
            "GitHub no longer accepts the connection of this account. Connect GitHub again.",
        ),
        403 | 429 => limit(status, &said, answer).unwrap_or_else(|| forbidden(doing, &said, answer)),
        404 => not_found(doing, answer),
        410 | 451 => Error::new(ErrorKind::NotFound, format!("GitHub did not let us {doing}: it is gone.")),
        422 => invalid(doing, &said),
        400..=499 => Error::new(ErrorKind::Refused, format!("GitHub did not let us {doing}{}.", quoted(&said))),
        // A write that ended in an outage may have been done all the same.
        500..=599 if *method != Method::GET => {
            Error::new(ErrorKind::UnknownOutcome, format!("GitHub failed while we tried to {doing}."))
        }
        500..=599 => Error::new(ErrorKind::Unavailable, format!("GitHub is not able to {doing} at the moment.")),
        _ => undocumented(doing),
    }
}

/// The answer of a call about an issue, if it is a success. What is wrong with one issue is about that issue and nothing
/// else: it went elsewhere, it is locked, the repository has no issues.
pub(crate) fn of_issue(doing: &str, method: &Method, answer: Response) -> Result<Response> {
    let status = answer.status.as_u16();
    let said = || serde_json::from_slice::<ApiError>(&answer.body).unwrap_or_default();
    let error = match status {
        200..=299 => return Ok(answer),
        301 | 302 | 307 | 308 => Error::new(
            ErrorKind::NotFound,
            format!("GitHub did not let us {doing}: it was transferred to another repository."),
        ),
        403 if answer.header("retry-after").is_none() && said().all().to_ascii_lowercase().contains("locked") => {
            Error::new(ErrorKind::Refused, format!("GitHub did not let us {doing}: its conversation is locked."))
        }
        410 if said().all().to_ascii_lowercase().contains("disabled") => Error::new(
            ErrorKind::Refused,
            format!("GitHub did not let us {doing}: the repository has its issues switched off."),
        ),
        _ => of(doing, method, &answer),
    };
    Err(error)
}

/// An answer that GitHub does not document for this call.
pub(crate) fn undocumented(doing: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("GitHub did not answer as it documents when we tried to {doing}."))
}

fn limit(status: u16, said: &ApiError, answer: &Response) -> Option<Error> {
    let asked = answer.header("retry-after").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    let used_up = answer.header("x-ratelimit-remaining") == Some("0");
    let message = said.message.to_ascii_lowercase();
    let secondary = message.contains("secondary rate limit") || message.contains("abuse detection");
    if status != 429 && asked.is_none() && !used_up && !secondary {
        return None;
    }
    let wait = asked.or_else(|| if used_up { until_reset(answer) } else { None }).unwrap_or(SECONDARY_WAIT);
    let wait = wait.clamp(Duration::from_secs(1), LONGEST_WAIT);
    Some(Error::new(ErrorKind::RateLimited, "GitHub asks us to slow down.").retry_after(wait))
}

fn until_reset(answer: &Response) -> Option<Duration> {
    let reset = Duration::from_secs(answer.header("x-ratelimit-reset")?.trim().parse().ok()?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(reset.saturating_sub(now))
}

fn forbidden(doing: &str, said: &ApiError, answer: &Response) -> Error {
    let sentence = if answer.header("x-github-sso").is_some() {
        format!(
            "GitHub did not let us {doing}: the organization asks for single sign-on. Sign in to it at GitHub, then \
             connect GitHub again."
        )
    } else {
        format!("GitHub did not let us {doing}{}.", quoted(said))
    };
    let error = Error::new(ErrorKind::Forbidden, sentence);
    if answer.header("x-github-sso").is_some() { error.mended_by_consent() } else { error }
}

/// GitHub answers 404 to whoever may not know. The scopes it names beside it tell a lost permission from a lost thing.
fn not_found(doing: &str, answer: &Response) -> Error {
    let listed = |name: &str| -> Option<Vec<String>> {
        let words = answer.header(name)?.split(',').map(|word| word.trim().to_owned());
        Some(words.filter(|word| !word.is_empty()).collect())
    };
    let missing = match (listed("x-oauth-scopes"), listed("x-accepted-oauth-scopes")) {
        (Some(ours), Some(accepted)) => {
            let ours = crate::oauth::with_implied(&ours);
            !accepted.is_empty() && !accepted.iter().any(|scope| ours.contains(scope.as_str()))
        }
        _ => false,
    };
    if missing {
        return Error::new(
            ErrorKind::Forbidden,
            format!("GitHub did not let us {doing}: the permission was taken back. Connect GitHub again."),
        )
        .mended_by_consent();
    }
    Error::new(
        ErrorKind::NotFound,
        format!(
            "GitHub did not let us {doing}: it shows no such thing to this account. It was deleted, or the account lost \
             the admin role, or its organization restricts OAuth apps."
        ),
    )
}

fn invalid(doing: &str, said: &ApiError) -> Error {
    let all = said.all().to_ascii_lowercase();
    if all.contains("already exists") {
        return Error::new(ErrorKind::Conflict, format!("GitHub did not let us {doing}: it exists already."));
    }
    let sentence = if all.contains("20 hooks") || all.contains("maximum of 20") || all.contains("more than 20") {
        format!(
            "GitHub did not let us {doing}: a repository can have 20 webhooks for an event, and has them. Remove one there."
        )
    } else if all.contains("localhost") || all.contains("127.0.0.1") || all.contains("public internet") {
        format!(
            "GitHub did not let us {doing}: it does not send webhooks to an address on this machine. The operator has to \
             set PATCHBAY_PUBLIC_URL to one that GitHub can reach."
        )
    } else {
        format!("GitHub did not let us {doing}{}.", quoted(said))
    };
    Error::new(ErrorKind::Refused, sentence)
}

/// GitHub's own words, as the end of a sentence.
fn quoted(said: &ApiError) -> String {
    match text::first_line(&text::without_nul(&said.all()), 200) {
        words if words.is_empty() => String::new(),
        words => format!(": “{}”", words.trim_end_matches('.')),
    }
}
