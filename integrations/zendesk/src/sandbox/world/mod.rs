//! The sandbox's state: accounts, each with its people, tickets, webhooks, triggers and tokens. All of it in memory.
//!
//! Each file is one noun and what happens to it. Nothing here knows HTTP.

pub(super) mod account;
pub(super) mod audit;
pub(super) mod change;
pub(super) mod clients;
pub(super) mod conditions;
pub(super) mod markup;
pub(super) mod people;
pub(super) mod placeholders;
mod seed;
pub(super) mod ticket;
pub(super) mod tokens;
pub(super) mod triggers;
pub(super) mod webhooks;
pub(super) mod words;

use std::collections::BTreeMap;

use integration_sandboxkit::random;
use jiff::{Span, Timestamp};

use self::account::Account;
use super::control::Control;
use super::refusal::Refusal;

/// Everything.
pub(super) struct World {
    /// Our own public base, without a slash at the end.
    pub at: String,
    /// By subdomain.
    pub accounts: BTreeMap<String, Account>,
    pub control: Control,
}

impl World {
    pub fn new(at: String, callback: &str) -> Self {
        let accounts = seed::accounts(&at, callback);
        Self { at, accounts, control: Control::default() }
    }

    pub fn account(&self, subdomain: &str) -> Result<&Account, Refusal> {
        self.accounts.get(subdomain).ok_or_else(no_help_desk)
    }

    pub fn account_mut(&mut self, subdomain: &str) -> Result<&mut Account, Refusal> {
        self.accounts.get_mut(subdomain).ok_or_else(no_help_desk)
    }
}

fn no_help_desk() -> Refusal {
    Refusal::word(404, "NoHelpDesk", "There is no help desk configured at this address")
}

/// A moment as the REST API writes it: to the second.
pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub(super) fn seconds_from_now(seconds: i64) -> Timestamp {
    Timestamp::now().saturating_add(Span::new().seconds(seconds)).unwrap_or(Timestamp::MAX)
}

pub(super) fn ms_ago(ms: i64) -> Timestamp {
    Timestamp::now().saturating_sub(Span::new().milliseconds(ms)).unwrap_or(Timestamp::MIN)
}

/// A ULID: names of webhooks and their invocations. <https://github.com/ulid/spec>
pub(super) fn new_ulid() -> String {
    const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let sign = |number: usize| char::from(SIGNS[number % SIGNS.len()]);
    let ms = usize::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
    let time = (0..10).rev().map(|place| sign(ms >> (5 * place)));
    // A byte carries more than a sign needs.
    let noise = random::letters(16).bytes().map(|byte| sign(usize::from(byte))).collect::<String>();
    time.collect::<String>() + &noise
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ulids_are_26_signs_that_grow_with_time() {
        let (one, other) = (new_ulid(), new_ulid());

        assert!(one.len() == 26 && one.starts_with("01") && one != other, "{one} {other}");
        assert!(one[..10] <= other[..10]);
    }
}
