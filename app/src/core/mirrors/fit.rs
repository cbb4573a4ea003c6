//! Links that fit: whether one brings everything that a mirror has to hear of, and making it do so.

use std::time::Duration;

use integration_contract::{FormInput, LinkRefused};
use sea_orm::{ColumnTrait, QueryFilter};

use super::must_manage;
use crate::{
    core::{Core, Error, Result, integration_links, partners::Partner, people::Member},
    db::{
        TeamId,
        entity::{
            Tenant,
            integration_link::{self, Column, Entity, LinkLevel},
            mirror,
        },
    },
};

/// The same wish again within this time is a double click.
const DOUBLE_CLICK: Duration = Duration::from_secs(60);

/// The form of a link that a mirror can join: what was typed, and what it has to hear of.
///
/// # Errors
/// [`Error::Conflict`] when the partner has no items.
pub fn form_for(partner: &Partner, typed: FormInput) -> Result<FormInput> {
    match partner.integration.items() {
        Some(items) => Ok(items.hearing_all(typed)),
        None => Err(Error::Conflict(format!("{} has nothing that could be mirrored.", partner.name()))),
    }
}

/// The team's own link to this place, if it has one.
///
/// # Errors
/// When the database does not answer.
pub async fn link_to(
    core: &Core,
    who: &Member,
    team: TeamId,
    partner: &Partner,
    target: &str,
) -> Result<Option<integration_link::Model>> {
    Ok(Entity::of(who.organization)
        .filter(Column::TeamId.eq(team))
        .filter(Column::Level.eq(LinkLevel::Team))
        .filter(Column::Partner.eq(partner.id()))
        .filter(Column::LiveTarget.eq(target))
        .one(core.db.reader())
        .await?)
}

/// Whether the link brings everything that a mirror has to hear of.
///
/// # Errors
/// [`Error::NotFound`] when the partner is gone; [`Error::Conflict`] when it has no items.
pub fn hears_all(core: &Core, link: &integration_link::Model) -> Result<bool> {
    let partner = core.partners.get(&link.partner)?;
    let form = partner.integration.form_input(&integration_links::as_partner_sees(core, link));
    Ok(form_for(partner, form.clone())? == form)
}

/// Switches on what a mirror has to hear of. What the link brings besides stays as it is.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Partner`] or [`Error::Conflict`] with a sentence when the partner does not let it.
pub async fn widen(core: &Core, who: &Member, link: &integration_link::Model) -> Result<()> {
    must_manage(who)?;
    let partner = core.partners.get(&link.partner)?;
    let account = integration_links::account(core, partner, link).await?;
    let form = partner.integration.form_input(&integration_links::as_partner_sees(core, link));
    let checked = partner.integration.check_link(&account, &form_for(partner, form)?).await;
    let checked = checked.map_err(|refused| match refused {
        LinkRefused::Partner(error) => Error::Partner(error),
        LinkRefused::Fields(errors) => {
            Error::Conflict(errors.iter().map(|(_, sentence)| sentence).collect::<Vec<_>>().join(" "))
        }
    })?;
    integration_links::change(core, who, partner, link, checked).await
}

/// The mirror between these places that the member made a moment ago: what a second click on the same button means.
///
/// # Errors
/// When the database does not answer.
pub async fn just_made(
    core: &Core,
    who: &Member,
    team: TeamId,
    places: [(&Partner, &str); 2],
) -> Result<Option<mirror::Model>> {
    let (Some(left), Some(right)) = (
        link_to(core, who, team, places[0].0, places[0].1).await?,
        link_to(core, who, team, places[1].0, places[1].1).await?,
    ) else {
        return Ok(None);
    };
    Ok(mirror::Entity::of(who.organization)
        .filter(mirror::Column::LeftLink.eq(left.id))
        .filter(mirror::Column::RightLink.eq(right.id))
        .filter(mirror::Column::CreatedBy.eq(who.user))
        .filter(mirror::Column::CreatedAt.gt(core.clock.before(DOUBLE_CLICK)))
        .filter(mirror::Column::State.is_in(super::LIVING))
        .one(core.db.reader())
        .await?)
}
