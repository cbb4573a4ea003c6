//! What Slack's refusals mean to us. Slack says no with status 200 and a word; only 429 and an outage have a status.
//!
//! The kinds are those of [`integration_contract::Integration::deliver`]: what is about the credential, about the link, about
//! this one message, and what passes.

use std::time::Duration;

use integration_contract::{Error, ErrorKind, Response, text};

use crate::wire::Refusal;

/// Slack limits by the minute.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// Where Slack names no wait: its limits per channel are by the second, all others by the minute.
const UNNAMED_WAIT: Duration = Duration::from_secs(30);

/// Slack's no: its own word for it, where it gave one, and what it means.
#[derive(Debug)]
pub(crate) struct No {
    code: String,
    error: Error,
}

impl No {
    /// Whether Slack said one of these words.
    pub(crate) fn is(&self, codes: &[&str]) -> bool {
        codes.contains(&self.code.as_str())
    }

    pub(crate) fn error(&self) -> &Error {
        &self.error
    }
}

/// A call that got no answer has no word.
impl From<Error> for No {
    fn from(error: Error) -> Self {
        Self { code: String::new(), error }
    }
}

impl From<No> for Error {
    fn from(no: No) -> Self {
        no.error
    }
}

/// What a call was about, for the sentences.
#[derive(Clone)]
pub(crate) struct About {
    /// As people write it: `#done`.
    pub(crate) channel: String,
    /// The app as people mention it: `@patchbay`.
    pub(crate) bot: String,
}

impl Default for About {
    fn default() -> Self {
        Self { channel: "the channel".to_owned(), bot: "@ and the name of our app".to_owned() }
    }
}

/// What to do when the app is not in a channel that it can't join by itself.
pub(crate) fn invite(about: &About) -> String {
    format!("Type “/invite {}” in {} at Slack, then press Try again.", about.bot, about.channel)
}

/// A call that Slack did not answer with `ok`. `doing` finishes "Slack did not let us …".
pub(crate) fn of(doing: &str, writes: bool, about: &About, answer: &Response) -> No {
    let status = answer.status.as_u16();
    match (status, serde_json::from_slice::<Refusal>(&answer.body)) {
        (429, said) => No { code: said.map(|said| said.error).unwrap_or_default(), error: limited(answer) },
        (200, Ok(said)) if !said.ok && !said.error.is_empty() => {
            let error = said_no(&said, doing, writes, about, answer);
            No { code: said.error, error }
        }
        _ => outage(doing, writes).into(),
    }
}

/// An answer that Slack does not document: an outage, as far as we can tell.
pub(crate) fn outage(doing: &str, writes: bool) -> Error {
    if writes {
        Error::new(ErrorKind::UnknownOutcome, format!("Slack did not say whether it let us {doing}."))
    } else {
        Error::new(ErrorKind::Unavailable, format!("Slack is not able to let us {doing} at the moment."))
    }
}

pub(crate) fn limited(answer: &Response) -> Error {
    let asked = answer.header("retry-after").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    let wait = asked.unwrap_or(UNNAMED_WAIT).clamp(Duration::from_secs(1), LONGEST_WAIT);
    Error::new(ErrorKind::RateLimited, "Slack asks us to slow down.").retry_after(wait)
}

/// Words that mean that the credential is gone.
pub(crate) const UNAUTHORIZED: &[&str] =
    &["invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"];

fn said_no(said: &Refusal, doing: &str, writes: bool, about: &About, answer: &Response) -> Error {
    let channel = &about.channel;
    let lacks = said.error == "missing_scope";
    let (kind, sentence) = match said.error.as_str() {
        code if UNAUTHORIZED.contains(&code) => (
            ErrorKind::Unauthorized,
            "Slack no longer accepts our access to this workspace. Connect Slack again.".to_owned(),
        ),
        "missing_scope" => {
            let needed = said.needed.as_deref().map(|needed| format!(" “{}”", quoted(needed))).unwrap_or_default();
            let sentence = format!(
                "Slack did not let us {doing}: the permission{needed} is missing. Connect Slack again to give it."
            );
            (ErrorKind::Forbidden, sentence)
        }
        "no_permission"
        | "not_allowed_token_type"
        | "access_denied"
        | "ekm_access_denied"
        | "team_access_not_granted"
        | "enterprise_is_restricted"
        | "two_factor_setup_required" => (
            ErrorKind::Forbidden,
            format!(
                "Slack did not let us {doing}: an admin of the workspace does not allow it. Ask one of them, then \
                     press Try again."
            ),
        ),
        "channel_not_found" => (
            ErrorKind::NotFound,
            format!(
                "Slack shows us no {channel}: it was deleted, or it is private and our app is not in it. {}",
                invite(about)
            ),
        ),
        "not_in_channel" | "method_not_supported_for_channel_type" => {
            (ErrorKind::Forbidden, format!("Our app is not in {channel}. {}", invite(about)))
        }
        "is_archived" => {
            (ErrorKind::Forbidden, format!("{channel} is archived at Slack. Unarchive it there, then press Try again."))
        }
        code if code.starts_with("restricted_action") => (
            ErrorKind::Forbidden,
            format!(
                "Slack does not let our app post in {channel}: who may post there is restricted. Ask an admin of the \
                     workspace to let it, then press Try again."
            ),
        ),
        "too_many_members" => (
            ErrorKind::Forbidden,
            format!("{channel} has as many members as Slack allows, so our app can't join it. Choose another channel."),
        ),
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => return limited(answer),
        // Slack documents that a part of the work may have been done before these.
        "internal_error" | "fatal_error" => return outage(doing, writes),
        "service_unavailable"
        | "request_timeout"
        | "team_added_to_org"
        | "accesslimited"
        | "external_channel_migrating" => {
            return outage(doing, false);
        }
        "msg_too_long" | "msg_blocks_too_long" => {
            (ErrorKind::Refused, format!("Slack did not let us {doing}: it is too long for Slack."))
        }
        code => (ErrorKind::Refused, format!("Slack did not let us {doing}: “{}”.", quoted(code))),
    };
    let error = Error::new(kind, sentence);
    if lacks { error.mended_by_consent() } else { error }
}

/// Slack's own word, as a part of a sentence.
pub(crate) fn quoted(word: &str) -> String {
    text::first_line(&text::without_nul(word), 100)
}
