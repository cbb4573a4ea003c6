//! Thread actions: what a thread's gear menu offers, and what goes out when somebody chooses.
//! <https://www.flowdock.com/api/thread-actions>
//!
//! Where an UpdateAction leads stays between Flowdock and the application: everybody else reads an address of ours,
//! whose last part is a signature over the thread and the action. So it works as long as the thread has that action.

pub(super) mod sending;

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use url::Url;

use super::refusal::{BLANK, Problems, Refusal};
use super::world::threads::Thread;
use super::world::{AppId, ThreadId, UserId, World};

const METHODS: [&str; 5] = ["POST", "PUT", "PATCH", "DELETE", "GET"];
/// Sent actions remembered.
const KEPT: usize = 500;

/// An action that went out, and what came back.
#[derive(Clone)]
pub(super) struct Sent {
    pub id: u64,
    pub user: UserId,
    pub app: AppId,
    pub thread: ThreadId,
    pub name: String,
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub answer: Answer,
}

/// What an application answered.
#[derive(Clone)]
pub(super) enum Answer {
    Done {
        status: u16,
    },
    /// 401 with a challenge: where the person may prove who they are there.
    Challenge {
        url: String,
    },
    Failed {
        status: u16,
        body: String,
    },
    /// No answer at all.
    Nothing {
        why: &'static str,
    },
}

/// Notes everything that is wrong with an action of a thread that is being posted.
pub(super) fn check(action: &Value, problems: &mut Problems) {
    let mut wrong = |what: &str| problems.add("thread.actions", what);
    if action["name"].as_str().is_none_or(|name| name.trim().is_empty()) {
        wrong(&format!("name {BLANK}"));
    }
    let is_web = |url: &Value| {
        url.as_str().and_then(|url| Url::parse(url).ok()).is_some_and(|url| matches!(url.scheme(), "http" | "https"))
    };
    match action["@type"].as_str() {
        Some("ViewAction") if !is_web(&action["url"]) => wrong("url is invalid"),
        Some("ViewAction") => {}
        Some("UpdateAction") => {
            let target = &action["target"];
            if target["@type"] != "EntryPoint" {
                wrong("target @type is not EntryPoint");
            }
            if !is_web(&target["urlTemplate"]) {
                wrong("target urlTemplate is invalid");
            }
            if !METHODS.contains(&method(action).as_str()) {
                wrong("target httpMethod is not included in the list");
            }
        }
        _ => wrong("@type is not included in the list"),
    }
}

/// POST unless it says something else.
fn method(action: &Value) -> String {
    action["target"]["httpMethod"].as_str().unwrap_or("POST").to_uppercase()
}

/// An action as everybody may read it.
pub(super) fn shown(world: &World, thread: &Thread, action: &Value) -> Value {
    let mut shown = action.clone();
    if action["@type"] == "UpdateAction" {
        shown["target"]["urlTemplate"] = json!(address(world, thread, action));
        shown["target"]["httpMethod"] = json!("POST");
    }
    shown
}

fn address(world: &World, thread: &Thread, action: &Value) -> String {
    let path = world.flow(&thread.flow).map_or_else(|_| String::new(), |flow| world.flow_path(flow));
    world.api(&format!("/flows/{path}/threads/{}/actions/{}", thread.id, signature(world, thread, action)))
}

/// What names an action of a thread, and that only we can have written.
pub(super) fn signature(world: &World, thread: &Thread, action: &Value) -> String {
    hex::encode(hmac::sign(&key(world), &signed(thread, action)))
}

/// The action that such a signature is of, if the thread still has it.
pub(super) fn find<'a>(world: &World, thread: &'a Thread, signature: &str) -> Result<&'a Value, Refusal> {
    let signature = hex::decode(signature).map_err(|_| Refusal::not_found())?;
    let fits = |action: &&Value| {
        action["@type"] == "UpdateAction" && hmac::verify(&key(world), &signed(thread, action), &signature).is_ok()
    };
    thread.state.actions.iter().find(fits).ok_or_else(Refusal::not_found)
}

fn key(world: &World) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, world.signing_key.as_bytes())
}

fn signed(thread: &Thread, action: &Value) -> Vec<u8> {
    format!("{}\n{action}", thread.id).into_bytes()
}

impl World {
    pub fn note_sent(&mut self, sent: Sent) {
        self.sent.push(sent);
        let excess = self.sent.len().saturating_sub(KEPT);
        self.sent.drain(..excess);
    }

    pub fn sent(&self, id: u64) -> Result<&Sent, Refusal> {
        self.sent.iter().find(|it| it.id == id).ok_or_else(Refusal::not_found)
    }
}

impl Sent {
    pub fn shown(&self) -> Value {
        let headers: Value = self.headers.iter().map(|(name, value)| json!([name, value])).collect();
        json!({
            "id": self.id,
            "user": self.user,
            "application": self.app,
            "thread": self.thread,
            "name": self.name,
            "request": {"method": self.method, "url": self.url, "headers": headers, "body": self.body},
            "answer": self.answer.shown(),
        })
    }
}

impl Answer {
    pub fn shown(&self) -> Value {
        match self {
            Answer::Done { status } => json!({"result": "done", "status": status}),
            Answer::Challenge { url } => json!({"result": "challenge", "status": 401, "url": url}),
            Answer::Failed { status, body } => json!({"result": "failed", "status": status, "body": body}),
            Answer::Nothing { why } => json!({"result": "failed", "status": null, "body": why}),
        }
    }
}
