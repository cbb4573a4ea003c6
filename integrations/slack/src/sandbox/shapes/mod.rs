//! The JSON of Slack's nouns, with the fields Slack sends.

pub(super) mod channel;
pub(super) mod message;
pub(super) mod people;
