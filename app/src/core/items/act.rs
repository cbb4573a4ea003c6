//! Acting: one of our users does something to an item, as themselves at its partner.

use integration_contract::{
    Account, Author, Change, Deed, Error as PartnerError, ErrorKind, Identity, Item, ItemChange,
};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::{load, record::record_own};
use crate::{
    core::{Core, Error, Result, integration_links, integration_users, integration_users::Need, partners::Partner},
    db::{
        ItemId, OrganizationId, UserId,
        entity::{
            Tenant, integration_link,
            integration_user::{self, AccountState},
            user,
        },
    },
};

/// Why a deed was not done.
#[derive(Debug)]
pub enum NotDone {
    /// The person has no account connected at the item's partner that counts there.
    NoAccount(Need),
    /// The partner did not do it, or did not say that it did.
    Partner(PartnerError),
    /// The item, or its link, is not there any more.
    Gone,
}

/// As whom somebody acts.
struct Actor {
    account: Account,
    /// The account's row; none for a partner without accounts.
    row: Option<integration_user::Model>,
}

impl Actor {
    /// Whether the account is the person's own.
    fn is_person(&self) -> bool {
        self.row.as_ref().is_some_and(|row| row.user_id.is_some())
    }
}

/// Does something to an item as this user: with their own account at the item's partner, so that the partner decides
/// what they may and says who it was. Where the partner is installed for a whole workspace there is no account of
/// theirs that opens anything; it is done as the installation, and only we say who it was.
///
/// What came of it is recorded from the partner's answer, so the team's links are told at once, and the hook that tells
/// of it later is no news. Wakes the queue.
///
/// # Errors
/// When the database does not answer.
pub async fn act(
    core: &Core,
    organization: OrganizationId,
    user: UserId,
    item: ItemId,
    deed: &Deed,
) -> Result<Result<(), NotDone>> {
    let Some(row) = load(core.db.reader(), organization, item).await? else { return Ok(Err(NotDone::Gone)) };
    let link = integration_links::load(core, organization, row.link_id).await?;
    let Some(link) = link.filter(integration_links::lives) else { return Ok(Err(NotDone::Gone)) };
    let partner = core.partners.get(&link.partner)?;
    let Some(items) = partner.integration.items() else { return Ok(Err(NotDone::Gone)) };
    let actor = match actor(core, partner, &link, user).await? {
        Ok(actor) => actor,
        Err(not) => return Ok(Err(not)),
    };
    let seen = integration_links::as_partner_sees(core, &link);
    let after = match items.act(&actor.account, &seen, &row.external_id, deed).await {
        Ok(after) => after,
        Err(error) => return Ok(Err(refused(core, &actor, error).await?)),
    };
    let change = ItemChange {
        id: format!("act:{}", Uuid::now_v7()),
        what: change_of(deed),
        by: author(core, user, &actor, &after).await?,
        at: Some(core.clock.now_seconds()),
        // Whatever the partner calls it in an answer, it is the item that was acted on.
        item: Item { id: row.external_id, ..after },
    };
    // Nothing came of it when it was so already: what they wanted is so.
    let _known_already = core.db.write(async |tx| record_own(core, tx, &link, user, change).await).await?;
    core.queue.wake();
    Ok(Ok(()))
}

/// As whom the user acts at the link's partner.
async fn actor(
    core: &Core,
    partner: &Partner,
    link: &integration_link::Model,
    user: UserId,
) -> Result<Result<Actor, NotDone>> {
    let Some(of_link) = link.integration_user_id else {
        return Ok(Ok(Actor { account: integration_users::nobody(core, partner), row: None }));
    };
    let of_link = integration_users::find(core, link.organization_id, of_link).await?;
    let row = match of_link {
        Some(installation) if installation.user_id.is_none() => installation,
        of_link => {
            let site = of_link.and_then(|row| row.site);
            match own_account(core, partner, link, user, site.clone()).await? {
                Some(own) => own,
                None => return Ok(Err(NotDone::NoAccount(Need { partner: partner.id().to_owned(), site }))),
            }
        }
    };
    match integration_users::account(core, partner, &row).await {
        Ok(account) => Ok(Ok(Actor { account, row: Some(row) })),
        Err(Error::Partner(error)) => {
            let actor = Actor { account: integration_users::nobody(core, partner), row: Some(row) };
            Ok(Err(refused(core, &actor, error).await?))
        }
        Err(error) => Err(error),
    }
}

/// The user's own account at the link's partner, where each customer has an address of their own at the link's; the one
/// that was connected last.
async fn own_account(
    core: &Core,
    partner: &Partner,
    link: &integration_link::Model,
    user: UserId,
    site: Option<String>,
) -> Result<Option<integration_user::Model>> {
    use integration_user::Column as Of;
    let site = match site {
        Some(site) => Of::Site.eq(site),
        None => Of::Site.is_null(),
    };
    Ok(integration_user::Entity::of(link.organization_id)
        .filter(Of::UserId.eq(user))
        .filter(Of::Partner.eq(partner.id()))
        .filter(Of::State.eq(AccountState::Connected))
        .filter(Of::Credentials.is_not_null())
        .filter(site)
        .order_by_desc(Of::ConnectedAt)
        .one(core.db.reader())
        .await?)
}

/// Which account of their own somebody needs to do something to an item; none where it is done as an installation, or
/// the item is gone.
///
/// # Errors
/// When the database does not answer.
pub async fn account_needed(core: &Core, organization: OrganizationId, item: ItemId) -> Result<Option<Need>> {
    let Some(row) = load(core.db.reader(), organization, item).await? else { return Ok(None) };
    let Some(link) = integration_links::load(core, organization, row.link_id).await? else { return Ok(None) };
    let Some(of_link) = link.integration_user_id else { return Ok(None) };
    let of_link = integration_users::find(core, organization, of_link).await?;
    Ok(of_link.filter(|row| row.user_id.is_some()).map(|row| Need { partner: row.partner, site: row.site }))
}

/// What an error of the partner means for whoever wanted something done.
async fn refused(core: &Core, actor: &Actor, error: PartnerError) -> Result<NotDone> {
    if error.kind() != ErrorKind::Unauthorized {
        return Ok(NotDone::Partner(error));
    }
    if let Some(row) = &actor.row {
        integration_users::mark_broken(core, row, error.sentence()).await?;
    }
    // An installation is nothing that they could connect for themselves.
    Ok(match &actor.row {
        Some(row) if actor.is_person() => {
            NotDone::NoAccount(Need { partner: row.partner.clone(), site: row.site.clone() })
        }
        _ => NotDone::Partner(error),
    })
}

fn change_of(deed: &Deed) -> Change {
    match deed {
        Deed::AssignToMe => Change::Assigned,
        Deed::Close => Change::Closed,
        Deed::Reopen => Change::Reopened,
        Deed::Retitle(_) => Change::Edited,
        Deed::Label(_) => Change::Labelled,
    }
}

/// Who did it, as the partner would say it; where it acted as the installation, by their name here.
async fn author(core: &Core, user: UserId, actor: &Actor, after: &Item) -> Result<Author> {
    match &actor.account.identity {
        Some(Identity { id, name, url }) if actor.is_person() => {
            let seen = after.assignees.iter().chain([&after.author]).find(|one| one.id.as_ref() == Some(id));
            let avatar = seen.and_then(|seen| seen.avatar.clone());
            Ok(Author { id: Some(id.clone()), name: name.clone(), url: url.clone(), avatar })
        }
        _ => {
            use sea_orm::EntityTrait;
            let row = user::Entity::find_by_id(user).one(core.db.reader()).await?;
            let name = row.map_or_else(|| "Somebody".to_owned(), |row| row.name);
            Ok(Author { name, ..Author::default() })
        }
    }
}
