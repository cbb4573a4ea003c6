//! One file or folder per group of routes: each handler with its page's struct.

#[cfg(debug_assertions)]
pub mod styleguide;
