//! The daily digest: what came into a team's log since the last one, by mail, at the team's hour in its time zone.
//!
//! Off until an admin chooses an hour. Then everybody in the team gets it who does not switch theirs off. A day on which
//! nothing came has none.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write,
};

use integration_contract::text;
use jiff::tz::TimeZone;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, sea_query::OnConflict,
};

use super::{Letter, write};
use crate::{
    core::{
        Core, Error, Result,
        audit::{self, About, Deed},
        entries, organizations,
        outbox::next_strike,
        partners::our_url,
        people::Member,
        teams,
    },
    db::{
        OrganizationId, TeamId, UserId,
        entity::{
            Tenant, digest_refusal,
            entry::{self, EntryStatus},
            team, team_digest, team_member, user,
        },
    },
};

/// When links tell that leave the hour to a team which has chosen none.
const HOUR: u8 = 17;
/// After the hour, so that what came in its last moment is in.
const GRACE: i64 = 60_000;
/// How many teams are looked at each time; the rest have their turn the next time.
const AT_ONCE: u64 = 200;
/// The most entries of one digest; more stand in the log.
const MOST_ENTRIES: u64 = 200;
/// The longest line of an entry, in characters as a person counts them.
const LONGEST_LINE: usize = 300;

/// How a team's digest is set, for one member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// The hour; none when the team has no digest.
    pub hour: Option<u8>,
    /// The hour at which links tell that leave it to the team.
    pub links_hour: u8,
    /// Whether the one who asks gets it, when there is one.
    pub mine: bool,
}

/// How the digest is set.
///
/// # Errors
/// [`Error::NotFound`] for who does not see the team.
pub async fn setting(core: &Core, who: &Member, id: TeamId) -> Result<Setting> {
    let db = core.db.reader();
    let in_team = entries::must_see(db, who, id).await?;
    let hour = chosen_hour(db, who.organization, id).await?;
    let refusal = digest_refusal::Entity::of(who.organization)
        .filter(digest_refusal::Column::TeamId.eq(id))
        .filter(digest_refusal::Column::UserId.eq(who.user))
        .one(db)
        .await?;
    Ok(Setting { hour, links_hour: hour.unwrap_or(HOUR), mine: in_team && refusal.is_none() })
}

/// The hour at which the team's links tell that leave it to the team.
///
/// # Errors
/// When the database does not answer.
pub(in crate::core) async fn team_hour(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    id: TeamId,
) -> Result<u8> {
    Ok(chosen_hour(db, organization, id).await?.unwrap_or(HOUR))
}

async fn chosen_hour(db: &impl ConnectionTrait, organization: OrganizationId, id: TeamId) -> Result<Option<u8>> {
    let row = team_digest::Entity::of(organization).filter(team_digest::Column::TeamId.eq(id)).one(db).await?;
    Ok(row.and_then(|row| u8::try_from(row.hour).ok()))
}

/// Chooses the hour of a team's digest; none ends it.
///
/// # Errors
/// [`Error::Forbidden`] for all but admins, [`Error::Invalid`] (`hour`), [`Error::NotFound`] when there is no such team.
pub async fn choose(core: &Core, who: &Member, id: TeamId, hour: Option<u8>) -> Result<()> {
    if hour.is_some_and(|hour| hour > 23) {
        return Err(Error::field("hour", "Choose an hour from the list."));
    }
    core.db
        .write(async |tx| {
            let who = organizations::standing(tx, who).await?;
            who.must_be_admin("choose when the digest is sent")?;
            let team = team::Entity::of(who.organization).filter(team::Column::Id.eq(id)).one(tx).await?;
            let team = team.ok_or(Error::NotFound)?;
            if hour == chosen_hour(tx, who.organization, id).await? {
                return Ok(());
            }
            let said = hour.map_or_else(|| "none".to_owned(), |hour| format!("every day at {hour:02}:00"));
            audit::note(core, tx, &who, Deed::DigestChosen, About::from(&team).saying(said)).await?;
            let Some(hour) = hour else {
                let ended = team_digest::Entity::delete_of(who.organization);
                ended.filter(team_digest::Column::TeamId.eq(id)).exec(tx).await?;
                return Ok(());
            };
            let now = core.clock.now();
            let row = team_digest::Model {
                organization_id: who.organization,
                team_id: id,
                hour: i32::from(hour),
                covered_until: now,
                next_at: next_strike(now, &entries::zone(&team), hour).1,
            };
            let again = OnConflict::columns([team_digest::Column::OrganizationId, team_digest::Column::TeamId])
                .update_columns([team_digest::Column::Hour, team_digest::Column::NextAt])
                .to_owned();
            team_digest::Entity::insert(row.into_active_model()).on_conflict(again).exec_without_returning(tx).await?;
            Ok(())
        })
        .await
}

/// Lets the hour strike in the team's new time zone from now on.
///
/// # Errors
/// When the database does not answer.
pub(in crate::core) async fn move_to_zone(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    id: TeamId,
    zone: &TimeZone,
) -> Result<()> {
    let of_team = team_digest::Column::TeamId.eq(id);
    let Some(row) = team_digest::Entity::of(organization).filter(of_team.clone()).one(tx).await? else { return Ok(()) };
    let next = next_strike(core.clock.now(), zone, u8::try_from(row.hour).unwrap_or_default()).1;
    let moved = team_digest::Entity::update_of(organization).col_expr(team_digest::Column::NextAt, next.into());
    moved.filter(of_team).exec(tx).await?;
    Ok(())
}

/// Lets a member of the team get its digest, or not.
///
/// # Errors
/// [`Error::NotFound`] for who is not in the team.
pub async fn receive(core: &Core, who: &Member, id: TeamId, wants: bool) -> Result<()> {
    core.db
        .write(async |tx| {
            if !teams::is_in(tx, who.organization, id, who.user).await? {
                return Err(Error::NotFound);
            }
            use digest_refusal::{Column, Entity, Model};
            if wants {
                let row = Entity::delete_of(who.organization).filter(Column::TeamId.eq(id));
                row.filter(Column::UserId.eq(who.user)).exec(tx).await?;
            } else {
                let row = Model { organization_id: who.organization, team_id: id, user_id: who.user };
                Entity::insert(row.into_active_model())
                    .on_conflict_do_nothing_on([Column::OrganizationId, Column::TeamId, Column::UserId])
                    .exec_without_returning(tx)
                    .await?;
            }
            Ok(())
        })
        .await
}

/// Writes the digests whose hour has struck, of all tenants. May run in several processes at once: who moves a row on to
/// its next hour writes that digest, in the same commit. Hours that struck while nobody was there are made up for by one.
///
/// # Errors
/// When the database does not answer; the rest is written the next time.
pub async fn strike(core: &Core) -> Result<()> {
    let mut first = Ok(());
    for due in due(core).await? {
        // What is wrong with one team must not keep the others waiting.
        let written = core.db.write(async |tx| write_digest(core, tx, &due).await).await;
        first = first.and(written);
    }
    core.queue.wake();
    first
}

async fn due(core: &Core) -> Result<Vec<team_digest::Model>> {
    Ok(team_digest::Entity::find()
        .filter(team_digest::Column::NextAt.lte(core.clock.now() - GRACE))
        .order_by_asc(team_digest::Column::NextAt)
        .limit(AT_ONCE)
        .all(core.db.reader())
        .await?)
}

async fn write_digest(core: &Core, tx: &DatabaseTransaction, due: &team_digest::Model) -> Result<()> {
    use team_digest::Column;
    let organization = due.organization_id;
    let team = team::Entity::of(organization).filter(team::Column::Id.eq(due.team_id)).one(tx).await?;
    let Some(team) = team else { return Ok(()) };
    let zone = entries::zone(&team);
    let next = next_strike(core.clock.now(), &zone, u8::try_from(due.hour).unwrap_or_default()).1;
    let moved = team_digest::Entity::update_of(organization)
        .col_expr(Column::NextAt, next.into())
        .col_expr(Column::CoveredUntil, due.next_at.into())
        .filter(Column::TeamId.eq(due.team_id))
        .filter(Column::NextAt.eq(due.next_at))
        .exec(tx)
        .await?;
    if moved.rows_affected == 0 {
        return Ok(());
    }
    let Some(letter) = compose(core, tx, &team, due.covered_until, due.next_at).await? else { return Ok(()) };
    write(core, tx, organization, receivers(tx, organization, team.id).await?, &letter).await
}

async fn receivers(tx: &DatabaseTransaction, organization: OrganizationId, id: TeamId) -> Result<BTreeSet<UserId>> {
    let in_team = team_member::Entity::of(organization).filter(team_member::Column::TeamId.eq(id)).all(tx).await?;
    let refused =
        digest_refusal::Entity::of(organization).filter(digest_refusal::Column::TeamId.eq(id)).all(tx).await?;
    let refused: BTreeSet<UserId> = refused.into_iter().map(|row| row.user_id).collect();
    Ok(in_team.into_iter().map(|row| row.user_id).filter(|user| !refused.contains(user)).collect())
}

/// What came into the log from one moment to another, whenever it happened; none when that is nothing.
async fn compose(
    core: &Core,
    tx: &DatabaseTransaction,
    team: &team::Model,
    from: i64,
    until: i64,
) -> Result<Option<Letter>> {
    let mut rows = entry::Entity::of(team.organization_id)
        .filter(entry::Column::TeamId.eq(team.id))
        .filter(entry::Column::ArchivedAt.is_null())
        .filter(entry::Column::RecordedAt.gte(from))
        .filter(entry::Column::RecordedAt.lt(until))
        // In the order of the index, which else no planner takes; by day they are put below.
        .order_by_asc(entry::Column::RecordedAt)
        .order_by_asc(entry::Column::Id)
        .limit(MOST_ENTRIES + 1)
        .all(tx)
        .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let more = rows.len() as u64 > MOST_ENTRIES;
    rows.truncate(MOST_ENTRIES as usize);
    rows.sort_by(|one, other| {
        (&one.occurred_on, one.created_at, one.id).cmp(&(&other.occurred_on, other.created_at, other.id))
    });
    let names = names(tx, &rows).await?;
    let mut body = String::new();
    let mut day = "";
    for row in &rows {
        if row.occurred_on != day {
            day = &row.occurred_on;
            let heading = entries::day(day).map(|day| day.strftime("%A, %-d %B").to_string()).unwrap_or_default();
            // A string takes everything that is written into it.
            let _ = write!(body, "{}{heading}\n\n", if body.is_empty() { "" } else { "\n" });
        }
        let _ = writeln!(body, "{}", line(row, &names));
    }
    let log = our_url(&core.site.public_url, &format!("teams/{}", team.id));
    if more {
        let _ = writeln!(body, "\nThere is more; it stands in the log.");
    }
    let _ = write!(
        body,
        "\nThe log: {log}\n\nYou get this because you are in the team {}. To get it no longer: {log}/settings#digest\n",
        team.name
    );
    let count = match rows.len() {
        _ if more => format!("more than {MOST_ENTRIES} entries"),
        1 => "1 entry".to_owned(),
        many => format!("{many} entries"),
    };
    Ok(Some(Letter { subject: format!("{}: {count}", team.name), body }))
}

async fn names(tx: &DatabaseTransaction, rows: &[entry::Model]) -> Result<HashMap<UserId, String>> {
    let people: BTreeSet<UserId> = rows.iter().filter_map(|row| row.user_id).collect();
    let names: Vec<(UserId, String)> = user::Entity::find()
        .select_only()
        .columns([user::Column::Id, user::Column::Name])
        .filter(user::Column::Id.is_in(people))
        .into_tuple()
        .all(tx)
        .await?;
    Ok(names.into_iter().collect())
}

fn line(row: &entry::Model, names: &HashMap<UserId, String>) -> String {
    let mark = match row.status {
        EntryStatus::Done => "*",
        EntryStatus::Goal => "[ ]",
        EntryStatus::Blocked => "!",
    };
    let name = row.user_id.and_then(|user| names.get(&user)).or(row.author_name.as_ref());
    let by = name.map(|name| format!(" ({name})")).unwrap_or_default();
    format!("{mark} {}{by}", text::first_line(&row.body, LONGEST_LINE))
}
