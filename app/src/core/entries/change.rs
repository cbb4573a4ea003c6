//! Changing entries: edit, complete and reopen, archive and bring back. Each can be asked for twice.

use std::fmt;

use jiff::{ToSpan, civil::Date};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    QuerySelect,
};

use super::{
    LONGEST, Standing, fits,
    handles::Handles,
    is_blank, search,
    write::{mention_rows, tag_rows},
};
use crate::{
    core::{
        Core, Error, Result,
        outbox::{self, Occasion},
        people::Member,
        sealing::digest_of,
    },
    db::{
        EntryId, OrganizationId, TeamId,
        entity::{
            Tenant,
            entry::{self, EntryStatus},
            entry_mention, entry_tag,
        },
    },
};

/// What an entry should read from now on.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its text; here a marker has no meaning.
    pub body: String,
    /// Done, goal or blocked.
    pub status: EntryStatus,
    /// Its day; none leaves it.
    pub day: Option<Date>,
    /// What was read before this was typed; none changes the entry whatever it reads now.
    pub over: Option<Version>,
}

/// What an entry read when somebody looked at it: two are equal when all is that a [`Change`] writes over, and whether it
/// was archived. Not the time of its last change: what nobody sees change keeps nobody from saving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// That of an entry as it stands.
    pub fn of(entry: &entry::Model) -> Self {
        let entry::Model { status, occurred_on, archived_at, body, .. } = entry;
        let read = format!("{} {occurred_on} {} {body}", status.word(), archived_at.is_some());
        Self(hex::encode(digest_of(read.as_bytes())))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As a form brings it back; what was never shown is no entry's.
impl From<&str> for Version {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Changes an entry's text, status and day.
///
/// # Errors
/// [`Error::Invalid`] (`body`, `day`), [`Error::NotFound`], [`Error::Forbidden`] for all but its author and admins, and
/// [`Error::Conflict`] when it reads otherwise than what the change was typed over.
pub async fn edit(core: &Core, who: &Member, team: TeamId, id: EntryId, change: Change) -> Result<()> {
    let body = integration_contract::text::without_nul(&change.body.replace("\r\n", "\n")).trim().to_owned();
    if is_blank(&body) {
        return Err(Error::field("body", "Write what got done. To take the entry out of the log, archive it."));
    }
    if !fits(&body) {
        return Err(Error::field("body", format!("Use at most {LONGEST} characters.")));
    }
    core.db
        .write(async |tx| {
            let standing = Standing::of(tx, who, team).await?;
            let entry = locked(tx, who.organization, team, id).await?;
            standing.must_own(&entry)?;
            let today = standing.today(core);
            let day = change.day.map(|day| checked_day(day, today)).transpose()?;
            if change.over.as_ref().is_some_and(|over| *over != Version::of(&entry)) && !reads(&entry, &body, &change) {
                return Err(Error::Conflict("Somebody changed this entry after you opened it.".into()));
            }
            let handles = Handles::for_texts(tx, who.organization, team, std::iter::once(body.as_str())).await?;
            forget_words(tx, who.organization, id).await?;
            let tags = tag_rows(who.organization, id, &body);
            entry_tag::Entity::insert_many(tags).exec_without_returning(tx).await?;
            let mentions = mention_rows(who.organization, id, handles.mentioned(&body));
            entry_mention::Entity::insert_many(mentions).exec_without_returning(tx).await?;

            let completed_on = completed(&entry, change.status, today);
            let occasion = if entry.status == change.status { Occasion::Follow } else { Occasion::News };
            let folded = search::folded(&body, entry.source.as_deref());
            let mut row = entry.into_active_model();
            row.body = Set(body.clone());
            row.folded = Set(folded);
            row.status = Set(change.status);
            row.completed_on = Set(completed_on);
            if let Some(day) = day {
                row.occurred_on = Set(day.to_string());
            }
            row.updated_at = Set(core.clock.now());
            row.update(tx).await?;
            outbox::tell(core, tx, who.organization, team, &[id], occasion).await
        })
        .await?;
    core.queue.wake();
    Ok(())
}

/// Whether an entry says already what a change would make it say: then the change came twice.
fn reads(entry: &entry::Model, body: &str, change: &Change) -> bool {
    let same_day = change.day.is_none_or(|day| day.to_string() == entry.occurred_on);
    same_day && entry.body == body && entry.status == change.status
}

/// Marks a goal or blocker as done today. One that is done stays as it is.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] for who is not in the team, [`Error::Conflict`] when it is archived: where
/// somebody marks it, it was still in the log when the page was drawn.
pub async fn complete(core: &Core, who: &Member, team: TeamId, id: EntryId) -> Result<()> {
    set_status(core, who, team, id, EntryStatus::Done).await
}

/// Makes a goal of what was done. A blocker that is reopened is a goal too: what is left is to do it.
///
/// # Errors
/// As [`complete`].
pub async fn reopen(core: &Core, who: &Member, team: TeamId, id: EntryId) -> Result<()> {
    set_status(core, who, team, id, EntryStatus::Goal).await
}

async fn set_status(core: &Core, who: &Member, team: TeamId, id: EntryId, status: EntryStatus) -> Result<()> {
    core.db
        .write(async |tx| {
            let standing = Standing::of(tx, who, team).await?;
            let entry = locked(tx, who.organization, team, id).await?;
            standing.must_be_in_team("complete and reopen its goals")?;
            let is_open = entry.status != EntryStatus::Done;
            if is_open == (status != EntryStatus::Done) {
                return Ok(());
            }
            if entry.archived_at.is_some() {
                return Err(Error::Conflict(
                    "The entry is archived, so it stays as it is. Bring it back first.".into(),
                ));
            }
            let today = standing.today(core);
            let completed_on = completed(&entry, status, today);
            let mut row = entry.into_active_model();
            row.status = Set(status);
            row.completed_on = Set(completed_on);
            row.updated_at = Set(core.clock.now());
            row.update(tx).await?;
            outbox::tell(core, tx, who.organization, team, &[id], Occasion::News).await
        })
        .await?;
    core.queue.wake();
    Ok(())
}

/// Takes an entry out of the log; it can be brought back.
///
/// # Errors
/// [`Error::NotFound`], and [`Error::Forbidden`] for all but its author and admins.
pub async fn archive(core: &Core, who: &Member, team: TeamId, id: EntryId) -> Result<()> {
    set_archived(core, who, team, id, true).await
}

/// Brings an archived entry back.
///
/// # Errors
/// As [`archive`].
pub async fn unarchive(core: &Core, who: &Member, team: TeamId, id: EntryId) -> Result<()> {
    set_archived(core, who, team, id, false).await
}

async fn set_archived(core: &Core, who: &Member, team: TeamId, id: EntryId, archived: bool) -> Result<()> {
    core.db
        .write(async |tx| {
            let standing = Standing::of(tx, who, team).await?;
            let entry = locked(tx, who.organization, team, id).await?;
            standing.must_own(&entry)?;
            if entry.archived_at.is_some() == archived {
                return Ok(());
            }
            let now = core.clock.now();
            let mut row = entry.into_active_model();
            row.archived_at = Set(archived.then_some(now));
            row.updated_at = Set(now);
            row.update(tx).await?;
            let occasion = if archived { Occasion::Follow } else { Occasion::News };
            outbox::tell(core, tx, who.organization, team, &[id], occasion).await
        })
        .await?;
    core.queue.wake();
    Ok(())
}

/// A day of the log: not more than a year ahead.
pub(super) fn checked_day(day: Date, today: Date) -> Result<Date> {
    if day <= today.saturating_add(1.year()) {
        Ok(day)
    } else {
        Err(Error::field("day", "Choose a day not more than a year ahead."))
    }
}

/// Forgets which tags and people an entry speaks of.
pub(super) async fn forget_words(tx: &DatabaseTransaction, organization: OrganizationId, id: EntryId) -> Result<()> {
    entry_tag::Entity::delete_of(organization).filter(entry_tag::Column::EntryId.eq(id)).exec(tx).await?;
    entry_mention::Entity::delete_of(organization).filter(entry_mention::Column::EntryId.eq(id)).exec(tx).await?;
    Ok(())
}

/// The entry, held until the end: two changes at once happen one after the other.
async fn locked(
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    team: TeamId,
    id: EntryId,
) -> Result<entry::Model> {
    entry::Entity::of(organization)
        .filter(entry::Column::Id.eq(id))
        .filter(entry::Column::TeamId.eq(team))
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or(Error::NotFound)
}

/// The day a goal or blocker was done, after a change of its status.
fn completed(entry: &entry::Model, to: EntryStatus, today: Date) -> Option<String> {
    match (entry.status, to) {
        (EntryStatus::Done, EntryStatus::Done) => entry.completed_on.clone(),
        (_, EntryStatus::Done) => Some(today.to_string()),
        _ => None,
    }
}
