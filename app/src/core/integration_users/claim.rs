//! Claims: somebody unknown wrote to us from a partner, and gets a link that only they see. Who opens it, signed in, is
//! that person.

use std::time::Duration;

use integration_contract::{Author, ExposeSecret, SecretString};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use url::Url;

use super::user_of_account;
use crate::{
    core::{
        Core, Error, Result, entries, organizations,
        partners::{Partner, our_url},
        people::Person,
        sealing::{digest_of, random_text},
    },
    db::{
        EntryId, IntegrationUserId, OrganizationId,
        entity::{account_claim, integration_user, integration_user::AccountState, organization},
    },
};

/// What can be claimed, for the page that asks.
pub struct Claim {
    /// In which organization.
    pub organization: organization::Model,
    /// What the partner calls the account.
    pub account_name: String,
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
    let token = random_text(32);
    let row = account_claim::ActiveModel {
        token_hash: Set(digest_of(token.expose_secret().as_bytes())),
        organization_id: Set(organization),
        partner: Set(partner.id().to_owned()),
        account_id: Set(account_id),
        account_name: Set(author.name.clone()),
        account_url: Set(author.url.clone()),
        entries: Set(serde_json::json!(entries)),
        needs: Set(None),
        demands: Set(None),
        expires_at: Set(core.clock.now() + i64::try_from(within.as_millis()).unwrap_or(i64::MAX)),
    };
    account_claim::Entity::insert(row).exec_without_returning(tx).await?;
    let mut url = our_url(&core.site.public_url, &format!("integrations/{}/authorize", partner.id()));
    url.query_pairs_mut().append_pair("claim", token.expose_secret());
    Ok(Some(url))
}

/// What this token offers the person.
///
/// # Errors
/// [`Error::NotFound`] when it was never offered, was taken, has run out, or is of an organization they are not in.
pub async fn claimed(core: &Core, person: &Person, partner: &Partner, token: &SecretString) -> Result<Claim> {
    let row = account_claim::Entity::open(core, partner, token).one(core.db.reader()).await?.ok_or(Error::NotFound)?;
    of_theirs(person, &row)
}

/// Takes the offer: the account at the partner is the person's from now on.
///
/// # Errors
/// As [`claimed`]; [`Error::Conflict`] when the account is somebody else's by now.
pub async fn accept_claim(core: &Core, person: &Person, partner: &Partner, token: &SecretString) -> Result<Claim> {
    let now = core.clock.now();
    let claim = core
        .db
        .write(async |tx| {
            let row = account_claim::Entity::open(core, partner, token).one(tx).await?.ok_or(Error::NotFound)?;
            let claim = of_theirs(person, &row)?;
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
                        connected_at: Set(now),
                        created_at: Set(now),
                        updated_at: Set(now),
                    };
                    account.insert(tx).await?;
                }
            }
            let entries: Vec<EntryId> = serde_json::from_value(row.entries).unwrap_or_default();
            entries::adopt(core, tx, &who, &entries).await?;
            Ok(claim)
        })
        .await?;
    core.queue.wake();
    Ok(claim)
}

fn of_theirs(person: &Person, row: &account_claim::Model) -> Result<Claim> {
    let theirs = person.memberships.iter().find(|membership| membership.organization.id == row.organization_id);
    let organization = theirs.ok_or(Error::NotFound)?.organization.clone();
    Ok(Claim { organization, account_name: row.account_name.clone() })
}

impl account_claim::Entity {
    /// Before the tenant is known there is only the token.
    fn open(core: &Core, partner: &Partner, token: &SecretString) -> sea_orm::Select<Self> {
        Self::find_by_id(digest_of(token.expose_secret().as_bytes()))
            .filter(account_claim::Column::Partner.eq(partner.id()))
            .filter(account_claim::Column::ExpiresAt.gt(core.clock.now()))
    }
}
