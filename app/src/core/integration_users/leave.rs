//! Giving an account back: at once here, by a job at the partner.

use integration_contract::{Capability, Undone, UndoneOutcome};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, DatabaseTransaction, IntoActiveModel, PaginatorTrait,
    QueryFilter,
};

use super::{credentials::unseal, find};
use crate::{
    core::{
        Core, Error, Result,
        audit::{self, Deed},
        people::Member,
    },
    db::{
        IntegrationUserId, OrganizationId,
        entity::{
            Tenant,
            integration_link::{self, LinkState},
            integration_user::{AccountState, Column, Entity, Model},
        },
    },
    queue::{self, NewJob},
};

/// The job that gives an account's credentials back to its partner.
pub const DISCONNECT: &str = "disconnect_account";

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
            let mut leaving = row.clone().into_active_model();
            leaving.state = Set(AccountState::Leaving);
            leaving.reason = Set(Some("Being disconnected.".to_owned()));
            leaving.update(tx).await?;
            queue::add(
                tx,
                NewJob {
                    organization: who.organization,
                    kind: DISCONNECT,
                    payload: serde_json::json!({ "account": id }),
                    lane: Some(format!("account:{id}")),
                    run_at: None,
                },
            )
            .await?;
            audit::note(core, tx, who, Deed::AccountDisconnected, &row).await?;
            Ok(row)
        })
        .await?;
    core.queue.wake();
    Ok(row)
}

/// Gives a leaving account's credentials back to the partner and forgets the account. Run by the job; twice is fine.
///
/// # Errors
/// [`Error::Partner`] when the partner did not answer; the job comes again.
pub async fn give_back(core: &Core, organization: OrganizationId, id: IntegrationUserId) -> Result<()> {
    let Some(row) = find(core, organization, id).await? else { return Ok(()) };
    if row.state != AccountState::Leaving {
        return Ok(());
    }
    revoke(core, &row).await?;
    forget(core, organization, id).await
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
            let row =
                Entity::of(organization).filter(Column::Id.eq(id)).filter(Column::UserId.is_null()).one(tx).await?;
            let Some(row) = row else { return Ok(None) };
            if links_with(tx, organization, id).await? > 0 {
                return Ok(None);
            }
            let mut leaving = row.into_active_model();
            leaving.state = Set(AccountState::Leaving);
            leaving.reason = Set(Some("Being disconnected.".to_owned()));
            Ok::<_, Error>(Some(leaving.update(tx).await?))
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
    Ok(integration_link::Entity::of(organization)
        .filter(integration_link::Column::IntegrationUserId.eq(id))
        .filter(integration_link::Column::State.ne(LinkState::Removed))
        .count(tx)
        .await?)
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
