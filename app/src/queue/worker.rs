//! Workers: the part of a process that takes jobs and runs them.
//!
//! One task claims as long as slots are free; each job runs in a task of its own ([`super::run`]); one task commits how
//! they ended ([`super::settler`]); one renews the leases, one does the upkeep ([`super::upkeep`]), and on PostgreSQL one
//! listens ([`super::listen`]) and one takes over from who is gone ([`super::presence`]). An error of the database ends none of them: they log, pause, and go on.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sea_orm::DbErr;
use tokio::{sync::Notify, task::JoinHandle, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use super::{
    PATIENCE, Queue, Work,
    claim::{Claimed, Slots, Turn, claim},
    lease::{self, Lease, Owner},
    listen, presence, run, seat,
    settler::Settler,
    upkeep, within,
};
use crate::db::{Backend, OrganizationId};

/// How workers work.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// How many jobs run at once. One tenant gets at most half of what the others leave, see [`Slots`].
    pub slots: usize,
    /// How often to look for jobs that nobody told us of, and for those whose time has come.
    pub poll: Duration,
    /// How long a lease lasts without renewal.
    pub lease: Duration,
    /// How often leases are renewed.
    pub heartbeat: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            slots: 32,
            poll: Duration::from_secs(1),
            lease: Duration::from_secs(30),
            heartbeat: Duration::from_secs(10),
        }
    }
}

/// The workers of this process. Dropping them stops them at once, like [`Self::drain`] with no time left.
pub struct Workers {
    crew: Arc<Crew>,
    foreman: JoinHandle<()>,
}

/// How long a slot that was freed waits for others to be filled together with it.
const GATHER: Duration = Duration::from_millis(1);

/// The longest pause between two tries to reach the database.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl Workers {
    /// Starts them, on the runtime this is called on.
    ///
    /// On SQLite one process works at a time: a second one waits until the first is gone, see `queue::seat`.
    pub fn start(queue: Queue, work: Arc<dyn Work>, options: WorkerOptions) -> Self {
        let crew = Arc::new(Crew::new(queue, work, options));
        let foreman = tokio::spawn(oversee(crew.clone()));
        Self { crew, foreman }
    }

    /// Stops claiming, lets what is running end until the deadline, and gives the rest back: ready for the next worker,
    /// and the attempt does not count.
    pub async fn drain(mut self, deadline: Duration) {
        self.crew.stop.cancel();
        if tokio::time::timeout(deadline, &mut self.foreman).await.is_ok() {
            return;
        }
        self.crew.end.cancel();
        // Giving back is one commit; when the database is away the leases run out by themselves.
        if tokio::time::timeout(2 * LONGEST_PAUSE, &mut self.foreman).await.is_err() {
            warn!("jobs could not be given back in time; their leases will run out");
            self.foreman.abort();
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.crew.stop.cancel();
        self.crew.end.cancel();
    }
}

/// What the tasks of one process's workers share.
pub(super) struct Crew {
    pub queue: Queue,
    pub work: Arc<dyn Work>,
    pub options: WorkerOptions,
    pub owner: Owner,
    pub settler: Settler,
    /// No more claims.
    pub stop: CancellationToken,
    /// No more anything: what runs is given back.
    pub end: CancellationToken,
    slots: Mutex<Slots>,
    in_hand: Mutex<HashMap<Lease, CancellationToken>>,
    /// Rung when a slot is given back.
    slot_freed: Notify,
}

impl Crew {
    fn new(queue: Queue, work: Arc<dyn Work>, options: WorkerOptions) -> Self {
        let end = CancellationToken::new();
        Self {
            settler: Settler::start(queue.clone(), end.clone()),
            work,
            owner: Owner::new(),
            stop: CancellationToken::new(),
            end,
            slots: Mutex::new(Slots::new(options.slots)),
            in_hand: Mutex::default(),
            slot_freed: Notify::new(),
            queue,
            options,
        }
    }

    /// Takes the slot and notes the lease, until the answer is dropped.
    pub fn hold(self: &Arc<Self>, organization: OrganizationId, lease: Lease) -> Hold {
        locked(&self.slots).take(organization);
        let lost = CancellationToken::new();
        locked(&self.in_hand).insert(lease.clone(), lost.clone());
        Hold { crew: self.clone(), organization, lease, lost }
    }

    /// Whether nothing runs.
    fn is_idle(&self) -> bool {
        locked(&self.in_hand).is_empty()
    }

    /// The leases of the jobs that run or are being settled.
    pub fn leases(&self) -> Vec<Lease> {
        locked(&self.in_hand).keys().cloned().collect()
    }

    /// Tells the run under this lease that it is no longer ours.
    pub fn lose(&self, lease: &Lease) {
        if let Some(lost) = locked(&self.in_hand).get(lease) {
            lost.cancel();
        }
    }
}

/// One slot and one lease in hand.
pub(super) struct Hold {
    crew: Arc<Crew>,
    organization: OrganizationId,
    lease: Lease,
    /// Rings when the lease turns out to be lost.
    pub lost: CancellationToken,
}

impl Drop for Hold {
    fn drop(&mut self) {
        locked(&self.crew.in_hand).remove(&self.lease);
        locked(&self.crew.slots).give_back(self.organization);
        self.crew.slot_freed.notify_one();
    }
}

/// None of our code panics while it holds one of these locks, and their contents are whole between any two lines.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What must be held before anything is claimed, so that others know of us.
enum Place {
    TheOne(seat::Seat),
    OneOfMany(Box<listen::Ear>),
}

impl Place {
    async fn take(crew: &Crew) -> Self {
        match crew.queue.db.backend() {
            Backend::Sqlite => Self::TheOne(seat::take(&crew.queue.db).await),
            Backend::Postgres => {
                let ear = listen::Ear::open(crew.queue.clone(), crew.owner.clone()).await;
                Self::OneOfMany(Box::new(ear))
            }
        }
    }
}

async fn oversee(crew: Arc<Crew>) {
    let place = tokio::select! {
        place = Place::take(&crew) => place,
        () = crew.stop.cancelled() => return,
    };
    let beside = TaskTracker::new();
    let seat = match place {
        Place::TheOne(seat) => Some(seat),
        Place::OneOfMany(ear) => {
            beside.spawn(unless_ended(crew.clone(), listen::listen(*ear)));
            beside.spawn(unless_ended(crew.clone(), presence::take_over(crew.clone())));
            None
        }
    };
    beside.spawn(unless_ended(crew.clone(), upkeep::renew_leases(crew.clone())));
    beside.spawn(unless_ended(crew.clone(), upkeep::keep_up(crew.clone())));

    let runs = TaskTracker::new();
    claim_until_stopped(&crew, &runs).await;
    runs.close();
    runs.wait().await;

    crew.end.cancel();
    beside.close();
    beside.wait().await;
    drop(seat);
}

async fn unless_ended(crew: Arc<Crew>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        () = crew.end.cancelled() => {}
    }
}

async fn claim_until_stopped(crew: &Arc<Crew>, runs: &TaskTracker) {
    let mut turn = Turn::default();
    let mut pause = Pause::default();
    while !crew.stop.is_cancelled() {
        let more = match claim_once(crew, &mut turn, pause.is_on()).await {
            Ok(claimed) => {
                pause.is_over();
                let some = !claimed.jobs.is_empty();
                for job in claimed.jobs {
                    let hold = crew.hold(job.organization, job.lease.clone());
                    runs.spawn(run::run(crew.clone(), job, hold));
                }
                if some && claimed.more {
                    continue;
                }
                claimed.more
            }
            Err(error) => {
                pause.after(&error, "claiming jobs").await;
                continue;
            }
        };
        tokio::select! {
            () = crew.queue.bell.notified() => {}
            () = crew.slot_freed.notified(), if more => {
                // Others whose end was in the same commit are about to give theirs back too: one claim for all.
                if !crew.is_idle() {
                    sleep(GATHER).await;
                }
            }
            () = sleep(crew.options.poll) => {}
            () = crew.stop.cancelled() => {}
        }
    }
}

/// Never dropped half-way: what it leased must be heard of.
async fn claim_once(crew: &Crew, turn: &mut Turn, after_an_error: bool) -> Result<Claimed, DbErr> {
    let Crew { queue, owner, options, .. } = crew;
    if after_an_error {
        let strays = within(PATIENCE, lease::release_strays(&queue.db, owner, &crew.leases())).await?;
        if strays > 0 {
            info!(strays, "gave back jobs of a claim whose commit was not heard of");
        }
    }
    let slots = locked(&crew.slots).clone();
    if slots.free() == 0 {
        return Ok(Claimed { jobs: Vec::new(), more: true });
    }
    within(PATIENCE, claim(&queue.db, owner, &slots, turn, options.lease)).await
}

/// The growing pause between tries while the database is away; says once that it is away, and once that it is back.
#[derive(Default)]
pub(super) struct Pause {
    failures: u32,
}

impl Pause {
    pub fn is_on(&self) -> bool {
        self.failures > 0
    }

    pub async fn after(&mut self, error: &DbErr, doing: &str) {
        if self.failures == 0 {
            warn!(%error, "{doing} failed; trying again until it works");
        }
        self.failures += 1;
        sleep(Duration::from_millis(50).saturating_mul(1 << self.failures.min(10)).min(LONGEST_PAUSE)).await;
    }

    pub fn is_over(&mut self) {
        if self.failures > 0 {
            info!(failures = self.failures, "the database answers the workers again");
        }
        self.failures = 0;
    }
}
