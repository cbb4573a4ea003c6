//! The settler: commits how runs ended. Those that end while a commit is under way share the next one, as a commit
//! costs the same for one as for sixty-four.

use sea_orm::DbErr;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    PATIENCE, Queue, is_refusal,
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
    /// Taken when it is given.
    answer: Option<oneshot::Sender<bool>>,
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
        self.desk.send(Slip { settlement, answer: Some(answer) }).await.ok()?;
        answered.await.ok()
    }
}

async fn settle_all(queue: Queue, mut slips: mpsc::Receiver<Slip>, end: CancellationToken) {
    let mut together: Vec<Slip> = Vec::with_capacity(MOST);
    let mut pause = Pause::default();
    loop {
        if together.is_empty() && slips.recv_many(&mut together, MOST).await == 0 {
            return;
        }
        // What could not be settled yet is tried again with what has come meanwhile.
        while together.len() < MOST {
            let Ok(slip) = slips.try_recv() else { break };
            together.push(slip);
        }
        let last_try = end.is_cancelled();
        match settle(&queue, &mut together).await {
            Ok(()) => pause.is_over(),
            Err(_) if last_try => together.clear(),
            Err(error) => pause.after(&error, "settling jobs").await,
        }
    }
}

/// Settles all in one commit; if the database refuses that, one by one, so that one it can't take holds up no other.
/// What was settled is answered and taken out.
async fn settle(queue: &Queue, slips: &mut Vec<Slip>) -> Result<(), DbErr> {
    match settle_in_one_commit(queue, slips).await {
        Ok(()) => slips.clear(),
        Err(error) if slips.len() > 1 && is_refusal(&error) => {
            let mut refused = Vec::new();
            for slip in slips.drain(..) {
                let mut alone = [slip];
                if settle_in_one_commit(queue, &mut alone).await.is_err() {
                    refused.extend(alone);
                }
            }
            *slips = refused;
            if !slips.is_empty() {
                return Err(error);
            }
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn settle_in_one_commit(queue: &Queue, slips: &mut [Slip]) -> Result<(), DbErr> {
    let settlements: Vec<Settlement> = slips.iter().map(|slip| slip.settlement.clone()).collect();
    let ours = within(PATIENCE, lease::settle(&queue.db, &settlements)).await?;
    // The next of a lane may be ready now.
    if settlements.iter().any(|settlement| settlement.lane.is_some()) {
        queue.wake();
    }
    for slip in slips {
        if let Some(answer) = slip.answer.take() {
            let _hung_up = answer.send(ours.contains(&slip.settlement.lease.id));
        }
    }
    Ok(())
}
