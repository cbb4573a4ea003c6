//! The real binary, as a person and as an operator meet it: tours through its pages in headless Chromium, and
//! `kill -9` under load.
//!
//! `scripts/test` installs Chromium and its driver; `scripts/with-postgres cargo test --test e2e` runs these alone.
//! With `PATCHBAY_PICTURES` set they leave pictures of the pages in `target/screenshots`.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests say what they mean by failing")]

mod browser;
mod kill;
mod product;
mod webdriver;
