//! Limits of calls: so many a minute of an account, and fewer of some endpoints.
//! <https://developer.zendesk.com/api-reference/introduction/rate-limits/>

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::refusal::Refusal;

const MINUTE_MS: i64 = 60_000;

/// How much is allowed. The defaults are those of a larger plan; tests may set others.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in super::super) struct Allowance {
    /// Calls of an account in a minute.
    pub account: usize,
    /// Lists of tickets in a minute.
    pub list_tickets: usize,
    /// Updates of tickets in a minute.
    pub update_ticket: usize,
    /// Updates of one ticket by one person in ten minutes.
    pub update_same_ticket: usize,
    /// Incremental exports in a minute.
    pub export: usize,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { account: 700, list_tickets: 100, update_ticket: 100, update_same_ticket: 30, export: 10 }
    }
}

/// Who used how much.
#[derive(Default)]
pub(in super::super) struct Usage {
    pub allowance: Allowance,
    /// When the calls of each kind were, in milliseconds.
    calls: BTreeMap<String, VecDeque<i64>>,
    /// Which lists were last counted, for its header.
    lists: Option<String>,
}

impl Usage {
    /// Counts a call of the account, or refuses it.
    pub fn count(&mut self) -> Result<(), Refusal> {
        self.lists = None;
        self.take("account", self.allowance.account, MINUTE_MS)
    }

    /// Counts it where its endpoint has a limit of its own, or refuses it.
    pub fn count_endpoint(
        &mut self,
        method: &str,
        path: &str,
        params: &[String],
        user: Option<u64>,
    ) -> Result<(), Refusal> {
        let allowance = self.allowance.clone();
        match (method, path) {
            ("GET", "tickets") => {
                let counted = self.take("list_tickets", allowance.list_tickets, MINUTE_MS);
                let (left, resets) = self.left("list_tickets", allowance.list_tickets);
                self.lists = Some(format!("total={}; remaining={left}; resets={resets}", allowance.list_tickets));
                counted
            }
            ("PUT", "tickets/{}") => {
                self.take("update_ticket", allowance.update_ticket, MINUTE_MS)?;
                let own = format!("update_ticket {:?} {user:?}", params.first());
                self.take(&own, allowance.update_same_ticket, 10 * MINUTE_MS)
            }
            ("GET", path) if path.starts_with("incremental/") => self.take("export", allowance.export, MINUTE_MS),
            _ => Ok(()),
        }
    }

    fn take(&mut self, what: &str, allowed: usize, window_ms: i64) -> Result<(), Refusal> {
        let now = Timestamp::now().as_millisecond();
        let recent = self.calls.entry(what.to_owned()).or_default();
        while recent.front().is_some_and(|at| *at <= now - window_ms) {
            recent.pop_front();
        }
        if recent.len() < allowed {
            recent.push_back(now);
            return Ok(());
        }
        let first = recent.front().copied().unwrap_or(now);
        Err(Refusal::too_many(seconds(first + window_ms - now)))
    }

    /// What is left, and the seconds until all of it is there again.
    fn left(&self, what: &str, allowed: usize) -> (usize, u64) {
        let now = Timestamp::now().as_millisecond();
        let recent = self.calls.get(what);
        let first = recent.and_then(|recent| recent.front().copied()).unwrap_or(now);
        (allowed.saturating_sub(recent.map_or(0, VecDeque::len)), seconds(first + MINUTE_MS - now))
    }

    /// What every answer says of the account's limit.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let allowed = self.allowance.account;
        let (left, resets) = self.left("account", allowed);
        vec![
            ("x-rate-limit", allowed.to_string()),
            ("x-rate-limit-remaining", left.to_string()),
            ("ratelimit-limit", allowed.to_string()),
            ("ratelimit-remaining", left.to_string()),
            ("ratelimit-reset", resets.to_string()),
        ]
    }

    /// What a list of tickets says besides.
    pub fn list_header(&self) -> Option<String> {
        self.lists.clone()
    }

    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Whole seconds, never none.
fn seconds(ms: i64) -> u64 {
    u64::try_from((ms + 999) / 1000).unwrap_or(1).max(1)
}
