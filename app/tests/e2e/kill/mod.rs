//! `kill -9` at any moment loses nothing that was answered 2xx, and doubles nothing.
//!
//! Four callers send signed hooks to the real binary. It is killed again and again, 0.2 to 3 seconds after its start,
//! and started again on the same data. At the end every hook that was answered 2xx has to stand in the log exactly
//! once; one whose answer was never seen may or may not.
//!
//! `scripts/trials/kill` runs the long form, and the control that has to go red.

mod ledger;
mod scene;
mod sender;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use ledger::{Ledger, Verdict};
use patchbay::db::Backend;
use scene::Scene;
use sender::Sender;
use tokio::{task::JoinSet, time::sleep};

const CALLERS: usize = 4;
/// Of each caller: 50 hooks a second.
const PAUSE: Duration = Duration::from_millis(20);

/// What the trial does to the database while the server is dead.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    Nothing,
    /// Takes away the jobs of kept hooks: as if they had waited in the memory of the process that died.
    LoseJobs,
}

/// What is worth writing down.
#[derive(Debug)]
struct Report {
    verdict: Verdict,
    slowest_return: Duration,
}

async fn trial(backend: Backend, cycles: usize, meanwhile: Meanwhile) -> Result<Report> {
    let mut scene = Scene::set(backend).await?;
    let target = Arc::new(scene.target().await?);
    let ledger = Arc::new(Ledger::default());
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        callers.spawn(Sender::new(target.clone(), ledger.clone())?.run(PAUSE));
    }

    let mut slowest_return = Duration::ZERO;
    for cycle in 1..=cycles {
        sleep(Duration::from_millis(200 + random_below(2_800))).await;
        scene.kill()?;
        if meanwhile == Meanwhile::LoseJobs {
            scene.lose_jobs().await?;
        }
        let before = ledger.accepted();
        let start = Instant::now();
        scene.start().await?;
        while ledger.accepted() == before {
            ensure!(start.elapsed() < Duration::from_secs(30), "no hook was accepted after start {cycle}");
            sleep(Duration::from_millis(5)).await;
        }
        slowest_return = slowest_return.max(start.elapsed());
    }
    callers.shutdown().await;
    scene.drained().await?;
    scene.stop().await?;
    Ok(Report { verdict: ledger.compare(&scene.log().await?), slowest_return })
}

/// The short form, unless the script asks for a longer one.
fn cycles() -> usize {
    std::env::var("PATCHBAY_TRIAL_CYCLES").ok().and_then(|cycles| cycles.parse().ok()).unwrap_or(8)
}

/// A trial needs no good randomness, only another one each time.
fn random_below(limit: u64) -> u64 {
    u64::try_from(uuid::Uuid::new_v4().as_u128() % u128::from(limit)).unwrap_or_default()
}

async fn nothing_is_lost(backend: Backend) -> Result<()> {
    let report = trial(backend, cycles(), Meanwhile::Nothing).await?;
    eprintln!("killed {} times on {backend:?}: {report:?}", cycles());
    ensure!(report.verdict.is_clean(), "{report:?}");
    ensure!(report.verdict.accepted > 50 * cycles(), "too little was sent to mean anything: {report:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_accepted_is_lost_or_doubled_on_sqlite() -> Result<()> {
    nothing_is_lost(Backend::Sqlite).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_accepted_is_lost_or_doubled_on_postgres() -> Result<()> {
    nothing_is_lost(Backend::Postgres).await
}

/// The control: a trial that does not notice a loss proves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_in_memory_would_be_noticed() -> Result<()> {
    let report = trial(Backend::Sqlite, 4, Meanwhile::LoseJobs).await?;
    ensure!(!report.verdict.lost.is_empty(), "jobs were taken away, and the trial saw nothing: {report:?}");
    Ok(())
}
