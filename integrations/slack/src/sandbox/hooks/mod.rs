//! What Slack sends by itself: events ([`event`]) and slash commands ([`command`]), signed ([`sending`]) and delivered
//! ([`courier`]).

pub(super) mod command;
pub(super) mod courier;
pub(super) mod event;
pub(super) mod sending;
pub(super) mod verify;
