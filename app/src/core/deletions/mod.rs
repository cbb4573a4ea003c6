//! Deleting an organization with everything in it, and the receipt that is left ([why so](docs/decisions/deletion.md)); a single
//! team of it is deleted in [`team`].
//!
//! An owner asks for it ([`begin`]): from then on nobody sees or changes anything of it. A job does the rest ([`go_on`]):
//! what stands at partners is undone in the ordinary way of links and accounts, then the rows go, a few in each commit, and
//! last the organization itself. It may be cut off anywhere and run twice; how far it came stands in the deletion's row.
//! That row is the receipt: it belongs to no tenant, and to whoever asked.

mod leave;
mod receipt;
mod tables;
pub mod team;

use std::{net::IpAddr, time::Duration};

use integration_contract::{FieldErrors, SecretString};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::LockType,
};

use super::{Core, Error, Result, organizations, people::Member, users};
use crate::{
    db::{
        DeletionId, OrganizationId, Outdated, UserId,
        entity::{
            deletion::{Column, Entity, Model, Stage},
            organization, user,
        },
    },
    queue::{self, NewJob, Outcome},
};

pub use receipt::{Counts, Receipt};
pub use tables::{TABLES, Whose};

/// The job that deletes an organization: payload `{"deletion": id}`.
pub const DELETE: &str = "delete_organization";

/// How long a receipt can be read.
pub const RECEIPTS_KEPT: Duration = Duration::from_hours(365 * 24);

/// After a job that was given up, the next one begins so much later: an organization is never left half deleted.
const AFTER_GIVING_UP: i64 = 3600 * 1000;

/// How many receipts a person is shown.
const LISTED: u64 = 20;

/// Begins to delete an organization, for an owner who types its name and their password.
///
/// # Errors
/// [`Error::Forbidden`] for all but owners; [`Error::Invalid`] (`name`, `password`); [`Error::Conflict`] when it is being
/// deleted already; [`Error::TooMany`] for who guesses.
pub async fn begin(
    core: &Core,
    who: &Member,
    asking: &user::Model,
    from: IpAddr,
    name: &str,
    password: &SecretString,
) -> Result<DeletionId> {
    organizations::must_be_owner(who, "delete it")?;
    let called = organizations::of(core.db.reader(), who.organization).await?.name;
    let mut errors = FieldErrors::default();
    if name.trim() != called {
        errors.add("name", format!("Type the organization's name as it is written here: {called}"));
    }
    match users::confirm(core, asking, from, password).await {
        Ok(()) => {}
        Err(Error::Invalid(wrong)) => wrong.iter().for_each(|(field, sentence)| errors.add(field, sentence)),
        Err(error) => return Err(error),
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let id = DeletionId::new();
    core.db
        .write(async |tx| {
            // Of two who ask at once, the second sees the first.
            let held = organization::Entity::find_by_id(who.organization).lock(LockType::NoKeyUpdate);
            let organization = held.one(tx).await?.ok_or(Error::NotFound)?;
            let who = organizations::standing(tx, who).await?;
            organizations::must_be_owner(&who, "delete it")?;
            let deletion = Model {
                id,
                user_id: who.user,
                deleted_id: organization.id,
                name: organization.name,
                stage: Stage::Leaving,
                undone: serde_json::json!([]),
                counts: serde_json::Value::Null,
                begun_at: core.clock.now(),
                finished_at: None,
                mailed_at: None,
            };
            deletion.into_active_model().insert(tx).await?;
            organization::Entity::update_many()
                .col_expr(organization::Column::DeletionId, id.into())
                .filter(organization::Column::Id.eq(who.organization))
                .exec(tx)
                .await?;
            Ok::<_, Error>(queue::add(tx, job(who.organization, id, None)).await?)
        })
        .await?;
    tracing::info!(organization = %who.organization, user = %who.user, deletion = %id, "an organization is being deleted");
    core.queue.wake();
    Ok(id)
}

fn job(organization: OrganizationId, id: DeletionId, run_at: Option<i64>) -> NewJob {
    NewJob { organization, kind: DELETE, payload: serde_json::json!({ "deletion": id }), lane: None, run_at }
}

/// Goes on with a deletion for as far as it comes. Run by the job.
///
/// # Errors
/// When the database does not answer; the next run goes on.
pub async fn go_on(core: &Core, organization: OrganizationId, id: DeletionId) -> Result<Outcome> {
    loop {
        let Some(deletion) = Entity::find_by_id(id).one(core.db.reader()).await? else { return Ok(Outcome::Done) };
        match deletion.stage {
            Stage::Leaving => {
                if let Some(after) = leave::leave(core, organization, &deletion).await? {
                    return Ok(Outcome::Later { after });
                }
            }
            Stage::Forgetting => forget_rows(core, organization, &deletion).await?,
            Stage::Done => {
                forget_jobs(core, organization).await?;
                return receipt::mail(core, &deletion).await;
            }
        }
    }
}

/// The job is out of attempts: another one goes on, unless there is nothing left to do.
///
/// # Errors
/// When the database does not answer.
pub async fn gave_up(core: &Core, organization: OrganizationId, id: DeletionId) -> Result<()> {
    let unfinished = Entity::find_by_id(id).filter(Column::FinishedAt.is_null());
    if unfinished.one(core.db.reader()).await?.is_none() {
        return Ok(());
    }
    let again = job(organization, id, Some(core.clock.now() + AFTER_GIVING_UP));
    core.db.write(async |tx| Ok(queue::add(tx, again).await?)).await
}

/// Deletes the rows, those that others point at last, and in the end the organization.
async fn forget_rows(core: &Core, organization: OrganizationId, deletion: &Model) -> Result<()> {
    forget_jobs(core, organization).await?;
    for (table, key, _) in TABLES {
        let all = Outdated { table, key, which: "$1 = 0", limit: 0, of: Some(organization) };
        core.db.forget(all).await?;
    }
    core.db
        .write(async |tx| {
            // The strongest lock: who writes a row of the organization now waits, and then finds that it is gone.
            let held = organization::Entity::find_by_id(organization).lock_exclusive().one(tx).await?;
            if held.is_some() && leave::has_links(tx, organization).await? {
                // One that was being made when it began. What it made at its partner is undone first.
                return set_stage(tx, deletion, Stage::Leaving).await;
            }
            organization::Entity::delete_by_id(organization).exec(tx).await?;
            Entity::update_many()
                .col_expr(Column::FinishedAt, core.clock.now().into())
                .filter(Column::Id.eq(deletion.id))
                .filter(Column::FinishedAt.is_null())
                .exec(tx)
                .await?;
            tracing::info!(%organization, deletion = %deletion.id, "an organization was deleted");
            set_stage(tx, deletion, Stage::Done).await
        })
        .await
}

/// All jobs of the organization but the one that deletes it. They reference nothing, so nothing takes them along.
async fn forget_jobs(core: &Core, organization: OrganizationId) -> Result<()> {
    let which = format!(
        "$1 = 0 AND (state IN ('dead', 'quarantined')
         OR state IN ('ready', 'blocked', 'waiting', 'leased') AND kind <> '{DELETE}')"
    );
    core.db.forget(Outdated { table: "jobs", key: "id", which: &which, limit: 0, of: Some(organization) }).await?;
    Ok(())
}

async fn set_stage(tx: &sea_orm::DatabaseTransaction, deletion: &Model, stage: Stage) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Stage, sea_orm::sea_query::Expr::value(stage))
        .filter(Column::Id.eq(deletion.id))
        .exec(tx)
        .await?;
    Ok(())
}

/// The receipt of a deletion, for whoever asked for it.
///
/// # Errors
/// [`Error::NotFound`] for everybody else.
pub async fn receipt(core: &Core, user: UserId, id: DeletionId) -> Result<Receipt> {
    let own = Entity::find_by_id(id).filter(Column::UserId.eq(user));
    own.one(core.db.reader()).await?.map(Receipt::of).ok_or(Error::NotFound)
}

/// The last deletions that somebody asked for, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn of_user(core: &Core, user: UserId) -> Result<Vec<Receipt>> {
    let own = Entity::find().filter(Column::UserId.eq(user)).order_by_desc(Column::Id).limit(LISTED);
    Ok(own.all(core.db.reader()).await?.into_iter().map(Receipt::of).collect())
}

/// Forgets the receipts that were there for long enough. Answers with how many.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_receipts(core: &Core) -> Result<u64> {
    let limit = core.clock.before(RECEIPTS_KEPT);
    let over = Outdated { table: "deletions", key: "id", which: "finished_at < $1", limit, of: None };
    Ok(core.db.forget(over).await?)
}
