//! Recorded calls: what the product really asked of us.

use axum::Json;
use axum::extract::{Query, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::Sandbox;
use super::Control;
use super::rules::matches_glob;

const KEPT: usize = 10_000;

#[derive(Serialize)]
pub(super) struct RecordedCall {
    id: u64,
    at: String,
    method: String,
    path: String,
    query: String,
    body: String,
    /// The login the token belongs to; "-" for nobody.
    who: String,
    /// `null`: not answered (yet), or the answer was lost on purpose.
    status: Option<u16>,
    ms: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    path: Option<String>,
    method: Option<String>,
    who: Option<String>,
}

impl Control {
    pub fn note_call(&mut self, method: &str, path: &str, query: &str, who: String, body: &[u8]) -> u64 {
        self.last_call += 1;
        self.calls.push_back(RecordedCall {
            id: self.last_call,
            at: Timestamp::now().to_string(),
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            body: String::from_utf8_lossy(body).into_owned(),
            who,
            status: None,
            ms: None,
        });
        while self.calls.len() > KEPT {
            self.calls.pop_front();
        }
        self.last_call
    }

    pub fn note_answer(&mut self, id: u64, status: u16, ms: u64, who: Option<String>) {
        if let Some(call) = self.calls.iter_mut().rev().find(|call| call.id == id) {
            call.status = Some(status);
            call.ms = Some(ms);
            call.who = who.unwrap_or_else(|| std::mem::take(&mut call.who));
        }
    }
}

pub(super) async fn list(State(sandbox): State<Sandbox>, Query(wanted): Query<Wanted>) -> Json<Value> {
    let world = sandbox.world();
    let fits = |call: &&RecordedCall| {
        wanted.path.as_deref().is_none_or(|glob| matches_glob(glob, &call.path))
            && wanted.method.as_deref().is_none_or(|method| method == call.method)
            && wanted.who.as_deref().is_none_or(|who| who == call.who)
    };
    let found: Vec<&RecordedCall> = world.control.calls.iter().filter(fits).collect();
    Json(json!(found))
}

pub(super) async fn forget(State(sandbox): State<Sandbox>) -> Json<Value> {
    sandbox.world().control.calls.clear();
    Json(json!({"forgotten": true}))
}
