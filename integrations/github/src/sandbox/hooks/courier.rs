//! The post: a lane per hook, in order, one letter at a time; nothing is ever tried again by itself.
//!
//! Letters go out after the change that made them, and never while the world is locked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::super::Sandbox;
use super::super::control::mail::{Mischief, MischiefKind};
use super::super::refusal::Refusal;
use super::super::world::{RepositoryId, World};
use super::{Config, LastResponse, sending};

/// Deliveries kept per hook; GitHub keeps them for three days.
const KEPT: usize = 200;

/// One delivery to be.
#[derive(Clone)]
pub(in super::super) struct Letter {
    pub hook: u64,
    pub repository: RepositoryId,
    pub guid: String,
    pub event: String,
    pub action: Option<String>,
    pub payload: Arc<Value>,
    pub config: Config,
    pub previous_secret: Option<String>,
    pub redelivery: bool,
    pub forgery: Option<Forgery>,
    pub delay: Duration,
}

/// How a letter is signed when a fault asks for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Forgery {
    WrongSignature,
    NoSignature,
    OldSecret,
}

/// One delivery that was, with what came back.
pub(in super::super) struct Delivery {
    pub id: u64,
    pub guid: String,
    pub at: Timestamp,
    pub redelivery: bool,
    pub seconds: f64,
    pub status: String,
    pub status_code: u16,
    pub event: String,
    pub action: Option<String>,
    pub repository: RepositoryId,
    pub url: String,
    pub request_headers: Vec<(String, String)>,
    pub payload: Arc<Value>,
    pub response_headers: Vec<(String, String)>,
    pub response_body: String,
}

/// Waiting letters by hook. A lane outlives its hook: `meta` is sent after the hook is gone.
#[derive(Default)]
pub(in super::super) struct Post {
    lanes: BTreeMap<u64, Lane>,
    pub mischief: Vec<Mischief>,
    pub held: bool,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Letter>,
    busy: bool,
}

impl Post {
    /// Lanes that have something to send and nobody sending it; they count as busy from now on.
    fn start(&mut self) -> Vec<u64> {
        let idle: Vec<u64> = self.lanes.iter().filter(|(_, lane)| !lane.busy).map(|(hook, _)| *hook).collect();
        let ready: Vec<u64> = idle.into_iter().filter(|hook| self.is_ready(*hook)).collect();
        for hook in &ready {
            self.lanes.entry(*hook).or_default().busy = true;
        }
        ready
    }

    /// The next letter of a lane; none frees the lane.
    fn next(&mut self, hook: u64) -> Option<Letter> {
        let ready = self.is_ready(hook);
        let reorder = ready && self.mischief_for(hook, MischiefKind::Reorder).is_some();
        let lane = self.lanes.get_mut(&hook)?;
        if !ready {
            lane.busy = false;
            return None;
        }
        if reorder {
            lane.waiting.swap(0, 1);
            self.use_up(hook, MischiefKind::Reorder);
        }
        self.lanes.get_mut(&hook)?.waiting.pop_front()
    }

    fn is_ready(&self, hook: u64) -> bool {
        // To swap two letters there must be two.
        let needed = if self.mischief_for(hook, MischiefKind::Reorder).is_some() { 2 } else { 1 };
        !self.held && self.lanes.get(&hook).is_some_and(|lane| lane.waiting.len() >= needed)
    }

    fn mischief_for(&self, hook: u64, kind: MischiefKind) -> Option<&Mischief> {
        self.mischief.iter().find(|it| it.kind == kind && it.times > 0 && it.hook.is_none_or(|only| only == hook))
    }

    /// Counts one use and says how the fault was set.
    fn use_up(&mut self, hook: u64, kind: MischiefKind) -> Option<Mischief> {
        let position = self
            .mischief
            .iter()
            .position(|it| it.kind == kind && it.times > 0 && it.hook.is_none_or(|only| only == hook))?;
        let found = self.mischief[position].clone();
        self.mischief[position].times -= 1;
        self.mischief.retain(|it| it.times > 0);
        Some(found)
    }

    pub fn waiting(&self) -> usize {
        self.lanes.values().map(|lane| lane.waiting.len() + usize::from(lane.busy)).sum()
    }
}

impl World {
    /// Puts a letter into its hook's lane, after the faults that were asked for.
    pub fn send(&mut self, mut letter: Letter) {
        let hook = letter.hook;
        if self.post.use_up(hook, MischiefKind::Drop).is_some() {
            return;
        }
        if let Some(fault) = self.post.use_up(hook, MischiefKind::Late) {
            letter.delay = Duration::from_millis(fault.ms);
        }
        letter.forgery = [
            (MischiefKind::WrongSignature, Forgery::WrongSignature),
            (MischiefKind::NoSignature, Forgery::NoSignature),
            (MischiefKind::OldSecret, Forgery::OldSecret),
        ]
        .into_iter()
        .find_map(|(kind, forgery)| self.post.use_up(hook, kind).map(|_| forgery));
        let copies = self.post.use_up(hook, MischiefKind::Duplicate).map_or(1, |fault| 1 + fault.copies);
        let lane = self.post.lanes.entry(hook).or_default();
        lane.waiting.extend(std::iter::repeat_n(letter, copies));
    }

    /// Sends a recorded delivery again: same GUID, same payload, today's address and secret.
    pub fn redeliver(&mut self, repository: RepositoryId, hook: u64, delivery: u64) -> Result<(), Refusal> {
        let hook = self.hook(repository, hook)?;
        let found = hook.deliveries.iter().find(|it| it.id == delivery).ok_or_else(Refusal::not_found)?;
        let letter = Letter {
            hook: hook.id,
            repository,
            guid: found.guid.clone(),
            event: found.event.clone(),
            action: found.action.clone(),
            payload: Arc::clone(&found.payload),
            config: hook.config.clone(),
            previous_secret: hook.previous_secret.clone(),
            redelivery: true,
            forgery: None,
            delay: Duration::ZERO,
        };
        self.send(letter);
        Ok(())
    }

    fn record(&mut self, letter: &Letter, outcome: sending::Outcome) {
        let id = self.new_id();
        // A hook that was deleted meanwhile has no list any more.
        let Ok(hook) = self.hook_mut(letter.repository, letter.hook) else {
            return;
        };
        hook.last_response = match outcome.status_code {
            200..300 => {
                LastResponse { code: Some(outcome.status_code), status: "active".into(), message: Some("OK".into()) }
            }
            code => {
                LastResponse { code: Some(code), status: "misconfigured".into(), message: Some(outcome.status.clone()) }
            }
        };
        hook.deliveries.push_front(Delivery {
            id,
            guid: letter.guid.clone(),
            at: outcome.at,
            redelivery: letter.redelivery,
            seconds: outcome.seconds,
            status: outcome.status,
            status_code: outcome.status_code,
            event: letter.event.clone(),
            action: letter.action.clone(),
            repository: letter.repository,
            url: letter.config.url.clone(),
            request_headers: outcome.request_headers,
            payload: Arc::clone(&letter.payload),
            response_headers: outcome.response_headers,
            response_body: outcome.response_body,
        });
        hook.deliveries.truncate(KEPT);
    }
}

/// Starts every lane that has work. Called after each change.
pub(in super::super) fn dispatch(sandbox: &Sandbox) {
    let ready = sandbox.world().post.start();
    for hook in ready {
        tokio::spawn(run_lane(sandbox.clone(), hook));
    }
}

async fn run_lane(sandbox: Sandbox, hook: u64) {
    loop {
        // Bound to a name, so that the lock is gone before the network is used.
        let next = sandbox.world().post.next(hook);
        let Some(letter) = next else { return };
        let patience = sandbox.world().control.strictness.hook_timeout();
        let outcome = sending::send(&sandbox.http, &letter, patience).await;
        sandbox.world().record(&letter, outcome);
    }
}
