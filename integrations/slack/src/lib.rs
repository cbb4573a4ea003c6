//! Slack as a partner: messages, commands and reactions become entries; entries become messages.

#[cfg(feature = "sandbox")]
pub mod sandbox;
