//! What a hook led to: noted when it is read, and looked up for its page.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, sea_query::OnConflict};

use crate::{
    core::{Result, items, outbox},
    db::{
        EntryId, ItemId, MessageId, OrganizationId,
        entity::{
            Tenant, entry, inbox_message,
            inbox_outcome::{ActiveModel, Column, Did, Entity, Model},
            item,
        },
    },
};

/// One thing that a hook led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the outbox messages about it are about.
    pub about: String,
    /// What the hook did to it.
    pub did: Did,
    /// The thing.
    pub thing: Thing,
}

/// What a hook did something to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// An entry of the log.
    Entry {
        /// Its id.
        id: EntryId,
        /// Its text as it is now.
        text: String,
        /// Whether it was taken out of the log since.
        archived: bool,
    },
    /// An item, and what happened to it in a word or two.
    Item {
        /// What people call it.
        name: String,
        /// What happened.
        happened: String,
    },
    /// It is not there any more.
    Gone,
}

/// Notes that a hook did this to these, in the commit in which it did.
///
/// # Errors
/// When the database does not answer; likewise below.
pub async fn note(
    tx: &DatabaseTransaction,
    message: &inbox_message::Model,
    abouts: impl IntoIterator<Item = String>,
    did: Did,
) -> Result<()> {
    let row = |about| Model { organization_id: message.organization_id, message_id: message.id, about, did };
    let rows: Vec<ActiveModel> = abouts.into_iter().map(|about| row(about).into()).collect();
    if rows.is_empty() {
        return Ok(());
    }
    // Read again, a hook finds what it did the first time: that stays what it did.
    let once = OnConflict::columns([Column::OrganizationId, Column::MessageId, Column::About]).do_nothing().to_owned();
    Entity::insert_many(rows).on_conflict(once).exec_without_returning(tx).await?;
    Ok(())
}

/// What these hooks led to.
pub(super) async fn of(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    messages: impl IntoIterator<Item = MessageId>,
) -> Result<HashMap<MessageId, Vec<Outcome>>> {
    let rows = Entity::of(organization).filter(Column::MessageId.is_in(messages)).all(db).await?;
    let entries: HashSet<EntryId> = rows.iter().filter_map(|row| entry_of(&row.about)).collect();
    let entries: HashMap<EntryId, entry::Model> = match entries.is_empty() {
        true => HashMap::new(),
        false => {
            let entries = entry::Entity::of(organization).filter(entry::Column::Id.is_in(entries)).all(db).await?;
            entries.into_iter().map(|entry| (entry.id, entry)).collect()
        }
    };
    let ids: HashSet<ItemId> = rows.iter().filter_map(|row| item_of(&row.about)).collect();
    let names: HashMap<ItemId, String> = match ids.is_empty() {
        true => HashMap::new(),
        false => {
            let rows = item::Entity::of(organization).filter(item::Column::Id.is_in(ids)).all(db).await?;
            rows.iter().filter_map(|row| Some((row.id, items::picture(row)?.name))).collect()
        }
    };
    let mut of: HashMap<MessageId, Vec<Outcome>> = HashMap::new();
    for Model { message_id, about, did, .. } in rows {
        let entry = entry_of(&about).and_then(|id| entries.get(&id));
        let item = item_of(&about).and_then(|id| names.get(&id)).zip(outbox::happened(&about));
        let thing = match (entry, item) {
            (Some(entry), _) => {
                Thing::Entry { id: entry.id, text: entry.body.clone(), archived: entry.archived_at.is_some() }
            }
            (None, Some((name, happened))) => Thing::Item { name: name.clone(), happened },
            (None, None) => Thing::Gone,
        };
        of.entry(message_id).or_default().push(Outcome { about, did, thing });
    }
    // Entries before items; a message's lines stand in its order, and the first has the newest entry.
    for outcomes in of.values_mut() {
        outcomes.sort_by(|one, other| {
            let is_item = |outcome: &Outcome| item_of(&outcome.about).is_some();
            is_item(one).cmp(&is_item(other)).then_with(|| other.about.cmp(&one.about))
        });
    }
    Ok(of)
}

/// The hooks that led to any of these, the newest first.
pub(super) async fn led_to(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    abouts: &[String],
) -> Result<Vec<MessageId>> {
    if abouts.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Entity::of(organization).filter(Column::About.is_in(abouts)).all(db).await?;
    let mut ids: Vec<MessageId> = rows.into_iter().map(|row| row.message_id).collect();
    ids.sort_unstable_by(|one, other| other.cmp(one));
    ids.dedup();
    Ok(ids)
}

/// The hooks that led to any change of an item, the newest first.
pub(super) async fn led_to_item(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    item: ItemId,
) -> Result<Vec<MessageId>> {
    let rows = Entity::of(organization).filter(Column::About.starts_with(format!("item:{item}:"))).all(db).await?;
    let mut ids: Vec<MessageId> = rows.into_iter().map(|row| row.message_id).collect();
    ids.sort_unstable_by(|one, other| other.cmp(one));
    ids.dedup();
    Ok(ids)
}

fn entry_of(about: &str) -> Option<EntryId> {
    about.strip_prefix("entry:")?.parse().ok()
}

fn item_of(about: &str) -> Option<ItemId> {
    about.strip_prefix("item:")?.split(':').next()?.parse().ok()
}
