//! Organizations: founding one, and who belongs to it in which role.
//!
//! Owners do everything; admins do everything but rename the organization and touch owners; an organization always has
//! an owner.

use integration_contract::FieldErrors;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, JoinType, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, RelationDef, sea_query::LockType,
};

use super::{
    Core, Error, Result,
    audit::{self, About, Deed},
    departures::{self, Ties},
    naming,
    people::Member,
    teams::{self, NewTeam},
};
use crate::db::{
    OrganizationId, UserId,
    entity::{
        Tenant,
        member::{self, Role},
        organization, team, user,
    },
};

/// Makes an organization with one owner.
///
/// # Errors
/// [`Error::Invalid`] (`name`).
pub async fn found(core: &Core, founder: UserId, name: &str) -> Result<organization::Model> {
    let mut errors = FieldErrors::default();
    let name = naming::name(&mut errors, "name", name);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    core.db.write(async |tx| insert(core, tx, founder, name).await).await
}

/// Makes an organization with one owner and a first team.
///
/// # Errors
/// [`Error::Invalid`] (`organization`, `name` of the team, `time_zone`).
pub async fn found_with_team(
    core: &Core,
    founder: UserId,
    name: &str,
    first_team: NewTeam,
) -> Result<(organization::Model, team::Model)> {
    let mut errors = FieldErrors::default();
    let name = naming::name(&mut errors, "organization", name);
    let first_team = teams::check(&mut errors, &first_team);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    core.db
        .write(async |tx| {
            let organization = insert(core, tx, founder, name).await?;
            let team = teams::insert(tx, core.clock.now(), organization.id, founder, first_team).await?;
            let founder = Member { organization: organization.id, user: founder, role: Role::Owner };
            audit::note(core, tx, &founder, Deed::TeamMade, &team).await?;
            Ok((organization, team))
        })
        .await
}

/// Changes its name.
///
/// # Errors
/// [`Error::Forbidden`] for all but owners, [`Error::Invalid`] (`name`).
pub async fn rename(core: &Core, who: &Member, name: &str) -> Result<()> {
    core.db
        .write(async |tx| {
            let who = standing(tx, who).await?;
            must_be_owner(&who, "rename it")?;
            let mut errors = FieldErrors::default();
            let name = naming::name(&mut errors, "name", name);
            if !errors.is_empty() {
                return Err(Error::Invalid(errors));
            }
            let before = of(tx, who.organization).await?;
            organization::Entity::update_many()
                .col_expr(organization::Column::Name, name.clone().into())
                .filter(organization::Column::Id.eq(who.organization))
                .exec(tx)
                .await?;
            let about = About::from(&before).saying(format!("now {name}"));
            audit::note(core, tx, &who, Deed::Renamed, about).await
        })
        .await
}

/// Everybody in it, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn members(core: &Core, who: &Member) -> Result<Vec<(user::Model, Role)>> {
    let to_user: RelationDef =
        member::Entity::belongs_to(user::Entity).from(member::Column::UserId).to(user::Column::Id).into();
    let rows = member::Entity::of(who.organization)
        .join(JoinType::InnerJoin, to_user)
        .select_also(user::Entity)
        .order_by_asc(user::Column::Name)
        .order_by_asc(user::Column::Id)
        .all(core.db.reader())
        .await?;
    Ok(rows.into_iter().filter_map(|(member, user)| Some((user?, member.role))).collect())
}

/// Who of the organization has this role or a higher one, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn who_may(core: &Core, who: &Member, least: Role) -> Result<Vec<String>> {
    let enough = |role: Role| role == Role::Owner || (least != Role::Owner && role == Role::Admin);
    let members = members(core, who).await?.into_iter();
    Ok(members.filter(|(_, role)| enough(*role)).map(|(user, _)| user.name).collect())
}

/// Gives a member another role.
///
/// # Errors
/// [`Error::Forbidden`] for members, and for admins when an owner is touched or made; [`Error::NotFound`] when `user` is
/// not a member; [`Error::Conflict`] when the last owner would be gone.
pub async fn change_role(core: &Core, who: &Member, user: UserId, role: Role) -> Result<()> {
    core.db
        .write(async |tx| {
            alone(tx, who.organization).await?;
            let who = standing(tx, who).await?;
            who.must_be_admin("change roles")?;
            let old = role_of(tx, who.organization, user).await?;
            if old == Role::Owner || role == Role::Owner {
                must_be_owner(&who, "make or unmake owners")?;
            }
            if old == Role::Owner && role != Role::Owner {
                another_owner_stays(tx, who.organization).await?;
            }
            member::Entity::update_of(who.organization)
                .col_expr(member::Column::Role, sea_orm::sea_query::Expr::value(role))
                .filter(member::Column::UserId.eq(user))
                .exec(tx)
                .await?;
            let about = About::person(tx, user).await?.saying(format!("{} → {}", old.word(), role.word()));
            audit::note(core, tx, &who, Deed::RoleChanged, about).await
        })
        .await
}

/// Takes somebody else out of the organization, and so out of its teams. Answers with what tied them to partners: it is
/// severed.
///
/// # Errors
/// As [`change_role`]; oneself leaves instead.
pub async fn remove_member(core: &Core, who: &Member, user: UserId) -> Result<Ties> {
    let ties = core
        .db
        .write(async |tx| {
            alone(tx, who.organization).await?;
            let who = standing(tx, who).await?;
            who.must_be_admin("remove members")?;
            if role_of(tx, who.organization, user).await? == Role::Owner {
                must_be_owner(&who, "remove owners")?;
            }
            part(core, tx, &who, user, Deed::MemberRemoved).await
        })
        .await?;
    departures::settle(core).await;
    Ok(ties)
}

/// Takes oneself out of the organization, and so out of its teams, as [`remove_member`].
///
/// # Errors
/// [`Error::Conflict`] for the last owner.
pub async fn leave(core: &Core, who: &Member) -> Result<Ties> {
    let ties = core
        .db
        .write(async |tx| {
            alone(tx, who.organization).await?;
            part(core, tx, who, who.user, Deed::Left).await
        })
        .await?;
    departures::settle(core).await;
    Ok(ties)
}

/// The member as they stand now, kept so until the transaction ends: what is allowed by it and removing them can't
/// happen at once.
///
/// # Errors
/// [`Error::NotFound`] for who is no longer a member; [`Error::Conflict`] when the organization is being deleted.
pub async fn standing(tx: &DatabaseTransaction, who: &Member) -> Result<Member> {
    let now = member::Entity::of(who.organization)
        .filter(member::Column::UserId.eq(who.user))
        .lock_shared()
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    must_not_be_closing(&of(tx, who.organization).await?)?;
    Ok(Member { role: now.role, ..*who })
}

/// Adds a member, or leaves one who is there already as they are; says whether they are new.
pub(super) async fn admit(
    tx: &DatabaseTransaction,
    now: i64,
    organization: OrganizationId,
    user: UserId,
    role: Role,
) -> Result<bool> {
    let member = member::Model { organization_id: organization, user_id: user, role, created_at: now };
    let added = member::Entity::insert(member.into_active_model())
        .on_conflict_do_nothing_on([member::Column::OrganizationId, member::Column::UserId])
        .exec_without_returning(tx)
        .await?;
    Ok(matches!(added, sea_orm::TryInsertResult::Inserted(1..)))
}

async fn insert(core: &Core, tx: &DatabaseTransaction, founder: UserId, name: String) -> Result<organization::Model> {
    let now = core.clock.now();
    let organization = organization::Model::new(OrganizationId::new(), name, now);
    organization::Entity::insert(organization.clone().into_active_model()).exec_without_returning(tx).await?;
    admit(tx, now, organization.id, founder, Role::Owner).await?;
    let founder = Member { organization: organization.id, user: founder, role: Role::Owner };
    audit::note(core, tx, &founder, Deed::Founded, &organization).await?;
    Ok(organization)
}

/// Ends a membership; the database takes the team memberships with it. What ties them to partners is severed once it has
/// ended: whoever was about to connect or link something in their name is done by then, or finds that they are gone.
async fn part(core: &Core, tx: &DatabaseTransaction, who: &Member, user: UserId, deed: Deed) -> Result<Ties> {
    let organization = who.organization;
    if role_of(tx, organization, user).await? == Role::Owner {
        another_owner_stays(tx, organization).await?;
    }
    let about = About::person(tx, user).await?;
    member::Entity::delete_of(organization).filter(member::Column::UserId.eq(user)).exec(tx).await?;
    let ties = departures::sever(core, tx, organization, user, &about.name).await?;
    audit::note(core, tx, who, deed, about).await?;
    Ok(ties)
}

/// One change of an organization's owners at a time: two owners who leave at once each see the other stay.
///
/// Not the strongest lock, which would also stop rows that only refer to the organization from being written.
async fn alone(tx: &DatabaseTransaction, organization: OrganizationId) -> Result<()> {
    organization::Entity::find_by_id(organization).lock(LockType::NoKeyUpdate).one(tx).await?.ok_or(Error::NotFound)?;
    Ok(())
}

/// Lets pass an organization that is not being deleted.
///
/// # Errors
/// [`Error::Conflict`] with the sentence.
pub fn must_not_be_closing(organization: &organization::Model) -> Result<()> {
    match organization.deletion_id {
        None => Ok(()),
        Some(_) => Err(Error::Conflict(format!(
            "{} is being deleted: nothing of it can be seen or changed any more.",
            organization.name
        ))),
    }
}

/// The organization itself.
///
/// # Errors
/// [`Error::NotFound`] when it is gone.
pub(super) async fn of(db: &impl ConnectionTrait, id: OrganizationId) -> Result<organization::Model> {
    organization::Entity::find_by_id(id).one(db).await?.ok_or(Error::NotFound)
}

async fn role_of(tx: &DatabaseTransaction, organization: OrganizationId, user: UserId) -> Result<Role> {
    let member = member::Entity::of(organization).filter(member::Column::UserId.eq(user)).one(tx).await?;
    Ok(member.ok_or(Error::NotFound)?.role)
}

async fn another_owner_stays(tx: &DatabaseTransaction, organization: OrganizationId) -> Result<()> {
    let owners = member::Entity::of(organization).filter(member::Column::Role.eq(Role::Owner)).count(tx).await?;
    if owners > 1 {
        Ok(())
    } else {
        Err(Error::Conflict("An organization needs an owner: make somebody else an owner first.".into()))
    }
}

/// Lets owners pass.
///
/// # Errors
/// [`Error::Forbidden`] "Only owners of the organization may {what}."
pub fn must_be_owner(who: &Member, what: &str) -> Result<()> {
    if who.role == Role::Owner {
        Ok(())
    } else {
        let sentence = format!("Only owners of the organization may {what}.");
        Err(Error::lacks_role(who.organization, Role::Owner, sentence))
    }
}
