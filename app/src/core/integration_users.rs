//! IntegrationUsers: our users' accounts at partners, from the click on Connect to the moment they are given back.
//!
//! An account belongs to a user within one organization: who is in two connects in each, and nothing is shared across.

use integration_contract::{
    Account, AuthorizeAsk, Capability, Connect, Connected, Credentials, ErrorKind, ExposeSecret, Grant, Identity,
    SecretString,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait,
    IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
};
use url::Url;

use super::{
    Core, Error, Result, organizations,
    partners::{Partner, our_url},
    people::{Member, Person},
    sealing::{Place, digest_of, random_text},
};
use crate::{
    db::{
        IntegrationUserId, OrganizationId, UserId,
        entity::{
            Tenant,
            integration_link::{self, LinkState},
            integration_user::{self, AccountState},
            oauth_state,
        },
    },
    queue::{self, NewJob},
};

/// How long a consent may take. Partners' codes live as long.
const CONSENT_MINUTES: i64 = 10;

/// The job that gives an account's credentials back to its partner.
pub const DISCONNECT: &str = "disconnect_account";

/// What a callback brought, as text: nothing of it is believed yet.
#[derive(Debug, Default)]
pub struct Callback {
    /// The state we sent along.
    pub state: String,
    /// The code, when the person consented.
    pub code: Option<SecretString>,
    /// The partner's word for why not.
    pub error: Option<String>,
    /// Who the partner says it is (RFC 9207).
    pub issuer: Option<String>,
}

/// What a callback came to.
#[derive(Debug)]
pub enum Consent {
    /// The account is connected.
    Connected(Box<integration_user::Model>),
    /// The person, or the partner before asking them, said no.
    Declined,
}

/// Starts a consent: remembers it for this user, organization and browser session, and says where to send the person.
///
/// # Errors
/// [`Error::Partner`] when the partner is not configured or has no OAuth.
pub async fn begin(core: &Core, who: &Member, session_hash: Vec<u8>, partner: &Partner) -> Result<Url> {
    partner.integration.configured()?;
    let state = random_text(32);
    let state_hash = digest_of(state.expose_secret().as_bytes());
    let verifier =
        matches!(partner.integration.card().connect, Connect::OAuth { pkce: true, .. }).then(|| random_text(48));
    let sealed =
        verifier.as_ref().map(|verifier| core.vault.seal(verifier_place(who.organization, &state_hash), verifier));
    let now = core.clock.now();
    let ask = AuthorizeAsk { state, redirect_uri: redirect_uri(core, partner), verifier };
    let url = partner.integration.authorize_url(&ask)?;
    core.db
        .write(async |tx| {
            oauth_state::Entity::delete_many().filter(oauth_state::Column::ExpiresAt.lt(now)).exec(tx).await?;
            let row = oauth_state::ActiveModel {
                state_hash: Set(state_hash),
                organization_id: Set(who.organization),
                user_id: Set(who.user),
                session_hash: Set(session_hash),
                partner: Set(partner.id().to_owned()),
                verifier: Set(sealed),
                return_to: Set(None),
                expires_at: Set(now + CONSENT_MINUTES * 60_000),
            };
            oauth_state::Entity::insert(row).exec_without_returning(tx).await?;
            Ok::<_, Error>(())
        })
        .await?;
    Ok(url)
}

/// Ends a consent: believes the callback only in the session that began it, and once.
///
/// # Errors
/// [`Error::Conflict`] when there is no such consent under way here; [`Error::Partner`] when the partner did not do its
/// part. Nothing is stored then.
pub async fn finish(
    core: &Core,
    who: &Person,
    session_hash: &[u8],
    partner: &Partner,
    callback: Callback,
) -> Result<(OrganizationId, Consent)> {
    let begun = take_state(core, who.user.id, session_hash, partner, &callback.state).await?;
    let stale = || Error::Conflict("This answer does not belong to a connection you started. Start again.".into());
    // They may have left it while they were at the partner's page.
    let who = who.member_of(begun.organization_id).map_err(|_| stale())?;
    if callback.error.is_some() {
        return Ok((begun.organization_id, Consent::Declined));
    }
    let code = callback.code.ok_or_else(stale)?;
    if callback.issuer.is_some_and(|issuer| !partner.origins().any(|origin| origin == issuer.trim_end_matches('/'))) {
        return Err(stale());
    }
    let verifier = match &begun.verifier {
        None => None,
        Some(sealed) => {
            let place = verifier_place(begun.organization_id, &begun.state_hash);
            Some(core.vault.open(place, sealed).map_err(|_| stale())?)
        }
    };
    let grant = Grant { code, redirect_uri: redirect_uri(core, partner), verifier };
    let http = core.partners.http(partner, None);
    let connected = partner.integration.oauth_callback(&http, grant).await?;
    match keep(core, &who, partner, &connected).await {
        Ok(account) => Ok((begun.organization_id, Consent::Connected(Box::new(account)))),
        Err(error) => {
            // Nobody could give back later what was not kept.
            if let Err(left) = partner.integration.revoke(&http, &connected.credentials).await {
                tracing::warn!(partner = partner.id(), kind = ?left.kind(), "a token that was not kept is left over");
            }
            Err(error)
        }
    }
}

async fn take_state(
    core: &Core,
    user: UserId,
    session_hash: &[u8],
    partner: &Partner,
    state: &str,
) -> Result<oauth_state::Model> {
    // Read and deleted in one statement: of twenty callbacks at once, one finds it.
    let taken = core
        .db
        .write(async |tx| {
            oauth_state::Entity::delete_many()
                .filter(oauth_state::Column::StateHash.eq(digest_of(state.as_bytes())))
                .filter(oauth_state::Column::UserId.eq(user))
                .filter(oauth_state::Column::SessionHash.eq(session_hash.to_vec()))
                .filter(oauth_state::Column::Partner.eq(partner.id()))
                .filter(oauth_state::Column::ExpiresAt.gt(core.clock.now()))
                .exec_with_returning(tx)
                .await
        })
        .await?;
    taken.into_iter().next().ok_or_else(|| {
        tracing::warn!(partner = partner.id(), %user, "refused a callback that this browser did not start");
        Error::Conflict("This answer does not belong to a connection you started here. Start again.".into())
    })
}

async fn keep(core: &Core, who: &Member, partner: &Partner, connected: &Connected) -> Result<integration_user::Model> {
    let Connected { credentials, identity } = connected;
    let Member { organization, user, .. } = *who;
    let now = core.clock.now();
    core.db
        .write(async |tx| {
            organizations::standing(tx, who).await?;
            let there = integration_user::Entity::of(organization)
                .filter(integration_user::Column::UserId.eq(user))
                .filter(integration_user::Column::Partner.eq(partner.id()))
                .filter(integration_user::Column::AccountId.eq(&identity.id))
                .one(tx)
                .await?;
            let id = there.as_ref().map_or_else(IntegrationUserId::new, |row| row.id);
            let row = integration_user::ActiveModel {
                organization_id: Set(organization),
                id: Set(id),
                user_id: Set(user),
                partner: Set(partner.id().to_owned()),
                account_id: Set(identity.id.clone()),
                account_name: Set(identity.name.clone()),
                account_url: Set(identity.url.clone()),
                scopes: Set(serde_json::json!(credentials.scopes)),
                credentials: Set(Some(
                    core.vault.seal(credentials_place(organization, id), &credentials.to_sealable()),
                )),
                expires_at: Set(credentials.expires_at),
                state: Set(AccountState::Connected),
                reason: Set(None),
                created_at: Set(there.as_ref().map_or(now, |row| row.created_at)),
                updated_at: Set(now),
            };
            let kept = if there.is_some() { row.update(tx).await? } else { row.insert(tx).await? };
            resume_links(tx, &kept, now).await?;
            Ok::<_, Error>(kept)
        })
        .await
}

/// Links that broke because of the account work again once it is reconnected, without another click.
async fn resume_links(tx: &DatabaseTransaction, account: &integration_user::Model, now: i64) -> Result<()> {
    let broken = integration_link::Entity::of(account.organization_id)
        .filter(integration_link::Column::IntegrationUserId.eq(account.id))
        .filter(integration_link::Column::State.eq(LinkState::Broken))
        .all(tx)
        .await?;
    for link in broken {
        super::integration_links::set_up_again(tx, &link, now).await?;
    }
    Ok(())
}

/// The user's accounts at all partners, in one organization.
///
/// # Errors
/// When the database does not answer; likewise below.
pub async fn of_user(core: &Core, who: &Member) -> Result<Vec<integration_user::Model>> {
    Ok(integration_user::Entity::of(who.organization)
        .filter(integration_user::Column::UserId.eq(who.user))
        .order_by_asc(integration_user::Column::Partner)
        .order_by_asc(integration_user::Column::CreatedAt)
        .all(core.db.reader())
        .await?)
}

/// The account a new link of this user would act with: the one connected last.
///
/// # Errors
/// See [`of_user`].
pub async fn latest(core: &Core, who: &Member, partner: &Partner) -> Result<Option<integration_user::Model>> {
    Ok(integration_user::Entity::of(who.organization)
        .filter(integration_user::Column::UserId.eq(who.user))
        .filter(integration_user::Column::Partner.eq(partner.id()))
        .filter(integration_user::Column::State.eq(AccountState::Connected))
        .order_by_desc(integration_user::Column::UpdatedAt)
        .one(core.db.reader())
        .await?)
}

/// One account of the organization.
///
/// # Errors
/// See [`of_user`].
pub async fn find(
    core: &Core,
    organization: OrganizationId,
    id: IntegrationUserId,
) -> Result<Option<integration_user::Model>> {
    Ok(integration_user::Entity::of(organization)
        .filter(integration_user::Column::Id.eq(id))
        .one(core.db.reader())
        .await?)
}

/// Which of our users has this account at the partner. When several have connected the same one, the first.
///
/// # Errors
/// See [`of_user`].
pub async fn user_of_account(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    partner: &str,
    account_id: &str,
) -> Result<Option<UserId>> {
    Ok(integration_user::Entity::of(organization)
        .filter(integration_user::Column::Partner.eq(partner))
        .filter(integration_user::Column::AccountId.eq(account_id))
        .order_by_asc(integration_user::Column::CreatedAt)
        .one(db)
        .await?
        .map(|row| row.user_id))
}

/// What a partner method acts with, for an account. Credentials that have run out are refreshed first.
///
/// # Errors
/// [`Error::Partner`] of kind Unauthorized when the account can't be used until the person connects it again.
pub async fn account(core: &Core, partner: &Partner, row: &integration_user::Model) -> Result<Account> {
    let credentials = fresh_credentials(core, partner, row).await?;
    Ok(Account {
        http: core.partners.http(partner, Some(credentials.access_token)),
        identity: Some(Identity {
            id: row.account_id.clone(),
            name: row.account_name.clone(),
            url: row.account_url.clone(),
        }),
        scopes: credentials.scopes,
    })
}

async fn fresh_credentials(core: &Core, partner: &Partner, row: &integration_user::Model) -> Result<Credentials> {
    /// Refreshed a little early, so that a token does not end on its way.
    const EARLY: i64 = 120_000;
    let credentials = unseal(core, row)?;
    let runs_out = |at: Option<i64>| at.is_some_and(|at| at < core.clock.now() + EARLY);
    let can = partner.integration.card().capabilities.contains(&Capability::Refresh);
    if !runs_out(credentials.expires_at) || !can || credentials.refresh_token.is_none() {
        return Ok(credentials);
    }
    // A refresh kills the old pair at the partner, so two at once would leave the loser's in the row. Within one
    // process they queue here; a second process that still lost finds the winner's below.
    let _turn = core.0.refreshing.lock().await;
    let current = find(core, row.organization_id, row.id).await?.ok_or(Error::NotFound)?;
    let credentials = unseal(core, &current)?;
    if !runs_out(credentials.expires_at) {
        return Ok(credentials);
    }
    let http = core.partners.http(partner, None);
    match partner.integration.refresh(&http, &credentials).await {
        Ok(fresh) => {
            save_credentials(core, &current, &fresh).await?;
            Ok(fresh)
        }
        Err(error) if error.kind() == ErrorKind::Unauthorized => {
            let now = find(core, row.organization_id, row.id).await?.ok_or(Error::NotFound)?;
            if now.credentials == current.credentials { Err(error.into()) } else { unseal(core, &now) }
        }
        Err(error) => Err(error.into()),
    }
}

async fn save_credentials(core: &Core, row: &integration_user::Model, fresh: &Credentials) -> Result<()> {
    let sealed = core.vault.seal(credentials_place(row.organization_id, row.id), &fresh.to_sealable());
    core.db
        .write(async |tx| {
            let mut change = row.clone().into_active_model();
            change.credentials = Set(Some(sealed));
            change.expires_at = Set(fresh.expires_at);
            change.updated_at = Set(core.clock.now());
            change.update(tx).await?;
            Ok::<_, Error>(())
        })
        .await
}

fn unseal(core: &Core, row: &integration_user::Model) -> Result<Credentials> {
    let gone = || {
        let sentence = format!("The account {} is not connected any more. Connect it again.", row.account_name);
        Error::Partner(integration_contract::Error::new(ErrorKind::Unauthorized, sentence))
    };
    let sealed = row.credentials.as_deref().ok_or_else(gone)?;
    let text = core.vault.open(credentials_place(row.organization_id, row.id), sealed).map_err(|_| {
        tracing::error!(account = %row.id, organization = %row.organization_id, "sealed credentials do not open");
        gone()
    })?;
    Credentials::from_unsealed(&text).ok_or_else(gone)
}

/// Notes that the partner no longer takes the account's token. Links that act with it say so.
///
/// # Errors
/// See [`of_user`].
pub async fn mark_broken(core: &Core, row: &integration_user::Model, reason: &str) -> Result<()> {
    core.db
        .write(async |tx| {
            integration_user::Entity::update_of(row.organization_id)
                .filter(integration_user::Column::Id.eq(row.id))
                // A reconnect that came in between wins.
                .filter(integration_user::Column::UpdatedAt.eq(row.updated_at))
                .col_expr(integration_user::Column::State, AccountState::Broken.into())
                .col_expr(integration_user::Column::Reason, reason.into())
                .exec(tx)
                .await?;
            Ok::<_, Error>(())
        })
        .await
}

/// Disconnects an account of one's own: it acts no more at once, and a job gives the credentials back.
///
/// # Errors
/// [`Error::Conflict`] while links act with it; [`Error::NotFound`] for anybody else's.
pub async fn disconnect(core: &Core, who: &Member, id: IntegrationUserId) -> Result<integration_user::Model> {
    let row = core
        .db
        .write(async |tx| {
            let row = integration_user::Entity::of(who.organization)
                .filter(integration_user::Column::Id.eq(id))
                .filter(integration_user::Column::UserId.eq(who.user))
                .one(tx)
                .await?
                .ok_or(Error::NotFound)?;
            let links = integration_link::Entity::of(who.organization)
                .filter(integration_link::Column::IntegrationUserId.eq(id))
                .filter(integration_link::Column::State.ne(LinkState::Removed))
                .count(tx)
                .await?;
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
    let partner = core.partners.get(&row.partner)?;
    let revokes = partner.integration.card().capabilities.contains(&Capability::Revoke);
    if let (true, Ok(credentials)) = (revokes, unseal(core, &row)) {
        partner.integration.revoke(&core.partners.http(partner, None), &credentials).await?;
    }
    forget(core, organization, id).await
}

/// Forgets a leaving account, whatever the partner says.
///
/// # Errors
/// See [`of_user`].
pub async fn forget(core: &Core, organization: OrganizationId, id: IntegrationUserId) -> Result<()> {
    core.db
        .write(async |tx| {
            integration_user::Entity::delete_of(organization)
                .filter(integration_user::Column::Id.eq(id))
                .filter(integration_user::Column::State.eq(AccountState::Leaving))
                .exec(tx)
                .await?;
            Ok::<_, Error>(())
        })
        .await
}

fn redirect_uri(core: &Core, partner: &Partner) -> Url {
    our_url(&core.site.public_url, &format!("auth/{}/callback", partner.id()))
}

fn credentials_place(organization: OrganizationId, id: IntegrationUserId) -> Place {
    Place { organization, row: id.0, column: "integration_users.credentials" }
}

/// A state has no id of its own; the first half of its hash is as good as one.
fn verifier_place(organization: OrganizationId, state_hash: &[u8]) -> Place {
    let mut row = [0; 16];
    row.iter_mut().zip(state_hash).for_each(|(to, from)| *to = *from);
    Place { organization, row: uuid::Uuid::from_bytes(row), column: "oauth_states.verifier" }
}
