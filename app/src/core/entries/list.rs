//! Reading a team's log: newest day first and, within a day, what was added last first.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    str::FromStr,
};

use jiff::civil::Date;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    RelationDef, Select,
};

use super::{
    handles::{handle, handles_of},
    must_see, owns,
    pieces::{Piece, pieces, tag_name},
    search,
};
use crate::{
    core::{Core, Error, Result, people::Member},
    db::{
        EntryId, OrganizationId, TeamId, UserId,
        entity::{
            Tenant,
            entry::{self, EntryStatus},
            entry_mention, entry_tag, integration_link, user,
        },
    },
};

/// How many entries a page of the log has.
const PAGE: u64 = 60;
/// How many open goals and blockers are shown together.
const MOST_OPEN: u64 = 30;

/// Which entries are wanted. The default is all that are not archived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those in which all of these words stand.
    pub text: Option<String>,
    /// Only of this day and later ones.
    pub from: Option<Date>,
    /// Only of this day and earlier ones.
    pub to: Option<Date>,
    /// Only of one day.
    pub day: Option<Date>,
    /// Only of one person.
    pub person: Option<UserId>,
    /// Only in one state.
    pub shown: Option<Shown>,
    /// Only with this tag, written as people write it.
    pub tag: Option<String>,
    /// Only from one place.
    pub source: Option<Source>,
}

/// A state to filter by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Done.
    Done,
    /// Goals.
    Goal,
    /// Blockers.
    Blocked,
    /// Those taken out of the log, whatever they were.
    Archived,
    /// Whatever they are, those taken out of the log as well.
    Everything,
}

/// Where entries come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Written here.
    Here,
    /// A partner.
    Partner(String),
}

/// The place of an entry in the order of the log: where the next page goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    day: Date,
    entry: EntryId,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.day, self.entry)
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let (day, entry) = text.split_once('_').ok_or(NoCursor)?;
        Ok(Self { day: super::day(day).ok_or(NoCursor)?, entry: entry.parse().map_err(|_| NoCursor)? })
    }
}

/// It is not a place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCursor;

/// A page of the log.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// Where it goes on, when it does.
    pub next: Option<Cursor>,
}

/// An entry with what is shown around it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The row.
    pub row: entry::Model,
    /// Whoever did it, as people know them.
    pub author: String,
    /// Its tags, in lower case.
    pub tags: HashSet<String>,
    /// Who is mentioned in it: every name they go by.
    pub mentions: HashSet<String>,
    /// Whether the one who asks may edit and archive it.
    pub editable: bool,
    /// Whether the one who asks may complete and reopen it.
    pub completable: bool,
}

impl Entry {
    /// What stands in its text. Only what was taken for a tag or a mention when it was written is one.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        pieces(&self.row.body).into_iter().map(|piece| match piece {
            Piece::Tag(tag) if !self.tags.contains(&tag_name(tag)) => Piece::Words(tag),
            Piece::Mention(name) if !self.mentions.contains(&handle(name)) => Piece::Words(name),
            piece => piece,
        })
    }

    /// Whether it is a goal or a blocker that is still to be done.
    pub fn is_open(&self) -> bool {
        self.row.status != EntryStatus::Done
    }
}

/// A page of a team's log, from `before` on.
///
/// # Errors
/// [`Error::NotFound`] for who does not see the team.
pub async fn list(core: &Core, who: &Member, team: TeamId, filter: &Filter, before: Option<Cursor>) -> Result<Listing> {
    page(core, who, team, filter, before, PAGE).await
}

/// [`list()`] in pages of another size.
pub(super) async fn page(
    core: &Core,
    who: &Member,
    team: TeamId,
    filter: &Filter,
    before: Option<Cursor>,
    size: u64,
) -> Result<Listing> {
    let db = core.db.reader();
    let in_team = must_see(db, who, team).await?;
    page_of(db, who, in_team, filtered(who.organization, team, filter), before, size).await
}

/// A page of what a query finds.
pub(super) async fn page_of(
    db: &impl ConnectionTrait,
    who: &Member,
    in_team: bool,
    mut query: Select<entry::Entity>,
    before: Option<Cursor>,
    size: u64,
) -> Result<Listing> {
    if let Some(Cursor { day, entry }) = before {
        let day = day.to_string();
        let same_day = Condition::all().add(entry::Column::OccurredOn.eq(&day)).add(entry::Column::Id.lt(entry));
        // The first half is what an index can start from; the second alone would read from the newest on.
        query = query
            .filter(entry::Column::OccurredOn.lte(&day))
            .filter(Condition::any().add(entry::Column::OccurredOn.lt(&day)).add(same_day));
    }
    let mut rows = newest_first(query).limit(size + 1).all(db).await?;
    let more = rows.len() as u64 > size;
    rows.truncate(size as usize);
    let next =
        rows.last().filter(|_| more).and_then(|row| Some(Cursor { day: row.occurred_on.parse().ok()?, entry: row.id }));
    Ok(Listing { entries: dressed(db, who, in_team, rows).await?, next })
}

/// The goals and blockers that are still to be done, oldest first; at most [`MOST_OPEN`], the oldest.
///
/// # Errors
/// As [`list()`].
pub async fn open(core: &Core, who: &Member, team: TeamId) -> Result<Vec<Entry>> {
    let db = core.db.reader();
    let in_team = must_see(db, who, team).await?;
    let rows = entry::Entity::of(who.organization)
        .filter(entry::Column::TeamId.eq(team))
        .filter(entry::Column::Status.is_in([EntryStatus::Goal, EntryStatus::Blocked]))
        .filter(entry::Column::ArchivedAt.is_null())
        .order_by_asc(entry::Column::OccurredOn)
        .order_by_asc(entry::Column::Id)
        .limit(MOST_OPEN)
        .all(db)
        .await?;
    dressed(db, who, in_team, rows).await
}

/// One entry of a team's log, archived or not.
///
/// # Errors
/// [`Error::NotFound`] when it is not there or not for the one who asks.
pub async fn find(core: &Core, who: &Member, team: TeamId, id: EntryId) -> Result<Entry> {
    let db = core.db.reader();
    let in_team = must_see(db, who, team).await?;
    let rows = entry::Entity::of(who.organization)
        .filter(entry::Column::Id.eq(id))
        .filter(entry::Column::TeamId.eq(team))
        .all(db)
        .await?;
    dressed(db, who, in_team, rows).await?.pop().ok_or(Error::NotFound)
}

/// The name of somebody who did something in this log, whether or not they are in the team now; none for anybody else.
///
/// # Errors
/// As [`list()`].
pub async fn author(core: &Core, who: &Member, team: TeamId, person: UserId) -> Result<Option<String>> {
    let db = core.db.reader();
    must_see(db, who, team).await?;
    let theirs = Filter { person: Some(person), shown: Some(Shown::Everything), ..Filter::default() };
    let to_user: RelationDef =
        entry::Entity::belongs_to(user::Entity).from(entry::Column::UserId).to(user::Column::Id).into();
    Ok(filtered(who.organization, team, &theirs)
        .select_only()
        .column(user::Column::Name)
        .join(JoinType::InnerJoin, to_user)
        .into_tuple()
        .one(db)
        .await?)
}

/// How many entries each day between two (both included) has; days without any are left out.
///
/// # Errors
/// As [`list()`].
pub async fn days(core: &Core, who: &Member, team: TeamId, from: Date, to: Date) -> Result<BTreeMap<Date, u64>> {
    let db = core.db.reader();
    must_see(db, who, team).await?;
    let counted: Vec<(String, i64)> = filtered(who.organization, team, &Filter::default())
        .select_only()
        .column(entry::Column::OccurredOn)
        .column_as(entry::Column::Id.count(), "entries")
        .filter(entry::Column::OccurredOn.between(from.to_string(), to.to_string()))
        .group_by(entry::Column::OccurredOn)
        .into_tuple()
        .all(db)
        .await?;
    let day = |(day, count): (String, i64)| Some((day.parse().ok()?, u64::try_from(count).ok()?));
    Ok(counted.into_iter().filter_map(day).collect())
}

/// The partners that feed this log or ever have, by name.
///
/// # Errors
/// As [`list()`].
pub async fn partners(core: &Core, who: &Member, team: TeamId) -> Result<Vec<String>> {
    let db = core.db.reader();
    must_see(db, who, team).await?;
    Ok(integration_link::Entity::of(who.organization)
        .select_only()
        .column(integration_link::Column::Partner)
        .filter(integration_link::Column::TeamId.eq(team))
        .distinct()
        .order_by_asc(integration_link::Column::Partner)
        .into_tuple()
        .all(db)
        .await?)
}

pub(super) fn filtered(organization: OrganizationId, team: TeamId, filter: &Filter) -> Select<entry::Entity> {
    of_teams(organization, &[team], filter)
}

/// What fits in the logs of some teams.
pub(super) fn of_teams(organization: OrganizationId, teams: &[TeamId], filter: &Filter) -> Select<entry::Entity> {
    let mut query = entry::Entity::of(organization).filter(entry::Column::TeamId.is_in(teams.iter().copied()));
    query = match filter.shown {
        Some(Shown::Archived) => query.filter(entry::Column::ArchivedAt.is_not_null()),
        Some(Shown::Everything) => query,
        Some(Shown::Done | Shown::Goal | Shown::Blocked) | None => query.filter(entry::Column::ArchivedAt.is_null()),
    };
    if let Some(day) = filter.day {
        query = query.filter(entry::Column::OccurredOn.eq(day.to_string()));
    }
    if let Some(from) = filter.from {
        query = query.filter(entry::Column::OccurredOn.gte(from.to_string()));
    }
    if let Some(to) = filter.to {
        query = query.filter(entry::Column::OccurredOn.lte(to.to_string()));
    }
    if let Some(person) = filter.person {
        query = query.filter(entry::Column::UserId.eq(person));
    }
    let status = match filter.shown {
        Some(Shown::Done) => Some(EntryStatus::Done),
        Some(Shown::Goal) => Some(EntryStatus::Goal),
        Some(Shown::Blocked) => Some(EntryStatus::Blocked),
        Some(Shown::Archived | Shown::Everything) | None => None,
    };
    if let Some(status) = status {
        query = query.filter(entry::Column::Status.eq(status));
    }
    if let Some(text) = &filter.text {
        query = query.filter(search::contains(text));
    }
    if let Some(tag) = &filter.tag {
        let tagged = entry_tag::Entity::of(organization)
            .select_only()
            .column(entry_tag::Column::EntryId)
            .filter(entry_tag::Column::Tag.eq(tag_name(tag)))
            .into_query();
        query = query.filter(entry::Column::Id.in_subquery(tagged));
    }
    match &filter.source {
        Some(Source::Here) => query.filter(entry::Column::Partner.is_null()),
        Some(Source::Partner(partner)) => query.filter(entry::Column::Partner.eq(partner)),
        None => query,
    }
}

fn newest_first(query: Select<entry::Entity>) -> Select<entry::Entity> {
    query.order_by_desc(entry::Column::OccurredOn).order_by_desc(entry::Column::Id)
}

/// Adds to rows what is shown around them, in three queries however many they are.
async fn dressed(
    db: &impl ConnectionTrait,
    who: &Member,
    in_team: bool,
    rows: Vec<entry::Model>,
) -> Result<Vec<Entry>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<EntryId> = rows.iter().map(|row| row.id).collect();
    let mut tags: HashMap<EntryId, HashSet<String>> = HashMap::new();
    let tag_rows = entry_tag::Entity::of(who.organization).filter(entry_tag::Column::EntryId.is_in(ids.clone()));
    for row in tag_rows.all(db).await? {
        tags.entry(row.entry_id).or_default().insert(row.tag);
    }
    let mut mentions: HashMap<EntryId, Vec<UserId>> = HashMap::new();
    let mention_rows = entry_mention::Entity::of(who.organization).filter(entry_mention::Column::EntryId.is_in(ids));
    for row in mention_rows.all(db).await? {
        mentions.entry(row.entry_id).or_default().push(row.user_id);
    }
    let wanted: HashSet<UserId> =
        rows.iter().filter_map(|row| row.user_id).chain(mentions.values().flatten().copied()).collect();
    let people: HashMap<UserId, (String, String)> = user::Entity::find()
        .select_only()
        .columns([user::Column::Id, user::Column::Name, user::Column::Email])
        .filter(user::Column::Id.is_in(wanted))
        .into_tuple()
        .all(db)
        .await?
        .into_iter()
        .map(|(id, name, email)| (id, (name, email)))
        .collect();
    let called = |id: UserId| people.get(&id).map(|(name, email)| handles_of(name, email)).unwrap_or_default();
    let dress = |row: entry::Model| Entry {
        author: row
            .user_id
            .and_then(|id| people.get(&id))
            .map(|(name, _)| name.clone())
            .or_else(|| row.author_name.clone())
            .unwrap_or_else(|| "Somebody".to_owned()),
        tags: tags.remove(&row.id).unwrap_or_default(),
        mentions: mentions.remove(&row.id).unwrap_or_default().into_iter().flat_map(called).collect(),
        editable: owns(who, in_team, &row),
        completable: in_team,
        row,
    };
    Ok(rows.into_iter().map(dress).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let cursor = Cursor { day: "2026-11-22".parse().unwrap(), entry: EntryId::new() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "_", "2026-11-22", "2026-11-22_", "2026-11-22_x", "x_018f3c2e-0000-7000-8000-000000000000"] {
            assert_eq!(bad.parse::<Cursor>(), Err(NoCursor), "{bad}");
        }
    }
}
