//! What a link would have told its partner.

use integration_contract::{Capability, Happening};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::SHOWN;
use crate::{
    core::{
        Core, Result, happenings, integration_links,
        outbox::{self, Foreseen, ForeseenChange},
        partners::Partner,
    },
    db::{
        MessageId,
        entity::{
            Tenant, inbox_message,
            integration_link::{self, Column, Entity, LinkState},
        },
    },
};

/// How many of a team's other links are looked at.
const MOST_LINKS: u64 = 20;

/// What a link would have told.
#[derive(Clone, Debug, Default)]
pub struct Leaving {
    /// The newest entries of the team's log.
    pub entries: Vec<Foreseen>,
    /// What the team's other links heard last of items, the newest first.
    pub changes: Vec<ForeseenChange>,
}

/// What a link would have told of the newest entries and items of its team; none where its partner can't be told anything.
///
/// # Errors
/// When the database does not answer.
pub async fn leaving(core: &Core, partner: &Partner, link: &integration_link::Model) -> Result<Option<Leaving>> {
    if !partner.can(Capability::Deliver) {
        return Ok(None);
    }
    let entries = outbox::foresee(core, partner, link, SHOWN).await?;
    Ok(Some(Leaving { entries, changes: changes(core, partner, link).await? }))
}

async fn changes(core: &Core, partner: &Partner, link: &integration_link::Model) -> Result<Vec<ForeseenChange>> {
    let (db, organization) = (core.db.reader(), link.organization_id);
    let others = Entity::of(organization)
        .filter(Column::TeamId.eq(link.team_id))
        .filter(Column::Id.ne(link.id))
        .filter(Column::State.is_not_in([LinkState::Removing, LinkState::Removed]))
        .order_by_desc(Column::Id)
        .limit(MOST_LINKS);
    let mut newest: Vec<(MessageId, integration_link::Model)> = Vec::new();
    for other in others.all(db).await? {
        if !core.partners.get(&other.partner).is_ok_and(|partner| partner.can(Capability::Items)) {
            continue;
        }
        let ids = inbox_message::Entity::of(organization)
            .filter(inbox_message::Column::LinkId.eq(other.id))
            .filter(inbox_message::Column::State.eq(inbox_message::MessageState::Done))
            .order_by_desc(inbox_message::Column::Id)
            .limit(SHOWN)
            .select_only()
            .column(inbox_message::Column::Id);
        newest.extend(ids.into_tuple::<MessageId>().all(db).await?.into_iter().map(|id| (id, other.clone())));
    }
    newest.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    newest.truncate(SHOWN as usize);
    let mut changes = Vec::new();
    for (id, from) in newest {
        let Ok(message) = crate::core::inbox::load(core, organization, id).await else { continue };
        let source = core.partners.get(&from.partner)?;
        let seen = integration_links::as_partner_sees(core, &from);
        let Ok(reading) = source.integration.hook(&seen, &happenings::call_of(&message)) else { continue };
        for happening in reading.happenings {
            let Happening::Item(change) = happening else { continue };
            let user = happenings::author(db, organization, source, &change.by).await?;
            changes.push(outbox::foresee_change(core, partner, link, &from, user, *change));
        }
    }
    Ok(changes)
}
