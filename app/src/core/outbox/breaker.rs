//! Breakers: a partner that does not answer is given a rest, and never more than a share of the workers.
//!
//! Failures are counted per account and per partner, within this process. After five in a row the breaker opens: for
//! half a minute nobody calls, then one call is let through as a probe, and its answer closes the breaker or opens it
//! again. What meets an open breaker waits without an attempt being counted.
//!
//! What counts as "the partner" is its id: each partner so far has one host. A partner with a host for every customer
//! would need a third kind of [`Key`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use uuid::Uuid;

use super::milliseconds;
use crate::queue::WorkerOptions;

/// So many failures in a row open a breaker.
const FAILURES: u32 = 5;

/// For so long it stays open.
const OPEN: Duration = Duration::from_secs(30);

/// When to come again while somebody else probes, or while the partner's share of the workers is busy.
const SOON: Duration = Duration::from_secs(2);

/// The breakers of this process.
#[derive(Clone, Default)]
pub struct Breakers(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Those with failures. A closed one without any is not here.
    circuits: HashMap<Key, Circuit>,
    /// How many calls run, by partner.
    running: HashMap<&'static str, usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Account(Uuid),
    Partner(&'static str),
}

#[derive(Clone, Copy, Debug, Default)]
struct Circuit {
    failures: u32,
    /// Unix milliseconds; set once it has opened.
    open_until: Option<i64>,
    probing: bool,
}

/// Leave to call a partner; taken until it is dropped.
pub struct Permit {
    breakers: Breakers,
    keys: [Key; 2],
    partner: &'static str,
    settled: bool,
}

impl Breakers {
    /// Asks for leave at this moment (unix milliseconds).
    ///
    /// # Errors
    /// How long to wait before asking again.
    pub fn enter(&self, now: i64, account: Uuid, partner: &'static str) -> Result<Permit, Duration> {
        let mut state = self.lock();
        let keys = [Key::Account(account), Key::Partner(partner)];
        if let Some(wait) = keys.iter().filter_map(|key| state.circuits.get(key)?.wait(now)).max() {
            return Err(wait);
        }
        let running = state.running.entry(partner).or_default();
        if *running >= share() {
            return Err(SOON);
        }
        *running += 1;
        for key in &keys {
            if let Some(circuit) = state.circuits.get_mut(key) {
                circuit.probing = circuit.open_until.is_some();
            }
        }
        drop(state);
        Ok(Permit { breakers: self.clone(), keys, partner, settled: false })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Between any two lines the contents are whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A quarter of the workers, so that the others can always call somebody else.
fn share() -> usize {
    (WorkerOptions::default().slots / 4).max(1)
}

impl Circuit {
    fn wait(&self, now: i64) -> Option<Duration> {
        let left = self.open_until?.saturating_sub(now);
        match u64::try_from(left) {
            // The clock may have been put back: it is never more than the whole time.
            Ok(left) if left > 0 => Some(Duration::from_millis(left).clamp(Duration::from_secs(1), OPEN)),
            _ if self.probing => Some(SOON),
            _ => None,
        }
    }
}

impl Permit {
    /// The partner answered, whatever it said.
    pub fn answered(mut self) {
        let mut state = self.breakers.lock();
        for key in &self.keys {
            state.circuits.remove(key);
        }
        drop(state);
        self.settled = true;
    }

    /// The partner did not answer, at this moment.
    pub fn failed(mut self, now: i64) {
        let mut state = self.breakers.lock();
        for key in self.keys {
            let circuit = state.circuits.entry(key).or_default();
            circuit.failures += 1;
            circuit.probing = false;
            if circuit.failures >= FAILURES {
                circuit.open_until = Some(now.saturating_add(milliseconds(OPEN)));
            }
        }
        drop(state);
        self.settled = true;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.breakers.lock();
        if let Some(running) = state.running.get_mut(self.partner) {
            *running -= 1;
        }
        if !self.settled {
            // No call was made, or its run was cut off: somebody else may probe.
            for key in self.keys {
                if let Some(circuit) = state.circuits.get_mut(&key) {
                    circuit.probing = false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: Uuid = Uuid::from_u128(1);

    fn fail(breakers: &Breakers, times: u32, now: i64) {
        (0..times).for_each(|_| breakers.enter(now, ACCOUNT, "p").ok().unwrap().failed(now));
    }

    fn wait(breakers: &Breakers, now: i64, account: u128, partner: &'static str) -> Option<u64> {
        breakers.enter(now, Uuid::from_u128(account), partner).err().map(|wait| wait.as_secs())
    }

    #[test]
    fn five_failures_in_a_row_open_it_for_account_and_partner_and_nobody_else() {
        let breakers = Breakers::default();
        fail(&breakers, 4, 0);
        breakers.enter(0, ACCOUNT, "p").ok().unwrap().answered();
        fail(&breakers, 4, 0);
        assert_eq!(wait(&breakers, 0, 1, "p"), None);
        fail(&breakers, 1, 0);
        assert_eq!(wait(&breakers, 0, 1, "p"), Some(30));
        assert_eq!(wait(&breakers, 0, 2, "p"), Some(30));
        assert_eq!(wait(&breakers, 0, 1, "other"), Some(30));
        assert_eq!(wait(&breakers, 0, 2, "other"), None);
    }

    #[test]
    fn after_half_a_minute_one_probes_and_its_end_decides() {
        let breakers = Breakers::default();
        fail(&breakers, 5, 0);
        assert_eq!(wait(&breakers, 29_000, 1, "p"), Some(1));
        let probe = breakers.enter(30_000, ACCOUNT, "p").ok().unwrap();
        assert_eq!(wait(&breakers, 30_000, 1, "p"), Some(2));
        probe.failed(31_000);
        assert_eq!(wait(&breakers, 31_000, 1, "p"), Some(30));
        let probe = breakers.enter(61_000, ACCOUNT, "p").ok().unwrap();
        probe.answered();
        let both = [breakers.enter(61_000, ACCOUNT, "p"), breakers.enter(61_000, ACCOUNT, "p")];
        assert!(both.iter().all(Result::is_ok));
    }

    #[test]
    fn a_probe_that_was_cut_off_is_followed_by_another() {
        let breakers = Breakers::default();
        fail(&breakers, 5, 0);
        drop(breakers.enter(30_000, ACCOUNT, "p"));
        assert_eq!(wait(&breakers, 30_000, 1, "p"), None);
    }

    #[test]
    fn a_clock_that_was_put_back_keeps_it_open_no_longer() {
        let breakers = Breakers::default();
        fail(&breakers, 5, 3_600_000);
        assert_eq!(wait(&breakers, 0, 1, "p"), Some(30));
    }

    #[test]
    fn a_partner_has_a_quarter_of_the_workers() {
        let breakers = Breakers::default();
        let held: Vec<_> = (0..8).map(|n| breakers.enter(0, Uuid::from_u128(n), "p").ok().unwrap()).collect();
        assert_eq!(wait(&breakers, 0, 99, "p"), Some(2));
        assert_eq!(wait(&breakers, 0, 99, "other"), None);
        drop(held);
        assert_eq!(wait(&breakers, 0, 99, "p"), None);
    }
}
