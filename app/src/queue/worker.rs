//! Workers: claim, run, settle.

use std::{sync::Arc, time::Duration};

use super::{Queue, Work};

/// How workers work.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// How many jobs run at once.
    pub slots: usize,
    /// How often to look for jobs that nobody told us of.
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

/// The workers of this process.
pub struct Workers;

impl Workers {
    /// Starts them.
    pub fn start(_queue: Queue, _work: Arc<dyn Work>, _options: WorkerOptions) -> Self {
        Self
    }

    /// Stops claiming, waits for running jobs until the deadline, and gives the rest back.
    pub async fn drain(self, _deadline: Duration) {}
}
