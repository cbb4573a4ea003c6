//! Telling that a link broke, and that it works again: once each, to its owner and the team's admins.
//!
//! This looks at how things stand rather than listening to each change: a link that is mended within a minute was never
//! broken for anybody, and what changes while no process runs is told when one does.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, TryInsertResult,
};

use super::{Letter, write};
use crate::{
    core::{Core, Result, entries, partners::our_url},
    db::{
        LinkId, OrganizationId, UserId,
        entity::{
            Tenant,
            integration_link::{self, LinkState},
            member::{self, Role},
            team, team_member, told_break,
        },
    },
};

/// How long a link is broken before anybody is told.
const GRACE: i64 = 60_000;
/// How many are looked at each time; the rest have their turn the next time.
const AT_ONCE: u64 = 200;

/// Tells what is to be told, of all tenants. May run in several processes at once: a row decides who tells.
///
/// # Errors
/// When the database does not answer; the rest is told the next time.
pub async fn tell(core: &Core) -> Result<()> {
    let mut first = Ok(());
    // What is wrong with one link must not keep the others waiting.
    for (organization, link) in broken_untold(core).await? {
        let told = core.db.write(async |tx| tell_break(core, tx, organization, link).await).await;
        first = first.and(told);
    }
    for (organization, link) in told_and_over(core).await? {
        let told = core.db.write(async |tx| tell_end(core, tx, organization, link).await).await;
        first = first.and(told);
    }
    core.queue.wake();
    first
}

/// Links that have been broken for a while, and nobody was told.
async fn broken_untold(core: &Core) -> Result<Vec<(OrganizationId, LinkId)>> {
    use integration_link::Column;
    Ok(integration_link::Entity::find()
        .select_only()
        .columns([Column::OrganizationId, Column::Id])
        .filter(Column::State.eq(LinkState::Broken))
        .filter(Column::StateSince.lte(core.clock.now() - GRACE))
        .join(sea_orm::JoinType::LeftJoin, to_told_break())
        .filter(told_break::Column::LinkId.is_null())
        .limit(AT_ONCE)
        .into_tuple()
        .all(core.db.reader())
        .await?)
}

/// Links that are no longer broken although somebody was told that they are.
async fn told_and_over(core: &Core) -> Result<Vec<(OrganizationId, LinkId)>> {
    use integration_link::Column;
    Ok(integration_link::Entity::find()
        .select_only()
        .columns([Column::OrganizationId, Column::Id])
        // Set up again, it may work or not; that is told when it is known.
        .filter(Column::State.is_not_in([LinkState::Broken, LinkState::Pending]))
        .join(sea_orm::JoinType::InnerJoin, to_told_break())
        .limit(AT_ONCE)
        .into_tuple()
        .all(core.db.reader())
        .await?)
}

fn to_told_break() -> sea_orm::RelationDef {
    integration_link::Entity::belongs_to(told_break::Entity)
        .from((integration_link::Column::OrganizationId, integration_link::Column::Id))
        .to((told_break::Column::OrganizationId, told_break::Column::LinkId))
        .into()
}

async fn tell_break(core: &Core, tx: &DatabaseTransaction, organization: OrganizationId, id: LinkId) -> Result<()> {
    let Some(link) = locked(tx, organization, id).await?.filter(|link| link.state == LinkState::Broken) else {
        return Ok(());
    };
    let row = told_break::Model { organization_id: organization, link_id: id, told_at: core.clock.now() };
    let told = told_break::Entity::insert(row.into_active_model())
        .on_conflict_do_nothing_on([told_break::Column::OrganizationId, told_break::Column::LinkId])
        .exec_without_returning(tx)
        .await?;
    if !matches!(told, TryInsertResult::Inserted(rows) if rows > 0) {
        return Ok(());
    }
    let Some(team) = team_of(tx, &link).await? else { return Ok(()) };
    let since = Timestamp::from_millisecond(link.state_since).unwrap_or_default().to_zoned(entries::zone(&team));
    let named = named(core, &link);
    let letter = Letter {
        subject: format!("{named} needs somebody"),
        body: format!(
            "The link to {named} of the team {team} has not worked since {since}:\n\n    {reason}\n\n\
             Nothing was removed, and it goes on by itself once this is mended. What to do is said here:\n{url}\n\n\
             You get this because the link is yours, or because you are an admin in its team. There will be one more mail: \
             when it works again.\n",
            team = team.name,
            since = since.strftime("%-d %B %Y, %H:%M"),
            reason = link.reason.as_deref().unwrap_or("The partner refuses what the link needs."),
            url = url_of(core, &link),
        ),
    };
    write(core, tx, organization, concerned(tx, &link).await?, &letter).await
}

async fn tell_end(core: &Core, tx: &DatabaseTransaction, organization: OrganizationId, id: LinkId) -> Result<()> {
    let Some(link) = locked(tx, organization, id).await? else { return Ok(()) };
    if matches!(link.state, LinkState::Broken | LinkState::Pending) {
        return Ok(());
    }
    let told = told_break::Entity::delete_of(organization).filter(told_break::Column::LinkId.eq(id)).exec(tx).await?;
    // Paused or removed by a person: that person knows.
    if told.rows_affected == 0 || link.state != LinkState::Active {
        return Ok(());
    }
    let Some(team) = team_of(tx, &link).await? else { return Ok(()) };
    let named = named(core, &link);
    let letter = Letter {
        subject: format!("{named} works again"),
        body: format!(
            "The link to {named} of the team {team} works again:\n{url}\n",
            team = team.name,
            url = url_of(core, &link),
        ),
    };
    write(core, tx, organization, concerned(tx, &link).await?, &letter).await
}

async fn locked(
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    id: LinkId,
) -> Result<Option<integration_link::Model>> {
    let link = integration_link::Entity::of(organization).filter(integration_link::Column::Id.eq(id));
    Ok(link.lock_exclusive().one(tx).await?)
}

async fn team_of(tx: &DatabaseTransaction, link: &integration_link::Model) -> Result<Option<team::Model>> {
    Ok(team::Entity::of(link.organization_id).filter(team::Column::Id.eq(link.team_id)).one(tx).await?)
}

/// The link's owner and the admins in its team; the organization's owners where that is nobody.
async fn concerned(tx: &DatabaseTransaction, link: &integration_link::Model) -> Result<BTreeSet<UserId>> {
    let in_team: BTreeSet<UserId> = team_member::Entity::of(link.organization_id)
        .filter(team_member::Column::TeamId.eq(link.team_id))
        .all(tx)
        .await?
        .into_iter()
        .map(|row| row.user_id)
        .collect();
    let members = member::Entity::of(link.organization_id).all(tx).await?;
    let told: BTreeSet<UserId> = members
        .iter()
        .filter(|member| {
            link.user_id == Some(member.user_id) || (member.role != Role::Member && in_team.contains(&member.user_id))
        })
        .map(|member| member.user_id)
        .collect();
    if told.is_empty() {
        return Ok(members.iter().filter(|member| member.role == Role::Owner).map(|member| member.user_id).collect());
    }
    Ok(told)
}

fn named(core: &Core, link: &integration_link::Model) -> String {
    let partner = core.partners.get(&link.partner).map_or(link.partner.as_str(), |partner| partner.name());
    format!("{} ({partner})", link.name)
}

fn url_of(core: &Core, link: &integration_link::Model) -> url::Url {
    our_url(&core.site.public_url, &format!("integrations/{}/link/{}", link.partner, link.id))
}
