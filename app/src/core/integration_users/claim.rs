//! Claims: somebody unknown wrote to us, or clicked a button of ours, at a partner, and gets a link that only they see.
//! Who opens it, signed in, is that person: by their word where nothing but their name depends on it, else by showing at
//! the partner that the account is theirs.

use std::time::Duration;

use integration_contract::{Author, ExposeSecret, Identity, SecretString};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use url::Url;

use super::{Need, user_of_account};
use crate::{
    core::{
        Core, Error, Result,
        audit::{self, Deed},
        entries, organizations,
        partners::{Partner, our_url},
        people::{Member, Person},
        sealing::{digest_of, random_text},
    },
    db::{
        EntryId, IntegrationUserId, OrganizationId,
        entity::{
            Tenant,
            account_claim::{self, ClaimDemand},
            integration_user::{self, AccountState},
            organization,
        },
    },
};

/// How long somebody has to show who they are, after a click.
const PROOF_WITHIN: Duration = Duration::from_secs(15 * 60);

/// What can be claimed, for the page that asks.
pub struct Claim {
    /// In which organization.
    pub organization: organization::Model,
    /// What the partner calls the account.
    pub account_name: String,
    /// What the person has to do for it.
    pub ask: Ask,
    /// The account it takes besides, for what they clicked.
    pub needs: Option<Need>,
    /// SHA-256 of its token.
    pub token_hash: Vec<u8>,
}

/// What is left to be done by who claims an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To say that it is theirs.
    Word,
    /// To show so at the partner.
    Proof,
    /// It is known to be theirs. To connect this other account.
    Account(Need),
    /// Nothing more.
    Nothing,
}

/// Offers somebody to join their account at the partner with theirs here, and with it these entries. The address goes
/// to them alone: whoever has it can take the offer, once and within this time.
///
/// # Errors
/// When the database does not answer.
pub async fn offer_claim(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    partner: &Partner,
    author: &Author,
    entries: &[EntryId],
    within: Duration,
) -> Result<Option<Url>> {
    let Some(account_id) = author.id.clone() else { return Ok(None) };
    let row = account_claim::ActiveModel {
        organization_id: Set(organization),
        account_id: Set(account_id),
        account_name: Set(author.name.clone()),
        account_url: Set(author.url.clone()),
        entries: Set(serde_json::json!(entries)),
        needs: Set(None),
        demands: Set(None),
        ..Default::default()
    };
    insert(core, tx, partner, row, within).await.map(Some)
}

/// Asks whoever has this account to show at the partner that it is theirs, and to connect another one if they need it. For a quarter of an hour, and once.
///
/// # Errors
/// When the database does not answer.
pub async fn ask_for_proof(
    core: &Core,
    organization: OrganizationId,
    partner: &Partner,
    account: &Identity,
    needs: Option<&Need>,
) -> Result<Url> {
    let row = account_claim::ActiveModel {
        organization_id: Set(organization),
        account_id: Set(account.id.clone()),
        account_name: Set(account.name.clone()),
        account_url: Set(account.url.clone()),
        entries: Set(serde_json::json!([])),
        needs: Set(needs.map(Need::to_string)),
        demands: Set(Some(ClaimDemand::Proof)),
        ..Default::default()
    };
    core.db.write(async |tx| insert(core, tx, partner, row, PROOF_WITHIN).await).await
}

/// Keeps a claim under a new token, and says where it is taken.
async fn insert(
    core: &Core,
    tx: &DatabaseTransaction,
    partner: &Partner,
    mut row: account_claim::ActiveModel,
    within: Duration,
) -> Result<Url> {
    let token = random_text(32);
    row.token_hash = Set(digest_of(token.expose_secret().as_bytes()));
    row.partner = Set(partner.id().to_owned());
    row.expires_at = Set(core.clock.now() + i64::try_from(within.as_millis()).unwrap_or(i64::MAX));
    account_claim::Entity::insert(row).exec_without_returning(tx).await?;
    let mut url = our_url(&core.site.public_url, &format!("integrations/{}/authorize", partner.id()));
    url.query_pairs_mut().append_pair("claim", token.expose_secret());
    Ok(url)
}

/// What this token offers the person.
///
/// # Errors
/// [`Error::NotFound`] when it was never offered, was taken, has run out, is of an organization they are not in, or is
/// about an account that can't be theirs.
pub async fn claimed(core: &Core, person: &Person, partner: &Partner, token: &SecretString) -> Result<Claim> {
    let token_hash = digest_of(token.expose_secret().as_bytes());
    let row = account_claim::Entity::open(core, partner, &token_hash).one(core.db.reader()).await?;
    let row = row.ok_or(Error::NotFound)?;
    let organization = of_theirs(person, &row)?;
    let needs = row.needs.as_deref().map(Need::read);
    let ask = match row.demands {
        None => Ask::Word,
        Some(ClaimDemand::Proof) => {
            let who = person.member_of(organization.id)?;
            left_to_prove(core, &who, &row, needs.as_ref()).await?
        }
    };
    Ok(Claim { organization, account_name: row.account_name, ask, needs, token_hash })
}

async fn left_to_prove(core: &Core, who: &Member, row: &account_claim::Model, needs: Option<&Need>) -> Result<Ask> {
    let db = core.db.reader();
    match user_of_account(db, who.organization, &row.partner, &row.account_id).await? {
        Some(owner) if owner == who.user => match needs {
            Some(needs) if needs.is_open(core, who).await? => Ok(Ask::Account(needs.clone())),
            _ => Ok(Ask::Nothing),
        },
        Some(_) => Err(Error::NotFound),
        // Who is somebody else there did not click.
        None => {
            let own = integration_user::Entity::of(who.organization)
                .filter(integration_user::Column::UserId.eq(who.user))
                .filter(integration_user::Column::Partner.eq(&row.partner))
                .filter(integration_user::Column::State.ne(AccountState::Leaving));
            if own.one(db).await?.is_some() { Err(Error::NotFound) } else { Ok(Ask::Proof) }
        }
    }
}

/// Whether a claim that demands a proof is proven by the account that has just consented. If so it is used up.
pub(super) async fn proves(
    core: &Core,
    tx: &DatabaseTransaction,
    who: &Member,
    partner: &Partner,
    account_id: &str,
    token_hash: &[u8],
) -> Result<bool> {
    let open = account_claim::Entity::open(core, partner, token_hash)
        .filter(account_claim::Column::OrganizationId.eq(who.organization))
        .filter(account_claim::Column::AccountId.eq(account_id));
    if open.one(tx).await?.is_none() {
        return Ok(false);
    }
    let owner = user_of_account(tx, who.organization, partner.id(), account_id).await?;
    if owner.is_some_and(|owner| owner != who.user) {
        return Ok(false);
    }
    let used = account_claim::Entity::delete_by_id(token_hash.to_vec()).exec(tx).await?;
    Ok(used.rows_affected > 0)
}

/// Uses up a claim of which nothing is left to be proven.
///
/// # Errors
/// When the database does not answer.
pub async fn use_up(core: &Core, claim: &Claim) -> Result<()> {
    let gone = core.db.write(async |tx| account_claim::Entity::delete_by_id(claim.token_hash.clone()).exec(tx).await);
    gone.await?;
    Ok(())
}

/// Takes an offer that asks for no more than their word: the account at the partner is the person's from now on.
///
/// # Errors
/// [`Error::NotFound`] as for [`claimed`]; [`Error::Conflict`] when the account is somebody else's by now.
pub async fn accept_claim(core: &Core, person: &Person, partner: &Partner, claim: &Claim) -> Result<()> {
    let now = core.clock.now();
    core.db
        .write(async |tx| {
            let open = account_claim::Entity::open(core, partner, &claim.token_hash)
                .filter(account_claim::Column::Demands.is_null());
            let row = open.one(tx).await?.ok_or(Error::NotFound)?;
            let who = organizations::standing(tx, &person.member_of(row.organization_id)?).await?;
            let taken = account_claim::Entity::delete_by_id(row.token_hash.clone()).exec(tx).await?;
            if taken.rows_affected == 0 {
                return Err(Error::NotFound);
            }
            match user_of_account(tx, who.organization, partner.id(), &row.account_id).await? {
                Some(owner) if owner == who.user => {}
                Some(_) => {
                    let sentence = format!("{} is joined with somebody else here already.", row.account_name);
                    return Err(Error::Conflict(sentence));
                }
                None => {
                    let account = integration_user::ActiveModel {
                        organization_id: Set(who.organization),
                        id: Set(IntegrationUserId::new()),
                        user_id: Set(Some(who.user)),
                        partner: Set(row.partner),
                        account_id: Set(row.account_id),
                        account_name: Set(row.account_name),
                        account_url: Set(row.account_url),
                        site: Set(None),
                        scopes: Set(serde_json::json!([])),
                        credentials: Set(None),
                        expires_at: Set(None),
                        refreshing_until: Set(None),
                        refused_since: Set(None),
                        refusals: Set(0),
                        state: Set(AccountState::Connected),
                        reason: Set(None),
                        broken_since: Set(None),
                        connected_at: Set(now),
                        created_at: Set(now),
                        updated_at: Set(now),
                    };
                    let account = account.insert(tx).await?;
                    audit::note(core, tx, &who, Deed::AccountConnected, &account).await?;
                }
            }
            let entries: Vec<EntryId> = serde_json::from_value(row.entries).unwrap_or_default();
            entries::adopt(core, tx, &who, &entries).await?;
            Ok(())
        })
        .await?;
    core.queue.wake();
    Ok(())
}

fn of_theirs(person: &Person, row: &account_claim::Model) -> Result<organization::Model> {
    let theirs = person.memberships.iter().find(|membership| membership.organization.id == row.organization_id);
    Ok(theirs.ok_or(Error::NotFound)?.organization.clone())
}

impl account_claim::Entity {
    /// Before the tenant is known there is only the token.
    fn open(core: &Core, partner: &Partner, token_hash: &[u8]) -> sea_orm::Select<Self> {
        Self::find_by_id(token_hash.to_vec())
            .filter(account_claim::Column::Partner.eq(partner.id()))
            .filter(account_claim::Column::ExpiresAt.gt(core.clock.now()))
    }
}
