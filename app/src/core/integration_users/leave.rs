//! Giving an account back: at once here, by a job at the partner.

use std::time::Duration;

use integration_contract::{Capability, Undone, UndoneOutcome};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, DatabaseTransaction, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Select,
};

use super::{credentials::unseal, find};
use crate::{
    core::{
        Core, Error, Result,
        audit::{self, Deed},
        people::Member,
    },
    db::{
        IntegrationUserId, OrganizationId, UserId,
        entity::{
            Tenant,
            integration_link::{self, LinkState},
            integration_user::{AccountState, Column, Entity, Model},
        },
    },
    queue::{self, NewJob, Outcome},
};

/// The job that gives an account's credentials back to its partner.
pub const DISCONNECT: &str = "disconnect_account";

/// How soon is looked again whether what stands at the partner by an account is undone there.
const UNDOING: Duration = Duration::from_secs(2);

/// Disconnects an account of one's own, or for admins an installation: it acts no more at once, and a job gives the credentials back.
///
/// # Errors
/// [`Error::Conflict`] while links act with it; [`Error::NotFound`] for anybody else's; [`Error::Forbidden`] for an
/// installation when the member is no admin.
pub async fn disconnect(core: &Core, who: &Member, id: IntegrationUserId) -> Result<Model> {
    let row = core
        .db
        .write(async |tx| {
            let row = Entity::of(who.organization)
                .filter(Column::Id.eq(id))
                .filter(Condition::any().add(Column::UserId.eq(who.user)).add(Column::UserId.is_null()))
                // Before the links are counted: one that is being made holds the account, too.
                .lock_exclusive()
                .one(tx)
                .await?
                .ok_or(Error::NotFound)?;
            if row.user_id.is_none() {
                who.must_be_admin("disconnect what the whole organization uses")?;
            }
            let links = links_with(tx, who.organization, id).await?;
            if links > 0 {
                let those = if links == 1 { "One link acts".to_owned() } else { format!("{links} links act") };
                return Err(Error::Conflict(format!("{those} with this account. Remove what uses it first.")));
            }
            begin_to_leave(tx, &row).await?;
            audit::note(core, tx, who, Deed::AccountDisconnected, &row).await?;
            Ok(row)
        })
        .await?;
    core.queue.wake();
    Ok(row)
}

/// Disconnects all accounts of somebody who leaves the organization, and answers with them. Wake the queue after the
/// commit: once their links are gone at the partners, a job each gives the credentials back.
///
/// # Errors
/// When the database does not answer.
pub async fn leave_behind(tx: &DatabaseTransaction, organization: OrganizationId, user: UserId) -> Result<Vec<Model>> {
    let rows = Entity::of(organization).filter(Column::UserId.eq(user)).filter(Column::State.ne(AccountState::Leaving));
    let rows = rows.order_by_asc(Column::CreatedAt).all(tx).await?;
    for row in &rows {
        begin_to_leave(tx, row).await?;
    }
    Ok(rows)
}

async fn begin_to_leave(tx: &DatabaseTransaction, row: &Model) -> Result<()> {
    let job = NewJob {
        organization: row.organization_id,
        kind: DISCONNECT,
        payload: serde_json::json!({ "account": row.id }),
        lane: Some(format!("account:{}", row.id)),
        run_at: None,
    };
    set_leaving(tx, row.clone()).await?;
    Ok(queue::add(tx, job).await?)
}

async fn set_leaving(tx: &DatabaseTransaction, row: Model) -> Result<Model> {
    let mut leaving = row.into_active_model();
    leaving.state = Set(AccountState::Leaving);
    leaving.reason = Set(Some("Being disconnected.".to_owned()));
    Ok(leaving.update(tx).await?)
}

/// Gives a leaving account's credentials back to the partner and forgets the account. Run by the job; twice is fine. As long
/// as a link that is being removed still needs them at the partner, it waits.
///
/// # Errors
/// [`Error::Partner`] when the partner did not answer; the job comes again.
pub async fn give_back(core: &Core, organization: OrganizationId, id: IntegrationUserId) -> Result<Outcome> {
    let Some(row) = find(core, organization, id).await? else { return Ok(Outcome::Done) };
    if row.state != AccountState::Leaving {
        return Ok(Outcome::Done);
    }
    let undoing = links_of(organization, id).filter(integration_link::Column::State.eq(LinkState::Removing));
    if undoing.count(core.db.reader()).await? > 0 {
        return Ok(Outcome::Later { after: UNDOING });
    }
    revoke(core, &row).await?;
    forget(core, organization, id).await?;
    Ok(Outcome::Done)
}

/// Gives an installation back once no link acts with it any more, and says what became of it at the partner; nothing when
/// it is a person's account, still in use, or gone. Twice is fine.
///
/// # Errors
/// [`Error::Partner`] when the partner did not answer; ask again.
pub async fn let_go(core: &Core, organization: OrganizationId, id: IntegrationUserId) -> Result<Option<Undone>> {
    let leaving = core
        .db
        .write(async |tx| {
            let installation = Entity::of(organization).filter(Column::Id.eq(id)).filter(Column::UserId.is_null());
            // As in `disconnect`.
            let Some(row) = installation.lock_exclusive().one(tx).await? else { return Ok(None) };
            if links_with(tx, organization, id).await? > 0 {
                return Ok(None);
            }
            set_leaving(tx, row).await.map(Some)
        })
        .await?;
    let Some(row) = leaving else { return Ok(None) };
    let undone = match revoke(core, &row).await {
        Ok(undone) => undone,
        Err(Error::Partner(error)) if error.passes() => return Err(error.into()),
        Err(Error::Partner(error)) => Some(left_over(&row, error.sentence())),
        Err(error) => return Err(error),
    };
    forget(core, organization, id).await?;
    Ok(undone)
}

/// The partner did not answer for days: the installation is forgotten here, and this is what is left of it there.
///
/// # Errors
/// When the database does not answer.
pub async fn let_go_gave_up(
    core: &Core,
    organization: OrganizationId,
    id: IntegrationUserId,
    why: &str,
) -> Result<Option<Undone>> {
    let Some(row) = find(core, organization, id).await?.filter(|row| row.state == AccountState::Leaving) else {
        return Ok(None);
    };
    forget(core, organization, id).await?;
    Ok(Some(left_over(&row, why)))
}

/// Gives an account's credentials back because its organization goes, and says what became of them; nothing when there
/// are none to give back, or no way to. The row is left to whoever asks. Twice is fine.
///
/// # Errors
/// [`Error::Partner`] when the partner did not do its part, [`Error::NotFound`] when there is no such partner any more.
pub async fn part_with(core: &Core, row: &Model) -> Result<Option<Undone>> {
    revoke(core, row).await
}

/// What a receipt says of an account that could not be given back.
pub fn left_over(row: &Model, why: &str) -> Undone {
    Undone {
        what: match row.user_id {
            None => format!("the installation in {}", row.account_name),
            Some(_) => format!("the access of {}", row.account_name),
        },
        outcome: UndoneOutcome::LeftOver(why.to_owned()),
    }
}

async fn links_with(tx: &DatabaseTransaction, organization: OrganizationId, id: IntegrationUserId) -> Result<u64> {
    Ok(links_of(organization, id).filter(integration_link::Column::State.ne(LinkState::Removed)).count(tx).await?)
}

fn links_of(organization: OrganizationId, id: IntegrationUserId) -> Select<integration_link::Entity> {
    integration_link::Entity::of(organization).filter(integration_link::Column::IntegrationUserId.eq(id))
}

/// Nothing when there is nothing to give back, or no way to.
async fn revoke(core: &Core, row: &Model) -> Result<Option<Undone>> {
    let partner = core.partners.get(&row.partner)?;
    let revokes = partner.integration.card().capabilities.contains(&Capability::Revoke);
    match unseal(core, row) {
        Ok(credentials) if revokes => Ok(Some(
            partner
                .integration
                .revoke(&core.partners.http(partner, credentials.site.as_deref(), None), &credentials)
                .await?,
        )),
        _ => Ok(None),
    }
}

/// Forgets a leaving account, whatever the partner says.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(core: &Core, organization: OrganizationId, id: IntegrationUserId) -> Result<()> {
    core.db
        .write(async |tx| {
            Entity::delete_of(organization)
                .filter(Column::Id.eq(id))
                .filter(Column::State.eq(AccountState::Leaving))
                .exec(tx)
                .await?;
            Ok::<_, Error>(())
        })
        .await
}
