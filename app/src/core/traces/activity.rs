//! A link's activity: what arrived and what was told, newest first, in one timeline. Both kinds of id sort by time, so the
//! place in it is an id, and going on from there reads no more rows than are shown.

use std::collections::BTreeSet;

use integration_contract::text::without_nul;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::outcome::{self, Outcome};
use crate::{
    core::{Core, Result, inbox, outbox},
    db::{
        EntryId, MessageId, OutboxMessageId,
        entity::{
            Tenant, entry,
            inbox_message::{self, MessageState},
            integration_link, item,
            outbox_message::{self, OutboxState},
            post,
        },
    },
};

/// How many are found at once.
const MOST_FOUND: u64 = 100;

/// The longest text that is looked for: none of the ids is longer.
const LONGEST_SOUGHT: usize = 300;

/// Which events are wanted. The default is all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only what ended so.
    pub ended: Option<Ended>,
    /// Only one way.
    pub direction: Option<Direction>,
}

/// How an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Something came of it.
    Something,
    /// Nothing came of it, on purpose.
    Nothing,
    /// It went wrong.
    Failed,
    /// It has not.
    Waiting,
}

/// Which way an event went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A hook of the partner.
    In,
    /// A message to the partner.
    Out,
}

/// Something that came in or went out through a link.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its id, and its place in the timeline.
    pub id: Uuid,
    /// Unix milliseconds.
    pub at: i64,
    /// Which of the two.
    pub what: What,
}

/// Which of the two.
#[derive(Clone, Debug)]
pub enum What {
    /// A hook.
    Arrived(Box<Arrived>),
    /// A message.
    Told(Box<outbox::Line>),
}

/// A hook, and what it led to.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// The hook.
    pub message: inbox::MessageLine,
    /// What it led to.
    pub outcomes: Vec<Outcome>,
}

/// A page of a link's activity.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Newest first.
    pub events: Vec<Event>,
    /// Where it goes on, when it does.
    pub next: Option<Uuid>,
}

impl Ended {
    fn of_hooks(self) -> &'static [MessageState] {
        match self {
            Self::Something => &[MessageState::Done],
            Self::Nothing => &[MessageState::Ignored],
            Self::Failed => &[MessageState::Failed, MessageState::Rejected],
            Self::Waiting => &[MessageState::Received],
        }
    }

    fn of_messages(self) -> &'static [OutboxState] {
        match self {
            Self::Something => &[OutboxState::Delivered],
            Self::Nothing => &[OutboxState::Skipped, OutboxState::Cancelled],
            Self::Failed => &[OutboxState::Failed],
            Self::Waiting => &OutboxState::LIVING,
        }
    }
}

/// A link's activity, from `before` on.
///
/// # Errors
/// When the database does not answer; likewise below.
pub async fn list(
    core: &Core,
    link: &integration_link::Model,
    filter: Filter,
    before: Option<Uuid>,
    most: u64,
) -> Result<Listing> {
    let one_more = most + 1;
    let mut arrived = Vec::new();
    if filter.direction != Some(Direction::Out) {
        use inbox_message::Column;
        let mut query = inbox_message::Entity::of(link.organization_id).filter(Column::LinkId.eq(link.id));
        query = query.order_by_desc(Column::Id).limit(one_more);
        if let Some(before) = before {
            query = query.filter(Column::Id.lt(MessageId(before)));
        }
        // One query for each state: the index of states then has each in order, however rare it is.
        match filter.ended {
            None => arrived = query.into_partial_model().all(core.db.reader()).await?,
            Some(ended) => {
                for state in ended.of_hooks() {
                    let of_state = query.clone().filter(Column::State.eq(*state));
                    arrived.extend(of_state.into_partial_model().all(core.db.reader()).await?);
                }
            }
        }
    }
    let mut told = Vec::new();
    if filter.direction != Some(Direction::In) {
        use outbox_message::Column;
        let mut query = outbox_message::Entity::of(link.organization_id).filter(Column::LinkId.eq(link.id));
        query = query.order_by_desc(Column::Id).limit(one_more);
        if let Some(before) = before {
            query = query.filter(Column::Id.lt(OutboxMessageId(before)));
        }
        match filter.ended {
            None => told = query.into_partial_model().all(core.db.reader()).await?,
            Some(ended) => {
                for state in ended.of_messages() {
                    let of_state = query.clone().filter(Column::State.eq(*state));
                    told.extend(of_state.into_partial_model().all(core.db.reader()).await?);
                }
            }
        }
    }
    let (mut ids, most) = (newest(&arrived, &told), usize::try_from(most).unwrap_or(usize::MAX));
    let more = ids.len() > most;
    ids.truncate(most);
    let last = ids.last().copied();
    let shown = |id: Uuid| last.is_some_and(|last| id >= last);
    arrived.retain(|message: &inbox::MessageLine| shown(message.id.0));
    told.retain(|line: &outbox::Line| shown(line.id.0));
    Ok(Listing { events: events(core, link, arrived, told).await?, next: last.filter(|_| more) })
}

fn newest(arrived: &[inbox::MessageLine], told: &[outbox::Line]) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> =
        arrived.iter().map(|message| message.id.0).chain(told.iter().map(|line| line.id.0)).collect();
    ids.sort_unstable_by(|one, other| other.cmp(one));
    ids
}

async fn events(
    core: &Core,
    link: &integration_link::Model,
    arrived: Vec<inbox::MessageLine>,
    told: Vec<outbox::Line>,
) -> Result<Vec<Event>> {
    let (db, organization) = (core.db.reader(), link.organization_id);
    let mut outcomes = outcome::of(db, organization, arrived.iter().map(|message| message.id)).await?;
    let told = outbox::dressed(db, organization, told, 0).await?;
    let arrived = arrived.into_iter().map(|message| {
        let outcomes = outcomes.remove(&message.id).unwrap_or_default();
        let (id, at) = (message.id.0, message.received_at);
        Event { id, at, what: What::Arrived(Box::new(Arrived { message, outcomes })) }
    });
    let told =
        told.into_iter().map(|line| Event { id: line.id.0, at: line.created_at, what: What::Told(Box::new(line)) });
    let mut events: Vec<Event> = arrived.chain(told).collect();
    events.sort_unstable_by_key(|event| std::cmp::Reverse(event.id));
    Ok(events)
}

/// What of a link's activity has to do with an id, the newest first: an event's own, the partner's name of a delivery, an
/// entry's id or address, what an entry or item is called at the partner, or what a message became there.
pub async fn search(core: &Core, link: &integration_link::Model, text: &str) -> Result<Vec<Event>> {
    let sought = without_nul(text.trim());
    if sought.is_empty() || sought.len() > LONGEST_SOUGHT {
        return Ok(Vec::new());
    }
    let (db, organization) = (core.db.reader(), link.organization_id);
    // Of an address it is the last piece.
    let own: Option<Uuid> = sought.trim_end_matches('/').rsplit('/').next().and_then(|piece| piece.parse().ok());
    let mut entries: BTreeSet<EntryId> = own.map(EntryId).into_iter().collect();
    let named = entry::Entity::of(organization)
        .filter(entry::Column::LinkId.eq(link.id))
        .filter(entry::Column::ExternalId.eq(&sought))
        .select_only()
        .column(entry::Column::Id);
    entries.extend(named.into_tuple::<EntryId>().all(db).await?);
    let abouts: Vec<String> = entries.iter().map(|id| outbox::about_entry(*id)).collect();
    let mut told_as: BTreeSet<String> = abouts.iter().cloned().collect();
    let mut posts = post::Entity::of(organization).filter(post::Column::LinkId.eq(link.id));
    posts = posts.filter(post::Column::RemoteId.eq(&sought));
    let mut ids: BTreeSet<OutboxMessageId> = own.map(OutboxMessageId).into_iter().collect();
    for post in posts.all(db).await? {
        ids.insert(post.message_id);
        told_as.insert(post.about);
    }
    let mut hooks: BTreeSet<MessageId> = own.map(MessageId).into_iter().collect();
    hooks.extend(outcome::led_to(db, organization, &abouts).await?);
    let item = item::Entity::of(organization)
        .filter(item::Column::LinkId.eq(link.id))
        .filter(item::Column::ExternalId.eq(&sought));
    if let Some(item) = item.one(db).await? {
        hooks.extend(outcome::led_to_item(db, organization, item.id).await?);
    }
    // Each by its own index: with an "or", a database may rather read all of the link's.
    let of_link = inbox_message::Entity::of(organization)
        .filter(inbox_message::Column::LinkId.eq(link.id))
        .order_by_desc(inbox_message::Column::Id)
        .limit(MOST_FOUND);
    let by_name = of_link.clone().filter(inbox_message::Column::Delivery.eq(&sought));
    let by_id = of_link.filter(inbox_message::Column::Id.is_in(hooks));
    let mut arrived: Vec<inbox::MessageLine> = by_name.into_partial_model().all(db).await?;
    arrived.extend(by_id.into_partial_model::<inbox::MessageLine>().all(db).await?);
    let of_link = outbox_message::Entity::of(organization)
        .filter(outbox_message::Column::LinkId.eq(link.id))
        .order_by_desc(outbox_message::Column::Id)
        .limit(MOST_FOUND);
    let by_about = of_link.clone().filter(outbox_message::Column::About.is_in(told_as));
    let by_id = of_link.filter(outbox_message::Column::Id.is_in(ids));
    let mut told: Vec<outbox::Line> = by_about.into_partial_model().all(db).await?;
    told.extend(by_id.into_partial_model::<outbox::Line>().all(db).await?);
    arrived.sort_unstable_by_key(|message| message.id);
    arrived.dedup_by_key(|message| message.id);
    told.sort_unstable_by_key(|line| line.id);
    told.dedup_by_key(|line| line.id);
    events(core, link, arrived, told).await
}
