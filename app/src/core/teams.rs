//! Teams: a group of members with one log, and the time zone its days begin in.
//!
//! A team is seen by those in it and by the organization's admins; for anybody else it is not there.

use std::sync::LazyLock;

use integration_contract::FieldErrors;
use jiff::tz::TimeZone;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationDef,
};

use super::{
    Core, Error, Result,
    audit::{self, About, Deed},
    mail::digest,
    naming, organizations,
    people::{Member, Person},
};
use crate::db::{
    OrganizationId, TeamId, UserId,
    entity::{Tenant, member, team, team_member, user},
};

/// What a person types to make or change a team.
#[derive(Clone, Debug, Default)]
pub struct NewTeam {
    /// What people call it.
    pub name: String,
    /// An IANA name, such as `Europe/Vienna`.
    pub time_zone: String,
}

/// Makes a team, with its maker in it.
///
/// # Errors
/// [`Error::Forbidden`] for all but admins, [`Error::Invalid`] (`name`, `time_zone`).
pub async fn create(core: &Core, who: &Member, new: NewTeam) -> Result<team::Model> {
    core.db
        .write(async |tx| {
            let who = organizations::standing(tx, who).await?;
            who.must_be_admin("make teams")?;
            let new = checked(&new)?;
            let team = insert(tx, core.clock.now(), who.organization, who.user, new).await?;
            audit::note(core, tx, &who, Deed::TeamMade, &team).await?;
            Ok(team)
        })
        .await
}

/// A team in any of a person's organizations, and the person as a member there.
///
/// # Errors
/// [`Error::NotFound`] for who is neither in the team nor an admin of its organization.
pub async fn find(core: &Core, person: &Person, id: TeamId) -> Result<(Member, team::Model)> {
    let team = team::Entity::of_any(person.organizations())
        .filter(team::Column::Id.eq(id))
        .one(core.db.reader())
        .await?
        .ok_or(Error::NotFound)?;
    let who = person.member_of(team.organization_id)?;
    if who.is_admin() || is_in(core.db.reader(), who.organization, id, who.user).await? {
        Ok((who, team))
    } else {
        Err(Error::NotFound)
    }
}

/// The time zone of a team; UTC for one that is gone.
///
/// # Errors
/// When the database does not answer.
pub async fn zone_of(core: &Core, organization: OrganizationId, id: TeamId) -> Result<TimeZone> {
    let team = team::Entity::of(organization).filter(team::Column::Id.eq(id)).one(core.db.reader()).await?;
    Ok(team.and_then(|team| zone(&team.time_zone)).unwrap_or(TimeZone::UTC))
}

/// The teams a member is in, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn of_member(core: &Core, who: &Member) -> Result<Vec<team::Model>> {
    let of_members = to_team_members();
    Ok(team::Entity::of(who.organization)
        .join(JoinType::InnerJoin, of_members)
        .filter(team_member::Column::UserId.eq(who.user))
        .order_by_asc(team::Column::Name)
        .order_by_asc(team::Column::Id)
        .all(core.db.reader())
        .await?)
}

/// The teams a member may see, by name: an admin sees all of the organization's.
///
/// # Errors
/// When the database does not answer.
pub async fn visible(core: &Core, who: &Member) -> Result<Vec<team::Model>> {
    if !who.is_admin() {
        return of_member(core, who).await;
    }
    Ok(team::Entity::of(who.organization)
        .order_by_asc(team::Column::Name)
        .order_by_asc(team::Column::Id)
        .all(core.db.reader())
        .await?)
}

/// Changes a team's name and time zone.
///
/// # Errors
/// As [`create`]; [`Error::NotFound`] when the organization has no such team.
pub async fn change(core: &Core, who: &Member, id: TeamId, new: NewTeam) -> Result<()> {
    core.db
        .write(async |tx| {
            let who = organizations::standing(tx, who).await?;
            who.must_be_admin("change teams")?;
            let new = checked(&new)?;
            let in_zone = zone(&new.time_zone).unwrap_or(TimeZone::UTC);
            let before = must_exist(tx, who.organization, id).await?;
            let about = About::from(&before).saying(format!("now {}, {}", new.name, new.time_zone));
            team::Entity::update_of(who.organization)
                .col_expr(team::Column::Name, new.name.into())
                .col_expr(team::Column::TimeZone, new.time_zone.into())
                .filter(team::Column::Id.eq(id))
                .exec(tx)
                .await?;
            audit::note(core, tx, &who, Deed::TeamChanged, about).await?;
            digest::move_to_zone(core, tx, who.organization, id, &in_zone).await
        })
        .await
}

/// Who is in a team, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn members(core: &Core, who: &Member, id: TeamId) -> Result<Vec<user::Model>> {
    let to_user: RelationDef =
        team_member::Entity::belongs_to(user::Entity).from(team_member::Column::UserId).to(user::Column::Id).into();
    let rows = team_member::Entity::of(who.organization)
        .filter(team_member::Column::TeamId.eq(id))
        .join(JoinType::InnerJoin, to_user)
        .select_also(user::Entity)
        .order_by_asc(user::Column::Name)
        .order_by_asc(user::Column::Id)
        .all(core.db.reader())
        .await?;
    Ok(rows.into_iter().filter_map(|(_, user)| user).collect())
}

/// Puts a member of the organization into a team; once is as good as twice.
///
/// # Errors
/// [`Error::Forbidden`] for all but admins; [`Error::NotFound`] when the organization has no such team;
/// [`Error::Invalid`] (`user`) when it has no such member.
pub async fn add_member(core: &Core, who: &Member, id: TeamId, user: UserId) -> Result<()> {
    core.db
        .write(async |tx| {
            let who = organizations::standing(tx, who).await?;
            who.must_be_admin("add people to teams")?;
            let team = must_exist(tx, who.organization, id).await?;
            // Held until the end, so that they can't leave the organization meanwhile.
            let theirs = member::Entity::of(who.organization).filter(member::Column::UserId.eq(user)).lock_shared();
            if theirs.one(tx).await?.is_none() {
                return Err(Error::field("user", "Choose a member of the organization."));
            }
            if join(tx, core.clock.now(), who.organization, id, user).await? {
                let name = About::person(tx, user).await?.name;
                audit::note(core, tx, &who, Deed::TeamMemberAdded, About::from(&team).saying(name)).await?;
            }
            Ok(())
        })
        .await
}

/// Takes somebody out of a team: an admin anybody, and everybody themselves.
///
/// # Errors
/// [`Error::Forbidden`] for a member who takes out another; [`Error::NotFound`] when `user` is not in the team.
pub async fn remove_member(core: &Core, who: &Member, id: TeamId, user: UserId) -> Result<()> {
    core.db
        .write(async |tx| {
            let who = organizations::standing(tx, who).await?;
            if user != who.user {
                who.must_be_admin("take others out of teams")?;
            }
            let removed = team_member::Entity::delete_of(who.organization)
                .filter(team_member::Column::TeamId.eq(id))
                .filter(team_member::Column::UserId.eq(user))
                .exec(tx)
                .await?;
            if removed.rows_affected == 0 {
                return Err(Error::NotFound);
            }
            let team = must_exist(tx, who.organization, id).await?;
            let name = About::person(tx, user).await?.name;
            audit::note(core, tx, &who, Deed::TeamMemberRemoved, About::from(&team).saying(name)).await
        })
        .await
}

/// The time zone with this IANA name, however it is capitalised.
pub fn zone(name: &str) -> Option<TimeZone> {
    // The database also knows a name for "unknown", in which no day begins anywhere.
    TimeZone::get(name.trim()).ok().filter(|zone| !zone.is_unknown() && zone.iana_name().is_some())
}

/// The time zone that somebody means: one with this name, or the only one whose name ends in this city, as `Vienna` or
/// `new york`.
fn zone_meant(typed: &str) -> Option<TimeZone> {
    let city = typed.trim().replace(' ', "_");
    let is_of_city = |name: &&String| name.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(&city));
    zone(typed).or_else(|| {
        let mut names = zone_names().iter().filter(is_of_city);
        let name = names.next()?;
        names.next().is_none().then(|| zone(name)).flatten()
    })
}

/// The names there are to choose from.
pub fn zone_names() -> &'static [String] {
    static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
        jiff::tz::db().available().map(|name| name.to_string()).filter(|name| zone(name).is_some()).collect()
    });
    &NAMES
}

/// A team as it is kept; adds sentences to `errors` (`name`, `time_zone`) when it can't be.
pub(super) fn check(errors: &mut FieldErrors, new: &NewTeam) -> NewTeam {
    let name = naming::name(errors, "name", &new.name);
    let time_zone = zone_meant(&new.time_zone).and_then(|zone| zone.iana_name().map(str::to_owned));
    if time_zone.is_none() {
        errors.add("time_zone", "Choose a time zone from the list, such as Europe/Vienna.");
    }
    NewTeam { name, time_zone: time_zone.unwrap_or_default() }
}

/// Writes a checked team with its first member.
pub(super) async fn insert(
    tx: &DatabaseTransaction,
    now: i64,
    organization: OrganizationId,
    maker: UserId,
    new: NewTeam,
) -> Result<team::Model> {
    let team = team::Model {
        organization_id: organization,
        id: TeamId::new(),
        name: new.name,
        time_zone: new.time_zone,
        created_at: now,
        deleting_since: None,
    };
    team::Entity::insert(team.clone().into_active_model()).exec_without_returning(tx).await?;
    join(tx, now, organization, team.id, maker).await?;
    Ok(team)
}

/// Writes a team membership, unless it is there; says whether it is new.
pub(super) async fn join(
    tx: &DatabaseTransaction,
    now: i64,
    organization: OrganizationId,
    id: TeamId,
    user: UserId,
) -> Result<bool> {
    let row = team_member::Model { organization_id: organization, team_id: id, user_id: user, created_at: now };
    let added = team_member::Entity::insert(row.into_active_model())
        .on_conflict_do_nothing_on([
            team_member::Column::OrganizationId,
            team_member::Column::TeamId,
            team_member::Column::UserId,
        ])
        .exec_without_returning(tx)
        .await?;
    Ok(matches!(added, sea_orm::TryInsertResult::Inserted(1..)))
}

/// The organization's team with this id.
pub(super) async fn must_exist(
    db: &impl sea_orm::ConnectionTrait,
    organization: OrganizationId,
    id: TeamId,
) -> Result<team::Model> {
    let found = team::Entity::of(organization).filter(team::Column::Id.eq(id)).one(db).await?;
    found.ok_or(Error::NotFound)
}

/// Whether a user is in a team.
///
/// # Errors
/// When the database does not answer.
pub async fn is_in(
    db: &impl sea_orm::ConnectionTrait,
    organization: OrganizationId,
    id: TeamId,
    user: UserId,
) -> Result<bool> {
    let row = team_member::Entity::of(organization)
        .filter(team_member::Column::TeamId.eq(id))
        .filter(team_member::Column::UserId.eq(user))
        .one(db)
        .await?;
    Ok(row.is_some())
}

fn checked(new: &NewTeam) -> Result<NewTeam> {
    let mut errors = FieldErrors::default();
    let new = check(&mut errors, new);
    if errors.is_empty() { Ok(new) } else { Err(Error::Invalid(errors)) }
}

fn to_team_members() -> RelationDef {
    team::Entity::belongs_to(team_member::Entity)
        .from((team::Column::OrganizationId, team::Column::Id))
        .to((team_member::Column::OrganizationId, team_member::Column::TeamId))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_zone_has_an_iana_name() {
        assert_eq!(zone("europe/vienna").unwrap().iana_name(), Some("Europe/Vienna"));
        assert_eq!(zone(" UTC ").unwrap().iana_name(), Some("UTC"));
        for bad in ["", "Vienna", "Etc/Unknown", "../../etc/passwd", "+02:00", "EST5EDT,M3.2.0,M11.1.0", "a\0b"] {
            assert!(zone(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_city_is_enough_where_there_is_one_of_that_name() {
        let meant = |typed| zone_meant(typed).and_then(|zone| zone.iana_name().map(str::to_owned));
        for (typed, name) in [
            ("Vienna", "Europe/Vienna"),
            (" vienna ", "Europe/Vienna"),
            ("New York", "America/New_York"),
            ("ho chi minh", "Asia/Ho_Chi_Minh"),
            ("europe/vienna", "Europe/Vienna"),
        ] {
            assert_eq!(meant(typed).as_deref(), Some(name), "{typed}");
        }
        // Two continents have an Istanbul, and what is unknown is nowhere.
        for bad in ["Istanbul", "Europe", "", " ", "/", "Unknown", "Vien", "a\0b"] {
            assert_eq!(meant(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn every_zone_offered_is_taken() {
        let names = zone_names();
        assert!(names.len() > 400 && names.iter().any(|name| name == "America/New_York"));
    }
}
