//! The client's own list of what it sent and what became of it, kept outside the server that is killed.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// What the client knows of one hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered 2xx: the server has promised to keep it.
    Accepted,
    /// It was answered otherwise, or never got there.
    Refused,
    /// It was sent, and the connection broke before an answer.
    Unknown,
}

/// Hooks by the number of the issue they speak of.
#[derive(Default)]
pub struct Ledger(Mutex<BTreeMap<u64, Outcome>>);

/// What the comparison of the ledger with the log came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub accepted: usize,
    pub unknown: usize,
    pub refused: usize,
    /// Accepted, and not in the log.
    pub lost: Vec<u64>,
    /// In the log more than once.
    pub doubled: Vec<u64>,
    /// In the log, and never sent.
    pub invented: Vec<u64>,
}

impl Ledger {
    /// The number of a hook that is about to be sent. Until it is answered, its outcome is unknown.
    pub fn next(&self) -> u64 {
        let mut lines = self.lines();
        let number = lines.last_key_value().map_or(1, |(number, _)| number + 1);
        lines.insert(number, Outcome::Unknown);
        number
    }

    pub fn note(&self, number: u64, outcome: Outcome) {
        self.lines().insert(number, outcome);
    }

    pub fn accepted(&self) -> usize {
        self.lines().values().filter(|outcome| **outcome == Outcome::Accepted).count()
    }

    /// `log` are the numbers of the issues in the log, each as often as it stands there.
    pub fn compare(&self, log: &[u64]) -> Verdict {
        let mut there: BTreeMap<u64, usize> = BTreeMap::new();
        for number in log {
            *there.entry(*number).or_default() += 1;
        }
        let lines = self.lines();
        let mut verdict = Verdict::default();
        for (number, outcome) in lines.iter() {
            match outcome {
                Outcome::Accepted => verdict.accepted += 1,
                Outcome::Unknown => verdict.unknown += 1,
                Outcome::Refused => verdict.refused += 1,
            }
            if *outcome == Outcome::Accepted && !there.contains_key(number) {
                verdict.lost.push(*number);
            }
        }
        verdict.doubled = there.iter().filter(|(_, times)| **times > 1).map(|(number, _)| *number).collect();
        verdict.invented = there.keys().filter(|number| !lines.contains_key(number)).copied().collect();
        verdict
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Outcome>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Verdict {
    /// Nothing lost, nothing doubled, nothing invented.
    pub fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.invented.is_empty()
    }
}

#[test]
fn a_verdict_names_what_is_wrong() {
    let ledger = Ledger::default();
    for outcome in [Outcome::Accepted, Outcome::Accepted, Outcome::Unknown, Outcome::Unknown, Outcome::Refused] {
        let number = ledger.next();
        ledger.note(number, outcome);
    }

    assert!(ledger.compare(&[1, 2]).is_clean());
    assert!(ledger.compare(&[2, 1, 3]).is_clean());
    assert_eq!(ledger.compare(&[1]).lost, [2]);
    assert_eq!(ledger.compare(&[1, 2, 2]).doubled, [2]);
    assert_eq!(ledger.compare(&[1, 2, 9]).invented, [9]);
}
