//! IntegrationLinks: the pipes that teams and users have set up to partners.
//!
//! Making and changing one is in `set_up`, a team's in pages in `list`, taking one away in `remove`, keeping up with its
//! far end in `follow` and `look`, showing a partner's people what is wrong in `notice`, and what becomes of one whose
//! account's owner leaves in `hand_over`. Drawing the form is `web::routes::links`; talking to the partner is the
//! partner's crate.

mod follow;
mod hand_over;
mod list;
mod look;
mod notice;
mod remove;
mod set_up;

use integration_contract::{Account, IntegrationLink, LinkSettings, RemoteName, SecretString};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::LockType,
};
use url::Url;

pub use follow::{INSPECT, broke, change_living, follow, inspect, inspect_again};
pub use hand_over::{TakenOver, leave_behind, take_over};
pub use list::{Glimpse, Listing, PAGE, Wanted, any_of_team, in_sight, of_partner, of_team};
pub use look::{Looks, look};
pub use notice::{NOTICE, notice, notice_due};
pub use remove::{Removal, UNINSTALL, gone, rearm_clean_up, remove, remove_in, uninstall, uninstall_gave_up};
pub use set_up::{
    Created, INSTALL, NewLink, change, create, create_in, draft, install, install_gave_up, must_be_about_the_same,
    pause, resume, set_up_again,
};

use super::{
    Core, Error, Result, integration_users, organizations,
    partners::{Partner, our_url},
    people::{Member, Person},
    sealing::Place,
};
use crate::db::{
    LinkId, OrganizationId, UserId,
    entity::{
        Tenant,
        integration_link::{self, Column, Entity, LinkLevel, LinkState, Model},
        integration_user::{self, AccountState},
        remote::{self, RemoteState},
    },
};

/// How many removed links a settings page still shows with their receipts.
const REMOVED_SHOWN: u64 = 5;

/// One link by its id, among the organizations of the person who asks.
///
/// # Errors
/// [`Error::NotFound`] when it is not there, is another tenant's, or another user's own.
pub async fn find(core: &Core, person: &Person, id: LinkId) -> Result<(Member, Model)> {
    let link = Entity::of_any(person.organizations()).filter(Column::Id.eq(id)).one(core.db.reader()).await?;
    let link = link.ok_or(Error::NotFound)?;
    let member = person.member_of(link.organization_id)?;
    if link.level == LinkLevel::User && link.user_id != Some(member.user) && !member.is_admin() {
        return Err(Error::NotFound);
    }
    if link.level == LinkLevel::Team {
        super::teams::find(core, person, link.team_id).await?;
    }
    Ok((member, link))
}

/// The living link that made this at the partner, as [`find`] would show it to the person.
///
/// # Errors
/// [`Error::NotFound`] for all others, which then read the same.
pub async fn that_made(core: &Core, person: &Person, partner: &Partner, name: &RemoteName) -> Result<Model> {
    // PostgreSQL does not take this for a text, and no partner calls anything so.
    if name.id.contains('\0') {
        return Err(Error::NotFound);
    }
    let made = remote::Entity::of_any(person.organizations())
        .filter(remote::Column::Kind.eq(name.kind))
        .filter(remote::Column::RemoteId.eq(&name.id))
        .filter(remote::Column::State.eq(RemoteState::Made))
        .all(core.db.reader())
        .await?;
    for row in made {
        match find(core, person, row.link_id).await {
            Ok((_, link)) if link.partner == partner.id() && lives(&link) => return Ok(link),
            Ok(_) | Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::NotFound)
}

/// One link of an organization, for jobs.
///
/// # Errors
/// When the database does not answer; likewise below.
pub async fn load(core: &Core, organization: OrganizationId, id: LinkId) -> Result<Option<Model>> {
    load_in(core.db.reader(), organization, id).await
}

/// [`load`] as part of other work.
///
/// # Errors
/// See [`load`].
pub async fn load_in(db: &impl ConnectionTrait, organization: OrganizationId, id: LinkId) -> Result<Option<Model>> {
    Ok(Entity::of(organization).filter(Column::Id.eq(id)).one(db).await?)
}

/// Whether it is still a link: not removed, nor about to be.
pub fn lives(link: &Model) -> bool {
    !matches!(link.state, LinkState::Removing | LinkState::Removed)
}

/// The link's page.
pub fn url_of(core: &Core, link: &Model) -> Url {
    our_url(&core.site.public_url, &format!("integrations/{}/link/{}", link.partner, link.id))
}

/// The link of a job that is about it only while it is in this state.
async fn load_while(core: &Core, organization: OrganizationId, id: LinkId, state: LinkState) -> Result<Option<Model>> {
    Ok(load(core, organization, id).await?.filter(|link| link.state == state))
}

/// The link as it is now, unless it is being removed; it stays so until the transaction ends. Without the lock, what was
/// found a moment ago would be written over a removal that was committed meanwhile.
async fn find_living(tx: &DatabaseTransaction, link: &Model) -> Result<Option<Model>> {
    Ok(Entity::of(link.organization_id)
        .filter(Column::Id.eq(link.id))
        .filter(Column::State.is_not_in([LinkState::Removing, LinkState::Removed]))
        // Not the strongest lock, which would wait for rows that only refer to the link.
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?)
}

/// Takes hold of a link until the end of the transaction, if it is there.
///
/// # Errors
/// See [`load`].
pub async fn hold_in(tx: &DatabaseTransaction, link: &Model) -> Result<()> {
    find_living(tx, link).await.map(|_| ())
}

/// The link whose hook URL has this key, a removed one included. The key only says which secret to check with.
///
/// # Errors
/// See [`load`].
pub async fn by_hook_key(core: &Core, partner: &Partner, key: &str) -> Result<Option<Model>> {
    // PostgreSQL does not take this for a text, and no key of ours has one.
    if key.contains('\0') {
        return Ok(None);
    }
    Ok(Entity::by_hook_key(partner.id(), key).one(core.db.reader()).await?)
}

/// The living links that act as the installation in this workspace; none when there is no such installation.
///
/// # Errors
/// See [`load`].
pub async fn of_installation(core: &Core, partner: &Partner, account: &str) -> Result<Vec<Model>> {
    let Some(installation) = integration_users::installation(core, partner, account).await? else {
        return Ok(Vec::new());
    };
    let links = Entity::of(installation.organization_id)
        .filter(Column::IntegrationUserId.eq(installation.id))
        .filter(Column::State.is_not_in([LinkState::Removing, LinkState::Removed]))
        .order_by_asc(Column::CreatedAt)
        .all(core.db.reader());
    Ok(links.await?)
}

/// The links listed on a user's own settings page.
///
/// # Errors
/// See [`load`].
pub async fn for_user(core: &Core, organization: OrganizationId, user: UserId) -> Result<Vec<Model>> {
    listed(core, Entity::of(organization).filter(Column::Level.eq(LinkLevel::User)).filter(Column::UserId.eq(user)))
        .await
}

/// Living ones first, then the last few removed ones with their receipts.
async fn listed(core: &Core, links: Select<Entity>) -> Result<Vec<Model>> {
    let living = links
        .clone()
        .filter(Column::State.ne(LinkState::Removed))
        .order_by_asc(Column::Partner)
        .order_by_asc(Column::CreatedAt)
        .all(core.db.reader());
    let removed = links
        .filter(Column::State.eq(LinkState::Removed))
        .order_by_desc(Column::StateSince)
        .limit(REMOVED_SHOWN)
        .all(core.db.reader());
    let (mut living, removed) = tokio::try_join!(living, removed)?;
    living.extend(removed);
    Ok(living)
}

/// Who may change or remove a link: admins for a team's, the user for their own.
///
/// # Errors
/// [`Error::Forbidden`] with who may.
pub fn must_manage(who: &Member, link: &Model) -> Result<()> {
    if link.level == LinkLevel::User && link.user_id == Some(who.user) {
        return Ok(());
    }
    who.must_be_admin("change or remove a team's links")
}

/// The same as of this transaction, for who was told so when their request began; kept so until it ends.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`] for who was removed meanwhile; see [`organizations::standing`].
async fn must_still_manage(tx: &DatabaseTransaction, who: &Member, link: &Model) -> Result<Member> {
    let who = organizations::standing(tx, who).await?;
    must_manage(&who, link)?;
    Ok(who)
}

/// The link as its partner sees it.
pub fn as_partner_sees(core: &Core, link: &Model) -> IntegrationLink {
    let mut hook_url = our_url(&core.site.public_url, &format!("integrations/{}/hook", link.partner));
    hook_url.query_pairs_mut().append_pair("key", &link.hook_key);
    IntegrationLink {
        id: link.id.to_string(),
        settings: LinkSettings(link.settings.clone()),
        hook_url,
        hook_secret: hook_secret(core, link).unwrap_or_default(),
        given_secret: given_secret(core, link),
    }
}

/// The link's own hook secret; none when it was removed or does not open.
pub fn hook_secret(core: &Core, link: &Model) -> Option<SecretString> {
    let sealed = link.hook_secret.as_deref()?;
    core.vault
        .open(Place::hook_secret(link.organization_id, link.id), sealed)
        .inspect_err(|_| tracing::error!(link = %link.id, "a sealed hook secret does not open"))
        .ok()
}

/// What the partner gave for this link alone; none when there is none, it was removed, or it does not open.
pub fn given_secret(core: &Core, link: &Model) -> Option<SecretString> {
    let sealed = link.given_secret.as_deref()?;
    core.vault
        .open(Place::given_secret(link.organization_id, link.id), sealed)
        .inspect_err(|_| tracing::error!(link = %link.id, "a sealed secret of a partner does not open"))
        .ok()
}

/// What a partner method acts with for this link: its account, or none for a partner without accounts.
///
/// # Errors
/// See [`integration_users::account`].
pub async fn account(core: &Core, partner: &Partner, link: &Model) -> Result<Account> {
    let lasting = partner.acts_with_accounts();
    match account_row(core, link).await? {
        Some(row) if lasting => integration_users::account(core, partner, &row).await,
        Some(row) => Ok(integration_users::account_for_now(core, partner, &row)),
        None if !lasting || link.integration_user_id.is_none() => Ok(integration_users::nobody(core, partner)),
        None => {
            let sentence = "The account this link acted with is no longer here.";
            Err(integration_contract::Error::new(integration_contract::ErrorKind::Unauthorized, sentence).into())
        }
    }
}

/// Notes that the partner no longer takes the token of the link's account.
///
/// # Errors
/// See [`load`].
pub async fn account_is_broken(core: &Core, link: &Model, reason: &str) -> Result<()> {
    match account_row(core, link).await? {
        Some(row) => integration_users::mark_broken(core, &row, reason).await,
        None => Ok(()),
    }
}

/// The account that a link acts with; none where it needs none, or whoever had connected it left.
///
/// # Errors
/// See [`load`].
pub async fn account_row(core: &Core, link: &Model) -> Result<Option<integration_user::Model>> {
    let Some(id) = link.integration_user_id else { return Ok(None) };
    let row = integration_users::find(core, link.organization_id, id).await?;
    // Until it is given back, only what links made with it is undone.
    Ok(row.filter(|row| row.state != AccountState::Leaving || link.state == LinkState::Removing))
}

/// The lane of what is done to a link at its partner: one thing after the other.
fn set_up_lane(link: LinkId) -> Option<String> {
    Some(format!("set-up:{link}"))
}

impl integration_link::Entity {
    /// Before the tenant is known there is only the key: it finds the row whose secret then decides.
    fn by_hook_key(partner: &str, key: &str) -> Select<Self> {
        use sea_orm::EntityTrait;
        Self::find().filter(Column::HookKey.eq(key)).filter(Column::Partner.eq(partner))
    }
}
