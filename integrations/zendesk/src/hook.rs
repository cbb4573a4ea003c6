//! Hooks: whom one is for, how it is signed, and what it is called. What it says is `reading`.
//! <https://developer.zendesk.com/documentation/webhooks/anatomy-of-a-webhook-request/>

use integration_contract::{
    Address, Encoding, HookAnswer, HookCall, HookReply, Part, Result, Scheme, SecretOf, TimeFormat, Timestamp,
};

use crate::body::{Body, Told};

/// The same at every attempt to deliver one thing.
pub(crate) const INVOCATION: &str = "x-zendesk-webhook-invocation-id";

/// <https://developer.zendesk.com/documentation/webhooks/verifying/>. The window is ours: Zendesk names none.
pub(crate) const SCHEME: Scheme = Scheme {
    header: "x-zendesk-webhook-signature",
    prefix: "",
    encoding: Encoding::Base64,
    message: &[Part::Timestamp, Part::Body],
    timestamp: Some(Timestamp {
        header: "x-zendesk-webhook-signature-timestamp",
        format: TimeFormat::Iso,
        window: 300,
    }),
    secret: SecretOf::Given,
};

/// Zendesk makes a secret for each webhook, so the webhook's URL has the link's key.
pub(crate) fn address(call: &HookCall) -> Address {
    match &call.key {
        Some(key) if !key.is_empty() => Address::Link(key.clone()),
        _ => Address::Nobody,
    }
}

pub(crate) fn answer(call: &HookCall) -> Result<HookAnswer> {
    Ok(match Body::read(call)? {
        // Not for us, so it is not even kept.
        Body::Event(event) if event.is_internal() || matches!(event.told, Told::Note) => {
            HookAnswer::Reply(HookReply { content_type: "text/plain", body: String::new() })
        }
        Body::Event(event) => {
            HookAnswer::Accept { lane: lane(event.ticket()), event: event.name, delivery: event.id, reply: None }
        }
        Body::Update(update) => HookAnswer::Accept {
            event: "ticket.updated".to_owned(),
            delivery: name_of_delivery(call),
            lane: lane(update.ticket),
            reply: None,
        },
        Body::Other { event, id } => {
            HookAnswer::Ignore { reason: format!("“{event}” is nothing that a link brings."), delivery: id, event }
        }
    })
}

/// All that happens to one ticket is read in order.
fn lane(ticket: u64) -> String {
    format!("ticket:{ticket}")
}

/// Zendesk's ULID; a delivery without a usable one goes by what is in it.
fn name_of_delivery(call: &HookCall) -> String {
    let usable = |name: &&str| (1..=100).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    call.header(INVOCATION).filter(usable).map_or_else(|| call.digest(), str::to_owned)
}
