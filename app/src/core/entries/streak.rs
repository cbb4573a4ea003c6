//! Days in a row: on how many one after the other something got done, by one person or by a team.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, Select};

use super::{
    day,
    list::{Filter, filtered},
    must_see, today,
};
use crate::{
    core::{Core, Result, people::Member},
    db::entity::{
        entry::{self, EntryStatus},
        team,
    },
};

/// Days in a row on which something got done. A Saturday or Sunday without anything does not end it; with something it
/// counts. Nor does a day end it that is not over yet. A day that has not begun counts when it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    /// How many days, up to now.
    pub days: usize,
    /// How many the longest ever had.
    pub longest: usize,
}

/// A team's days in a row.
///
/// # Errors
/// [`crate::core::Error::NotFound`] for who does not see the team.
pub async fn of_team(core: &Core, who: &Member, team: &team::Model) -> Result<Streak> {
    let db = core.db.reader();
    must_see(db, who, team.id).await?;
    let days = done_days(db, filtered(who.organization, team.id, &Filter::default())).await?;
    let today = today(core, team);
    Ok(streak(&days, today, today))
}

/// The days on which something got done: for a goal or blocker that is when it was marked as done.
pub(super) async fn done_days(db: &impl ConnectionTrait, query: Select<entry::Entity>) -> Result<BTreeSet<Date>> {
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

/// The days in a row among these. Over all zones that they are of, `today` is the first day that is not over, and
/// `begun` the last that has begun: where there is one zone only, both are the same.
pub(super) fn streak(days: &BTreeSet<Date>, today: Date, begun: Date) -> Streak {
    let (mut run, mut longest, mut last) = (0, 0, None::<Date>);
    for &day in days.range(..=begun) {
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
        over_zones(days, today, today)
    }

    fn over_zones(days: &[&str], today: &str, begun: &str) -> (usize, usize) {
        let days = days.iter().map(|day| day.parse().unwrap()).collect();
        let Streak { days, longest } = streak(&days, today.parse().unwrap(), begun.parse().unwrap());
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
    fn a_day_that_somebody_wrote_ahead_counts_when_it_has_begun() {
        let days = ["2026-11-24", "2026-11-25", "2026-11-26", "2026-12-24"];
        assert_eq!(of(&days, "2026-11-25"), (2, 2));
        assert_eq!(of(&days[2..], "2026-11-25"), (0, 0));
        assert_eq!(over_zones(&days, "2026-11-25", "2026-11-26"), (3, 3), "where it is tomorrow already");
    }
}
