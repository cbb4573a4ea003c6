//! Departures: what ties a member to partners, and what becomes of it when they leave the organization.
//!
//! Their accounts are given back to the partners. Their own links are removed, as any link is. Links of teams that act with
//! one of their accounts wait, keeping what comes, until somebody takes them over.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ColumnTrait, DatabaseTransaction, FromQueryResult, QueryFilter, QuerySelect};

use super::{Core, Result, integration_links, integration_users, outbox, partners::Partner, people::Member};
use crate::db::{
    IntegrationUserId, OrganizationId, UserId,
    entity::{
        Tenant,
        integration_link::{self, LinkLevel, LinkState},
        integration_user::{self, AccountState},
    },
};

/// What ties somebody to partners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ties {
    /// The partners, by name, where they have accounts.
    pub partners: BTreeSet<String>,
    /// How many links of teams act with these accounts.
    pub acting: usize,
    /// How many links are their own.
    pub own: usize,
}

/// Links that differ in nothing of this, counted.
#[derive(FromQueryResult)]
struct Alike {
    level: LinkLevel,
    user_id: Option<UserId>,
    integration_user_id: Option<IntegrationUserId>,
    partner: String,
    links: i64,
}

/// What ties each member to partners; who has nothing there is not in it. Two statements, however many they are.
///
/// # Errors
/// When the database does not answer.
pub async fn ties(core: &Core, who: &Member) -> Result<HashMap<UserId, Ties>> {
    let accounts: Vec<(IntegrationUserId, Option<UserId>, String)> = integration_user::Entity::of(who.organization)
        .filter(integration_user::Column::UserId.is_not_null())
        .filter(integration_user::Column::State.ne(AccountState::Leaving))
        .select_only()
        .columns([integration_user::Column::Id, integration_user::Column::UserId, integration_user::Column::Partner])
        .into_tuple()
        .all(core.db.reader())
        .await?;
    use integration_link::Column;
    let links = integration_link::Entity::of(who.organization)
        .filter(Column::State.is_not_in([LinkState::Removing, LinkState::Removed]))
        .select_only()
        .columns([Column::Level, Column::UserId, Column::IntegrationUserId, Column::Partner])
        .column_as(Column::Id.count(), "links")
        .group_by(Column::Level)
        .group_by(Column::UserId)
        .group_by(Column::IntegrationUserId)
        .group_by(Column::Partner)
        .into_model::<Alike>()
        .all(core.db.reader())
        .await?;
    let mut ties: HashMap<UserId, Ties> = HashMap::new();
    let mut owners = HashMap::new();
    for (id, user, partner) in accounts {
        let Some(user) = user else { continue };
        owners.insert(id, user);
        ties.entry(user).or_default().partners.insert(core.partners.name_of(&partner).to_owned());
    }
    for alike in links {
        let links = usize::try_from(alike.links).unwrap_or_default();
        let owner = alike.integration_user_id.and_then(|account| owners.get(&account));
        match (alike.level, alike.user_id, owner) {
            (LinkLevel::User, Some(user), _) => ties.entry(user).or_default().own += links,
            (LinkLevel::Team, _, Some(owner)) if needs_account(core, &alike.partner) => {
                ties.entry(*owner).or_default().acting += links;
            }
            _ => {}
        }
    }
    Ok(ties)
}

/// Severs what ties somebody to partners, whose membership has ended in this transaction; `name` is what they are called.
/// Call [`settle`] after the commit.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn sever(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    user: UserId,
    name: &str,
) -> Result<Ties> {
    let accounts = integration_users::leave_behind(tx, organization, user).await?;
    let ties = integration_links::leave_behind(core, tx, organization, (user, name), &accounts).await?;
    let partners = accounts.iter().map(|account| core.partners.name_of(&account.partner).to_owned()).collect();
    Ok(Ties { partners, ..ties })
}

/// What was begun goes on; nothing is sent any more through links that are gone.
pub(super) async fn settle(core: &Core) {
    core.queue.wake();
    outbox::until_calls_have_begun(core).await;
}

/// Whether links to a partner stop without the account that they act with.
pub(super) fn needs_account(core: &Core, partner: &str) -> bool {
    core.partners.get(partner).is_ok_and(Partner::acts_with_accounts)
}
