//! The sandbox seen from outside, over HTTP: is it as strict as GitHub, and do its faults do what they say?
//!
//! GitHub's own clients and schemas judge it in `clients/`.
#![allow(clippy::unwrap_used)]

#[path = "sandbox/faults.rs"]
mod faults;
#[path = "sandbox/ground.rs"]
mod ground;
#[path = "sandbox/oauth.rs"]
mod oauth;
#[path = "sandbox/pages.rs"]
mod pages;
#[path = "sandbox/rest.rs"]
mod rest;
#[path = "sandbox/webhooks.rs"]
mod webhooks;
