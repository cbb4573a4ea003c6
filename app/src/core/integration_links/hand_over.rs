//! Handing over: what becomes of somebody's links when they leave the organization, and how a link goes on with the account
//! of somebody who is still there.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, IntoActiveModel, QueryFilter};

use super::{
    account_row, as_partner_sees,
    follow::broken,
    must_be_about_the_same, must_manage, must_still_manage,
    remove::{Removal, remove_in},
    set_up::{living, set_up_again},
};
use crate::{
    core::{
        Core, Error, Result,
        audit::{self, About, Deed},
        departures::{Ties, needs_account},
        integration_users,
        partners::Partner,
        people::Member,
    },
    db::{
        OrganizationId, UserId,
        entity::{
            Tenant,
            integration_link::{Column, Entity, LinkLevel, LinkState, Model, Remedy},
            integration_user,
        },
    },
};

/// Somebody leaves the organization, called `name` here: their own links are removed as any link is, and those of teams that
/// act with one of these accounts of theirs wait, keeping what comes, until somebody takes them over. Answers with how many
/// of each. Wake the queue after the commit, and wait [`crate::core::outbox::until_calls_have_begun`].
///
/// # Errors
/// When the database does not answer.
pub async fn leave_behind(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    (user, name): (UserId, &str),
    accounts: &[integration_user::Model],
) -> Result<Ties> {
    let mut ties = Ties::default();
    let living = || Entity::of(organization).filter(Column::State.is_not_in([LinkState::Removing, LinkState::Removed]));
    let own = living().filter(Column::Level.eq(LinkLevel::User)).filter(Column::UserId.eq(user)).all(tx).await?;
    for link in own {
        if remove_in(core, tx, &link).await? == Removal::Removed {
            ties.own += 1;
        }
    }
    let accounts = accounts.iter().map(|row| row.id);
    for link in living().filter(Column::IntegrationUserId.is_in(accounts)).all(tx).await? {
        // Where an account is there for setting links up and nothing else, they go on without it.
        if !needs_account(core, &link.partner) {
            continue;
        }
        ties.acting += 1;
        // A pause is a person's wish; what is wrong shows when it ends.
        if link.state != LinkState::Paused {
            let reason = format!("It acted with an account of {name}, who left the organization.");
            broken(core, tx, &link, reason, Some(Remedy::Reconnect)).await?;
        }
    }
    Ok(ties)
}

/// What taking a link over came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenOver {
    /// It acts with an account of who asked, and is being set up with it.
    Taken,
    /// They have none at the partner: one has to be connected first.
    NoAccount {
        /// Where, at a partner that has its customers at addresses of their own.
        site: Option<String>,
    },
}

/// Lets a link act with an account of who asks. The partner is asked first whether that account may do what the link does;
/// if not, nothing changes. What the link is about, its settings and its history stay.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Conflict`] when it acts with theirs already, does not act with a person's account, was
/// removed meanwhile, or the account is not of the same place at the partner; [`Error::Partner`] in the partner's words.
pub async fn take_over(core: &Core, who: &Member, partner: &Partner, link: &Model) -> Result<TakenOver> {
    must_manage(who, link)?;
    let now = account_row(core, link).await?;
    let is_own = now.as_ref().is_some_and(|row| row.user_id == Some(who.user));
    let is_everybodys = now.as_ref().is_some_and(|row| row.user_id.is_none());
    if is_own || is_everybodys || !partner.acts_with_accounts() || link.integration_user_id.is_none() {
        return Err(Error::Conflict("There is nobody else's account that this link acts with.".into()));
    }
    let mut refused = None;
    for row in integration_users::own_connected(core, who, partner).await? {
        match fits(core, partner, link, &row).await {
            Ok(()) => {
                give(core, who, partner, link, &row).await?;
                return Ok(TakenOver::Taken);
            }
            Err(error @ (Error::Conflict(_) | Error::Partner(_))) => refused = refused.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    refused.map_or(Ok(TakenOver::NoAccount { site: now.and_then(|row| row.site) }), Err)
}

/// Asks the partner what it would be asked if the link were made with this account.
async fn fits(core: &Core, partner: &Partner, link: &Model, row: &integration_user::Model) -> Result<()> {
    let account = integration_users::account(core, partner, row).await?;
    let settings = partner.integration.form_input(&as_partner_sees(core, link));
    let checked = partner.integration.check_link(&account, &settings).await.map_err(|refused| match refused {
        integration_contract::LinkRefused::Partner(error) => Error::Partner(error),
        integration_contract::LinkRefused::Fields(errors) => {
            let said = errors.iter().map(|(_, sentence)| sentence).collect::<Vec<_>>().join(" ");
            Error::Conflict(format!("{} can't be used for this link. {said}", row.account_name))
        }
    })?;
    must_be_about_the_same(link, &checked)
}

async fn give(core: &Core, who: &Member, partner: &Partner, link: &Model, row: &integration_user::Model) -> Result<()> {
    let now = core.clock.now();
    core.db
        .write(async |tx| {
            let who = must_still_manage(tx, who, link).await?;
            integration_users::must_be_connected(tx, who.organization, row.id).await?;
            let mut change = living(tx, link).await?.into_active_model();
            change.integration_user_id = Set(Some(row.id));
            change.updated_at = Set(now);
            let link = change.update(tx).await?;
            if link.state != LinkState::Paused {
                set_up_again(tx, &link, now).await?;
            }
            let about = About::from(&link).saying(format!("{}, with {}", partner.name(), row.account_name));
            audit::note(core, tx, &who, Deed::LinkTakenOver, about).await
        })
        .await?;
    core.queue.wake();
    Ok(())
}
