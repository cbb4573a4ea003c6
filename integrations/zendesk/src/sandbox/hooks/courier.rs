//! The post of an account: a lane per webhook, one letter at a time, in order; a letter that was not taken comes back
//! after its wait, whatever has gone out since. A webhook that fails too often is given a short rest.
//!
//! Letters go out after the change that made them, and never while the world is locked.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::super::Sandbox;
use super::super::control::mail::{Mischief, MischiefKind};
use super::super::world::{new_ulid, seconds_from_now};
use super::invocation::{Attempt, Invocation, State};
use super::sending::{Forgery, Outcome, Parcel};

/// Invocations kept of an account.
const KEPT: usize = 1000;
/// The circuit breaker looks back so far,
const WINDOW_MS: i64 = 5 * 60 * 1000;
/// and opens for so many failures,
const FAILURES_MAX: usize = 1000;
/// or for this share of them among at least so many calls.
const FAILING_PERCENT: usize = 70;
const CALLS_MIN: usize = 10;
const REST_SECONDS: i64 = 5;

/// One delivery to be.
#[derive(Clone)]
struct Letter {
    invocation: String,
    webhook: String,
    body: Option<String>,
    /// Attempts made before.
    attempts: usize,
    forgery: Option<Forgery>,
    delay: Duration,
}

/// Waiting letters, and what became of the others.
#[derive(Default)]
pub(in super::super) struct Post {
    lanes: BTreeMap<String, Waiting>,
    /// Retries that have not come back yet.
    returning: usize,
    /// The newest first.
    pub log: VecDeque<Invocation>,
    pub mischief: Vec<Mischief>,
    pub held: bool,
    breakers: BTreeMap<String, Breaker>,
}

#[derive(Default)]
struct Waiting {
    letters: VecDeque<Letter>,
    busy: bool,
}

/// What a webhook did lately.
#[derive(Default)]
struct Breaker {
    calls: VecDeque<(i64, bool)>,
    open_until: Option<Timestamp>,
}

impl Post {
    /// An occasion to call a webhook: into its lane with it, after the faults that were asked for.
    pub fn invoke(&mut self, webhook: &str, label: &str, body: Option<String>) {
        if self.use_up(MischiefKind::Drop).is_some() {
            return;
        }
        let forgery = [
            (MischiefKind::WrongSignature, Forgery::WrongSignature),
            (MischiefKind::NoSignature, Forgery::NoSignature),
            (MischiefKind::Stale, Forgery::Stale),
        ]
        .into_iter()
        .find_map(|(kind, forgery)| self.use_up(kind).map(|_| forgery));
        let delay = self.use_up(MischiefKind::Late).map_or(Duration::ZERO, |fault| Duration::from_millis(fault.ms));
        let copies = self.use_up(MischiefKind::Duplicate).map_or(0, |fault| fault.copies);
        let renamed = self.use_up(MischiefKind::Renamed).map_or(0, |fault| fault.copies);
        for round in 0..=renamed {
            let invocation = self.note(webhook, label);
            let letter = Letter {
                invocation,
                webhook: webhook.to_owned(),
                body: body.clone(),
                attempts: 0,
                forgery: forgery.filter(|_| round == 0),
                delay: if round == 0 { delay } else { Duration::ZERO },
            };
            let times = if round == 0 { copies + 1 } else { 1 };
            let lane = self.lanes.entry(webhook.to_owned()).or_default();
            lane.letters.extend(std::iter::repeat_n(letter, times));
        }
    }

    fn note(&mut self, webhook: &str, label: &str) -> String {
        let id = new_ulid();
        self.log.push_front(Invocation {
            id: id.clone(),
            webhook: webhook.to_owned(),
            label: label.to_owned(),
            created: Timestamp::now(),
            completed: None,
            status: State::Waiting,
            attempts: Vec::new(),
        });
        self.log.truncate(KEPT);
        id
    }

    /// Lanes that have something to send and nobody sending it; they count as busy from now on.
    fn start(&mut self) -> Vec<String> {
        let idle: Vec<String> =
            self.lanes.iter().filter(|(_, lane)| !lane.busy).map(|(name, _)| name.clone()).collect();
        let ready: Vec<String> = idle.into_iter().filter(|lane| self.is_ready(lane)).collect();
        for lane in &ready {
            self.lanes.entry(lane.clone()).or_default().busy = true;
        }
        ready
    }

    /// The next letter of a lane; none frees the lane.
    fn next(&mut self, name: &str) -> Option<Letter> {
        let ready = self.is_ready(name);
        let reorder = ready && self.mischief.iter().any(|it| it.kind == MischiefKind::Reorder);
        let lane = self.lanes.get_mut(name)?;
        if !ready {
            lane.busy = false;
            if lane.letters.is_empty() {
                self.lanes.remove(name);
            }
            return None;
        }
        if reorder {
            lane.letters.swap(0, 1);
            self.use_up(MischiefKind::Reorder);
        }
        self.lanes.get_mut(name)?.letters.pop_front()
    }

    fn is_ready(&self, name: &str) -> bool {
        // To swap two letters there must be two.
        let needed = if self.mischief.iter().any(|it| it.kind == MischiefKind::Reorder) { 2 } else { 1 };
        !self.held && self.lanes.get(name).is_some_and(|lane| lane.letters.len() >= needed)
    }

    /// Counts one use and says how the fault was set.
    fn use_up(&mut self, kind: MischiefKind) -> Option<Mischief> {
        let position = self.mischief.iter().position(|it| it.kind == kind)?;
        let found = self.mischief[position].clone();
        self.mischief[position].times -= 1;
        self.mischief.retain(|it| it.times > 0);
        Some(found)
    }

    /// What is on its way, or will come back.
    pub fn waiting(&self) -> usize {
        self.returning + self.lanes.values().map(|lane| lane.letters.len() + usize::from(lane.busy)).sum::<usize>()
    }

    pub fn invocations<'p>(&'p self, webhook: &'p str) -> impl Iterator<Item = &'p Invocation> {
        self.log.iter().filter(move |it| it.webhook == webhook)
    }

    /// Ends the rest of all webhooks.
    pub fn forgive(&mut self) {
        self.breakers.clear();
    }

    fn is_resting(&self, webhook: &str) -> bool {
        let until = self.breakers.get(webhook).and_then(|it| it.open_until);
        until.is_some_and(|until| until > Timestamp::now())
    }

    fn close(&mut self, invocation: &str, status: State, attempt: Option<Outcome>) {
        let Some(it) = self.log.iter_mut().find(|it| it.id == invocation) else { return };
        it.status = status;
        it.completed = Some(Timestamp::now());
        it.attempts.extend(attempt.map(|outcome| Attempt { id: new_ulid(), outcome }));
    }

    fn count(&mut self, webhook: &str, good: bool) {
        let now = Timestamp::now().as_millisecond();
        let breaker = self.breakers.entry(webhook.to_owned()).or_default();
        breaker.calls.push_back((now, good));
        while breaker.calls.front().is_some_and(|(at, _)| *at <= now - WINDOW_MS) {
            breaker.calls.pop_front();
        }
        let (all, bad) = (breaker.calls.len(), breaker.calls.iter().filter(|(_, good)| !good).count());
        if !good && (bad > FAILURES_MAX || (all >= CALLS_MIN && bad * 100 >= all * FAILING_PERCENT)) {
            breaker.open_until = Some(seconds_from_now(REST_SECONDS));
            breaker.calls.clear();
        }
    }
}

/// Starts every lane that has work. Called after each change.
pub(in super::super) fn dispatch(sandbox: &Sandbox) {
    let ready: Vec<(String, String)> = {
        let mut world = sandbox.world();
        let lanes = |(name, lanes): (&String, Vec<String>)| {
            lanes.into_iter().map(|lane| (name.clone(), lane)).collect::<Vec<_>>()
        };
        world.accounts.iter_mut().flat_map(|(name, account)| lanes((name, account.post.start()))).collect()
    };
    for (account, lane) in ready {
        tokio::spawn(run_lane(sandbox.clone(), account, lane));
    }
}

async fn run_lane(sandbox: Sandbox, account: String, lane: String) {
    loop {
        // Bound to a name, so that the lock is gone before the network is used.
        let next = sandbox.world().account_mut(&account).ok().and_then(|account| account.post.next(&lane));
        let Some(letter) = next else { return };
        deliver(&sandbox, &account, letter).await;
    }
}

async fn deliver(sandbox: &Sandbox, name: &str, letter: Letter) {
    tokio::time::sleep(letter.delay).await;
    let (parcel, patience) = {
        let mut world = sandbox.world();
        let patience = world.control.strictness.patience();
        let breaking = world.control.strictness.breaker;
        let Ok(account) = world.account_mut(name) else { return };
        if breaking && account.post.is_resting(&letter.webhook) {
            account.post.close(&letter.invocation, State::CircuitBroken, None);
            return;
        }
        // What was on its way to a webhook that is gone, or was switched off, stays here.
        let Some(hook) = account.webhooks.iter().find(|hook| hook.id == letter.webhook && hook.active) else {
            account.post.close(&letter.invocation, State::Failed, None);
            return;
        };
        (Parcel::new(hook, account.id, &letter.invocation, letter.body.clone(), letter.forgery), patience)
    };
    let outcome = parcel.send(&sandbox.http, patience).await;
    let mut world = sandbox.world();
    let wait = world.control.strictness.retry_wait(&outcome, letter.attempts);
    let Ok(account) = world.account_mut(name) else { return };
    let state = State::of(&outcome);
    account.post.count(&letter.webhook, state == State::Success);
    account.post.close(&letter.invocation, state, Some(outcome));
    if let Some(wait) = wait {
        account.post.returning += 1;
        // Forgeries and delays were faults of the first time.
        let again = Letter { attempts: letter.attempts + 1, forgery: None, delay: Duration::ZERO, ..letter };
        tokio::spawn(come_back(sandbox.clone(), name.to_owned(), again, wait));
    }
}

async fn come_back(sandbox: Sandbox, account: String, letter: Letter, wait: Duration) {
    tokio::time::sleep(wait).await;
    sandbox.change(|world| {
        let Ok(account) = world.account_mut(&account) else { return };
        account.post.returning -= 1;
        account.post.lanes.entry(letter.webhook.clone()).or_default().letters.push_back(letter);
    });
}
