//! What Zendesk sends by itself: to subscribed webhooks ([`event`]), and to those of triggers; signed ([`sending`]),
//! delivered ([`courier`]) and logged ([`invocation`]).

pub(super) mod courier;
pub(super) mod event;
pub(super) mod invocation;
pub(super) mod sending;
