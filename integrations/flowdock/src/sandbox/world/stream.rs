//! What happens, told to everyone who listens; the newest are kept for those who come back.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::broadcast;

use super::UserId;
use super::messages::Place;

/// For listeners who come back, and for those who are slow.
const KEPT: usize = 1000;

pub(in super::super) struct Event {
    pub id: u64,
    pub place: Place,
    pub shown: Value,
}

pub(in super::super) struct Stream {
    sender: broadcast::Sender<Arc<Event>>,
    kept: VecDeque<Arc<Event>>,
    last: u64,
}

impl Default for Stream {
    fn default() -> Self {
        Self { sender: broadcast::Sender::new(KEPT), kept: VecDeque::new(), last: 0 }
    }
}

impl Stream {
    pub fn tell(&mut self, place: Place, shown: Value) {
        self.last += 1;
        let event = Arc::new(Event { id: self.last, place, shown });
        self.kept.push_back(Arc::clone(&event));
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        // Nobody listening is no error.
        self.sender.send(event).ok();
    }

    /// What is to come, and what came after event `last`.
    pub fn listen(&self, last: Option<u64>) -> (Vec<Arc<Event>>, broadcast::Receiver<Arc<Event>>) {
        let missed = last.map_or_else(Vec::new, |last| self.kept.iter().filter(|it| it.id > last).cloned().collect());
        (missed, self.sender.subscribe())
    }
}

/// What a listener wants to hear.
#[derive(Clone)]
pub(in super::super) struct Ear {
    pub flows: Vec<String>,
    /// Private messages too, of this person.
    pub private: Option<UserId>,
}

impl Ear {
    pub fn hears(&self, event: &Event) -> bool {
        match &event.place {
            Place::Flow(flow) => self.flows.contains(flow),
            Place::Private(one, other) => self.private.is_some_and(|user| user == *one || user == *other),
        }
    }
}
