//! The clock. Product code asks it and nothing else for the time, so that a test can move a day in a moment.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Tells the time: the system's, or one that a test moves by hand.
#[derive(Clone, Default)]
pub struct Clock {
    by_hand: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The system's.
    pub fn system() -> Self {
        Self::default()
    }

    /// One that stands at `now` (unix milliseconds) until it is moved.
    pub fn by_hand(now: i64) -> Self {
        Self { by_hand: Some(Arc::new(AtomicI64::new(now))) }
    }

    /// Unix milliseconds.
    pub fn now(&self) -> i64 {
        match &self.by_hand {
            Some(now) => now.load(Ordering::Relaxed),
            None => Timestamp::now().as_millisecond(),
        }
    }

    /// Unix seconds.
    pub fn now_seconds(&self) -> i64 {
        self.now().div_euclid(1000)
    }

    /// The moment that was so long ago, unix milliseconds.
    pub fn before(&self, ago: std::time::Duration) -> i64 {
        self.now().saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX))
    }

    /// Moves a clock that is set by hand; the system's stays as it is.
    pub fn advance(&self, by: std::time::Duration) {
        if let Some(now) = &self.by_hand {
            now.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
        }
    }

    /// The day it is in a time zone.
    pub fn today(&self, zone: &TimeZone) -> Date {
        day_of(self.now(), zone)
    }
}

/// The day a moment (unix milliseconds) falls on in a time zone.
pub fn day_of(moment: i64, zone: &TimeZone) -> Date {
    Timestamp::from_millisecond(moment).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone()).date()
}
