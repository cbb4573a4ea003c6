//! The post: a lane per app and workspace, one letter at a time, in order; a letter that was not taken comes back after
//! its wait, up to three times, whatever has gone out since.
//!
//! Letters go out after the change that made them, and never while the world is locked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::super::Sandbox;
use super::super::control::mail::{Mischief, MischiefKind};
use super::super::world::{AppId, TeamId, World, now};
use super::event::new_event_id;
use super::sending::{self, Outcome};

/// Deliveries kept, of all apps.
const KEPT: usize = 500;
const HOUR: i64 = 60 * 60;
const MINUTE: i64 = 60;

/// One delivery to be.
#[derive(Clone)]
pub(in super::super) struct Letter {
    pub app: AppId,
    pub team: TeamId,
    pub purpose: Purpose,
    /// What it is about, for people: `message.channels`, `/done`.
    pub label: String,
    /// `Ev…`; empty for commands.
    pub event_id: String,
    pub body: Arc<String>,
    /// 0 for the first time; then the number and the reason of the retry.
    pub retry: usize,
    pub reason: Option<&'static str>,
    pub forgery: Option<Forgery>,
    pub delay: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Purpose {
    Event,
    Command,
    /// `url_verification` and `ssl_check`: somebody is waiting for the answer.
    Check,
}

/// How a letter is signed when a fault asks for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Forgery {
    WrongSignature,
    NoSignature,
    /// Signed well, ten minutes ago.
    Stale,
}

/// One delivery that was, with what came back.
pub(in super::super) struct Delivery {
    pub letter: Letter,
    pub outcome: Outcome,
}

type Lane = (AppId, TeamId);

/// Waiting letters, and what became of the others.
#[derive(Default)]
pub(in super::super) struct Post {
    lanes: BTreeMap<Lane, Waiting>,
    /// Retries that have not come back yet.
    returning: usize,
    /// The newest first.
    pub deliveries: VecDeque<Delivery>,
    pub mischief: Vec<Mischief>,
    pub held: bool,
    /// When each event of the last hour was.
    told: BTreeMap<Lane, VecDeque<i64>>,
    /// The minute for which an app was told that it hears no more.
    limited: BTreeMap<Lane, i64>,
}

#[derive(Default)]
struct Waiting {
    letters: VecDeque<Letter>,
    busy: bool,
}

impl Letter {
    pub fn new(app: &str, team: TeamId, purpose: Purpose, event_id: &str, body: String) -> Self {
        Self {
            app: app.to_owned(),
            team,
            purpose,
            label: String::new(),
            event_id: event_id.to_owned(),
            body: Arc::new(body),
            retry: 0,
            reason: None,
            forgery: None,
            delay: Duration::ZERO,
        }
    }

    fn lane(&self) -> Lane {
        (self.app.clone(), self.team.clone())
    }

    /// The same event once more, under another name, as is seen in the wild.
    fn renamed(&self) -> Self {
        let name = new_event_id();
        let body = Arc::new(self.body.replace(&self.event_id, &name));
        Self { event_id: name, body, ..self.clone() }
    }
}

impl Post {
    pub fn enqueue(&mut self, letter: Letter) {
        self.lanes.entry(letter.lane()).or_default().letters.push_back(letter);
    }

    /// Lanes that have something to send and nobody sending it; they count as busy from now on.
    fn start(&mut self) -> Vec<Lane> {
        let idle: Vec<Lane> = self.lanes.iter().filter(|(_, lane)| !lane.busy).map(|(name, _)| name.clone()).collect();
        let ready: Vec<Lane> = idle.into_iter().filter(|lane| self.is_ready(lane)).collect();
        for lane in &ready {
            self.lanes.entry(lane.clone()).or_default().busy = true;
        }
        ready
    }

    /// The next letter of a lane; none frees the lane.
    fn next(&mut self, name: &Lane) -> Option<Letter> {
        let ready = self.is_ready(name);
        let reorder = ready && self.mischief_for(&name.1, MischiefKind::Reorder).is_some();
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
            self.use_up(&name.1, MischiefKind::Reorder);
        }
        self.lanes.get_mut(name)?.letters.pop_front()
    }

    fn is_ready(&self, name: &Lane) -> bool {
        // To swap two letters there must be two.
        let needed = if self.mischief_for(&name.1, MischiefKind::Reorder).is_some() { 2 } else { 1 };
        !self.held && self.lanes.get(name).is_some_and(|lane| lane.letters.len() >= needed)
    }

    fn mischief_for(&self, team: &str, kind: MischiefKind) -> Option<&Mischief> {
        self.mischief.iter().find(|it| it.fits(team, kind))
    }

    /// Counts one use and says how the fault was set.
    fn use_up(&mut self, team: &str, kind: MischiefKind) -> Option<Mischief> {
        let position = self.mischief.iter().position(|it| it.fits(team, kind))?;
        let found = self.mischief[position].clone();
        self.mischief[position].times -= 1;
        self.mischief.retain(|it| it.times > 0);
        Some(found)
    }

    /// What is on its way, or will come back.
    pub fn waiting(&self) -> usize {
        self.returning + self.lanes.values().map(|lane| lane.letters.len() + usize::from(lane.busy)).sum::<usize>()
    }

    /// Counts an event. `Err`: no more this hour; the minute to tell the app, if it has not been told.
    fn count(&mut self, lane: Lane, allowed: usize) -> Result<(), Option<i64>> {
        let now = now();
        let told = self.told.entry(lane.clone()).or_default();
        while told.front().is_some_and(|at| *at <= now - HOUR) {
            told.pop_front();
        }
        if told.len() < allowed {
            told.push_back(now);
            return Ok(());
        }
        let minute = now - now % MINUTE;
        let new = self.limited.insert(lane, minute) != Some(minute);
        Err(new.then_some(minute))
    }

    fn record(&mut self, letter: Letter, outcome: Outcome) {
        self.deliveries.push_front(Delivery { letter, outcome });
        self.deliveries.truncate(KEPT);
    }
}

impl World {
    /// Puts an event into its lane, after the faults that were asked for.
    pub fn send_event(&mut self, letter: Letter) {
        let allowed = self.control.strictness.events_per_hour;
        if let Err(minute) = self.post.count(letter.lane(), allowed) {
            if let Some(minute) = minute {
                self.tell_rate_limited(&letter.app, &letter.team, minute);
            }
            return;
        }
        if self.post.use_up(&letter.team, MischiefKind::Drop).is_some() {
            return;
        }
        let letter = self.tampered(letter);
        let copies = self.post.use_up(&letter.team, MischiefKind::Duplicate).map_or(0, |fault| fault.copies);
        let renamed = self.post.use_up(&letter.team, MischiefKind::Renamed).map_or(0, |fault| fault.copies);
        self.post.enqueue(letter.clone());
        for _ in 0..copies {
            self.post.enqueue(letter.clone());
        }
        for _ in 0..renamed {
            self.post.enqueue(letter.renamed());
        }
    }

    /// With the faults of one letter: late, or signed badly.
    pub fn tampered(&mut self, mut letter: Letter) -> Letter {
        let team = letter.team.clone();
        if let Some(fault) = self.post.use_up(&team, MischiefKind::Late) {
            letter.delay = Duration::from_millis(fault.ms);
        }
        letter.forgery = [
            (MischiefKind::WrongSignature, Forgery::WrongSignature),
            (MischiefKind::NoSignature, Forgery::NoSignature),
            (MischiefKind::Stale, Forgery::Stale),
        ]
        .into_iter()
        .find_map(|(kind, forgery)| self.post.use_up(&team, kind).map(|_| forgery));
        letter
    }
}

/// Starts every lane that has work. Called after each change.
pub(in super::super) fn dispatch(sandbox: &Sandbox) {
    let ready = sandbox.world().post.start();
    for lane in ready {
        tokio::spawn(run_lane(sandbox.clone(), lane));
    }
}

async fn run_lane(sandbox: Sandbox, lane: Lane) {
    loop {
        // Bound to a name, so that the lock is gone before the network is used.
        let next = sandbox.world().post.next(&lane);
        let Some(letter) = next else { return };
        let outcome = deliver(&sandbox, &letter).await;
        if let Some(reason) = outcome.retried_for() {
            come_back(&sandbox, &letter, reason);
        }
        sandbox.world().post.record(letter, outcome);
    }
}

/// Sends a letter once, and waits for the answer.
pub(super) async fn deliver(sandbox: &Sandbox, letter: &Letter) -> Outcome {
    tokio::time::sleep(letter.delay).await;
    let (url, secret, patience) = {
        let world = sandbox.world();
        let app = world.app(&letter.app).ok();
        let url = app.and_then(|app| app.settings.request_url.clone());
        (url, app.map(|app| app.signing_secret.clone()), world.control.strictness.patience())
    };
    match (url, secret) {
        (Some(url), Some(secret)) => sending::send(&sandbox.http, letter, &url, &secret, patience).await,
        _ => Outcome::nobody(),
    }
}

/// The same, kept in the list of deliveries.
pub(super) async fn deliver_and_record(sandbox: &Sandbox, letter: Letter) -> (u16, String) {
    let outcome = deliver(sandbox, &letter).await;
    let told = (outcome.status, outcome.response_body.clone());
    sandbox.world().post.record(letter, outcome);
    told
}

fn come_back(sandbox: &Sandbox, letter: &Letter, reason: &'static str) {
    let wait = {
        let mut world = sandbox.world();
        let Some(wait) = world.control.strictness.retry_wait(letter.retry) else { return };
        world.post.returning += 1;
        wait
    };
    // Duplicates and forgeries were faults of the first time.
    let again = Letter {
        retry: letter.retry + 1,
        reason: Some(reason),
        forgery: None,
        delay: Duration::ZERO,
        ..letter.clone()
    };
    let sandbox = sandbox.clone();
    tokio::spawn(async move {
        tokio::time::sleep(wait).await;
        sandbox.change(|world| {
            world.post.returning -= 1;
            world.post.enqueue(again);
        });
    });
}
