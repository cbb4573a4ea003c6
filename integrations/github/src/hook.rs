//! Hooks: whom one is for, how it is signed, what it is called, and whether it is this link's business. What it says is
//! `reading`, and of items `changes`. <https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers>

use integration_contract::{
    Address, Encoding, Error, ErrorKind, HookAnswer, HookCall, IntegrationLink, Part, Reading, Result, Scheme,
    SecretOf, strict_json,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    changes,
    events::Kind,
    link::Settings,
    reading,
    wire::{Envelope, IssueComment, Issues, Meta, PullRequestEvent, Push, ReleaseEvent, RepositoryEvent},
};

pub(crate) const EVENT: &str = "x-github-event";
pub(crate) const DELIVERY: &str = "x-github-delivery";
pub(crate) const HOOK_ID: &str = "x-github-hook-id";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// <https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>
pub(crate) const SCHEME: Scheme = Scheme {
    header: "x-hub-signature-256",
    prefix: "sha256=",
    encoding: Encoding::Hex,
    message: &[Part::Body],
    timestamp: None,
    secret: SecretOf::Link,
};

/// GitHub signs per webhook, so the webhook's URL has the link's key.
pub(crate) fn address(call: &HookCall) -> Address {
    match &call.key {
        Some(key) if !key.is_empty() => Address::Link(key.clone()),
        _ => Address::Nobody,
    }
}

pub(crate) fn answer(call: &HookCall) -> Result<HookAnswer> {
    let Delivery { event, body, payload } = Delivery::read(call)?;
    // The action of a repository_dispatch is any text its sender likes; such a one is no part of a name.
    let action = body.action.as_deref().filter(|action| is_word(action));
    Ok(HookAnswer::Accept {
        event: action.map_or(event.clone(), |action| format!("{event}.{action}")),
        delivery: name_of_delivery(call),
        lane: lane(&payload),
        reply: None,
    })
}

pub(crate) fn read(link: &IntegrationLink, call: &HookCall) -> Result<Reading> {
    let settings: Settings = link.settings.read()?;
    let Delivery { event, body, payload } = Delivery::read(call)?;
    // A secret that got into a second repository must not let it speak for this one.
    if let Some(other) = body.repository.filter(|id| *id != settings.repository_id) {
        let ours = settings.repository_id;
        return Ok(Reading::ignored(format!("It is about repository {other}, and this link is about {ours}.")));
    }
    let off = |kind: Kind| {
        let reason = format!("“{}” is switched off for this link.", kind.label());
        (!settings.events.contains(&kind)).then(|| Reading::ignored(reason))
    };
    let event_id = name_of_delivery(call);
    Ok(match &payload {
        Payload::Ping => Reading::of(integration_contract::Happening::HookWorks),
        Payload::Push(push) => off(Kind::Push).map_or_else(|| reading::push(push), Ok)?,
        Payload::Issues(issues) => off(Kind::Issues)
            .unwrap_or_else(|| changes::beside(reading::issues(issues), changes::of_issues(issues, &event_id))),
        Payload::IssueComment(comment) => off(Kind::Comments).unwrap_or_else(|| {
            changes::beside(reading::comment(comment), changes::of_issue_comment(comment, &event_id))
        }),
        Payload::PullRequest(pull) => off(Kind::PullRequests)
            .unwrap_or_else(|| changes::beside(reading::pull_request(pull), changes::of_pull_request(pull, &event_id))),
        Payload::Release(release) => off(Kind::Releases).unwrap_or_else(|| reading::release(release)),
        Payload::Repository(repository) => reading::repository(settings.clone(), repository),
        Payload::Meta(meta) => reading::meta(meta, call.header(HOOK_ID)),
        Payload::Other => Reading::ignored(format!("“{event}” is not an event that becomes an entry.")),
    })
}

/// A body that has been read.
struct Delivery {
    event: String,
    body: Common,
    payload: Payload,
}

/// What names a hook, whatever its event is.
struct Common {
    action: Option<String>,
    repository: Option<u64>,
}

enum Payload {
    Ping,
    Push(Envelope<Push>),
    Issues(Envelope<Issues>),
    IssueComment(Envelope<IssueComment>),
    PullRequest(Envelope<PullRequestEvent>),
    Release(Envelope<ReleaseEvent>),
    Repository(Envelope<RepositoryEvent>),
    Meta(Meta),
    Other,
}

impl Delivery {
    /// Both [`answer`] and [`read`] go through here, so what is accepted can also be understood.
    fn read(call: &HookCall) -> Result<Self> {
        let event = call.header(EVENT).filter(|event| is_word(event));
        let event =
            event.ok_or_else(|| malformed("The header X-GitHub-Event is missing or is not an event."))?.to_owned();
        let value = match call.media_type().as_deref() {
            Some(FORM) => strict_json::object(&payload_field(&call.body)?)?,
            _ => strict_json::object(&call.body)?,
        };
        let common = Common {
            action: value.get("action").and_then(Value::as_str).map(str::to_owned),
            repository: match value.pointer("/repository/id") {
                Some(id) => Some(id.as_u64().ok_or_else(|| malformed("The repository's id is not one."))?),
                None => None,
            },
        };
        let payload = match event.as_str() {
            "ping" => Payload::Ping,
            "push" => Payload::Push(typed(value)?),
            "issues" => Payload::Issues(typed(value)?),
            "issue_comment" => Payload::IssueComment(typed(value)?),
            "pull_request" => Payload::PullRequest(typed(value)?),
            "release" => Payload::Release(typed(value)?),
            "repository" => Payload::Repository(typed(value)?),
            "meta" => Payload::Meta(typed(value)?),
            _ => Payload::Other,
        };
        Ok(Self { event, body: common, payload })
    }
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value)
        .map_err(|error| malformed("The body is not what GitHub documents for this event.").caused_by(error))
}

fn malformed(sentence: &str) -> Error {
    Error::new(ErrorKind::Malformed, sentence)
}

/// Events and actions are lower-case words with underscores, at GitHub; one or two have a hyphen.
fn is_word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// GitHub's GUID; a delivery without a usable one goes by what is in it.
fn name_of_delivery(call: &HookCall) -> String {
    let usable = |name: &&str| {
        (1..=100).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    call.header(DELIVERY).filter(usable).map_or_else(|| call.digest(), str::to_owned)
}

/// What must be read in order: all that happens to one issue or pull request (they share their numbers), and all pushes
/// to one branch.
fn lane(payload: &Payload) -> String {
    match payload {
        Payload::Issues(issues) => format!("issue:{}", issues.event.issue.number),
        Payload::IssueComment(comment) => format!("issue:{}", comment.event.issue.number),
        Payload::PullRequest(pull) => format!("issue:{}", pull.event.pull_request.number),
        Payload::Push(push) => format!("ref:{}", push.event.reference),
        _ => String::new(),
    }
}

/// The one field `payload` of a form body, decoded exactly: a second field, or a broken escape, is not GitHub's.
fn payload_field(body: &[u8]) -> Result<Vec<u8>> {
    let wrong = || malformed("The form does not have exactly one field “payload”.");
    let text = body.strip_prefix(b"payload=").ok_or_else(wrong)?;
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'&' | b'=' => return Err(wrong()),
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
                let high = digit(bytes.next()).ok_or_else(wrong)?;
                let low = digit(bytes.next()).ok_or_else(wrong)?;
                u8::try_from(high * 16 + low).map_err(|_| wrong())?
            }
            byte => *byte,
        });
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_body_is_its_one_payload() {
        assert_eq!(
            payload_field(b"payload=%7B%22a%22%3A+%22%F0%9F%8E%89%2B%22%7D").unwrap(),
            "{\"a\": \"🎉+\"}".as_bytes()
        );
        for body in [
            "",
            "payload",
            "a=1&payload=%7B%7D",
            "payload=%7B%7D&payload=%7B%7D",
            "payload=%7B%7D&a=1",
            "payload=%zz",
            "payload=%7",
            "payload=%",
            "Payload=%7B%7D",
            "payload==%7B%7D",
        ] {
            assert_eq!(payload_field(body.as_bytes()).unwrap_err().kind(), ErrorKind::Malformed, "{body}");
        }
    }
}
