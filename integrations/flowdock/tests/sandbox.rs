//! The sandbox seen from outside, over HTTP: is it as strict as Flowdock's documents, and do its faults do what they say?
//!
//! Flowdock's own clients judge it in `clients/`.
#![allow(clippy::unwrap_used)]

#[path = "sandbox/actions.rs"]
mod actions;
#[path = "sandbox/faults.rs"]
mod faults;
#[path = "sandbox/flows.rs"]
mod flows;
#[path = "sandbox/ground.rs"]
mod ground;
#[path = "sandbox/messages.rs"]
mod messages;
#[path = "sandbox/oauth.rs"]
mod oauth;
#[path = "sandbox/pages.rs"]
mod pages;
#[path = "sandbox/sources.rs"]
mod sources;
#[path = "sandbox/streaming.rs"]
mod streaming;
#[path = "sandbox/threads.rs"]
mod threads;
