//! Recorded calls: what the product really asked of a sandbox.

use std::collections::VecDeque;

use axum::Json;
use axum::extract::{Query, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Gated;
use crate::rules::matches_glob;

const KEPT: usize = 10_000;
/// Of a body, so much is kept.
const BODY_KEPT: usize = 64 * 1024;

/// The newest calls, oldest first.
#[derive(Default)]
pub struct RecordedCalls {
    kept: VecDeque<RecordedCall>,
    last: u64,
}

#[derive(Serialize)]
struct RecordedCall {
    id: u64,
    at: String,
    method: String,
    path: String,
    query: String,
    body: String,
    /// Whose token it was, in the partner's words; "-" for nobody.
    who: String,
    /// `null`: not answered (yet), or the answer was lost on purpose.
    status: Option<u16>,
    ms: Option<u64>,
}

/// What a reader of the record looks for.
#[derive(Deserialize)]
pub struct Wanted {
    path: Option<String>,
    method: Option<String>,
    who: Option<String>,
}

impl RecordedCalls {
    pub(crate) fn note_call(&mut self, method: &str, path: &str, query: &str, who: String, body: &[u8]) -> u64 {
        self.last += 1;
        self.kept.push_back(RecordedCall {
            id: self.last,
            at: Timestamp::now().to_string(),
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            body: String::from_utf8_lossy(&body[..body.len().min(BODY_KEPT)]).into_owned(),
            who,
            status: None,
            ms: None,
        });
        while self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        self.last
    }

    pub(crate) fn note_answer(&mut self, id: u64, status: u16, ms: u64, who: Option<String>) {
        if let Some(call) = self.kept.iter_mut().rev().find(|call| call.id == id) {
            call.status = Some(status);
            call.ms = Some(ms);
            call.who = who.unwrap_or_else(|| std::mem::take(&mut call.who));
        }
    }
}

pub(crate) async fn list<S: Gated>(State(sandbox): State<S>, Query(wanted): Query<Wanted>) -> Json<Value> {
    let fits = |call: &&RecordedCall| {
        wanted.path.as_deref().is_none_or(|glob| matches_glob(glob, &call.path))
            && wanted.method.as_deref().is_none_or(|method| method == call.method)
            && wanted.who.as_deref().is_none_or(|who| who == call.who)
    };
    sandbox.desk(|desk| Json(json!(desk.calls.kept.iter().filter(fits).collect::<Vec<_>>())))
}

pub(crate) async fn forget<S: Gated>(State(sandbox): State<S>) -> Json<Value> {
    sandbox.desk(|desk| desk.calls.kept.clear());
    Json(json!({"forgotten": true}))
}
