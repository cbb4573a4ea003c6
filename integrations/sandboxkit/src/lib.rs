//! What every partner's sandbox needs and no partner decides.
//!
//! | room | what |
//! |---|---|
//! | [`gate`] | every call of a sandbox's API passes it: it is recorded, and may meet a fault |
//! | [`rules`] | which calls meet which fault |
//! | [`calls`] | what was really asked |
//! | [`fields`], [`cookies`] | what a browser brings |
//! | [`visits`] | a browser's way to a page's handler |
//! | [`pages`] | how a page goes out, its style, and which forms count |
//! | [`random`] | tokens, codes, ids |
//!
//! A sandbox shares no code with the rest of its partner's crate, and nothing here knows a partner's words: limits,
//! signatures, envelopes and retries of deliveries are each partner's own, and stay in its sandbox.

pub mod calls;
pub mod cookies;
pub mod fields;
pub mod gate;
pub mod pages;
pub mod random;
pub mod rules;
pub mod visits;

use axum::Router;
use axum::routing::get;

pub use self::gate::{Gated, OwnEffect, Who};

use self::calls::RecordedCalls;
use self::rules::Rules;

/// What tests steer by and look at: faults to come, and calls that were.
pub struct Desk<Own> {
    /// Faults of answers.
    pub rules: Rules<Own>,
    /// The record.
    pub calls: RecordedCalls,
}

impl<Own> Default for Desk<Own> {
    fn default() -> Self {
        Self { rules: Rules::default(), calls: RecordedCalls::default() }
    }
}

/// `/calls` and `/rules`, to be merged into a sandbox's control.
pub fn router<S: Gated>() -> Router<S> {
    Router::new()
        .route("/calls", get(calls::list::<S>).delete(calls::forget::<S>))
        .route("/rules", get(rules::list::<S>).post(rules::add::<S>).delete(rules::clear::<S>))
}

/// The rows of the table in a file's own documentation, so that it is written once.
pub fn table(source: &str) -> Vec<&str> {
    let rows = source.lines().filter_map(|line| line.strip_prefix("//! | ")).map(|row| row.trim_end_matches(" |"));
    rows.skip(1).collect()
}
