//! JSON as the API writes it. `at` is the account's address as the caller sees it.

pub(super) mod hook;
pub(super) mod oauth;
pub(super) mod people;
pub(super) mod ticket;
