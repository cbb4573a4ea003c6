//! Placeholder.
#[cfg(feature = "sandbox")]
pub mod sandbox;
