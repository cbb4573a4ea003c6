//! Reading the audit log: a page at a time from an index, filtered, or all of it as a file.

use std::{fmt, str::FromStr};

use futures::{Stream, stream};
use jiff::{civil::Date, tz::TimeZone};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::{Deed, Subject};
use crate::{
    core::{Core, Error, Result, people::Member},
    db::{
        AuditEventId, LinkId, OrganizationId, UserId,
        entity::{
            Tenant,
            audit_event::{Column, Entity, Model},
            user,
        },
    },
};

/// How many deeds a page has.
const ON_A_PAGE: u64 = 50;
/// The most deeds of one export.
pub const MOST_EXPORTED: u64 = 100_000;
/// How many are read at a time for it.
const AT_ONCE: u64 = 500;

/// Which deeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One person's.
    pub person: Option<UserId>,
    /// Done to one kind of thing.
    pub subject: Option<Subject>,
    /// From this day on.
    pub from: Option<Date>,
    /// Until the end of this day.
    pub to: Option<Date>,
}

/// A place in the log: this deed was shown last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    at: i64,
    id: AuditEventId,
}

/// Some of it, newest first.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The deeds.
    pub events: Vec<Model>,
    /// Where it goes on.
    pub next: Option<Cursor>,
}

/// A page of the log; days are those of `zone`.
///
/// # Errors
/// [`Error::Forbidden`] for all but admins.
pub async fn list(
    core: &Core,
    who: &Member,
    zone: &TimeZone,
    filter: &Filter,
    before: Option<Cursor>,
) -> Result<Piece> {
    may_read(who)?;
    piece(core, who.organization, zone, filter, before, ON_A_PAGE).await
}

/// All that fits, newest first, in pieces.
///
/// # Errors
/// [`Error::Forbidden`] for all but admins, [`Error::Invalid`] (`from`) when it is more than [`MOST_EXPORTED`]. A piece
/// fails when the database does not answer.
pub async fn export(
    core: &Core,
    who: &Member,
    zone: &TimeZone,
    filter: &Filter,
) -> Result<impl Stream<Item = Result<Vec<Model>>> + Send + use<>> {
    may_read(who)?;
    let many = filtered(who.organization, zone, filter).count(core.db.reader()).await?;
    if many > MOST_EXPORTED {
        let sentence = format!("These are {many} deeds, and an export has at most {MOST_EXPORTED}. Choose fewer days.");
        return Err(Error::field("from", sentence));
    }
    let (core, organization, zone, filter) = (core.clone(), who.organization, zone.clone(), filter.clone());
    Ok(stream::try_unfold(Some(None), move |place| {
        let (core, zone, filter) = (core.clone(), zone.clone(), filter.clone());
        async move {
            let Some(before) = place else { return Ok(None) };
            let piece = piece(&core, organization, &zone, &filter, before, AT_ONCE).await?;
            Ok(Some((piece.events, piece.next.map(Some))))
        }
    }))
}

/// Who did something, by name: also people who have left.
///
/// # Errors
/// [`Error::Forbidden`] for all but admins.
pub async fn people(core: &Core, who: &Member) -> Result<Vec<(UserId, String)>> {
    may_read(who)?;
    let ids: Vec<Option<UserId>> = Entity::of(who.organization)
        .select_only()
        .column(Column::UserId)
        .distinct()
        .filter(Column::UserId.is_not_null())
        .into_tuple()
        .all(core.db.reader())
        .await?;
    Ok(user::Entity::find()
        .filter(user::Column::Id.is_in(ids.into_iter().flatten()))
        .order_by_asc(user::Column::Name)
        .order_by_asc(user::Column::Id)
        .all(core.db.reader())
        .await?
        .into_iter()
        .map(|user| (user.id, user.name))
        .collect())
}

/// Whether a member has looked at this part of a link since then.
pub(super) async fn has_looked(
    core: &Core,
    who: &Member,
    link: LinkId,
    detail: &Option<String>,
    since: i64,
) -> Result<bool> {
    let looked = Entity::of(who.organization)
        .filter(Column::UserId.eq(who.user))
        .filter(Column::At.gt(since))
        .filter(Column::Deed.eq(Deed::PayloadSeen))
        .filter(Column::SubjectId.eq(link.0))
        .filter(Column::Detail.eq(detail.clone()));
    Ok(looked.one(core.db.reader()).await?.is_some())
}

fn may_read(who: &Member) -> Result<()> {
    who.must_be_admin("read the audit log")
}

async fn piece(
    core: &Core,
    organization: OrganizationId,
    zone: &TimeZone,
    filter: &Filter,
    before: Option<Cursor>,
    most: u64,
) -> Result<Piece> {
    let mut query = filtered(organization, zone, filter).order_by_desc(Column::At).order_by_desc(Column::Id);
    if let Some(Cursor { at, id }) = before {
        let earlier = Condition::all().add(Column::At.eq(at)).add(Column::Id.lt(id));
        // The first of the two is what the index is entered by.
        query = query.filter(Column::At.lte(at)).filter(Condition::any().add(Column::At.lt(at)).add(earlier));
    }
    // One more than is shown tells whether there is more.
    let mut events = query.limit(most + 1).all(core.db.reader()).await?;
    let more = events.len() as u64 > most;
    events.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    let next = events.last().filter(|_| more).map(|last| Cursor { at: last.at, id: last.id });
    Ok(Piece { events, next })
}

fn filtered(organization: OrganizationId, zone: &TimeZone, filter: &Filter) -> Select<Entity> {
    let mut query = Entity::of(organization);
    if let Some(person) = filter.person {
        query = query.filter(Column::UserId.eq(person));
    }
    if let Some(subject) = filter.subject {
        query = query.filter(Column::Subject.eq(subject));
    }
    if let Some(begin) = filter.from.and_then(|day| begin_of(day, zone)) {
        query = query.filter(Column::At.gte(begin));
    }
    if let Some(end) = filter.to.and_then(|day| begin_of(day.tomorrow().ok()?, zone)) {
        query = query.filter(Column::At.lt(end));
    }
    query
}

fn begin_of(day: Date, zone: &TimeZone) -> Option<i64> {
    Some(day.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond())
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.at, self.id)
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let (at, id) = text.split_once('_').ok_or(NoCursor)?;
        Ok(Self { at: at.parse().map_err(|_| NoCursor)?, id: id.parse().map_err(|_| NoCursor)? })
    }
}

/// The text is no place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCursor;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let cursor = Cursor { at: 1_795_348_800_000, id: AuditEventId::new() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "_", "1", "1_", "1_x", "x_018f3c2e-0000-7000-8000-000000000000", "99999999999999999999_"] {
            assert_eq!(bad.parse::<Cursor>(), Err(NoCursor), "{bad}");
        }
    }
}
