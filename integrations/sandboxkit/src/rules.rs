//! Faults of answers: a rule says which calls, how often, and what happens instead.
//!
//! `POST /_sandbox/rules` with `{"path": "/api/*", "effect": "delay", "ms": 500}`. Besides the effect and its fields:
//! `path` (a glob, without the sandbox's own path; `*` also spans `/`), `method` (any), `who` (as in the record of
//! calls; any), `skip` (let so many calls pass first; 0), `times` (1; 0 = until reset).
//!
//! | effect | fields | what the caller sees |
//! |---|---|---|
//! | `delay` | `ms` | the right answer, late |
//! | `hang` | | nothing, for ten minutes |
//! | `status` | `status`, `body?`, `headers?` | that answer; nothing is done |
//! | `lost_answer` | | the work is done, the connection closes without an answer |
//! | `reset` | | the connection closes before anything is done |
//! | `redirect` | `to`, `status?` 302 | a redirect to another host |
//! | `malformed` | | 200 with half a JSON document |
//! | `html` | `status?` 200 | an HTML page |
//! | `endless` | | 200 and a body that never ends |
//! | `large` | `bytes?` 5 MB | 200 and a body of that size |
//!
//! A partner's own effects ([`crate::OwnEffect`]) stand in its sandbox.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Gated, table};

/// Rules in the order they were made; the first that fits counts.
pub struct Rules<Own> {
    list: Vec<Rule<Own>>,
    last: u64,
}

impl<Own> Default for Rules<Own> {
    fn default() -> Self {
        Self { list: Vec::new(), last: 0 }
    }
}

/// One rule.
#[derive(Clone, Serialize, Deserialize)]
pub struct Rule<Own> {
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
    effect: Effect<Own>,
}

/// What happens instead.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Effect<Own> {
    Any(Common),
    Own(Own),
}

/// What can go wrong with any partner.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub(crate) enum Common {
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
}

fn once() -> u32 {
    1
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

impl<Own: Clone> Rules<Own> {
    /// Ends all faults.
    pub fn clear(&mut self) {
        self.list.clear();
    }

    /// The effect of the first rule that fits, which is used up by this.
    pub(crate) fn take_effect(&mut self, method: &Method, path: &str, who: &str) -> Option<Effect<Own>> {
        let fits = |rule: &Rule<Own>| {
            matches_glob(&rule.path, path)
                && rule.method.as_deref().is_none_or(|it| it.eq_ignore_ascii_case(method.as_str()))
                && rule.who.as_deref().is_none_or(|it| it == who)
        };
        let position = self.list.iter().position(fits)?;
        let rule = &mut self.list[position];
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        let effect = rule.effect.clone();
        match rule.times {
            0 => {}
            1 => drop(self.list.remove(position)),
            _ => rule.times -= 1,
        }
        Some(effect)
    }
}

/// `*` stands for any run of characters, also over slashes.
pub fn matches_glob(glob: &str, path: &str) -> bool {
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

/// What the table above says, for a sandbox's overview.
pub fn effects() -> Vec<&'static str> {
    table(include_str!("rules.rs"))
}

pub(crate) async fn list<S: Gated>(State(sandbox): State<S>) -> Json<Value> {
    sandbox.desk(|desk| Json(json!(desk.rules.list)))
}

pub(crate) async fn add<S: Gated>(State(sandbox): State<S>, Json(mut rule): Json<Rule<S::Own>>) -> Json<Value> {
    sandbox.desk(|desk| {
        desk.rules.last += 1;
        rule.id = desk.rules.last;
        let shown = json!(rule);
        desk.rules.list.push(rule);
        Json(shown)
    })
}

pub(crate) async fn clear<S: Gated>(State(sandbox): State<S>) -> Json<Value> {
    sandbox.desk(|desk| desk.rules.clear());
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
