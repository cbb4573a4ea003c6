//! The sandbox seen from outside, over HTTP: is it as strict as Slack, and do its faults do what they say?
//!
//! Slack's own clients and its receiver judge it in `clients/`.
#![allow(clippy::unwrap_used)]

#[path = "sandbox/calls.rs"]
mod calls;
#[path = "sandbox/channels.rs"]
mod channels;
#[path = "sandbox/chat.rs"]
mod chat;
#[path = "sandbox/commands.rs"]
mod commands;
#[path = "sandbox/events.rs"]
mod events;
#[path = "sandbox/faults.rs"]
mod faults;
#[path = "sandbox/ground.rs"]
mod ground;
#[path = "sandbox/lifecycle.rs"]
mod lifecycle;
#[path = "sandbox/oauth.rs"]
mod oauth;
#[path = "sandbox/pages.rs"]
mod pages;
