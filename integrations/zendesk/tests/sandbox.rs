//! The sandbox seen from outside, over HTTP: is it as strict as Zendesk, and do its faults do what they say?
//!
//! Zendesk's own clients judge it in `clients/`.
#![allow(clippy::unwrap_used)]

#[path = "sandbox/events.rs"]
mod events;
#[path = "sandbox/faults.rs"]
mod faults;
#[path = "sandbox/ground.rs"]
mod ground;
#[path = "sandbox/hosts.rs"]
mod hosts;
#[path = "sandbox/lists.rs"]
mod lists;
#[path = "sandbox/oauth.rs"]
mod oauth;
#[path = "sandbox/pages.rs"]
mod pages;
#[path = "sandbox/tickets.rs"]
mod tickets;
#[path = "sandbox/triggers.rs"]
mod triggers;
#[path = "sandbox/users.rs"]
mod users;
#[path = "sandbox/webhooks.rs"]
mod webhooks;
