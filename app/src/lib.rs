//! Patchbay: a team's log of what got done, connected to every tool the team uses.
//!
//! The rooms, and which may enter which, are described in ARCHITECTURE.md.

pub mod boot;
pub mod clock;
pub mod commands;
pub mod config;
pub mod core;
pub mod db;
pub mod demo;
pub mod jobs;
pub mod logs;
pub mod metrics;
pub mod queue;
pub mod registry;
pub mod server;
pub mod state;
pub mod web;
