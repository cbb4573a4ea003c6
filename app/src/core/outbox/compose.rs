//! Composing: what a message says when it is sent now, or why it is not sent at all.

use integration_contract::{Button, Outgoing, OutgoingEntry, Told, Want};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

use super::{
    ANSWER_WITHIN, answer,
    attempt::{post_of, posted},
    item, milliseconds,
    picture::{Picture, pictures},
    tell::about_entry,
};
use crate::{
    core::{
        Core, Result,
        actions::{self, About, Verb},
        integration_links,
        partners::Partner,
    },
    db::{
        EntryId,
        entity::{
            Tenant,
            entry::EntryStatus,
            integration_link,
            outbox_message::{Column, Entity, Model, OutboxKind, OutboxState},
            post::PostState,
        },
    },
};

/// What a message comes to when it is sent now.
pub(super) struct Composed {
    pub outgoing: Outgoing,
    /// The status of the entry that it tells.
    pub status: Option<EntryStatus>,
    /// What a digest tells, and as what.
    pub told: Vec<(String, EntryStatus)>,
}

/// Why a message is not sent.
pub(super) struct Unsent {
    pub state: OutboxState,
    pub reason: &'static str,
}

impl Unsent {
    /// On purpose.
    pub fn skipped(reason: &'static str) -> Self {
        Self { state: OutboxState::Skipped, reason }
    }
}

/// Reads what the message is about as it is now.
pub(super) async fn compose(
    core: &Core,
    partner: &Partner,
    link: &integration_link::Model,
    message: &Model,
) -> Result<Result<Composed, Unsent>> {
    let post = post_of(core, message).await?;
    let standing = post.as_ref().filter(|post| PostState::STANDING.contains(&post.state));
    let (mut status, mut told, mut buttons) = (None, Vec::new(), Vec::new());
    let what = match message.kind {
        OutboxKind::Entry => {
            let ids: Vec<EntryId> = message.entry_id.into_iter().collect();
            let found = pictures(core, core.db.reader(), message.organization_id, &ids).await?.pop();
            let Some(Picture { row, mut seen }) = found else {
                return Ok(Err(Unsent::skipped("The entry is gone.")));
            };
            status = Some(row.status);
            if !wanted(core, partner, link, &seen) {
                if standing.is_none() {
                    return Ok(Err(Unsent::skipped(if seen.archived {
                        "The entry was archived before it was sent."
                    } else {
                        "The link does not tell of this entry any more."
                    })));
                }
                // To the partner it is the same: what was posted of it should go.
                seen.archived = true;
            }
            let open = matches!(row.status, EntryStatus::Goal | EntryStatus::Blocked) && !seen.archived;
            buttons = button(core, link, row.id).into_iter().filter(|_| open).collect();
            Told::Entry(seen)
        }
        OutboxKind::Item => {
            let item;
            (item, buttons) = match item::compose(core, partner, link, message).await? {
                Ok(composed) => composed,
                Err(unsent) => return Ok(Err(unsent)),
            };
            Told::Item(Box::new(item))
        }
        OutboxKind::Digest => {
            let members = Entity::of(message.organization_id)
                .filter(Column::DigestId.eq(message.id))
                .order_by_asc(Column::Id)
                .all(core.db.reader())
                .await?;
            let ids: Vec<EntryId> = members.iter().filter_map(|member| member.entry_id).collect();
            let mut entries = pictures(core, core.db.reader(), message.organization_id, &ids).await?;
            entries.retain(|picture| wanted(core, partner, link, &picture.seen));
            if entries.is_empty() {
                return Ok(Err(Unsent::skipped("There was nothing to tell.")));
            }
            told = entries.iter().map(|Picture { row, .. }| (about_entry(row.id), row.status)).collect();
            Told::Digest(entries.into_iter().map(|picture| picture.seen).collect())
        }
        OutboxKind::Answer => {
            if core.clock.now() - message.created_at > milliseconds(ANSWER_WITHIN) {
                let reason = "It could not be given while there was somebody waiting for it.";
                return Ok(Err(Unsent { state: OutboxState::Failed, reason }));
            }
            let (to, answer) = answer::open(core, message)?;
            Told::Answer { to, answer }
        }
    };
    // A lost answer is looked for by the id it was sent under.
    let id = standing.filter(|post| post.state == PostState::Maybe).map_or(message.id, |post| post.message_id);
    let outgoing = Outgoing { id: id.to_string(), what, posted: posted(post.as_ref()), buttons };
    Ok(Ok(Composed { outgoing, status, told }))
}

fn button(core: &Core, link: &integration_link::Model, entry: EntryId) -> Option<Button> {
    actions::button(core, link, About::Entry(entry), Verb::Complete)
}

fn wanted(core: &Core, partner: &Partner, link: &integration_link::Model, entry: &OutgoingEntry) -> bool {
    let seen = integration_links::as_partner_sees(core, link);
    !entry.archived && partner.integration.wants(&seen, entry) != Want::No
}
