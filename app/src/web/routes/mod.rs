//! One file or folder per group of routes: each handler with its page's struct.

pub mod operators;
#[cfg(debug_assertions)]
pub mod styleguide;
