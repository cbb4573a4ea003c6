//! Faults of webhook deliveries.
//!
//! `POST /_sandbox/deliveries` with `{"effect": "duplicate", "copies": 2}`. Besides: `hook` (an id; any),
//! `times` (1).
//!
//! | effect | what happens |
//! |---|---|
//! | `duplicate` | the next delivery is sent again `copies` (1) times, with the same GUID |
//! | `reorder` | the next delivery waits for the one after it, and goes second |
//! | `drop` | the next delivery is never made |
//! | `late` | the next delivery, and what is behind it, waits `ms` |
//! | `wrong_signature`, `no_signature` | the next delivery is signed with another secret, or not |
//! | `old_secret` | the next delivery is signed with the secret the hook had before its last change |
//! | `hold`, `release` | from now on everything waits; all that waits is sent |

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::Sandbox;

#[derive(Clone, Serialize, Deserialize)]
pub(in super::super) struct Mischief {
    #[serde(rename = "effect")]
    pub kind: MischiefKind,
    pub hook: Option<u64>,
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
    Reorder,
    Drop,
    Late,
    WrongSignature,
    NoSignature,
    OldSecret,
    Hold,
    Release,
}

fn one() -> usize {
    1
}

pub(super) async fn list(State(sandbox): State<Sandbox>) -> Json<Value> {
    let world = sandbox.world();
    Json(json!({"waiting": world.post.waiting(), "held": world.post.held, "faults": world.post.mischief}))
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
