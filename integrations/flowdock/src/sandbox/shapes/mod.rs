//! JSON as Flowdock writes it.

pub(super) mod flow;
pub(super) mod message;
pub(super) mod people;
pub(super) mod source;
pub(super) mod thread;
