//! Invitations: a link that lets one person into an organization.
//!
//! A link counts once, for seven days, and only while whoever made it could still give that role. Only a hash of its
//! token is kept.

use std::time::Duration;

use integration_contract::{ExposeSecret, SecretString};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, JoinType, QueryFilter, QueryOrder,
    QuerySelect, RelationDef, sea_query::Expr,
};

use super::{
    Core, Error, Result,
    audit::{self, About, Deed},
    organizations,
    people::{Member, Membership},
    sealing, teams,
};
use crate::db::{
    InvitationId, Outdated, TeamId, UserId,
    entity::{
        Tenant, invitation,
        member::{self, Role},
        organization, team, user,
    },
};

/// How long a link counts.
pub const LASTS: Duration = Duration::from_hours(7 * 24);

/// What is given to who opens the link.
#[derive(Clone, Copy, Debug)]
pub struct NewInvitation {
    /// The role in the organization; at most the inviter's own.
    pub role: Role,
    /// A team to join as well.
    pub team: Option<TeamId>,
}

/// An invitation in the list of those that are open.
#[derive(Clone, Debug, FromQueryResult)]
pub struct OpenInvitation {
    /// Which one.
    pub id: InvitationId,
    /// The role it gives.
    pub role: Role,
    /// The name of the team it leads into.
    pub team: Option<String>,
    /// Who made it, by name.
    pub by: String,
    /// The role they have now.
    by_role: Role,
    /// Unix milliseconds.
    pub expires_at: i64,
}

/// An invitation as one reads it before accepting.
#[derive(Clone, Debug)]
pub struct Invited {
    /// The row.
    pub invitation: invitation::Model,
    /// To where.
    pub organization: organization::Model,
    /// And into which team.
    pub team: Option<team::Model>,
    /// By whom.
    pub by: user::Model,
}

/// What accepting came to.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// As what the person belongs to the organization now.
    pub membership: Membership,
    /// The team of the invitation.
    pub team: Option<TeamId>,
    /// False when they belonged to it before; their role is then as it was.
    pub new: bool,
}

/// Makes a link's token. It is kept nowhere: who asks must pass it on.
///
/// # Errors
/// [`Error::Forbidden`] for all but admins and for a role above one's own; [`Error::Invalid`] (`team`) when the
/// organization has no such team.
pub async fn invite(core: &Core, who: &Member, new: NewInvitation) -> Result<SecretString> {
    let token = sealing::random_text(32);
    core.db
        .write(async |tx| {
            let who = organizations::standing(tx, who).await?;
            who.must_be_admin("invite people")?;
            if !new.role.is_within(who.role) {
                return Err(Error::forbidden("You may invite people into roles up to your own."));
            }
            let mut about = About::named(format!("a new {}", new.role.word()));
            if let Some(team) = new.team {
                let found = teams::must_exist(tx, who.organization, team).await;
                let team = found.map_err(|_| Error::field("team", "Choose a team of the organization."))?;
                about = about.saying(format!("into the team {}", team.name));
            }
            let now = core.clock.now();
            let row = invitation::Model {
                organization_id: who.organization,
                id: InvitationId::new(),
                team_id: new.team,
                role: new.role,
                token_hash: hash_of(&token),
                invited_by: who.user,
                created_at: now,
                expires_at: now + i64::try_from(LASTS.as_millis()).unwrap_or(i64::MAX),
                accepted_at: None,
            };
            invitation::Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
            audit::note(core, tx, &who, Deed::Invited, about).await
        })
        .await?;
    Ok(token)
}

/// The organization's open invitations, last made first.
///
/// # Errors
/// [`Error::Forbidden`] for all but admins.
pub async fn list(core: &Core, who: &Member) -> Result<Vec<OpenInvitation>> {
    who.must_be_admin("see invitations")?;
    let to_inviter: RelationDef = invitation::Entity::belongs_to(member::Entity)
        .from((invitation::Column::OrganizationId, invitation::Column::InvitedBy))
        .to((member::Column::OrganizationId, member::Column::UserId))
        .into();
    let to_user: RelationDef =
        invitation::Entity::belongs_to(user::Entity).from(invitation::Column::InvitedBy).to(user::Column::Id).into();
    let to_team: RelationDef = invitation::Entity::belongs_to(team::Entity)
        .from((invitation::Column::OrganizationId, invitation::Column::TeamId))
        .to((team::Column::OrganizationId, team::Column::Id))
        .into();
    let open: Vec<OpenInvitation> = invitation::Entity::of(who.organization)
        .select_only()
        .columns([invitation::Column::Id, invitation::Column::Role, invitation::Column::ExpiresAt])
        .column_as(team::Column::Name, "team")
        .column_as(user::Column::Name, "by")
        .column_as(member::Column::Role, "by_role")
        .join(JoinType::InnerJoin, to_inviter)
        .join(JoinType::InnerJoin, to_user)
        .join(JoinType::LeftJoin, to_team)
        .filter(invitation::Column::AcceptedAt.is_null())
        .filter(invitation::Column::ExpiresAt.gt(core.clock.now()))
        .order_by_desc(invitation::Column::Id)
        .into_model()
        .all(core.db.reader())
        .await?;
    Ok(open.into_iter().filter(|open| may_give(open.by_role, open.role)).collect())
}

/// Whether who has one role now may still invite people into the other.
fn may_give(inviter: Role, role: Role) -> bool {
    inviter != Role::Member && role.is_within(inviter)
}

/// Makes a link count no longer.
///
/// # Errors
/// [`Error::Forbidden`] for all but admins; [`Error::NotFound`] when it is not there or was accepted.
pub async fn revoke(core: &Core, who: &Member, id: InvitationId) -> Result<()> {
    core.db
        .write(async |tx| {
            let who = organizations::standing(tx, who).await?;
            who.must_be_admin("revoke invitations")?;
            let open = invitation::Entity::of(who.organization)
                .filter(invitation::Column::Id.eq(id))
                .filter(invitation::Column::AcceptedAt.is_null());
            let open = open.one(tx).await?.ok_or(Error::NotFound)?;
            let revoked = invitation::Entity::delete_of(who.organization)
                .filter(invitation::Column::Id.eq(id))
                .filter(invitation::Column::AcceptedAt.is_null())
                .exec(tx)
                .await?;
            if revoked.rows_affected == 0 {
                return Err(Error::NotFound);
            }
            let about = About::named(format!("a new {}", open.role.word()));
            audit::note(core, tx, &who, Deed::InvitationRevoked, about).await
        })
        .await
}

/// What a link offers; changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for a link that does not count: unknown, used, expired, revoked, or from somebody who could no
/// longer give that role.
pub async fn look(core: &Core, token: &SecretString) -> Result<Invited> {
    let row = open(core.db.reader(), core.clock.now(), token).await?;
    told(core.db.reader(), row).await
}

/// Lets a user in. A link that gives them nothing new is left for whom it was meant.
///
/// # Errors
/// As [`look`].
pub async fn accept(core: &Core, user: UserId, token: &SecretString) -> Result<Accepted> {
    core.db
        .write(async |tx| {
            let now = core.clock.now();
            let row = open(tx, now, token).await?;
            let organization_id = row.organization_id;
            let new = organizations::admit(tx, now, organization_id, user, row.role).await?;
            let joins = match row.team_id {
                Some(team) => !teams::is_in(tx, organization_id, team, user).await?,
                None => false,
            };
            if let Some(team) = row.team_id.filter(|_| joins) {
                teams::join(tx, now, organization_id, team, user).await?;
            }
            if new || joins {
                // The mark decides between two who click at once; the other's transaction is undone.
                let marked = invitation::Entity::update_of(organization_id)
                    .col_expr(invitation::Column::AcceptedAt, Expr::value(now))
                    .filter(invitation::Column::Id.eq(row.id))
                    .filter(invitation::Column::AcceptedAt.is_null())
                    .exec(tx)
                    .await?;
                if marked.rows_affected == 0 {
                    return Err(Error::NotFound);
                }
            }
            let role = member::Entity::of(organization_id)
                .filter(member::Column::UserId.eq(user))
                .one(tx)
                .await?
                .ok_or(Error::NotFound)?
                .role;
            let invited = told(tx, row).await?;
            organizations::must_not_be_closing(&invited.organization)?;
            let who = Member { organization: organization_id, user, role };
            if new {
                let about = About::person(tx, user).await?.saying(format!("invited by {}", invited.by.name));
                audit::note(core, tx, &who, Deed::Joined, about).await?;
            }
            if let Some(team) = invited.team.as_ref().filter(|_| joins) {
                let name = About::person(tx, user).await?.name;
                audit::note(core, tx, &who, Deed::TeamMemberAdded, About::from(team).saying(name)).await?;
            }
            Ok(Accepted {
                membership: Membership { organization: invited.organization, role },
                team: invited.team.map(|team| team.id),
                new,
            })
        })
        .await
}

/// Forgets the invitations whose seven days are over, accepted or not, of all organizations. Answers with how many.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_expired(core: &Core) -> Result<u64> {
    let (key, limit) = ("organization_id, id", core.clock.now());
    Ok(core.db.forget(Outdated { table: "invitations", key, which: "expires_at <= $1", limit, of: None }).await?)
}

/// The row of a link that counts now, as far as the row alone can tell.
async fn open(db: &impl ConnectionTrait, now: i64, token: &SecretString) -> Result<invitation::Model> {
    invitation::Entity::with_token(hash_of(token))
        .filter(invitation::Column::AcceptedAt.is_null())
        .filter(invitation::Column::ExpiresAt.gt(now))
        .one(db)
        .await?
        .ok_or(Error::NotFound)
}

/// The row with the names a person reads; not found when whoever made it could no longer give that role.
async fn told(db: &impl ConnectionTrait, row: invitation::Model) -> Result<Invited> {
    let inviter = member::Entity::of(row.organization_id)
        .filter(member::Column::UserId.eq(row.invited_by))
        .one(db)
        .await?
        .filter(|inviter| may_give(inviter.role, row.role))
        .ok_or(Error::NotFound)?;
    let organization = organization::Entity::find_by_id(row.organization_id).one(db).await?.ok_or(Error::NotFound)?;
    let by = user::Entity::find_by_id(inviter.user_id).one(db).await?.ok_or(Error::NotFound)?;
    let team = match row.team_id {
        Some(id) => team::Entity::of(row.organization_id).filter(team::Column::Id.eq(id)).one(db).await?,
        None => None,
    };
    Ok(Invited { invitation: row, organization, team, by })
}

fn hash_of(token: &SecretString) -> Vec<u8> {
    sealing::digest_of(token.expose_secret().as_bytes())
}
