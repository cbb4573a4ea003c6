//! Limits of calls: so many a minute per method, workspace and app, and one message a second in a channel.
//! <https://docs.slack.dev/apis/web-api/rate-limits>

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::refusal::Refusal;
use super::call::Caller;

const MINUTE_MS: i64 = 60_000;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Tier {
    One,
    Two,
    Three,
    Four,
    Special,
}

/// How much is allowed. The defaults are what Slack promises, and a little for bursts; tests may set others.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in super::super) struct Allowance {
    /// Calls a minute by tier.
    pub tier_1: usize,
    pub tier_2: usize,
    pub tier_3: usize,
    pub tier_4: usize,
    pub special: usize,
    /// Calls of a method above its tier before it is refused.
    pub burst: usize,
    /// Milliseconds between messages in one channel, in the long run.
    pub message_ms: i64,
    /// Messages that may come at once.
    pub message_burst: i64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            tier_1: 1,
            tier_2: 20,
            tier_3: 50,
            tier_4: 100,
            special: 600,
            burst: 4,
            message_ms: 1000,
            message_burst: 4,
        }
    }
}

/// Who used how much.
#[derive(Default)]
pub(in super::super) struct Usage {
    pub allowance: Allowance,
    /// Of a method, an app and a workspace: when its calls of the last minute were, in milliseconds.
    calls: BTreeMap<(String, String, String), VecDeque<i64>>,
    /// Of a channel: when it will have room for all its burst again.
    channels: BTreeMap<String, i64>,
}

impl Usage {
    /// Counts a call, or refuses it.
    pub fn count(&mut self, method: &str, tier: Tier, caller: Option<&Caller>) -> Result<(), Refusal> {
        let team = caller.and_then(|caller| caller.teams.first().cloned()).unwrap_or_default();
        let app = caller.map(|caller| caller.app.clone()).unwrap_or_default();
        let allowed = self.allowance.of(tier) + self.allowance.burst;
        let now = Timestamp::now().as_millisecond();
        let recent = self.calls.entry((method.to_owned(), app, team)).or_default();
        while recent.front().is_some_and(|at| *at <= now - MINUTE_MS) {
            recent.pop_front();
        }
        match recent.front() {
            Some(first) if recent.len() >= allowed => Err(Refusal::rate_limited(seconds(first + MINUTE_MS - now))),
            _ => {
                recent.push_back(now);
                Ok(())
            }
        }
    }

    /// Counts a message of an app in a channel, or refuses it.
    pub fn count_message(&mut self, channel: &str) -> Result<(), Refusal> {
        let now = Timestamp::now().as_millisecond();
        let Allowance { message_ms, message_burst, .. } = self.allowance;
        let full = self.channels.entry(channel.to_owned()).or_insert(now);
        let next = (*full).max(now) + message_ms;
        let ahead = next - now - message_ms * message_burst.max(1);
        if ahead > 0 {
            return Err(Refusal::rate_limited(seconds(ahead)));
        }
        *full = next;
        Ok(())
    }

    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Allowance {
    fn of(&self, tier: Tier) -> usize {
        match tier {
            Tier::One => self.tier_1,
            Tier::Two => self.tier_2,
            Tier::Three => self.tier_3,
            Tier::Four => self.tier_4,
            Tier::Special => self.special,
        }
    }
}

/// Whole seconds, never none.
fn seconds(ms: i64) -> u64 {
    u64::try_from((ms + 999) / 1000).unwrap_or(1).max(1)
}
