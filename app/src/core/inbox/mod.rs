//! The inbox: genuine hooks, kept before they are answered and read later by a job.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{
    clock::Clock,
    core::{Error, Result},
    db::{Db, LinkId, OrganizationId},
    queue::Queue,
};

/// The job kind that reads a message: payload `{"message": id}`, lane `link:{link}:{lane}`.
pub const READ_MESSAGE: &str = "read_message";

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
    /// Nothing: its body is not what the partner documents. Only the beginning is kept, and only of the last hundred.
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
    /// It was there already.
    Repeated,
}

/// Keeps hooks. Cheap to clone.
#[derive(Clone)]
pub struct Inbox;

impl Inbox {
    /// The inbox of this process.
    pub fn new(_db: Db, _queue: Queue, _clock: Clock) -> Self {
        Self
    }

    /// Keeps a hook; it is on the disk when this answers.
    ///
    /// # Errors
    /// [`Error::Busy`] when it could not be kept within two seconds.
    pub async fn receive(&self, _message: NewMessage) -> Result<Received> {
        Err(Error::Busy(sea_orm::DbErr::Custom("the inbox is not open yet".into())))
    }
}
