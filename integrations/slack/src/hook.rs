//! Hooks: whom one is for, how it is signed, what it is called and what it is answered. What it says is `reading`.
//! <https://docs.slack.dev/apis/events-api/>, <https://docs.slack.dev/interactivity/implementing-slash-commands>
//!
//! Slack takes back its deliveries from an app that answers too many with anything but 2xx. So only what can't be read at
//! all is malformed, and `X-Slack-Retry-Num` is not looked at: the retry may be the only copy that ever arrives.

use integration_contract::{
    Address, Encoding, HookAnswer, HookCall, HookReply, Part, Result, Scheme, SecretOf, TimeFormat, Timestamp,
};
use serde_json::json;

use crate::{
    body::{Body, Told, What},
    config::SIGNING_SECRET,
    mrkdwn::escaped,
    settings,
};

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// <https://docs.slack.dev/authentication/verifying-requests-from-slack>
pub(crate) const SCHEME: Scheme = Scheme {
    header: "x-slack-signature",
    prefix: "v0=",
    encoding: Encoding::Hex,
    message: &[Part::Literal("v0:"), Part::Timestamp, Part::Literal(":"), Part::Body],
    timestamp: Some(Timestamp { header: "x-slack-request-timestamp", format: TimeFormat::Unix, window: 300 }),
    secret: SecretOf::Setting(SIGNING_SECRET),
};

/// The links of a workspace, or of an organization that installed us as a whole. A challenge is for nobody but us:
/// [`answer`] has its reply.
pub(crate) fn address(call: &HookCall) -> Address {
    let (account, channel, or_sole) = match Body::read(call) {
        Ok(Body::Command(command)) => (command.account(), Some(command.channel.clone()), true),
        Ok(Body::Event(told)) => (told.account.clone(), told.what.channel().map(str::to_owned), false),
        Ok(Body::Interaction { account }) => (account, None, false),
        Ok(Body::Challenge(_)) | Err(_) => (None, None, false),
    };
    let target = channel.map(|channel| settings::target(&channel));
    account.map_or(Address::Nobody, |account| Address::Account { account, target, or_sole })
}

/// Slack checks the certificate of a command's address with an unsigned form.
pub(crate) fn is_probe(call: &HookCall) -> bool {
    let form = call.media_type().as_deref() == Some(FORM);
    form && url::form_urlencoded::parse(&call.body).any(|(name, value)| name == "ssl_check" && value == "1")
}

pub(crate) fn answer(call: &HookCall) -> Result<HookAnswer> {
    let digest = || call.digest();
    Ok(match Body::read(call)? {
        Body::Challenge(challenge) => HookAnswer::Reply(HookReply { content_type: "text/plain", body: challenge }),
        Body::Command(command) if command.asks_for_help() => HookAnswer::Reply(to_the_person(&command.help())),
        Body::Command(command) => HookAnswer::Accept {
            event: command.event(),
            delivery: usable(&command.trigger).unwrap_or_else(digest),
            lane: format!("person:{}", command.user),
            // Nothing is written yet.
            reply: Some(to_the_person("Got it. What became of it will stand here in a moment.")),
        },
        Body::Interaction { .. } => HookAnswer::Ignore {
            event: "interaction".to_owned(),
            delivery: digest(),
            reason: "Nothing that we post can be pressed.".to_owned(),
        },
        // All that people say in the channel arrives, and is nobody's business here. What is meant for the log is told as
        // a mention or a reaction, too.
        Body::Event(told) if matches!(told.what, What::Message(_)) => HookAnswer::Reply(nothing()),
        Body::Event(told) => {
            let delivery = told.id.as_deref().and_then(usable).unwrap_or_else(digest);
            let Told { name: event, what, .. } = *told;
            match what.idle() {
                Some(reason) => HookAnswer::Ignore { event, delivery, reason: reason.to_owned() },
                None => HookAnswer::Accept { event, delivery, lane: what.lane(), reply: None },
            }
        }
    })
}

/// Whoever typed a command where no link listens is told where one does.
pub(crate) fn stray(call: &HookCall, linked: &[String]) -> Option<HookReply> {
    let Ok(Body::Command(command)) = Body::read(call) else { return None };
    let names: Vec<_> = linked.iter().map(|name| escaped(name)).collect();
    let sentence = match names.as_slice() {
        [] => "Nothing was written: no channel of this workspace is linked to a log yet.".to_owned(),
        [one] => format!("Nothing was written: this channel is not linked to a log. Type {} in {one}.", command.name()),
        [first @ .., last] => format!(
            "Nothing was written: this channel is not linked to a log. Type {} in {} or {last}.",
            command.name(),
            first.join(", ")
        ),
    };
    Some(to_the_person(&sentence))
}

fn nothing() -> HookReply {
    HookReply { content_type: "text/plain", body: String::new() }
}

/// Only who typed the command sees it.
fn to_the_person(text: &str) -> HookReply {
    let body = json!({ "response_type": "ephemeral", "text": text });
    HookReply { content_type: "application/json", body: body.to_string() }
}

/// Slack's ids of deliveries: letters, digits and dots.
fn usable(name: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_';
    ((1..=150).contains(&name.len()) && name.bytes().all(plain)).then(|| name.to_owned())
}
