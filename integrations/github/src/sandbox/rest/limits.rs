//! Both kinds of limit. <https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api>

use std::collections::{BTreeMap, VecDeque};

use axum::http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::refusal::Refusal;
use super::super::world::AccountId;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// How much is allowed. The defaults are GitHub's; tests may set others.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in super::super) struct Allowance {
    /// Calls an hour, per user: all of the user's apps share it.
    pub primary: u32,
    pub primary_anonymous: u32,
    /// Changes a minute and an hour.
    pub content_per_minute: u32,
    pub content_per_hour: u32,
    /// Points a minute: reading is 1, changing is 5.
    pub points_per_minute: u32,
    /// Whether secondary limits say how long to wait; in the wild they often do not.
    pub secondary_retry_after: bool,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            primary: 5000,
            primary_anonymous: 60,
            content_per_minute: 80,
            content_per_hour: 500,
            points_per_minute: 900,
            secondary_retry_after: true,
        }
    }
}

/// Who used how much.
#[derive(Default)]
pub(in super::super) struct Usage {
    pub allowance: Allowance,
    meters: BTreeMap<Option<AccountId>, Meter>,
}

struct Meter {
    used: u32,
    reset: Timestamp,
    /// When each call of the last hour was, and whether it changed something.
    recent: VecDeque<(Timestamp, bool)>,
}

/// What the headers of each answer say.
#[derive(Clone, Copy, Serialize)]
pub(in super::super) struct Reading {
    pub limit: u32,
    pub remaining: u32,
    pub reset: i64,
    pub used: u32,
}

impl Usage {
    /// Counts a call, or refuses it.
    pub fn count(&mut self, who: Option<AccountId>, method: &Method) -> Result<(), Refusal> {
        let now = Timestamp::now();
        let allowed = self.primary(who);
        let allowance = self.allowance.clone();
        let meter = self.meter(who, now);
        if meter.used >= allowed {
            return Err(primary_refusal());
        }
        let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let hour_ago = now.saturating_sub(HOUR).unwrap_or(Timestamp::MIN);
        let minute_ago = now.saturating_sub(MINUTE).unwrap_or(Timestamp::MIN);
        while meter.recent.front().is_some_and(|(at, _)| *at < hour_ago) {
            meter.recent.pop_front();
        }
        let changed_hour = meter.recent.iter().filter(|(_, changed)| *changed).count();
        let minute = meter.recent.iter().rev().take_while(|(at, _)| *at >= minute_ago);
        let (mut points, mut changed_minute) = (0, 0);
        for (_, changed) in minute {
            points += if *changed { 5 } else { 1 };
            changed_minute += u32::from(*changed);
        }
        let too_many_changes = changed_minute >= allowance.content_per_minute
            || changed_hour >= usize::try_from(allowance.content_per_hour).unwrap_or(usize::MAX);
        if (changes && too_many_changes) || points >= allowance.points_per_minute {
            return Err(secondary_refusal(allowance.secondary_retry_after.then_some(60)));
        }
        meter.recent.push_back((now, changes));
        meter.used += 1;
        Ok(())
    }

    /// A 304 costs nothing.
    pub fn refund(&mut self, who: Option<AccountId>) {
        let meter = self.meter(who, Timestamp::now());
        meter.used = meter.used.saturating_sub(1);
    }

    pub fn reading(&mut self, who: Option<AccountId>) -> Reading {
        let limit = self.primary(who);
        let meter = self.meter(who, Timestamp::now());
        let used = meter.used.min(limit);
        Reading { limit, remaining: limit - used, reset: meter.reset.as_second(), used }
    }

    /// For the fault "primary limit": nothing is left until then.
    pub fn exhaust(&mut self, who: Option<AccountId>, seconds: i64) {
        let limit = self.primary(who);
        let reset = Timestamp::now().saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
        let meter = self.meter(who, Timestamp::now());
        meter.used = limit;
        meter.reset = reset;
    }

    pub fn forget(&mut self) {
        *self = Self::default();
    }

    fn primary(&self, who: Option<AccountId>) -> u32 {
        if who.is_some() { self.allowance.primary } else { self.allowance.primary_anonymous }
    }

    fn meter(&mut self, who: Option<AccountId>, now: Timestamp) -> &mut Meter {
        let fresh =
            || Meter { used: 0, reset: now.saturating_add(HOUR).unwrap_or(Timestamp::MAX), recent: VecDeque::new() };
        let meter = self.meters.entry(who).or_insert_with(fresh);
        if meter.reset <= now {
            meter.used = 0;
            meter.reset = fresh().reset;
        }
        meter
    }
}

pub(in super::super) fn primary_refusal() -> Refusal {
    Refusal::forbidden("API rate limit exceeded for user.")
}

pub(in super::super) fn secondary_refusal(retry_after: Option<u32>) -> Refusal {
    let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    let headers = retry_after.map(|seconds| ("retry-after", seconds.to_string())).into_iter().collect();
    Refusal { headers, ..Refusal::new(StatusCode::FORBIDDEN, message) }
}
