//! Faults of deliveries.
//!
//! `POST /_sandbox/deliveries` with `{"effect": "duplicate", "copies": 2}`. Besides: `team` (any), `times` (1).
//!
//! | effect | what happens |
//! |---|---|
//! | `duplicate` | the next event is sent again `copies` (1) times, with the same `event_id` |
//! | `renamed` | the next event is sent again `copies` (1) times, each under another `event_id` |
//! | `reorder` | the next event waits for the one after it, and goes second |
//! | `drop` | the next event is never sent |
//! | `late` | the next event or command, and the events behind it, wait `ms` |
//! | `wrong_signature`, `no_signature` | the next event or command is signed with another secret, or not |
//! | `stale` | the next event or command has a signature of ten minutes ago |
//! | `hold`, `release` | from now on all events wait; all that wait are sent |

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::Sandbox;

#[derive(Clone, Serialize, Deserialize)]
pub(in super::super) struct Mischief {
    #[serde(rename = "effect")]
    pub kind: MischiefKind,
    team: Option<String>,
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

impl Mischief {
    pub fn fits(&self, team: &str, kind: MischiefKind) -> bool {
        self.kind == kind && self.times > 0 && self.team.as_deref().is_none_or(|only| only == team)
    }
}

/// What waits, what was sent and what came back, and the faults to come.
pub(super) async fn list(State(sandbox): State<Sandbox>) -> Json<Value> {
    let world = sandbox.world();
    let sent = world.post.deliveries.iter().map(|it| {
        json!({
            "app": it.letter.app,
            "team": it.letter.team,
            "about": it.letter.label,
            "event_id": it.letter.event_id,
            "body": it.letter.body.as_str(),
            "retry": it.letter.retry,
            "retried_for": it.letter.reason,
            "at": it.outcome.at.to_string(),
            "ms": it.outcome.ms,
            "status": it.outcome.status,
            "failure": it.outcome.failure,
            "answer": it.outcome.response_body,
        })
    });
    let sent: Value = sent.collect();
    Json(json!({
        "waiting": world.post.waiting(), "held": world.post.held, "faults": world.post.mischief, "sent": sent,
    }))
}

pub(super) async fn add(State(sandbox): State<Sandbox>, Json(fault): Json<Mischief>) -> Json<Value> {
    let shown = json!(fault);
    sandbox.change(|world| match fault.kind {
        MischiefKind::Hold => world.post.held = true,
        MischiefKind::Release => world.post.held = false,
        _ => world.post.mischief.push(fault),
    });
    Json(shown)
}

pub(super) async fn clear(State(sandbox): State<Sandbox>) -> Json<Value> {
    sandbox.change(|world| {
        world.post.mischief.clear();
        world.post.held = false;
    });
    Json(json!({"cleared": true}))
}
