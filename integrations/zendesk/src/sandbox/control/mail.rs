//! Faults of deliveries, and what was delivered.
//!
//! `POST /_sandbox/deliveries` with `{"effect": "duplicate", "copies": 2}`. Besides: `account` (the first), `times` (1).
//!
//! | effect | what happens |
//! |---|---|
//! | `duplicate` | the next invocation is sent again `copies` (1) times, under the same invocation id |
//! | `renamed` | the next is sent again `copies` (1) times, each as an invocation of its own |
//! | `reorder` | the next waits for the one after it, and goes second |
//! | `drop` | the next is never sent, nor logged |
//! | `late` | the next, and those behind it, wait `ms` |
//! | `wrong_signature`, `no_signature` | the next is signed with another secret, or not |
//! | `stale` | the next has a signature of ten minutes ago |
//! | `hold`, `release` | from now on all wait; all that wait are sent |

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::Sandbox;
use super::super::hooks::invocation::Invocation;
use super::{answer, first};

#[derive(Clone, Serialize, Deserialize)]
pub(in super::super) struct Mischief {
    #[serde(rename = "effect")]
    pub kind: MischiefKind,
    #[serde(default = "first")]
    account: String,
    #[serde(default = "one")]
    pub times: usize,
    #[serde(default = "one")]
    pub copies: usize,
    #[serde(default)]
    pub ms: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum MischiefKind {
    Duplicate,
    Renamed,
    Reorder,
    Drop,
    Late,
    WrongSignature,
    NoSignature,
    Stale,
    Hold,
    Release,
}

fn one() -> usize {
    1
}

fn shown(it: &Invocation) -> Value {
    let attempts = it.attempts.iter().map(|attempt| {
        let outcome = &attempt.outcome;
        json!({
            "at": outcome.at.to_string(),
            "ms": outcome.ms,
            "status": outcome.status,
            "body": outcome.request_body,
            "answer": outcome.answer,
        })
    });
    json!({
        "id": it.id,
        "webhook": it.webhook,
        "about": it.label,
        "status": it.status.word(),
        "attempts": attempts.collect::<Value>(),
    })
}

/// Of all accounts: what waits, what was sent and what came back, and the faults to come.
pub(super) async fn list(State(sandbox): State<Sandbox>) -> Json<Value> {
    let world = sandbox.world();
    let accounts = world.accounts.values().map(|account| {
        let post = &account.post;
        let sent: Value = post.log.iter().map(shown).collect();
        let of = json!({"waiting": post.waiting(), "held": post.held, "faults": post.mischief, "sent": sent});
        (account.subdomain.clone(), of)
    });
    Json(Value::Object(accounts.collect()))
}

pub(super) async fn add(State(sandbox): State<Sandbox>, Json(fault): Json<Mischief>) -> Response {
    let shown = json!(fault);
    answer(sandbox.change(|world| {
        let post = &mut world.account_mut(&fault.account)?.post;
        match fault.kind {
            MischiefKind::Hold => post.held = true,
            MischiefKind::Release => post.held = false,
            _ => post.mischief.push(fault),
        }
        Ok(shown)
    }))
}

pub(super) async fn clear(State(sandbox): State<Sandbox>) -> Json<Value> {
    sandbox.change(|world| {
        for account in world.accounts.values_mut() {
            account.post.mischief.clear();
            account.post.held = false;
        }
    });
    Json(json!({"cleared": true}))
}
