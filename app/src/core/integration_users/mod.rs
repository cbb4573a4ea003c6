//! IntegrationUsers: accounts at partners, from the click on Connect to the moment they are given back.
//!
//! An account belongs to a user within one organization: who is in two connects in each, and nothing is shared across.
//! Where the partner installs us for a whole workspace, the installation is an account without a user: the organization
//! has it once, its links act as it, and its people have accounts of their own that say who they are there and open
//! nothing.
//!
//! Connecting one is in `consent`, acting with one in `credentials`, giving one back in `leave`, joining one to a person who
//! wrote to us or clicked at the partner in `claim`, and what is missing for a click in `need`.

mod claim;
mod consent;
mod credentials;
mod leave;
mod need;

use integration_contract::Connect;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, QueryFilter, QueryOrder, QuerySelect, Select,
};

pub use claim::{Ask, Claim, accept_claim, ask_for_proof, claimed, offer_claim, use_up};
pub use consent::{Callback, Consent, Ended, Purpose, begin, finish, forget_stale_consents};
pub use credentials::{account, account_for_now, mark_broken, nobody, taken_back};
pub use leave::{
    DISCONNECT, disconnect, forget, give_back, leave_behind, left_over, let_go, let_go_gave_up, part_with,
};
pub use need::Need;

use super::{Core, Error, Result, partners::Partner, people::Member};
use crate::db::{
    IntegrationUserId, OrganizationId, UserId,
    entity::{
        Tenant,
        integration_user::{AccountState, Column, Entity, Model},
    },
};

/// The user's accounts at all partners, in one organization.
///
/// # Errors
/// When the database does not answer; likewise below.
pub async fn of_user(core: &Core, who: &Member) -> Result<Vec<Model>> {
    Ok(Entity::of(who.organization)
        .filter(Column::UserId.eq(who.user))
        .order_by_asc(Column::Partner)
        .order_by_asc(Column::CreatedAt)
        .all(core.db.reader())
        .await?)
}

/// The organization's installations at all partners.
///
/// # Errors
/// See [`of_user`].
pub async fn installations(core: &Core, organization: OrganizationId) -> Result<Vec<Model>> {
    Ok(Entity::of(organization)
        .filter(Column::UserId.is_null())
        .order_by_asc(Column::Partner)
        .order_by_asc(Column::CreatedAt)
        .all(core.db.reader())
        .await?)
}

/// The accounts that links of this user could act with: their own, and the organization's installations.
///
/// # Errors
/// See [`of_user`].
pub async fn usable(core: &Core, who: &Member) -> Result<Vec<Model>> {
    Ok(usable_by(who).order_by_asc(Column::Partner).order_by_asc(Column::CreatedAt).all(core.db.reader()).await?)
}

/// The account a new link of this user would act with: the one connected last. Where tokens are for setting links up and
/// nothing else, one whose token has ended counts as none.
///
/// # Errors
/// See [`of_user`].
pub async fn latest(core: &Core, who: &Member, partner: &Partner) -> Result<Option<Model>> {
    let mut good = Condition::all().add(Column::State.eq(AccountState::Connected));
    if matches!(partner.integration.card().connect, Connect::OAuth { lasting: false, .. }) {
        let ends = Condition::any().add(Column::ExpiresAt.is_null()).add(Column::ExpiresAt.gt(core.clock.now()));
        good = good.add(ends);
    }
    Ok(usable_by(who)
        .filter(Column::Partner.eq(partner.id()))
        .filter(good)
        .order_by_desc(Column::ConnectedAt)
        .one(core.db.reader())
        .await?)
}

/// The user's own accounts at a partner that one can act with, the one connected last first.
///
/// # Errors
/// See [`of_user`].
pub async fn own_connected(core: &Core, who: &Member, partner: &Partner) -> Result<Vec<Model>> {
    Ok(Entity::of(who.organization)
        .filter(Column::UserId.eq(who.user))
        .filter(Column::Partner.eq(partner.id()))
        .filter(Column::State.eq(AccountState::Connected))
        .filter(Column::Credentials.is_not_null())
        .order_by_desc(Column::ConnectedAt)
        .all(core.db.reader())
        .await?)
}

fn usable_by(who: &Member) -> Select<Entity> {
    let own = Condition::all().add(Column::UserId.eq(who.user)).add(Column::Credentials.is_not_null());
    Entity::of(who.organization).filter(Condition::any().add(own).add(Column::UserId.is_null()))
}

/// One account of the organization.
///
/// # Errors
/// See [`of_user`].
pub async fn find(core: &Core, organization: OrganizationId, id: IntegrationUserId) -> Result<Option<Model>> {
    Ok(Entity::of(organization).filter(Column::Id.eq(id)).one(core.db.reader()).await?)
}

/// Lets pass an account that is connected as of this transaction.
///
/// # Errors
/// [`Error::Conflict`] when it was disconnected meanwhile.
pub async fn must_be_connected(
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    id: IntegrationUserId,
) -> Result<()> {
    let there = Entity::of(organization).filter(Column::Id.eq(id)).filter(Column::State.eq(AccountState::Connected));
    // Held until the end, so that nobody disconnects it while a link is made that acts with it.
    match there.lock_shared().one(tx).await? {
        Some(_) => Ok(()),
        None => Err(Error::Conflict("The account was disconnected meanwhile. Connect it again.".into())),
    }
}

/// The installation in this workspace, whichever organization has it.
///
/// # Errors
/// See [`of_user`].
pub async fn installation(core: &Core, partner: &Partner, account_id: &str) -> Result<Option<Model>> {
    Ok(Entity::installation(partner.id(), account_id).one(core.db.reader()).await?)
}

/// Which of our users has this account at the partner. When several have connected the same one, the first. One that is
/// being disconnected is nobody's any more.
///
/// # Errors
/// See [`of_user`].
pub async fn user_of_account(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    partner: &str,
    account_id: &str,
) -> Result<Option<UserId>> {
    Ok(Entity::of(organization)
        .filter(Column::Partner.eq(partner))
        .filter(Column::AccountId.eq(account_id))
        .filter(Column::UserId.is_not_null())
        .filter(Column::State.ne(AccountState::Leaving))
        .order_by_asc(Column::CreatedAt)
        .one(db)
        .await?
        .and_then(|row| row.user_id))
}

impl Entity {
    /// Before the tenant is known there is only the partner's id of the workspace, which the app's secret vouches for.
    fn installation(partner: &str, account_id: &str) -> Select<Self> {
        use sea_orm::EntityTrait;
        Self::find()
            .filter(Column::Partner.eq(partner))
            .filter(Column::AccountId.eq(account_id))
            .filter(Column::UserId.is_null())
    }
}
