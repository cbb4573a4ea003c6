//! Connecting an account: from the click on Connect, over the partner's consent page, back to us.

use integration_contract::{
    AuthorizeAsk, Connect, Connected, Credentials, Error as PartnerError, ErrorKind, ExposeSecret, Grant, Identity,
    SecretString,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, SqlErr};
use url::Url;

use super::claim::proves;
use crate::{
    core::{
        Core, Error, Result,
        audit::{self, Deed},
        integration_links, organizations,
        partners::{Partner, our_url},
        people::{Member, Person},
        sealing::{Place, digest_of, random_text},
    },
    db::{
        IntegrationUserId, LinkId, OrganizationId, Outdated, UserId,
        entity::{
            Tenant,
            integration_link::{self, LinkState},
            integration_user::{AccountState, ActiveModel, Column, Entity, Model},
            oauth_state,
        },
    },
};

/// How long a consent may take. Partners' codes live as long.
const CONSENT_MINUTES: i64 = 10;

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

/// What a consent is for, besides connecting an account.
#[derive(Debug, Default)]
pub struct Purpose {
    /// Whose address, where each of the partner's customers has one; [`integration_contract::Site::read`] made it.
    pub site: Option<String>,
    /// SHA-256 of the token of the claim that it is to prove.
    pub claim_hash: Option<Vec<u8>>,
    /// The path of ours where it goes on; never one that came from outside.
    pub return_to: Option<String>,
    /// The account that is to be connected again.
    pub mends: Option<IntegrationUserId>,
    /// The link that is to act with the account.
    pub take_over: Option<LinkId>,
}

/// A consent that came to an end.
#[derive(Debug)]
pub struct Ended {
    /// For which organization it was begun.
    pub organization: OrganizationId,
    /// The path of ours where it goes on, when it was begun for that.
    pub return_to: Option<String>,
    /// The account that is to be connected again.
    pub mends: Option<IntegrationUserId>,
    /// The link that is to act with the account.
    pub take_over: Option<LinkId>,
    /// What it came to.
    pub consent: Consent,
}

/// What a callback came to.
#[derive(Debug)]
pub enum Consent {
    /// The account is connected.
    Connected(Box<Model>),
    /// The person, or the partner before asking them, said no.
    Declined,
    /// It is not the account that was claimed, or the claim does not count any more. Nothing was kept.
    Unproven,
}

/// Starts a consent: remembers it for this user, organization and browser session, and says where to send the person.
///
/// # Errors
/// [`Error::Partner`] when the partner is not configured or has no OAuth.
pub async fn begin(
    core: &Core,
    who: &Member,
    session_hash: Vec<u8>,
    partner: &Partner,
    purpose: Purpose,
) -> Result<Url> {
    partner.integration.configured()?;
    let Purpose { site, claim_hash, return_to, mends, take_over } = purpose;
    let state = random_text(32);
    let state_hash = digest_of(state.expose_secret().as_bytes());
    let verifier =
        matches!(partner.integration.card().connect, Connect::OAuth { pkce: true, .. }).then(|| random_text(48));
    let sealed =
        verifier.as_ref().map(|verifier| core.vault.seal(Place::verifier(who.organization, &state_hash), verifier));
    let now = core.clock.now();
    let ask = AuthorizeAsk { state, redirect_uri: redirect_uri(core, partner), site: site.clone(), verifier };
    let url = partner.integration.authorize_url(&ask)?;
    core.db
        .write(async |tx| {
            let row = oauth_state::ActiveModel {
                state_hash: Set(state_hash),
                organization_id: Set(who.organization),
                user_id: Set(who.user),
                session_hash: Set(session_hash),
                partner: Set(partner.id().to_owned()),
                verifier: Set(sealed),
                site: Set(site),
                claim_hash: Set(claim_hash),
                return_to: Set(return_to),
                mends: Set(mends),
                take_over: Set(take_over),
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
) -> Result<Ended> {
    let mut begun = take_state(core, who.user.id, session_hash, partner, &callback.state).await?;
    let stale = || Error::Conflict("This answer does not belong to a connection you started. Start again.".into());
    // They may have left it while they were at the partner's page.
    let who = who.member_of(begun.organization_id).map_err(|_| stale())?;
    let ended = Ended {
        organization: begun.organization_id,
        return_to: begun.return_to.take(),
        mends: begun.mends,
        take_over: begun.take_over,
        consent: Consent::Declined,
    };
    if callback.error.is_some() {
        return Ok(ended);
    }
    let code = callback.code.ok_or_else(stale)?;
    if callback.issuer.is_some_and(|issuer| !partner.is_at(begun.site.as_deref(), issuer.trim_end_matches('/'))) {
        return Err(stale());
    }
    let verifier = match &begun.verifier {
        None => None,
        Some(sealed) => {
            let place = Place::verifier(begun.organization_id, &begun.state_hash);
            Some(core.vault.open(place, sealed).map_err(|_| stale())?)
        }
    };
    let grant = Grant { code, redirect_uri: redirect_uri(core, partner), site: begun.site.clone(), verifier };
    let http = core.partners.http(partner, begun.site.as_deref(), None);
    let connected = partner.integration.oauth_callback(&http, grant).await?;
    let kept = keep(core, &who, partner, &connected, begun.claim_hash.as_deref()).await;
    // Nobody could give back later what was not kept. The token of a workspace stays where an organization is connected to
    // it: it is the same one that they have.
    if !matches!(kept, Ok(Some(_)))
        && !is_installed(core, partner, &connected).await?
        && let Err(left) = partner.integration.revoke(&http, &connected.credentials).await
    {
        tracing::warn!(partner = partner.id(), kind = ?left.kind(), "a token that was not kept is left over");
    }
    let consent = kept?.map_or(Consent::Unproven, |account| Consent::Connected(Box::new(account)));
    Ok(Ended { consent, ..ended })
}

async fn is_installed(core: &Core, partner: &Partner, connected: &Connected) -> Result<bool> {
    match &connected.installation {
        Some(workspace) => Ok(super::installation(core, partner, &workspace.id).await?.is_some()),
        None => Ok(false),
    }
}

/// Forgets the consents that nobody came back from in time, and the claims that nobody took. Answers with how many.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_stale_consents(core: &Core) -> Result<u64> {
    let limit = core.clock.now();
    let which = "expires_at <= $1";
    let consents =
        core.db.forget(Outdated { table: "oauth_states", key: "state_hash", which, limit, of: None }).await?;
    Ok(consents
        + core.db.forget(Outdated { table: "account_claims", key: "token_hash", which, limit, of: None }).await?)
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

/// Keeps what a consent brought: the person's account, and the workspace's where the partner installs us there. Nothing
/// when it was to prove a claim, and does not.
async fn keep(
    core: &Core,
    who: &Member,
    partner: &Partner,
    connected: &Connected,
    claim: Option<&[u8]>,
) -> Result<Option<Model>> {
    let Connected { credentials, identity, installation } = connected;
    let Member { organization, user, .. } = *who;
    let kept = core
        .db
        .write(async |tx| {
            let who = organizations::standing(tx, who).await?;
            if let Some(claim) = claim
                && !proves(core, tx, &who, partner, &identity.id, claim).await?
            {
                return Ok(None);
            }
            let Some(workspace) = installation else {
                let one = keep_one(core, tx, organization, partner, Some(user), identity, Some(credentials)).await?;
                audit::note(core, tx, &who, Deed::AccountConnected, &one).await?;
                return Ok(Some(one));
            };
            let is_new = Entity::installation(partner.id(), &workspace.id).one(tx).await?.is_none();
            if is_new && !who.is_admin() {
                let sentence = format!(
                    "{} is not connected here yet, and only admins of the organization connect a whole workspace. Ask \
                     one of them; after that you can connect your own account there.",
                    workspace.name
                );
                return Err(PartnerError::new(ErrorKind::Refused, sentence).into());
            }
            keep_one(core, tx, organization, partner, Some(user), identity, None).await?;
            let one = keep_one(core, tx, organization, partner, None, workspace, Some(credentials)).await?;
            audit::note(core, tx, &who, Deed::AccountConnected, &one).await?;
            Ok(Some(one))
        })
        .await;
    match (kept, installation) {
        (Err(Error::Busy(error)), Some(workspace))
            if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) =>
        {
            let sentence = format!(
                "{} is connected to another organization here. It has to be disconnected there first.",
                workspace.name
            );
            Err(PartnerError::new(ErrorKind::Refused, sentence).into())
        }
        (kept, _) => kept,
    }
}

/// Writes one account, new or connected again. Links that broke because of it work again without another click.
async fn keep_one(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    partner: &Partner,
    user: Option<UserId>,
    identity: &Identity,
    credentials: Option<&Credentials>,
) -> Result<Model> {
    let of_user = match user {
        Some(user) => Column::UserId.eq(user),
        None => Column::UserId.is_null(),
    };
    let there = Entity::of(organization)
        .filter(of_user)
        .filter(Column::Partner.eq(partner.id()))
        .filter(Column::AccountId.eq(&identity.id))
        .one(tx)
        .await?;
    let now = core.clock.now();
    let id = there.as_ref().map_or_else(IntegrationUserId::new, |row| row.id);
    let seal =
        |credentials: &Credentials| core.vault.seal(Place::credentials(organization, id), &credentials.to_sealable());
    let row = ActiveModel {
        organization_id: Set(organization),
        id: Set(id),
        user_id: Set(user),
        partner: Set(partner.id().to_owned()),
        account_id: Set(identity.id.clone()),
        account_name: Set(identity.name.clone()),
        account_url: Set(identity.url.clone()),
        site: Set(credentials.and_then(|credentials| credentials.site.clone())),
        scopes: Set(serde_json::json!(credentials.map(|credentials| &credentials.scopes[..]).unwrap_or_default())),
        credentials: Set(credentials.map(seal)),
        expires_at: Set(credentials.and_then(|credentials| credentials.expires_at)),
        refreshing_until: Set(None),
        refused_since: Set(None),
        refusals: Set(0),
        state: Set(AccountState::Connected),
        reason: Set(None),
        broken_since: Set(None),
        connected_at: Set(now),
        created_at: Set(there.as_ref().map_or(now, |row| row.created_at)),
        updated_at: Set(now),
    };
    let kept = if there.is_some() { row.update(tx).await? } else { row.insert(tx).await? };
    let broken = integration_link::Entity::of(organization)
        .filter(integration_link::Column::IntegrationUserId.eq(kept.id))
        .filter(integration_link::Column::State.eq(LinkState::Broken))
        .all(tx)
        .await?;
    for link in broken {
        integration_links::set_up_again(tx, &link, now).await?;
    }
    Ok(kept)
}

fn redirect_uri(core: &Core, partner: &Partner) -> Url {
    our_url(&core.site.public_url, &format!("auth/{}/callback", partner.id()))
}
