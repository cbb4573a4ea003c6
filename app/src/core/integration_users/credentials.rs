//! Acting with an account: its credentials, fresh ones in time, and the end of those the partner takes no more.

use std::time::Duration;

use integration_contract::{Account, Capability, Credentials, Error as PartnerError, ErrorKind, Identity};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, QueryFilter,
    sea_query::{Expr, ExprTrait},
};

use super::find;
use crate::{
    core::{Core, Error, Result, partners::Partner, sealing::Place},
    db::{
        IntegrationUserId, OrganizationId,
        entity::{
            Tenant,
            integration_user::{AccountState, Column, Entity, Model},
        },
    },
};

/// Refreshed a little early, so that a token does not end on its way.
const EARLY: Duration = Duration::from_secs(120);

/// How long a refresh may take: longer than the call it makes.
const TURN: Duration = Duration::from_secs(30);

/// How often the others look whether it is done.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// What a partner method acts with, for an account. Credentials that have run out are refreshed first.
///
/// # Errors
/// [`Error::Partner`] of kind Unauthorized when the account can't be used until the person connects it again.
pub async fn account(core: &Core, partner: &Partner, row: &Model) -> Result<Account> {
    let credentials = fresh_credentials(core, partner, row).await?;
    Ok(Account {
        http: core.partners.http(partner, credentials.site.as_deref(), Some(credentials.access_token)),
        identity: Some(identity(row)),
        site: credentials.site,
        scopes: credentials.scopes,
    })
}

/// The same for an account whose token is there for setting links up and nothing else: with the token as long as it
/// counts, and without it after that.
pub fn account_for_now(core: &Core, partner: &Partner, row: &Model) -> Account {
    let usable = |credentials: &Credentials| credentials.expires_at.is_none_or(|at| at > core.clock.now());
    let credentials = unseal(core, row).ok().filter(usable);
    let site = credentials.as_ref().and_then(|credentials| credentials.site.clone());
    let (token, scopes) = credentials.map(|credentials| (credentials.access_token, credentials.scopes)).unzip();
    Account {
        http: core.partners.http(partner, site.as_deref(), token),
        identity: Some(identity(row)),
        site,
        scopes: scopes.unwrap_or_default(),
    }
}

fn identity(row: &Model) -> Identity {
    Identity { id: row.account_id.clone(), name: row.account_name.clone(), url: row.account_url.clone() }
}

/// What a partner method acts with where there is no account.
pub fn nobody(core: &Core, partner: &Partner) -> Account {
    Account { http: core.partners.http(partner, None, None), identity: None, site: None, scopes: Vec::new() }
}

/// A refresh kills the old pair at the partner, so only who holds the row's turn asks for one; the others wait for what
/// it brings. A turn whose holder died ends by itself.
async fn fresh_credentials(core: &Core, partner: &Partner, row: &Model) -> Result<Credentials> {
    let can = partner.integration.card().capabilities.contains(&Capability::Refresh);
    let mut row = row.clone();
    loop {
        let credentials = unseal(core, &row)?;
        let runs_out = credentials.expires_at.is_some_and(|at| at < core.clock.now() + millis(EARLY));
        if !runs_out || !can || credentials.refresh_token.is_none() {
            return Ok(credentials);
        }
        if take_turn(core, &row).await? {
            return refresh(core, partner, &row, &credentials).await;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        row = find(core, row.organization_id, row.id).await?.ok_or(Error::NotFound)?;
    }
}

async fn take_turn(core: &Core, row: &Model) -> Result<bool> {
    let now = core.clock.now();
    let nobodys = Condition::any().add(Column::RefreshingUntil.is_null()).add(Column::RefreshingUntil.lt(now));
    let taken = core
        .db
        .write(async |tx| {
            this_version(row)
                .filter(nobodys)
                .col_expr(Column::RefreshingUntil, (now + millis(TURN)).into())
                .exec(tx)
                .await
        })
        .await?;
    Ok(taken.rows_affected > 0)
}

/// What comes back is saved before it is used: from here on the partner takes nothing else.
async fn refresh(core: &Core, partner: &Partner, row: &Model, old: &Credentials) -> Result<Credentials> {
    let answer = partner.integration.refresh(&core.partners.http(partner, old.site.as_deref(), None), old).await;
    let now = core.clock.now();
    let was_refused = answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unauthorized);
    let answer = match answer {
        Err(error) if was_refused && !is_final(row, now) => {
            let sentence = format!("{} did not renew the access of {}.", partner.name(), row.account_name);
            Err(PartnerError::new(ErrorKind::RateLimited, sentence).retry_after(ASK_AGAIN).caused_by(error))
        }
        answer => answer,
    };
    let update = match &answer {
        Ok(fresh) => this_version(row)
            .col_expr(
                Column::Credentials,
                core.vault.seal(Place::credentials(row.organization_id, row.id), &fresh.to_sealable()).into(),
            )
            .col_expr(Column::ExpiresAt, fresh.expires_at.into())
            .col_expr(Column::RefusedSince, Option::<i64>::None.into())
            .col_expr(Column::Refusals, Expr::val(0))
            .col_expr(Column::UpdatedAt, Ord::max(now, row.updated_at + 1).into()),
        Err(_) if was_refused => this_version(row)
            .col_expr(Column::RefusedSince, Expr::col(Column::RefusedSince).if_null(now))
            .col_expr(Column::Refusals, Expr::col(Column::Refusals).add(1)),
        Err(_) => this_version(row),
    };
    core.db
        .write(async |tx| update.col_expr(Column::RefreshingUntil, Option::<i64>::None.into()).exec(tx).await)
        .await?;
    Ok(answer?)
}

/// Partners have refused good grants for hours, so one is given up when it was refused so often, over so long a time, and
/// nobody has put another in its place.
const REFUSALS: i32 = 3;
const REFUSED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// How long whoever needs the account waits before it asks again.
const ASK_AGAIN: Duration = Duration::from_secs(15 * 60);

/// Whether one more refusal is the last.
fn is_final(row: &Model, now: i64) -> bool {
    row.refusals + 1 >= REFUSALS && row.refused_since.is_some_and(|since| now - since >= millis(REFUSED_FOR))
}

/// The row, as long as nobody has written credentials into it since it was read.
fn this_version(row: &Model) -> sea_orm::UpdateMany<Entity> {
    Entity::update_of(row.organization_id).filter(Column::Id.eq(row.id)).filter(Column::UpdatedAt.eq(row.updated_at))
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn unseal(core: &Core, row: &Model) -> Result<Credentials> {
    let gone = || {
        let sentence = format!("The account {} is not connected any more. Connect it again.", row.account_name);
        Error::Partner(integration_contract::Error::new(ErrorKind::Unauthorized, sentence))
    };
    let sealed = row.credentials.as_deref().ok_or_else(gone)?;
    let text = core.vault.open(Place::credentials(row.organization_id, row.id), sealed).map_err(|_| {
        tracing::error!(account = %row.id, organization = %row.organization_id, "sealed credentials do not open");
        gone()
    })?;
    Credentials::from_unsealed(&text).ok_or_else(gone)
}

/// Notes that the partner no longer takes the account's token. Links that act with it say so.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_broken(core: &Core, row: &Model, reason: &str) -> Result<()> {
    core.db
        .write(async |tx| {
            Entity::update_of(row.organization_id)
                .filter(Column::Id.eq(row.id))
                // A reconnect that came in between wins, and what is being disconnected stays so.
                .filter(Column::ConnectedAt.eq(row.connected_at))
                .filter(Column::State.ne(AccountState::Leaving))
                .col_expr(Column::State, AccountState::Broken.into())
                .col_expr(Column::Reason, reason.into())
                .col_expr(Column::BrokenSince, since(core.clock.now()))
                .exec(tx)
                .await?;
            Ok::<_, Error>(())
        })
        .await
}

/// Notes that the partner took an account's credentials back at this moment (unix seconds, by its clock), unless the
/// account was connected again since; says whether it is gone.
///
/// # Errors
/// When the database does not answer.
pub async fn taken_back(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    id: IntegrationUserId,
    at: i64,
    reason: &str,
) -> Result<bool> {
    let gone = Entity::update_of(organization)
        .filter(Column::Id.eq(id))
        // The partner's seconds have no fractions.
        .filter(Column::ConnectedAt.lt(at.saturating_add(1).saturating_mul(1000)))
        .filter(Column::State.ne(AccountState::Leaving))
        .col_expr(Column::State, AccountState::Broken.into())
        .col_expr(Column::Reason, reason.into())
        .col_expr(Column::BrokenSince, since(core.clock.now()))
        .exec(tx)
        .await?;
    Ok(gone.rows_affected > 0)
}

/// Since when an account is broken: whoever notices it again changes nothing of that.
fn since(now: i64) -> Expr {
    Expr::col(Column::BrokenSince).if_null(now)
}
