//! Faults of answers: a rule says which calls, how often, and what happens instead.
//!
//! `POST /_sandbox/rules` with `{"path": "/api/v3/user/repos*", "effect": "delay", "ms": 500}`. Besides the effect
//! and its fields: `path` (a glob, without the sandbox's own path; `*` also spans `/`), `method` (any), `who` (a
//! login; any), `skip` (let so many calls pass first; 0), `times` (1; 0 = until reset).
//!
//! | effect | fields | what the caller sees |
//! |---|---|---|
//! | `delay` | `ms` | the right answer, late |
//! | `hang` | | nothing, for ten minutes |
//! | `status` | `status`, `body?`, `headers?` | that answer; nothing is done |
//! | `primary_limit` | `status?` 403, `seconds?` 60 | nothing left until the reset, on this and all calls of that user (API only) |
//! | `secondary_limit` | `status?` 403, `retry_after?` | GitHub's message, with or without `Retry-After` |
//! | `lost_answer` | | the work is done, the connection closes without an answer |
//! | `reset` | | the connection closes before anything is done |
//! | `redirect` | `to`, `status?` 302 | a redirect to another host |
//! | `malformed` | | 200 with half a JSON document |
//! | `html` | `status?` 200 | an HTML page |
//! | `endless` | | 200 and a body that never ends |
//! | `large` | `bytes?` 5 MB | 200 and a body of that size |
//! | `token` | `answer`: `error` (`error`), `html`, `empty`, `empty_token`, `fewer_scopes`, `more_scopes`, `mac` | that answer of the token endpoint |

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::Sandbox;
use super::Control;

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Rule {
    #[serde(default)]
    id: u64,
    path: String,
    method: Option<String>,
    who: Option<String>,
    #[serde(default)]
    skip: u32,
    #[serde(default = "once")]
    times: u32,
    #[serde(flatten)]
    effect: Effect,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub(super) enum Effect {
    Delay {
        ms: u64,
    },
    Hang,
    Status {
        status: u16,
        #[serde(default)]
        body: Value,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    PrimaryLimit {
        #[serde(default = "forbidden")]
        status: u16,
        #[serde(default = "a_minute")]
        seconds: i64,
    },
    SecondaryLimit {
        #[serde(default = "forbidden")]
        status: u16,
        retry_after: Option<u32>,
    },
    LostAnswer,
    Reset,
    Redirect {
        to: String,
        #[serde(default = "found")]
        status: u16,
    },
    Malformed,
    Html {
        #[serde(default = "ok")]
        status: u16,
    },
    Endless,
    Large {
        #[serde(default = "five_megabytes")]
        bytes: usize,
    },
    Token {
        #[serde(flatten)]
        answer: TokenAnswer,
    },
}

/// What the token endpoint answers instead.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(in super::super) enum TokenAnswer {
    Error {
        #[serde(default = "bad_verification_code")]
        error: String,
    },
    Html,
    Empty,
    EmptyToken,
    FewerScopes,
    MoreScopes,
    Mac,
}

fn once() -> u32 {
    1
}

fn forbidden() -> u16 {
    403
}

fn a_minute() -> i64 {
    60
}

fn found() -> u16 {
    302
}

fn ok() -> u16 {
    200
}

fn five_megabytes() -> usize {
    5_000_000
}

fn bad_verification_code() -> String {
    "bad_verification_code".to_owned()
}

impl Control {
    /// The effect of the first rule that fits, which is used up by this.
    pub(super) fn take_effect(&mut self, method: &Method, path: &str, who: &str) -> Option<Effect> {
        let fits = |rule: &Rule| {
            matches_glob(&rule.path, path)
                && rule.method.as_deref().is_none_or(|it| it.eq_ignore_ascii_case(method.as_str()))
                && rule.who.as_deref().is_none_or(|it| it == who)
        };
        let position = self.rules.iter().position(fits)?;
        let rule = &mut self.rules[position];
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        let effect = rule.effect.clone();
        match rule.times {
            0 => {}
            1 => drop(self.rules.remove(position)),
            _ => rule.times -= 1,
        }
        Some(effect)
    }
}

/// `*` stands for any run of characters, also over slashes.
pub(super) fn matches_glob(glob: &str, path: &str) -> bool {
    let mut parts = glob.split('*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

pub(super) async fn list(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!(sandbox.world().control.rules))
}

pub(super) async fn add(State(sandbox): State<Sandbox>, Json(mut rule): Json<Rule>) -> Json<Value> {
    let control = &mut sandbox.world().control;
    control.last_rule += 1;
    rule.id = control.last_rule;
    control.rules.push(rule.clone());
    Json(json!(rule))
}

pub(super) async fn clear(State(sandbox): State<Sandbox>) -> Json<Value> {
    sandbox.world().control.rules.clear();
    Json(json!({"cleared": true}))
}

#[cfg(test)]
mod tests {
    use super::matches_glob;

    #[test]
    fn a_glob_matches_whole_paths() {
        assert!(matches_glob("/api/v3/user/repos", "/api/v3/user/repos"));
        assert!(matches_glob("/api/v3/repos/*/hooks*", "/api/v3/repos/acme/widgets/hooks/1"));
        assert!(matches_glob("*", "/anything"));
        assert!(!matches_glob("/api/v3/user", "/api/v3/user/repos"));
        assert!(!matches_glob("*/hooks", "/api/v3/repos/acme/widgets/hooks/1"));
    }
}
