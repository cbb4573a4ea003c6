//! Foreseeing: what a link would tell its partner of what is in the log already. Nothing is written and nobody is called.

use integration_contract::{ItemChange, OutgoingEntry, Want};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    item,
    picture::pictures,
    tell::{concerns, origins},
};
use crate::{
    core::{Core, Result, integration_links, mail::digest::team_hour, partners::Partner},
    db::{
        EntryId, UserId,
        entity::{Tenant, entry, integration_link},
    },
};

/// An entry of the log, and what a link would make of it.
#[derive(Clone, Debug)]
pub struct Foreseen {
    /// Ours.
    pub id: EntryId,
    /// As the partner would be told of it.
    pub entry: OutgoingEntry,
    /// Whether it would be told, or the reason why not.
    pub told: std::result::Result<Told, &'static str>,
}

/// When something would be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// At once.
    Now,
    /// In the digest at this hour of the team's day.
    Digest(u8),
}

/// A change of an item of another link, and whether a link would tell of it.
#[derive(Clone, Debug)]
pub struct ForeseenChange {
    /// The name of the link it came from.
    pub source: String,
    /// What happened.
    pub change: ItemChange,
    /// Whether it would be told, or the reason why not.
    pub told: std::result::Result<Told, &'static str>,
}

const NOT_THEIRS: &str = "Somebody else did this, and the link is for one person.";
const FROM_THERE: &str = "It came from there.";
const NOT_WANTED: &str = "These settings leave it out.";

/// What the link, which need not be stored, would tell of the newest entries of its team's log.
///
/// # Errors
/// When the database does not answer.
pub async fn foresee(
    core: &Core,
    partner: &Partner,
    link: &integration_link::Model,
    most: u64,
) -> Result<Vec<Foreseen>> {
    let (db, organization) = (core.db.reader(), link.organization_id);
    let newest = entry::Entity::of(organization)
        .filter(entry::Column::TeamId.eq(link.team_id))
        .filter(entry::Column::ArchivedAt.is_null())
        .order_by_desc(entry::Column::OccurredOn)
        .order_by_desc(entry::Column::Id)
        .limit(most)
        .select_only()
        .column(entry::Column::Id);
    let ids: Vec<EntryId> = newest.into_tuple().all(db).await?;
    let pictures = pictures(core, db, organization, &ids).await?;
    let origins = origins(db, organization, std::slice::from_ref(link), &pictures).await?;
    let seen = integration_links::as_partner_sees(core, link);
    let of_team = team_hour(db, organization, link.team_id).await?;
    let foreseen = pictures.into_iter().map(|picture| {
        let of_another = is_for_another(link, picture.row.user_id);
        let told = match partner.integration.wants(&seen, &picture.seen) {
            _ if of_another => Err(NOT_THEIRS),
            _ if !concerns(link, &picture, &origins) => Err(FROM_THERE),
            Want::Now => Ok(Told::Now),
            Want::Digest { hour } => Ok(Told::Digest(hour.unwrap_or(of_team))),
            Want::No => Err(NOT_WANTED),
        };
        Foreseen { id: picture.row.id, entry: picture.seen, told }
    });
    Ok(foreseen.collect())
}

/// Whether the link would tell of a change that another link brought, done by this user of ours when it was one.
pub fn foresee_change(
    core: &Core,
    partner: &Partner,
    link: &integration_link::Model,
    from: &integration_link::Model,
    user: Option<UserId>,
    change: ItemChange,
) -> ForeseenChange {
    let told = if is_for_another(link, user) {
        Err(NOT_THEIRS)
    } else if !item::concerns(link, from, user) {
        Err(FROM_THERE)
    } else if partner.integration.wants_item(&integration_links::as_partner_sees(core, link), &change) {
        Ok(Told::Now)
    } else {
        Err(NOT_WANTED)
    };
    ForeseenChange { source: from.name.clone(), change, told }
}

fn is_for_another(link: &integration_link::Model, user: Option<UserId>) -> bool {
    link.level == integration_link::LinkLevel::User && user != link.user_id
}
