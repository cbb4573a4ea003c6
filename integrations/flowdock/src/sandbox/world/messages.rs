//! Messages as they are kept, and finding them.

use integration_sandboxkit::random;
use jiff::Timestamp;
use serde_json::Value;

use super::super::refusal::Refusal;
use super::super::shapes;
use super::files::Attachment;
use super::tags;
use super::{FlowId, SourceId, ThreadId, UserId, World};

/// Where a message is: ids count up in each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Place {
    Flow(FlowId),
    /// Two people; the smaller id first.
    Private(UserId, UserId),
}

impl Place {
    pub fn private(one: UserId, other: UserId) -> Self {
        Place::Private(one.min(other), one.max(other))
    }
}

pub(in super::super) struct Message {
    pub id: u64,
    pub place: Place,
    pub new: NewMessage,
    pub sent: Timestamp,
    pub edited: Option<Timestamp>,
}

/// All about a message but where and when.
#[derive(Default, Clone)]
pub(in super::super) struct NewMessage {
    pub event: String,
    /// 0: not a person.
    pub user: UserId,
    pub content: Value,
    pub title: Option<String>,
    pub body: Option<String>,
    pub author: Option<Value>,
    pub external_user_name: Option<String>,
    pub tags: Vec<String>,
    pub attachments: Vec<Attachment>,
    pub uuid: Option<String>,
    pub thread: Option<ThreadId>,
    pub source: Option<SourceId>,
}

impl NewMessage {
    pub fn event(event: &str) -> Self {
        Self { event: event.to_owned(), ..Self::default() }
    }

    /// Whether it stands in the inbox; everything else is chat.
    pub fn is_inbox(&self) -> bool {
        matches!(self.event.as_str(), "activity" | "discussion" | "mail" | "source-add")
    }
}

/// Which messages somebody wants to see.
pub(in super::super) struct MessageWish {
    pub events: Vec<String>,
    pub limit: usize,
    pub oldest_first: bool,
    pub since: Option<u64>,
    pub until: Option<u64>,
    pub tags: Vec<String>,
    pub any_tag: bool,
    /// All of these.
    pub words: Vec<String>,
    pub skip: usize,
    pub thread: Option<ThreadId>,
}

impl World {
    /// Keeps a message and tells everyone who listens.
    pub fn add_message(&mut self, place: Place, mut new: NewMessage) -> Result<u64, Refusal> {
        let now = self.now();
        let id = match &place {
            Place::Flow(flow) => {
                let flow = self.flow_mut(flow)?;
                if flow.disabled {
                    return Err(super::flows::disabled());
                }
                if let Some(membership) = flow.members.get_mut(&new.user) {
                    membership.last_activity = Some(now);
                }
                flow.last_message += 1;
                flow.last_message
            }
            Place::Private(..) => self.messages_of(&place).last().map_or(0, |message| message.id) + 1,
        };
        new.uuid.get_or_insert_with(random::guid);
        if let Some(thread) = &new.thread {
            self.note_in_thread(thread, &new.event, id);
        }
        let message = Message { id, place: place.clone(), new, sent: now, edited: None };
        let shown = shapes::message::message(self, &message);
        self.messages.entry(place.clone()).or_default().insert(id, message);
        self.stream.tell(place, shown);
        Ok(id)
    }

    pub fn messages_of(&self, place: &Place) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.get(place).into_iter().flat_map(|messages| messages.values())
    }

    pub fn message(&self, place: &Place, id: u64) -> Result<&Message, Refusal> {
        self.messages.get(place).and_then(|messages| messages.get(&id)).ok_or_else(Refusal::not_found)
    }

    pub(super) fn message_mut(&mut self, place: &Place, id: u64) -> Result<&mut Message, Refusal> {
        self.messages.get_mut(place).and_then(|messages| messages.get_mut(&id)).ok_or_else(Refusal::not_found)
    }

    /// `sort` chooses the end to take from; the answer is always in order.
    pub fn find_messages(&self, place: &Place, wish: &MessageWish) -> Vec<&Message> {
        let searching = !wish.words.is_empty();
        let fits = |message: &&Message| {
            let new = &message.new;
            (wish.events.is_empty() || wish.events.contains(&new.event))
                && wish.thread.as_ref().is_none_or(|thread| new.thread.as_ref() == Some(thread))
                && (searching || wish.since.is_none_or(|since| message.id > since))
                && (searching || wish.until.is_none_or(|until| message.id < until))
                && tags::fit(&new.tags, &wish.tags, wish.any_tag)
                && wish.words.iter().all(|word| has_word(new, word))
        };
        let found: Vec<&Message> = self.messages_of(place).filter(fits).collect();
        let (skip, limit) = (if searching { wish.skip } else { 0 }, wish.limit);
        if wish.oldest_first {
            return found.into_iter().skip(skip).take(limit).collect();
        }
        let mut newest: Vec<&Message> = found.into_iter().rev().skip(skip).take(limit).collect();
        newest.reverse();
        newest
    }
}

fn has_word(new: &NewMessage, word: &str) -> bool {
    let content = match &new.content {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let texts = [Some(&content), new.title.as_ref(), new.body.as_ref()];
    texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&word.to_lowercase()))
}
