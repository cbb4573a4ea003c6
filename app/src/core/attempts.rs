//! How often somebody may try: log-ins and whatever else costs us a password hash or tells a guesser something.
//!
//! An account is limited per address it is tried from, so that nobody can lock another out of their account by guessing
//! wrong; an address is limited over all accounts. Counted in this process's memory: several web processes together
//! allow as many times more.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};

use super::{Core, Error, Result};

/// Tries per minute of one account from one address.
pub const PER_ACCOUNT: NonZeroU32 = NonZeroU32::new(10).expect("10 is not zero");
/// Tries per minute from one address.
pub const PER_ADDRESS: NonZeroU32 = NonZeroU32::new(30).expect("30 is not zero");

/// Beyond this many remembered keys, those that have had their minute are forgotten.
const REMEMBERED: usize = 10_000;

/// Counts one try from an address at something that names no account yet.
///
/// # Errors
/// [`Error::TooMany`] with the seconds to wait.
pub fn from_address(core: &Core, from: IpAddr) -> Result<()> {
    core.0.attempts.from_address(from)
}

/// Counts tries.
pub(super) struct Attempts {
    accounts: DefaultKeyedRateLimiter<(String, IpAddr)>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            accounts: RateLimiter::keyed(Quota::per_minute(PER_ACCOUNT)),
            addresses: RateLimiter::keyed(Quota::per_minute(PER_ADDRESS)),
        }
    }
}

impl Attempts {
    /// Counts one try on an account.
    ///
    /// # Errors
    /// [`Error::TooMany`] with the seconds to wait.
    pub(super) fn on_account(&self, account: &str, from: IpAddr) -> Result<()> {
        self.from_address(from)?;
        tidy(&self.accounts);
        // A key's size is the caller's choice otherwise.
        let account = account.chars().take(254).collect();
        passed(self.accounts.check_key(&(account, network(from))))
    }

    /// Counts one try from an address.
    ///
    /// # Errors
    /// [`Error::TooMany`] with the seconds to wait.
    pub(super) fn from_address(&self, from: IpAddr) -> Result<()> {
        tidy(&self.addresses);
        passed(self.addresses.check_key(&network(from)))
    }
}

type Refused = governor::NotUntil<<DefaultClock as governor::clock::Clock>::Instant>;

fn passed(answer: std::result::Result<(), Refused>) -> Result<()> {
    answer.map_err(|refused| {
        let wait = refused.wait_time_from(DefaultClock::default().now());
        Error::TooMany(wait.as_secs() + 1)
    })
}

fn tidy<K: Clone + Eq + std::hash::Hash>(limiter: &DefaultKeyedRateLimiter<K>) {
    if limiter.len() > REMEMBERED {
        limiter.retain_recent();
    }
}

/// One household has one IPv4 address, but 2^64 IPv6 ones.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn tries(attempts: &Attempts, account: &str, from: &str) -> usize {
        (0..100).take_while(|_| attempts.on_account(account, address(from)).is_ok()).count()
    }

    #[test]
    fn an_account_is_tried_ten_times_a_minute_from_one_place_and_still_from_another() {
        let attempts = Attempts::default();
        assert_eq!(tries(&attempts, "ada@example.com", "192.0.2.1"), 10);
        assert_eq!(tries(&attempts, "bob@example.com", "192.0.2.1"), 10);
        assert_eq!(tries(&attempts, "ada@example.com", "192.0.2.2"), 10);
        match attempts.on_account("ada@example.com", address("192.0.2.2")) {
            Err(Error::TooMany(seconds)) => assert!((1..=7).contains(&seconds), "{seconds}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_address_tries_thirty_times_a_minute_whatever_the_accounts() {
        let attempts = Attempts::default();
        let passed = (0..100).take_while(|n| attempts.on_account(&n.to_string(), address("192.0.2.1")).is_ok()).count();
        assert_eq!(passed, 30);
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_as_one() {
        let attempts = Attempts::default();
        assert_eq!(tries(&attempts, "a", "2001:db8::1"), 10);
        assert_eq!(tries(&attempts, "a", "2001:db8::2"), 0);
        assert_eq!(tries(&attempts, "a", "2001:db8:0:1::1"), 10);
        assert_eq!(tries(&attempts, "a", "192.0.2.1"), 10);
        assert_eq!(tries(&attempts, "a", "::ffff:192.0.2.1"), 0);
    }
}
