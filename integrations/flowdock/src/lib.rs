//! Flowdock as a partner: work becomes threads of a flow's inbox, and their actions are done here.

#[cfg(feature = "sandbox")]
pub mod sandbox;
