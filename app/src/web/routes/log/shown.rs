//! Entries as the page shows them.

use integration_contract::{Card, Status};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use url::Url;

use super::asked::Asked;
use crate::{
    core::{
        Core,
        entries::{self, Piece},
    },
    db::{TeamId, entity::entry::EntryStatus},
};

/// The longest an address is shown, in characters.
const SHOWN_ADDRESS: usize = 48;
/// When examples happened.
const EXAMPLE_TIME: &str = "09:41";

/// One entry.
pub struct Entry {
    /// Its own page; what can be done to it hangs below.
    pub path: String,
    /// Names it within the page.
    pub anchor: String,
    pub status: EntryStatus,
    pub words: Vec<Word>,
    pub author: Author,
    /// When it was written or happened, in the team's time zone.
    pub time: String,
    pub iso: String,
    /// The day of a goal or blocker, where it does not stand under it.
    pub day: String,
    /// The day it was done, for a goal or blocker.
    pub completed: Option<String>,
    pub source: Option<Source>,
    /// The team's log and name, where entries of several stand together.
    pub team: Option<(String, String)>,
    pub editable: bool,
    pub completable: bool,
    pub archived: bool,
}

/// A piece of its text.
pub enum Word {
    Plain(String),
    Link { href: String, shown: String },
    Tag { href: String, shown: String },
    Mention(String),
}

/// Who did it; nobody where that is said above it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Author {
    pub name: String,
    /// Their entries, or their page at the partner.
    pub href: Option<String>,
    /// Whether that page is somebody else's.
    pub abroad: bool,
}

/// Where it came from.
pub struct Source {
    pub partner: String,
    pub partner_name: String,
    pub label: String,
    pub href: Option<String>,
}

impl Entry {
    pub fn new(core: &Core, team: TeamId, zone: &TimeZone, entry: entries::Entry) -> Self {
        let words = entry.pieces().map(|piece| word(team, piece)).collect();
        let row = entry.row;
        let moment = Timestamp::from_millisecond(row.created_at).unwrap_or_default();
        let author = match row.user_id {
            Some(user) => Author { name: entry.author, href: Some(Asked::by(user).address(team)), abroad: false },
            None => Author { name: entry.author, href: row.author_url.filter(|url| is_web(url)), abroad: true },
        };
        let source = row.partner.map(|partner| Source {
            partner_name: core.partners.get(&partner).map_or_else(|_| partner.clone(), |known| known.name().to_owned()),
            label: row.source.filter(|source| !source.is_empty()).unwrap_or_else(|| partner.clone()),
            href: row.source_url.filter(|url| is_web(url)),
            partner,
        });
        Self {
            path: format!("/teams/{team}/entries/{}", row.id),
            anchor: format!("entry-{}", row.id),
            status: row.status,
            words,
            author,
            time: moment.to_zoned(zone.clone()).strftime("%H:%M").to_string(),
            iso: moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            day: entries::day(&row.occurred_on).map(|day| day.strftime("%-d %B").to_string()).unwrap_or_default(),
            completed: row.completed_on.as_deref().and_then(entries::day).map(|day| day.strftime("%-d %B").to_string()),
            source,
            team: None,
            editable: entry.editable,
            completable: entry.completable,
            archived: row.archived_at.is_some(),
        }
    }

    /// One that nobody wrote, as an example of what comes from a partner.
    pub fn example(card: &Card, text: &str, status: Status, author: &str, source: &str) -> Self {
        Self {
            path: String::new(),
            anchor: String::new(),
            status: entries::status(status),
            words: vec![Word::Plain(text.to_owned())],
            author: Author { name: author.to_owned(), href: None, abroad: false },
            time: EXAMPLE_TIME.to_owned(),
            iso: EXAMPLE_TIME.to_owned(),
            day: String::new(),
            completed: None,
            source: Some(Source {
                partner: card.id.to_owned(),
                partner_name: card.name.to_owned(),
                label: source.to_owned(),
                href: None,
            }),
            team: None,
            editable: false,
            completable: false,
            archived: false,
        }
    }

    pub fn is_open(&self) -> bool {
        self.status != EntryStatus::Done
    }

    /// The end of its CSS class.
    pub fn class(&self) -> String {
        self.status.word()
    }

    /// Its status in a word, as it is read out.
    pub fn state(&self) -> &'static str {
        called(self.status)
    }
}

/// A status as people read it.
pub(super) fn called(status: EntryStatus) -> &'static str {
    match status {
        EntryStatus::Done => "Done",
        EntryStatus::Goal => "Goal",
        EntryStatus::Blocked => "Blocker",
    }
}

/// The entries of one day.
pub(super) struct Day {
    pub iso: String,
    pub weekday: String,
    pub date: String,
    /// `Today`, `Yesterday`, `Tomorrow`
    pub near: Option<&'static str>,
    /// The log of this day alone, where there is one.
    pub address: Option<String>,
    pub entries: Vec<Entry>,
}

/// What one person did on a day.
pub(super) struct Person {
    pub author: Author,
    pub entries: Vec<Entry>,
}

/// The entries of one day under whoever did them: who did something last comes first. They do not name them again.
pub(super) fn by_person(entries: Vec<Entry>) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    for mut entry in entries {
        let author = std::mem::take(&mut entry.author);
        match people.iter_mut().find(|person| person.author == author) {
            Some(person) => person.entries.push(entry),
            None => people.push(Person { author, entries: vec![entry] }),
        }
    }
    people
}

/// Entries in the order of the log, a heading for each day.
pub(super) fn by_day(
    today: Date,
    list: Vec<entries::Entry>,
    address: impl Fn(Date) -> Option<String>,
    show: impl Fn(entries::Entry) -> Entry,
) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for entry in list {
        if days.last().is_none_or(|day| day.iso != entry.row.occurred_on) {
            days.push(heading(today, &entry.row.occurred_on, &address));
        }
        if let Some(day) = days.last_mut() {
            day.entries.push(show(entry));
        }
    }
    days
}

fn heading(today: Date, iso: &str, address: impl Fn(Date) -> Option<String>) -> Day {
    let date = entries::day(iso).unwrap_or(today);
    Day {
        iso: iso.to_owned(),
        weekday: date.strftime("%A").to_string(),
        date: date.strftime(if date.year() == today.year() { "%-d %B" } else { "%-d %B %Y" }).to_string(),
        near: near(date, today),
        address: address(date),
        entries: Vec::new(),
    }
}

pub(super) fn near(date: Date, today: Date) -> Option<&'static str> {
    if date == today {
        Some("Today")
    } else if date.tomorrow().ok() == Some(today) {
        Some("Yesterday")
    } else if today.tomorrow().ok() == Some(date) {
        Some("Tomorrow")
    } else {
        None
    }
}

fn word(team: TeamId, piece: Piece<'_>) -> Word {
    match piece {
        Piece::Words(words) => Word::Plain(words.to_owned()),
        Piece::Address(address) => match Url::parse(address) {
            Ok(url) => Word::Link { shown: shortened(&url), href: url.into() },
            Err(_) => Word::Plain(address.to_owned()),
        },
        Piece::Tag(tag) => {
            Word::Tag { href: Asked::tagged(tag.trim_start_matches('#')).address(team), shown: tag.to_owned() }
        }
        Piece::Mention(name) => Word::Mention(name.to_owned()),
    }
}

/// An address as it is read: without its scheme, cut; the host as the browser understands it, so that one that looks
/// like another shows its true letters.
fn shortened(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host);
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = match (url.path(), url.query()) {
        ("/", None) => String::new(),
        (path, None) => path.to_owned(),
        (path, Some(query)) => format!("{path}?{query}"),
    };
    integration_contract::text::cut(&format!("{host}{port}{path}"), SHOWN_ADDRESS)
}

/// Whether a partner's link leads into the web and nowhere else. It was checked when it was kept; once more costs
/// nothing.
fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_short_and_true() {
        for (address, shown) in [
            ("https://www.example.com/", "example.com"),
            ("http://localhost:3000/a?b=c#d", "localhost:3000/a?b=c"),
            ("https://exаmple.com/login", "xn--exmple-4nf.com/login"),
            (
                "https://example.com/a/very/long/path/that/goes/on/and/on/and/on",
                "example.com/a/very/long/path/that/goes/on/and/o…",
            ),
        ] {
            assert_eq!(shortened(&Url::parse(address).unwrap()), shown);
        }
    }

    #[test]
    fn days_near_today_have_a_name() {
        let today: Date = "2026-03-01".parse().unwrap();
        let name = |day: &str| near(day.parse().unwrap(), today);
        assert_eq!(
            [name("2026-02-28"), name("2026-03-01"), name("2026-03-02"), name("2026-03-03")],
            [Some("Yesterday"), Some("Today"), Some("Tomorrow"), None]
        );
    }
}
