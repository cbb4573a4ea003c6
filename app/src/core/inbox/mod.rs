//! The inbox: genuine hooks, kept before they are answered and read later by a job.
//!
//! [`Inbox::receive`] hands the hook to the one task that writes (`writer`), which commits everything that waits
//! together: message, marks and job of each are in one commit (`keep`). What happens to kept messages is in `read`.

mod keep;
mod read;
mod writer;

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use sea_orm::DbErr;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

pub(super) use read::AGED;
pub use read::{
    MessageLine, count_failed, finish, forget_marks, forget_messages, go_on, held, hold, load, replay, replay_failed,
};

use crate::{
    clock::Clock,
    core::{Error, Result},
    db::{Db, LinkId, OrganizationId},
    queue::Queue,
};
use keep::Envelope;
use writer::{Slip, Writer};

/// The job kind that reads a message: payload `{"message": id}`, lane `link:{link}:{lane}`.
pub const READ_MESSAGE: &str = "read_message";

/// How long a caller waits. The shortest deadline a partner gives a hook is three seconds.
const DEADLINE: Duration = Duration::from_secs(2);

/// A genuine hook to keep.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// The tenant of the link whose secret verified it.
    pub organization: OrganizationId,
    /// That link.
    pub link: LinkId,
    /// The partner.
    pub partner: String,
    /// The partner's word for what it is.
    pub event: String,
    /// The partner's name of the delivery; empty if it has none.
    pub delivery: String,
    /// Messages of one lane are read one after the other; empty = the link as a whole.
    pub lane: String,
    /// The headers that reading it needs.
    pub headers: BTreeMap<String, Vec<String>>,
    /// The body, byte for byte.
    pub body: Bytes,
    /// What is to come of it.
    pub state: Arrival,
}

/// What is to come of a new message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It is read by a job.
    Received,
    /// Nothing; the reason says why.
    Ignored {
        /// For the link's page.
        reason: String,
    },
    /// Nothing: its body is not what the partner documents. Only its beginning is kept, and only of a link's last
    /// hundred; it leaves no marks, so the same delivery counts as new once the partner sends it whole.
    Rejected {
        /// For the link's page.
        reason: String,
    },
}

/// What became of a hook. Either way it is kept, and may be answered 2xx.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is new.
    New,
    /// Its delivery or its body was there before.
    Repeated,
}

/// Keeps hooks. Cheap to clone; all clones share one writer.
#[derive(Clone)]
pub struct Inbox {
    desk: mpsc::Sender<Slip>,
    writer: Writer,
}

impl Inbox {
    /// The inbox of this process, on the runtime this is called on.
    pub fn new(db: Db, queue: Queue, clock: Clock) -> Self {
        let writer = Writer { db, queue, clock };
        Self { desk: writer.clone().start(), writer }
    }

    /// Keeps a hook: it is on the disk when this answers.
    ///
    /// When the caller goes away before the answer, the hook is either kept with all that belongs to it or not at all.
    ///
    /// # Errors
    /// [`Error::Busy`] when it was not kept within two seconds (it may still be, and a second delivery is then known
    /// as repeated); [`Error::NotFound`] when the link is gone.
    pub async fn receive(&self, message: NewMessage) -> Result<Received> {
        let (answer, answered) = oneshot::channel();
        let slip = Slip { envelope: Envelope::seal(message), answer };
        let kept = async {
            self.desk.send(slip).await.map_err(|_| busy("the inbox is closed"))?;
            answered.await.map_err(|_| busy("the inbox was closed"))?
        };
        match timeout(DEADLINE, kept).await {
            Ok(received) => received,
            Err(_) => Err(busy(format!("the hook was not kept within {DEADLINE:?}"))),
        }
    }

    /// Keeps a hook in a commit of its own: what the benchmark compares [`Self::receive`] with.
    ///
    /// # Errors
    /// The same.
    #[doc(hidden)]
    pub async fn receive_alone(&self, message: NewMessage) -> Result<Received> {
        self.writer.keep_one(&Envelope::seal(message)).await
    }
}

fn busy(why: impl Into<String>) -> Error {
    Error::Busy(DbErr::Custom(why.into()))
}
