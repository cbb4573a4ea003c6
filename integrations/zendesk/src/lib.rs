//! Zendesk as a partner. So far its [`sandbox`] alone, against which the partner will be written.

#[cfg(feature = "sandbox")]
pub mod sandbox;
