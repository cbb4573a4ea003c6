//! Items on their way out: a message for each change, with the change in it, sealed, and the item as it is when it is
//! sent. Changes are never joined: what happened in between is what a thread is for.

use integration_contract::{Button, Change, ExposeSecret, Item, ItemChange, OutgoingItem, SecretString};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, sea_query::OnConflict};
use serde::{Deserialize, Serialize};

use super::{
    compose::Unsent,
    job,
    tell::{insert, listening, new_message},
};
use crate::{
    core::{
        Core, Error, Result,
        actions::{self, About, Verb},
        integration_links, items,
        partners::Partner,
        sealing::Place,
    },
    db::{
        ItemId, UserId,
        entity::{
            Tenant,
            integration_link::{self, LinkLevel},
            outbox_message::{Model, OutboxKind, OutboxState},
            post::{self, PostState},
        },
    },
    queue,
};

/// What happened, or what could not be done about it. People wrote it, so it is sealed, and dropped once it was sent.
#[derive(Serialize, Deserialize)]
struct Content {
    change: ItemChange,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

/// What stands in a message's `about` in place of what happened.
const TROUBLE: &str = "trouble";

/// What the thread of an item is about.
fn about_item(id: ItemId) -> String {
    format!("item:{id}")
}

/// What the messages about one change of an item are about.
pub fn about_change(id: ItemId, change: &ItemChange) -> String {
    format!("{}:{}", about_item(id), items::name_of(change))
}

/// What a message with this `about` tells of an item, in a word or two.
pub fn happened(about: &str) -> Option<String> {
    let word = about.strip_prefix("item:")?.split(':').nth(1)?;
    Some(if word == TROUBLE { "what could not be done".to_owned() } else { word.replace('_', " ") })
}

/// A change of an item in a line: `acme/widgets#42 The door sticks: closed`.
pub fn item_in_words(name: &str, title: &str, word: &str) -> String {
    format!("{name} {title}: {}", word.replace('_', " "))
}

/// Tells a team's other links what happened to an item of this one: those that want it, each in a message of its own, in
/// the caller's transaction. Call it after the item was written, and wake the queue after the commit.
///
/// # Errors
/// When the database does not answer.
pub async fn tell_item(
    core: &Core,
    tx: &DatabaseTransaction,
    from: &integration_link::Model,
    user: Option<UserId>,
    item: ItemId,
    change: ItemChange,
) -> Result<()> {
    let links = listening(core, tx, from.organization_id, from.team_id).await?;
    let about = about_change(item, &change);
    let content = Content { change, trouble: None };
    let text = content.to_text()?;
    let mut jobs = Vec::new();
    for link in links.iter().filter(|link| concerns(link, from, user)) {
        let partner = core.partners.get(&link.partner)?;
        if !partner.integration.wants_item(&integration_links::as_partner_sees(core, link), &content.change) {
            continue;
        }
        let message = message(core, link, item, about.clone(), &text);
        if insert(tx, &message).await? {
            jobs.push(job(&message));
        }
    }
    if jobs.is_empty() {
        return Ok(());
    }
    // An entry of the same hook may go to others of them: who adds to several lanes holds them all from the start.
    queue::hold_lanes(tx, from.organization_id, links.iter().map(|link| super::lane_of(link.id))).await?;
    Ok(queue::add_many(tx, jobs).await?)
}

/// Tells one link what could not be done about an item. Wake the queue after the commit.
///
/// # Errors
/// When the database does not answer.
pub async fn tell_trouble(
    core: &Core,
    tx: &DatabaseTransaction,
    link: &integration_link::Model,
    item: ItemId,
    change: ItemChange,
    sentence: &str,
) -> Result<()> {
    let name = items::name_of(&change);
    let digest = name.rsplit(':').next().unwrap_or_default();
    let about = format!("{}:{TROUBLE}:{digest}", about_item(item));
    let text = Content { change, trouble: Some(sentence.to_owned()) }.to_text()?;
    let message = message(core, link, item, about, &text);
    if insert(tx, &message).await? {
        queue::add(tx, job(&message)).await?;
    }
    Ok(())
}

/// A user's link is about what that user did, and nothing goes back to where it came from, not even through another link
/// to the same place.
pub(super) fn concerns(link: &integration_link::Model, from: &integration_link::Model, user: Option<UserId>) -> bool {
    let back = link.id == from.id || (link.partner == from.partner && link.target == from.target);
    !back && (link.level != LinkLevel::User || user == link.user_id)
}

fn message(core: &Core, link: &integration_link::Model, item: ItemId, about: String, text: &SecretString) -> Model {
    let message = new_message(link, about, OutboxKind::Item, OutboxState::Waiting, core.clock.now());
    let content = core.vault.seal(place(&message), text);
    Model { item_id: Some(item), content: Some(content), ..message }
}

fn place(message: &Model) -> Place {
    Place::outbox_content(message.organization_id, message.id)
}

impl Content {
    fn to_text(&self) -> Result<SecretString> {
        Ok(serde_json::to_string(self).map_err(anyhow::Error::from)?.into())
    }

    fn open(core: &Core, message: &Model) -> Result<Self> {
        let broken = || Error::Internal(anyhow::anyhow!("the content of a message about an item does not open"));
        let sealed = message.content.as_deref().ok_or_else(broken)?;
        let clear = core.vault.open(place(message), sealed).map_err(|_| broken())?;
        serde_json::from_str(clear.expose_secret()).map_err(|_| broken())
    }
}

/// What a message tells when it is sent now, and what can be done about it from there. An item that was forgotten
/// meanwhile stands as the change left it.
pub(super) async fn compose(
    core: &Core,
    partner: &Partner,
    link: &integration_link::Model,
    message: &Model,
) -> Result<Result<(OutgoingItem, Vec<Button>), Unsent>> {
    let Some(id) = message.item_id else { return Ok(Err(Unsent::skipped("The item is gone."))) };
    let Content { change, trouble } = Content::open(core, message)?;
    let seen = integration_links::as_partner_sees(core, link);
    if trouble.is_none() && !partner.integration.wants_item(&seen, &change) {
        return Ok(Err(Unsent::skipped("The link does not tell of this any more.")));
    }
    let row = items::load(core.db.reader(), message.organization_id, id).await?;
    let source = match &row {
        Some(row) => integration_links::load(core, message.organization_id, row.link_id).await?,
        None => None,
    };
    let item = row.as_ref().and_then(items::picture).unwrap_or_else(|| change.item.clone());
    let is_there = !matches!(change.what, Change::Deleted | Change::Moved { .. });
    let buttons = match source.as_ref().filter(|source| is_there && integration_links::lives(source)) {
        Some(source) => buttons(core, link, source, id, &item)?,
        None => Vec::new(),
    };
    let told = OutgoingItem {
        id: id.to_string(),
        source: source.map_or_else(|| item.name.clone(), |source| source.name),
        thread: thread(core, link, id).await?,
        item,
        change,
        trouble,
    };
    Ok(Ok((told, buttons)))
}

fn buttons(
    core: &Core,
    link: &integration_link::Model,
    source: &integration_link::Model,
    id: ItemId,
    item: &Item,
) -> Result<Vec<Button>> {
    let Some(items) = core.partners.get(&source.partner)?.integration.items() else { return Ok(Vec::new()) };
    let verbs = items.deeds(item).iter().filter_map(Verb::of).collect::<Vec<_>>();
    Ok(verbs.into_iter().filter_map(|verb| actions::button(core, link, About::Item(id), verb)).collect())
}

/// What the first change that a link told of an item is to its partner.
async fn thread(core: &Core, link: &integration_link::Model, id: ItemId) -> Result<Option<String>> {
    let post = post::Entity::of(link.organization_id)
        .filter(post::Column::LinkId.eq(link.id))
        .filter(post::Column::About.eq(about_item(id)))
        .one(core.db.reader())
        .await?;
    Ok(post.and_then(|post| post.remote_id))
}

/// Notes what the first change that is told of an item is to the partner; all later ones go below it.
pub(super) async fn begin_thread(tx: &DatabaseTransaction, message: &Model, remote: &str, now: i64) -> Result<()> {
    let Some(id) = message.item_id else { return Ok(()) };
    let row = post::Model {
        organization_id: message.organization_id,
        link_id: message.link_id,
        about: about_item(id),
        state: PostState::There,
        message_id: message.id,
        remote_id: Some(remote.to_owned()),
        status: None,
        first_sent_at: now,
        updated_at: now,
    };
    let key = [post::Column::OrganizationId, post::Column::LinkId, post::Column::About];
    // As long as it goes on, it is remembered.
    let again = OnConflict::columns(key).update_column(post::Column::UpdatedAt).to_owned();
    post::Entity::insert(post::ActiveModel::from(row)).on_conflict(again).exec_without_returning(tx).await?;
    Ok(())
}
