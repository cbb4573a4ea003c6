//! Tests of the product as a whole. Every test that touches a database runs on SQLite and on PostgreSQL: it is written
//! once as a plain async function that takes a [`harness::TestDatabase`] (or builds a [`harness::TestApp`] on it), and
//! `on_both_databases!` makes a test of it for each.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests say what they mean by failing")]

mod actions;
mod activity;
mod entries;
mod error_pages;
mod exports;
mod floor_plan;
mod harness;
mod health;
mod inbox;
mod integrations;
mod items;
mod live;
mod log;
mod mail;
mod mirrors;
mod my_log;
mod notice;
mod outbox;
mod people;
mod queue;
mod retention;
mod routes;
mod server;
mod setup;
mod slack;
mod statements;
mod storage;
#[cfg(debug_assertions)]
mod style_guide;
