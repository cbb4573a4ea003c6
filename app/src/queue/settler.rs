//! The settler: commits how runs ended. Those that end while a commit is under way share the next one, as a commit
//! costs the same for one as for sixty-four.

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    PATIENCE, Queue,
    lease::{self, Settlement},
    within,
    worker::Pause,
};

/// How many ends share a commit.
const MOST: usize = 64;

/// Where runs hand in how they ended.
pub(super) struct Settler {
    desk: mpsc::Sender<Slip>,
}

struct Slip {
    settlement: Settlement,
    answer: oneshot::Sender<bool>,
}

impl Settler {
    /// Starts its task, which lives as long as this.
    pub fn start(queue: Queue, end: CancellationToken) -> Self {
        let (desk, slips) = mpsc::channel(MOST);
        tokio::spawn(settle_all(queue, slips, end));
        Self { desk }
    }

    /// Settles: true if the job was still ours. None if the end came first.
    pub async fn settle(&self, settlement: Settlement) -> Option<bool> {
        let (answer, answered) = oneshot::channel();
        self.desk.send(Slip { settlement, answer }).await.ok()?;
        answered.await.ok()
    }
}

async fn settle_all(queue: Queue, mut slips: mpsc::Receiver<Slip>, end: CancellationToken) {
    let mut together = Vec::with_capacity(MOST);
    while slips.recv_many(&mut together, MOST).await > 0 {
        let (settlements, answers): (Vec<_>, Vec<_>) =
            together.drain(..).map(|slip| (slip.settlement, slip.answer)).unzip();
        let mut pause = Pause::default();
        let ours = loop {
            let last_try = end.is_cancelled();
            match within(PATIENCE, lease::settle(&queue.db, &settlements)).await {
                Ok(ours) => break Some(ours),
                Err(_) if last_try => break None,
                Err(error) => pause.after(&error, "settling jobs").await,
            }
        };
        let Some(ours) = ours else { continue };
        pause.is_over();
        // The next of a lane may be ready now.
        if settlements.iter().any(|settlement| settlement.lane.is_some()) {
            queue.wake();
        }
        for (settlement, answer) in settlements.iter().zip(answers) {
            let _hung_up = answer.send(ours.contains(&settlement.lease.id));
        }
    }
}
