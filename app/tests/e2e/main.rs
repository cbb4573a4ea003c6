//! The real binary, as a person and as an operator meet it: tours through its pages in headless Chromium.
//!
//! `scripts/test` installs Chromium and its driver. `cargo test --test e2e` runs these alone; pictures of the pages
//! are left in `target/screenshots`.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests say what they mean by failing")]

mod browser;
mod product;
mod webdriver;
