//! Upkeep: what is done from time to time for the whole instance. It belongs to no tenant, so it is no job in the queue.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    core::{Core, mail, outbox, retention},
    queue::longer_by_chance,
};

/// When the upkeep is done; each pause is somewhat longer by chance, as processes often start together.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm {
    /// For the first time, after the start.
    pub first: Duration,
    /// And then again.
    pub every: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { first: Duration::from_secs(20), every: Duration::from_hours(1) }
    }
}

/// How often what waits to be sent is counted for the metrics.
const COUNT: Duration = Duration::from_secs(15);

/// How often is looked whether there is something to tell by mail.
const TELL: Duration = Duration::from_secs(20);

/// Does the upkeep until it is dropped.
pub async fn keep_up(core: Core, rhythm: Rhythm) {
    tokio::join!(forget(&core, rhythm), count(&core), tell(&core));
}

/// Mail that nothing but the time makes due: digests, and links that stay broken.
async fn tell(core: &Core) {
    loop {
        sleep(longer_by_chance(TELL, 2)).await;
        if let Err(error) = mail::health::tell(core).await {
            tracing::warn!(?error, "could not tell how the links fare; the next round goes on with it");
        }
        if let Err(error) = mail::digest::strike(core).await {
            tracing::warn!(?error, "could not write the digests that are due; the next round goes on with it");
        }
    }
}

async fn count(core: &Core) {
    loop {
        if let Err(error) = outbox::count(&core.db).await {
            tracing::debug!(?error, "could not count what waits to be sent");
        }
        sleep(COUNT).await;
    }
}

async fn forget(core: &Core, rhythm: Rhythm) {
    sleep(longer_by_chance(rhythm.first, 2)).await;
    loop {
        if let Err(error) = retention::forget(core).await {
            tracing::warn!(?error, "could not forget what is over its time; the next upkeep goes on with it");
        }
        sleep(longer_by_chance(rhythm.every, 10)).await;
    }
}
