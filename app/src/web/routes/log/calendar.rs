//! A month of the log as a calendar: which days have entries, with a link to each.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil::Date};

use super::asked::Asked;
use crate::db::TeamId;

/// One month.
pub(super) struct Calendar {
    /// `November 2026`
    pub title: String,
    /// The addresses of the months before and after it.
    pub earlier: String,
    pub later: String,
    /// Weeks from Monday to Sunday; none where a day belongs to another month.
    pub weeks: Vec<[Option<Day>; 7]>,
}

/// One day.
#[derive(Clone)]
pub(super) struct Day {
    pub number: i8,
    pub address: String,
    /// What is read out: `22 November, 5 entries`.
    pub label: String,
    pub has_entries: bool,
    pub is_today: bool,
    pub is_shown: bool,
}

impl Calendar {
    /// The first and the last day of the month that is asked for, or else of the day that is shown, or else of today.
    pub fn span(asked: &Asked, today: Date) -> (Date, Date) {
        let month = asked.month.or(asked.filter.day).unwrap_or(today);
        (month.first_of_month(), month.last_of_month())
    }

    pub fn new(asked: &Asked, team: TeamId, today: Date, entries: &BTreeMap<Date, u64>) -> Self {
        let (first, last) = Self::span(asked, today);
        let day = |date: Date| {
            let count = entries.get(&date).copied().unwrap_or_default();
            let many = match count {
                0 => "no entries".to_owned(),
                1 => "1 entry".to_owned(),
                many => format!("{many} entries"),
            };
            Day {
                number: date.day(),
                address: asked.on(date).address(team),
                label: format!("{}, {many}", date.strftime("%-d %B")),
                has_entries: count > 0,
                is_today: date == today,
                is_shown: asked.filter.day == Some(date),
            }
        };
        let before = usize::try_from(first.weekday().to_monday_zero_offset()).unwrap_or_default();
        let days = std::iter::successors(Some(first), |date| date.tomorrow().ok()).take_while(|date| *date <= last);
        let places: Vec<Option<Day>> =
            std::iter::repeat_n(None, before).chain(days.map(|date| Some(day(date)))).collect();
        let weeks = places.chunks(7).map(|week| std::array::from_fn(|at| week.get(at).cloned().flatten())).collect();
        Self {
            title: first.strftime("%B %Y").to_string(),
            earlier: asked.with_month(first.saturating_sub(1.month())).address(team),
            later: asked.with_month(first.saturating_add(1.month())).address(team),
            weeks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(month: &str) -> Calendar {
        let today: Date = month.parse().unwrap();
        let entries = BTreeMap::from([(today, 5), (today.first_of_month(), 1)]);
        Calendar::new(&Asked::default(), TeamId::new(), today, &entries)
    }

    #[test]
    fn a_month_is_laid_out_in_weeks_from_monday() {
        let november = calendar("2026-11-22");
        assert_eq!(november.title, "November 2026");
        let laid_out: Vec<Vec<i8>> = november
            .weeks
            .iter()
            .map(|week| week.iter().map(|day| day.as_ref().map_or(0, |day| day.number)).collect())
            .collect();
        assert_eq!(laid_out[0], [0, 0, 0, 0, 0, 0, 1], "the first was a Sunday");
        assert_eq!(laid_out[5], [30, 0, 0, 0, 0, 0, 0]);
        assert_eq!(laid_out.concat().iter().filter(|day| **day > 0).count(), 30);
        assert_eq!(calendar("2027-02-10").weeks.len(), 4, "28 days that begin on a Monday");
    }

    #[test]
    fn a_day_says_how_many_entries_it_has() {
        let november = calendar("2026-11-22");
        let days: Vec<Day> = november.weeks.concat().into_iter().flatten().collect();
        assert_eq!(days[0].label, "1 November, 1 entry");
        assert_eq!(days[1].label, "2 November, no entries");
        assert_eq!(days[21].label, "22 November, 5 entries");
        assert!(days[21].is_today && days[21].has_entries && !days[1].has_entries);
        assert!(days[21].address.ends_with("?day=2026-11-22"));
        assert!(november.earlier.ends_with("?month=2026-10") && november.later.ends_with("?month=2026-12"));
    }

    #[test]
    fn the_end_of_time_has_a_calendar_too() {
        for day in ["1970-01-01", "2999-12-31", "9999-12-31"] {
            assert!(!calendar(day).weeks.is_empty());
        }
    }
}
