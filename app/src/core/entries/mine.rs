//! What one person did, over all their teams of an organization, and for how many days in a row.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QuerySelect, Select};

use super::{
    day,
    list::{Cursor, Filter, Listing, of_teams, page_of},
    today,
};
use crate::{
    core::{Core, Result, people::Member, teams},
    db::{
        TeamId,
        entity::{
            entry::{self, EntryStatus},
            team,
        },
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

/// Days in a row on which something got done. A Saturday or Sunday without anything does not end it; with something it
/// counts. Nor does a day end it that is not over yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    /// How many days, up to now.
    pub days: usize,
    /// How many the longest ever had.
    pub longest: usize,
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
    // Where teams are in several zones, a day is over when it is over in all of them.
    let now = teams.iter().map(|team| today(core, team)).min();
    let streak = now.map(|now| streak(&days, now)).unwrap_or_default();
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

/// The days on which something got done: for a goal or blocker that is when it was marked as done.
async fn done_days(db: &impl sea_orm::ConnectionTrait, query: Select<entry::Entity>) -> Result<BTreeSet<Date>> {
    let days: Vec<(String, Option<String>)> = query
        .select_only()
        .columns([entry::Column::OccurredOn, entry::Column::CompletedOn])
        .filter(entry::Column::Status.eq(EntryStatus::Done))
        .distinct()
        .into_tuple()
        .all(db)
        .await?;
    Ok(days.into_iter().filter_map(|(occurred, completed)| day(&completed.unwrap_or(occurred))).collect())
}

fn streak(days: &BTreeSet<Date>, today: Date) -> Streak {
    let (mut run, mut longest, mut last) = (0, 0, None::<Date>);
    for &day in days {
        run = if last.is_some_and(|last| goes_on(last, day)) { run + 1 } else { 1 };
        longest = longest.max(run);
        last = Some(day);
    }
    let lasts = last.is_some_and(|last| last >= today || goes_on(last, today));
    Streak { days: if lasts { run } else { 0 }, longest }
}

/// Whether nothing but Saturdays and Sundays is between two days.
fn goes_on(last: Date, next: Date) -> bool {
    let mut between = last.tomorrow();
    while let Ok(day) = between {
        if day >= next {
            return true;
        }
        if !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            return false;
        }
        between = day.tomorrow();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(days: &[&str], today: &str) -> (usize, usize) {
        let Streak { days, longest } =
            streak(&days.iter().map(|day| day.parse().unwrap()).collect(), today.parse().unwrap());
        (days, longest)
    }

    #[test]
    fn days_in_a_row_count_and_today_is_not_over_yet() {
        // The 23rd of November 2026 is a Monday.
        assert_eq!(of(&[], "2026-11-25"), (0, 0));
        assert_eq!(of(&["2026-11-25"], "2026-11-25"), (1, 1));
        assert_eq!(of(&["2026-11-23", "2026-11-24"], "2026-11-25"), (2, 2), "today may still bring one");
        assert_eq!(of(&["2026-11-23", "2026-11-24"], "2026-11-26"), (0, 2), "Wednesday had none");
        assert_eq!(of(&["2026-11-17", "2026-11-18", "2026-11-19", "2026-11-25"], "2026-11-25"), (1, 3));
    }

    #[test]
    fn a_weekend_ends_nothing_and_counts_when_something_got_done() {
        let week = ["2026-11-19", "2026-11-20", "2026-11-23"];
        assert_eq!(of(&week, "2026-11-23"), (3, 3));
        assert_eq!(of(&week[..2], "2026-11-21"), (2, 2), "on Saturday");
        assert_eq!(of(&week[..2], "2026-11-23"), (2, 2), "on Monday, before anything got done");
        assert_eq!(of(&week[..2], "2026-11-24"), (0, 2));
        assert_eq!(of(&["2026-11-20", "2026-11-21", "2026-11-23"], "2026-11-23"), (3, 3));
        assert_eq!(of(&["2026-11-19", "2026-11-22"], "2026-11-22"), (1, 1), "Friday had none");
    }

    #[test]
    fn a_day_that_somebody_wrote_ahead_goes_on_from_today_only() {
        assert_eq!(of(&["2026-11-24", "2026-11-25", "2026-11-26"], "2026-11-25"), (3, 3));
    }
}
