//! Entries: the lines of a team's log.
//!
//! People write them ([`write()`]), hooks make them ([`record()`]). Who may do what:
//!
//! - Whoever is in the team, or an admin of its organization, reads its log.
//! - Whoever is in the team writes, and completes and reopens anybody's goals and blockers: a goal is the team's.
//! - The author and admins edit and archive. An entry whose author is nobody of ours belongs to the whole team.
//!
//! Nobody deletes an entry: what is archived no longer shows, and can be brought back. Only an organization that chose to
//! keep entries for a time has them forgotten after it ([`forget`]).

use integration_contract::text;
use jiff::{civil::Date, tz::TimeZone};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, QueryFilter};

use super::{Core, Error, Result, organizations, people::Member, teams};
use crate::db::{
    Aged, TeamId,
    entity::{Tenant, entry, team},
};

mod change;
mod export;
mod handles;
mod lines;
mod list;
mod mine;
mod pieces;
mod record;
mod search;
pub mod streak;
mod tags;
mod write;

pub use change::{Change, Version, archive, complete, edit, reopen, unarchive};
pub use export::{MOST_EXPORTED, export, export_own};
pub use list::{Cursor, Entry, Filter, Listing, Shown, Source, author, days, find, list, open, partners};
pub use mine::{Mine, mine};
pub use pieces::{Piece, pieces};
pub use record::{Recorded, adopt, amend, known_as, record, record_lines, retract, status};
pub(in crate::core) use record::{address, short};
pub use search::LONGEST_SEARCH;
pub use streak::Streak;
pub use tags::{Tagged, tags};
pub use write::{write, write_on};

/// The longest entry, in characters as a person counts them.
pub const LONGEST: usize = 2_000;

/// The longest entry in bytes: one character as a person counts them can be made of a thousand marks.
const LONGEST_BYTES: usize = 32 * 1024;

/// The team's time zone: a day of its log begins at its midnight.
pub fn zone(team: &team::Model) -> TimeZone {
    // Checked when the team was made; a name that a newer database of zones dropped must not take the log away.
    teams::zone(&team.time_zone).unwrap_or(TimeZone::UTC)
}

/// Which entries go with time: those of long ago that nobody has changed since, so that an old goal does not go in the
/// hour in which it gets done. Goals and blockers that are open stay.
pub(super) const AGED: Aged = Aged {
    table: "entries",
    key: "organization_id, id",
    times: &["created_at", "updated_at"],
    which: "(status = 'done' OR archived_at IS NOT NULL)",
    kept_days: "entries_kept_days",
};

/// Forgets the entries that are older than their organization keeps them, with what was told of them. Answers with how
/// many.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(core: &Core) -> Result<u64> {
    Ok(core.db.forget_aged(AGED, core.clock.now()).await?)
}

/// The day it is for the team.
pub fn today(core: &Core, team: &team::Model) -> Date {
    core.clock.today(&zone(team))
}

/// A day as it is typed and kept, `2026-11-22`; none for anything else.
pub fn day(text: &str) -> Option<Date> {
    let day: Date = text.parse().ok()?;
    // Days are compared as text in the database, so each has exactly one spelling.
    (day.to_string() == text && (1970..=2999).contains(&day.year())).then_some(day)
}

/// How a member stands to one team, as of this transaction.
struct Standing {
    who: Member,
    team: team::Model,
    in_team: bool,
}

impl Standing {
    async fn of(tx: &DatabaseTransaction, who: &Member, team: TeamId) -> Result<Self> {
        let who = organizations::standing(tx, who).await?;
        let in_team = teams::is_in(tx, who.organization, team, who.user).await?;
        let team = row(tx, &who, team).await?;
        if in_team || who.is_admin() { Ok(Self { who, team, in_team }) } else { Err(Error::NotFound) }
    }

    fn today(&self, core: &Core) -> Date {
        today(core, &self.team)
    }

    fn must_be_in_team(&self, what: &str) -> Result<()> {
        if self.in_team { Ok(()) } else { Err(Error::forbidden(format!("Only people of the team may {what}."))) }
    }

    fn must_own(&self, entry: &entry::Model) -> Result<()> {
        if owns(&self.who, self.in_team, entry) {
            Ok(())
        } else {
            Err(Error::forbidden("Only its author and admins of the organization may change this entry."))
        }
    }
}

fn owns(who: &Member, in_team: bool, entry: &entry::Model) -> bool {
    who.is_admin() || entry.user_id.map_or(in_team, |author| author == who.user)
}

/// Lets pass who may read the team's log, and says whether they are in the team.
pub(in crate::core) async fn must_see(db: &impl ConnectionTrait, who: &Member, team: TeamId) -> Result<bool> {
    let in_team = teams::is_in(db, who.organization, team, who.user).await?;
    if !in_team {
        if !who.is_admin() {
            return Err(Error::NotFound);
        }
        row(db, who, team).await?;
    }
    Ok(in_team)
}

async fn row(db: &impl ConnectionTrait, who: &Member, team: TeamId) -> Result<team::Model> {
    team::Entity::of(who.organization).filter(team::Column::Id.eq(team)).one(db).await?.ok_or(Error::NotFound)
}

/// Text made to fit an entry: cut where a reader would cut it.
fn fit(body: &str) -> String {
    let mut body = text::cut(text::without_nul(body).trim(), LONGEST);
    if body.len() > LONGEST_BYTES {
        body.truncate(body.floor_char_boundary(LONGEST_BYTES));
        body.push('…');
    }
    body
}

/// Whether text fits an entry as it is.
fn fits(body: &str) -> bool {
    use unicode_segmentation::UnicodeSegmentation;
    body.len() <= LONGEST_BYTES && body.graphemes(true).nth(LONGEST).is_none()
}

/// Whether there is nothing in it that could be seen.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_one_spelling() {
        assert_eq!(day("2026-11-22").unwrap().to_string(), "2026-11-22");
        for bad in [
            "",
            "20261122",
            "2026-11-22T00:00",
            " 2026-11-22",
            "2026-13-01",
            "2026-02-30",
            "-002026-11-22",
            "0001-01-01",
            "tomorrow",
        ] {
            assert_eq!(day(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_is_made_to_fit_fits() {
        let zalgo = format!("a{}", "\u{301}".repeat(1_000_000));
        for text in ["", "x", &"é".repeat(3_000), &zalgo, "a\0b"] {
            assert!(fit(text).graphemes_at_most(LONGEST), "{} bytes", text.len());
            assert!(fit(text).len() <= LONGEST_BYTES + '…'.len_utf8());
            assert!(!fit(text).contains('\0'));
        }
        assert!(fits("x") && !fits(&zalgo) && !fits(&"x".repeat(LONGEST + 1)));
    }

    trait Graphemes {
        fn graphemes_at_most(&self, limit: usize) -> bool;
    }

    impl Graphemes for String {
        fn graphemes_at_most(&self, limit: usize) -> bool {
            use unicode_segmentation::UnicodeSegmentation;
            self.graphemes(true).count() <= limit
        }
    }
}
