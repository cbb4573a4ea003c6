//! What one person did, over all their teams of an organization, and for how many days in a row.

use sea_orm::{PaginatorTrait, Select};

use super::{
    list::{Cursor, Filter, Listing, of_teams, page_of},
    streak::{Streak, done_days, streak},
    today,
};
use crate::{
    core::{Core, Result, people::Member, teams},
    db::{
        TeamId,
        entity::{entry, team},
    },
};

/// How many entries a page has.
const PAGE: u64 = 60;

/// A person's own log.
#[derive(Clone, Debug)]
pub struct Mine {
    /// Newest first.
    pub listing: Listing,
    /// The teams they are in, by name.
    pub teams: Vec<team::Model>,
    /// Their days in a row.
    pub streak: Streak,
}

/// What a member did in the teams they are in, in all that fits `filter`; whom it asks for makes no difference.
///
/// # Errors
/// When the database does not answer.
pub async fn mine(core: &Core, who: &Member, filter: &Filter, before: Option<Cursor>) -> Result<Mine> {
    let db = core.db.reader();
    let teams = teams::of_member(core, who).await?;
    let ids: Vec<TeamId> = teams.iter().map(|team| team.id).collect();
    let listing = page_of(db, who, true, own(who, &ids, filter), before, PAGE).await?;
    let days = done_days(db, own(who, &ids, &Filter::default())).await?;
    // Where teams are in several zones, a day begins when it begins in one, and is over when it is over in all of them.
    let today = || teams.iter().map(|team| today(core, team));
    let streak = today().min().zip(today().max()).map(|(first, last)| streak(&days, first, last)).unwrap_or_default();
    Ok(Mine { listing, teams, streak })
}

/// What a member did in some teams.
fn own(who: &Member, teams: &[TeamId], filter: &Filter) -> Select<entry::Entity> {
    of_teams(who.organization, teams, &Filter { person: Some(who.user), ..filter.clone() })
}

/// How many there are of what [`mine`] would show, on all its pages.
pub(super) async fn count(core: &Core, who: &Member, filter: &Filter) -> Result<u64> {
    let teams = team_ids(core, who).await?;
    Ok(own(who, &teams, filter).count(core.db.reader()).await?)
}

/// [`mine`] in pages of another size, and the entries only.
pub(super) async fn page(
    core: &Core,
    who: &Member,
    filter: &Filter,
    before: Option<Cursor>,
    size: u64,
) -> Result<Listing> {
    let teams = team_ids(core, who).await?;
    page_of(core.db.reader(), who, true, own(who, &teams, filter), before, size).await
}

async fn team_ids(core: &Core, who: &Member) -> Result<Vec<TeamId>> {
    Ok(teams::of_member(core, who).await?.into_iter().map(|team| team.id).collect())
}
