//! Times: how a moment reads on a page, in the zone of whoever it is for. Rows carry a [`Moment`]; the templates draw it with
//! their page's [`Times`] (`ui::time`, `ui::since`), so that a part of a page that is read again says the same.

use jiff::{Timestamp, Zoned, tz::TimeZone};

/// A moment, unix milliseconds; a page's [`Times`] put it in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(i64);

impl Moment {
    /// The moment at unix milliseconds.
    pub fn at(millis: i64) -> Self {
        Self(millis)
    }
}

/// Where and when a page is read: moments are told apart from there.
#[derive(Clone, Debug)]
pub struct Times {
    zone: TimeZone,
    /// Unix milliseconds.
    now: i64,
}

impl Default for Times {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, now: 0 }
    }
}

/// A moment as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// For machines, with the distance from UTC.
    pub iso: String,
    /// For people: `02:43`, `Yesterday, 02:43`, `23 November, 02:43` or, in another year, with the year.
    pub text: String,
    /// The whole of it, with the zone.
    pub title: String,
    /// How long ago, or in how long.
    pub ago: String,
}

impl Times {
    /// Read in this zone, at unix milliseconds.
    pub fn new(zone: TimeZone, now: i64) -> Self {
        Self { zone, now }
    }

    /// The same in another zone.
    #[must_use]
    pub fn in_zone(self, zone: TimeZone) -> Self {
        Self { zone, ..self }
    }

    /// A moment in words.
    pub fn show(&self, moment: &Moment) -> Shown {
        let then = self.zoned(moment.0);
        let zone = self.zone.iana_name().unwrap_or("UTC");
        // An hour that comes twice is told apart by the zone's letters: CEST, CET.
        let letters = then.strftime("%Z").to_string();
        let place = if letters == zone { letters } else { format!("{letters} ({zone})") };
        Shown {
            iso: then.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            text: self.text(&then),
            title: format!("{} {place}", then.strftime("%-d %B %Y, %H:%M")),
            ago: ago(self.now.saturating_sub(moment.0)),
        }
    }

    /// Unix milliseconds in words.
    pub fn at(&self, millis: &i64) -> Shown {
        self.show(&Moment::at(*millis))
    }

    fn text(&self, then: &Zoned) -> String {
        let (today, day) = (self.zoned(self.now).date(), then.date());
        let time = then.strftime("%H:%M");
        match (today - day).get_days() {
            0 => time.to_string(),
            1 => format!("Yesterday, {time}"),
            -1 => format!("Tomorrow, {time}"),
            _ if today.year() == day.year() => then.strftime("%-d %B, %H:%M").to_string(),
            _ => then.strftime("%-d %B %Y, %H:%M").to_string(),
        }
    }

    fn zoned(&self, millis: i64) -> Zoned {
        Timestamp::from_millisecond(millis).unwrap_or_default().to_zoned(self.zone.clone())
    }
}

fn ago(millis: i64) -> String {
    let minutes = millis.unsigned_abs() / 60_000;
    let (many, unit) = match minutes {
        0 => return "just now".to_owned(),
        1..60 => (minutes, "minute"),
        60..1_440 => (minutes / 60, "hour"),
        _ => (minutes / 1_440, "day"),
    };
    let plural = if many == 1 { "" } else { "s" };
    if millis >= 0 { format!("{many} {unit}{plural} ago") } else { format!("in {many} {unit}{plural}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(iso: &str) -> i64 {
        iso.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn shown(zone: &str, now: &str, moment: &str) -> Shown {
        let times = Times::new(TimeZone::get(zone).unwrap(), millis(now));
        times.show(&Moment::at(millis(moment)))
    }

    #[test]
    fn a_moment_says_no_more_than_it_needs_where_it_is_read() {
        for (zone, now, moment, expected) in [
            // One moment, before and after midnight in three places.
            ("UTC", "2026-11-23T01:00:00Z", "2026-11-22T23:30:00Z", "Yesterday, 23:30"),
            ("Europe/Vienna", "2026-11-23T01:00:00Z", "2026-11-22T23:30:00Z", "00:30"),
            ("America/New_York", "2026-11-23T01:00:00Z", "2026-11-22T23:30:00Z", "18:30"),
            ("Pacific/Kiritimati", "2026-11-23T01:00:00Z", "2026-11-22T23:30:00Z", "13:30"),
            // Midnight itself, and a minute on either side.
            ("Europe/Vienna", "2026-11-23T11:00:00Z", "2026-11-22T23:00:00Z", "00:00"),
            ("Europe/Vienna", "2026-11-23T11:00:00Z", "2026-11-22T22:59:00Z", "Yesterday, 23:59"),
            ("Europe/Vienna", "2026-11-23T11:00:00Z", "2026-11-21T22:59:00Z", "21 November, 23:59"),
            ("Europe/Vienna", "2026-11-23T11:00:00Z", "2026-11-23T23:00:00Z", "Tomorrow, 00:00"),
            // The year is the zone's.
            ("Europe/Vienna", "2027-01-05T12:00:00Z", "2026-12-31T23:30:00Z", "1 January, 00:30"),
            ("UTC", "2027-01-05T12:00:00Z", "2026-12-31T23:30:00Z", "31 December 2026, 23:30"),
            ("UTC", "2027-01-01T00:10:00Z", "2026-12-31T23:30:00Z", "Yesterday, 23:30"),
            ("UTC", "2026-11-23T11:00:00Z", "2025-11-23T11:00:00Z", "23 November 2025, 11:00"),
            // The night the clocks go back has 25 hours, the one they go on 23.
            ("Europe/Vienna", "2026-10-25T22:30:00Z", "2026-10-24T22:15:00Z", "00:15"),
            ("Europe/Vienna", "2026-10-25T23:30:00Z", "2026-10-24T22:15:00Z", "Yesterday, 00:15"),
            ("Europe/Vienna", "2026-03-29T21:59:00Z", "2026-03-28T23:00:00Z", "00:00"),
            ("Europe/Vienna", "2026-03-29T22:00:00Z", "2026-03-28T23:00:00Z", "Yesterday, 00:00"),
        ] {
            assert_eq!(shown(zone, now, moment).text, expected, "{moment} at {now} in {zone}");
        }
    }

    #[test]
    fn an_hour_that_comes_twice_is_told_apart() {
        let now = "2026-10-25T12:00:00Z";
        let (first, second) =
            (shown("Europe/Vienna", now, "2026-10-25T00:30:00Z"), shown("Europe/Vienna", now, "2026-10-25T01:30:00Z"));
        assert_eq!((first.text.as_str(), second.text.as_str()), ("02:30", "02:30"));
        assert_eq!(first.iso, "2026-10-25T02:30:00+02:00");
        assert_eq!(second.iso, "2026-10-25T02:30:00+01:00");
        assert_eq!(first.title, "25 October 2026, 02:30 CEST (Europe/Vienna)");
        assert_eq!(second.title, "25 October 2026, 02:30 CET (Europe/Vienna)");
        assert_eq!(shown("UTC", now, now).title, "25 October 2026, 12:00 UTC");
    }

    #[test]
    fn how_long_ago_is_one_number() {
        for (millis, expected) in [
            (0, "just now"),
            (59_999, "just now"),
            (60_000, "1 minute ago"),
            (3_599_999, "59 minutes ago"),
            (3_600_000, "1 hour ago"),
            (86_399_999, "23 hours ago"),
            (86_400_000, "1 day ago"),
            (40 * 86_400_000, "40 days ago"),
            (-7 * 86_400_000, "in 7 days"),
            (-90_000, "in 1 minute"),
        ] {
            assert_eq!(ago(millis), expected, "{millis}");
        }
    }
}
