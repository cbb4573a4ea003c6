//! The story of one event: of a hook, from its arrival to each delivery it led to; of a message, from what led to it to its
//! last attempt.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::outcome::{self, Outcome};
use crate::{
    core::{Core, Error, Result, inbox, outbox, people::Member},
    db::{
        LinkId, MessageId, OutboxMessageId,
        entity::{
            Tenant, inbox_message,
            integration_link::{self, LinkLevel},
            outbox_message::{self, OutboxKind},
        },
    },
};

/// How many deliveries, or hooks, a story tells of.
const MOST: u64 = 50;

/// How many attempts of each it tells of.
const MOST_ATTEMPTS: usize = 20;

/// The story of a hook.
#[derive(Clone, Debug)]
pub struct ArrivedStory {
    /// The hook, with its body.
    pub message: inbox_message::Model,
    /// What it led to.
    pub outcomes: Vec<Outcome>,
    /// What partners were told of that, the oldest first.
    pub deliveries: Vec<Delivery>,
}

/// The story of a message to a partner.
#[derive(Clone, Debug)]
pub struct ToldStory {
    /// The message, with its attempts.
    pub delivery: Delivery,
    /// The hooks that led to it, the newest first, each with its link.
    pub from: Vec<(inbox::MessageLine, integration_link::Model)>,
}

/// A message on its way through a link.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The link.
    pub link: integration_link::Model,
    /// The message, with its attempts, the last one first.
    pub line: outbox::Line,
}

/// The story of a hook of a link, as the person may see it: what went through a link of somebody else's own is left out.
///
/// # Errors
/// [`Error::NotFound`] when the link has no such hook (any more).
pub async fn arrived(core: &Core, who: &Member, link: &integration_link::Model, id: MessageId) -> Result<ArrivedStory> {
    let message = inbox::load(core, link.organization_id, id).await?;
    if message.link_id != link.id {
        return Err(Error::NotFound);
    }
    let outcomes = outcome::of(core.db.reader(), link.organization_id, [id]).await?.remove(&id).unwrap_or_default();
    let mut abouts: Vec<String> = outcomes.iter().map(|outcome| outcome.about.clone()).collect();
    abouts.push(outbox::about_answer(id));
    use outbox_message::Column;
    let lines = outbox_message::Entity::of(link.organization_id)
        .filter(Column::About.is_in(abouts))
        .order_by_asc(Column::Id)
        .limit(MOST);
    let lines = lines.into_partial_model().all(core.db.reader()).await?;
    Ok(ArrivedStory { message, outcomes, deliveries: deliveries(core, who, link, lines).await? })
}

/// The story of a message of a link.
///
/// # Errors
/// [`Error::NotFound`] when the link has no such message (any more).
pub async fn told(core: &Core, who: &Member, link: &integration_link::Model, id: OutboxMessageId) -> Result<ToldStory> {
    use outbox_message::Column;
    let (db, organization) = (core.db.reader(), link.organization_id);
    let line = outbox_message::Entity::of(organization).filter(Column::LinkId.eq(link.id)).filter(Column::Id.eq(id));
    let line: outbox::Line = line.into_partial_model().one(db).await?.ok_or(Error::NotFound)?;
    let mut hooks = match line.kind {
        OutboxKind::Answer => line.about.rsplit(':').next().and_then(|id| id.parse().ok()).into_iter().collect(),
        OutboxKind::Entry | OutboxKind::Item | OutboxKind::Digest => {
            outcome::led_to(db, organization, std::slice::from_ref(&line.about)).await?
        }
    };
    // What came after it did not lead to it, but for what joined it on its way.
    hooks.retain(|hook: &MessageId| line.finished_at.is_none() || hook.0 <= id.0);
    hooks.truncate(MOST as usize);
    let messages = inbox_message::Entity::of(organization)
        .filter(inbox_message::Column::Id.is_in(hooks))
        .order_by_desc(inbox_message::Column::Id);
    let messages: Vec<inbox::MessageLine> = messages.into_partial_model().all(db).await?;
    let links = visible(core, who, messages.iter().map(|message| message.link_id)).await?;
    let from = messages.into_iter().filter_map(|message| Some((message.clone(), links.get(&message.link_id)?.clone())));
    let from = from.collect();
    let delivery = deliveries(core, who, link, vec![line]).await?.pop().ok_or(Error::NotFound)?;
    Ok(ToldStory { delivery, from })
}

async fn deliveries(
    core: &Core,
    who: &Member,
    link: &integration_link::Model,
    lines: Vec<outbox::Line>,
) -> Result<Vec<Delivery>> {
    let mut links = visible(core, who, lines.iter().map(|line| line.link_id)).await?;
    links.insert(link.id, link.clone());
    let lines = outbox::dressed(core.db.reader(), link.organization_id, lines, MOST_ATTEMPTS).await?;
    let seen = lines.into_iter().filter_map(|line| Some(Delivery { link: links.get(&line.link_id)?.clone(), line }));
    Ok(seen.collect())
}

/// Those of the links that the person may see, removed ones included. They are of one team, which the person is known to
/// see, but may be somebody's own.
async fn visible(
    core: &Core,
    who: &Member,
    ids: impl Iterator<Item = LinkId>,
) -> Result<HashMap<LinkId, integration_link::Model>> {
    let ids: BTreeSet<LinkId> = ids.collect();
    let links = integration_link::Entity::of(who.organization).filter(integration_link::Column::Id.is_in(ids));
    let links = links.all(core.db.reader()).await?.into_iter();
    let theirs = |link: &integration_link::Model| {
        link.level == LinkLevel::Team || link.user_id == Some(who.user) || who.is_admin()
    };
    Ok(links.filter(theirs).map(|link| (link.id, link)).collect())
}
