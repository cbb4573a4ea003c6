//! The writer: one task that commits what waits, together.
//!
//! A commit costs a flush of the disk, whether it carries one message or sixty-four; and on SQLite two writers would
//! only wait for each other.

use std::time::{Duration, Instant};

use sea_orm::{DbErr, SqlErr};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tracing::{info, warn};

use super::{
    Received, busy,
    keep::{Envelope, keep},
};
use crate::{
    clock::Clock,
    core::{Error, Result},
    db::Db,
    queue::{Queue, is_refusal},
};

/// How many messages share a commit, and how many bytes of bodies (one more may go over it).
const MOST: usize = 64;
const MOST_BYTES: usize = 8 << 20;

/// How many callers may wait for the next commits. More wait for a place among them, each for its own deadline.
const DESK: usize = 256;

/// How long a commit may take: beyond it every caller has given up, and a server that stopped answering would hold the
/// ones that come after.
const PATIENCE: Duration = Duration::from_secs(5);

/// A message and who waits for its answer.
pub(super) struct Slip {
    pub envelope: Envelope,
    pub answer: oneshot::Sender<Result<Received>>,
}

/// The tools of the task.
#[derive(Clone)]
pub(super) struct Writer {
    pub db: Db,
    pub queue: Queue,
    pub clock: Clock,
}

impl Writer {
    /// Starts the task; it ends when nobody can hand it anything any more.
    pub fn start(self) -> mpsc::Sender<Slip> {
        let (desk, mut slips) = mpsc::channel(DESK);
        tokio::spawn(async move {
            while let Some(first) = slips.recv().await {
                let together = gather(first, &mut slips);
                metrics::histogram!("patchbay_inbox_commit_messages").record(together.len() as f64);
                self.keep_together(together).await;
            }
        });
        desk
    }

    /// A hook whose caller has gone is kept all the same: not every partner delivers again.
    async fn keep_together(&self, slips: Vec<Slip>) {
        let envelopes: Vec<&Envelope> = slips.iter().map(|slip| &slip.envelope).collect();
        let answers: Vec<Result<Received>> = match self.keep(&envelopes).await {
            Ok(received) => received.into_iter().map(Ok).collect(),
            // One of them can't be stored (its link has just gone, say). The others must not pay for it.
            Err(error) if slips.len() > 1 && is_refusal(&error) => {
                info!(%error, messages = slips.len(), "keeping messages one by one");
                self.keep_one_by_one(&envelopes).await
            }
            Err(error) => {
                warn!(%error, messages = slips.len(), "messages were not kept");
                // Or perhaps they were: of a commit that fails the outcome is open. The marks know when they come again.
                slips.iter().map(|_| Err(refusal(&error))).collect()
            }
        };
        for (Slip { envelope, answer }, received) in slips.into_iter().zip(answers) {
            let how = match received {
                Ok(Received::New) => envelope.arrival(),
                Ok(Received::Repeated) => "repeated",
                Err(_) => "refused",
            };
            metrics::counter!("patchbay_hooks_total", "end" => how).increment(1);
            let _hung_up = answer.send(received);
        }
    }

    /// As long as somebody may still wait for the answer: a full disk refuses every one of them.
    async fn keep_one_by_one(&self, envelopes: &[&Envelope]) -> Vec<Result<Received>> {
        let begun = Instant::now();
        let mut answers = Vec::with_capacity(envelopes.len());
        for envelope in envelopes {
            answers.push(if begun.elapsed() < PATIENCE {
                self.keep_one(envelope).await
            } else {
                Err(busy("its turn did not come in time"))
            });
        }
        answers
    }

    /// Keeps one message in a commit of its own.
    pub async fn keep_one(&self, envelope: &Envelope) -> Result<Received> {
        match self.keep(&[envelope]).await {
            Ok(received) => received.into_iter().next().ok_or_else(|| busy("no answer for the message")),
            Err(error) => {
                warn!(%error, "a message was not kept");
                Err(refusal(&error))
            }
        }
    }

    async fn keep(&self, envelopes: &[&Envelope]) -> Result<Vec<Received>, DbErr> {
        let received = timeout(PATIENCE, keep(&self.db, self.clock.now(), envelopes))
            .await
            .map_err(|_| DbErr::Custom(format!("the database did not answer within {PATIENCE:?}")))??;
        self.queue.wake();
        Ok(received)
    }
}

/// The first, and what has come meanwhile.
fn gather(first: Slip, slips: &mut mpsc::Receiver<Slip>) -> Vec<Slip> {
    let mut bytes = first.envelope.size();
    let mut together = vec![first];
    while together.len() < MOST && bytes < MOST_BYTES {
        let Ok(next) = slips.try_recv() else { break };
        bytes += next.envelope.size();
        together.push(next);
    }
    together
}

fn refusal(error: &DbErr) -> Error {
    match error.sql_err() {
        // The link went, and the organization with it.
        Some(SqlErr::ForeignKeyConstraintViolation(_)) => Error::NotFound,
        _ => busy(error.to_string()),
    }
}
