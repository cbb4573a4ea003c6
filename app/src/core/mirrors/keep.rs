//! Keeping a mirror: other options, a pause, and starting again what stopped.

use sea_orm::{
    ColumnTrait, DatabaseTransaction, QueryFilter,
    sea_query::{Expr, ExprTrait},
};

use super::{
    CARRY, LIVING, backfill, hold, job, links, load, must_manage, must_still_manage, payload,
    settings::{self, Options, Settings},
};
use crate::{
    core::{
        Core, Error, Result,
        audit::{self, Deed},
        integration_links,
        people::Member,
    },
    db::{
        MirrorChangeId,
        entity::{
            Tenant, integration_link,
            mirror::{Column, Entity, MirrorState, Model},
            mirror_change::{self, ChangeState},
            mirror_pair::{self, PairState},
        },
    },
    queue,
};

/// Gives a mirror other options. They count for every change that is carried from now on.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Conflict`] when it was removed.
pub async fn change(core: &Core, who: &Member, mirror: &Model, options: Options) -> Result<()> {
    must_manage(who)?;
    core.db
        .write(async |tx| {
            let who = &must_still_manage(tx, who).await?;
            let held = hold(tx, who.organization, mirror.id).await?;
            if !LIVING.contains(&held.state) {
                return Err(Error::Conflict("This mirror was removed meanwhile.".into()));
            }
            let settings = settings::of(&held).ok_or_else(|| anyhow::anyhow!("the settings of a mirror"))?;
            let changed = serde_json::json!(Settings { options, ..settings });
            Entity::update_of(who.organization)
                .col_expr(Column::Settings, Expr::val(changed))
                .col_expr(Column::UpdatedAt, Expr::val(core.clock.now()))
                .filter(Column::Id.eq(mirror.id))
                .exec(tx)
                .await?;
            audit::note(core, tx, who, Deed::MirrorChanged, &held).await
        })
        .await
}

/// Stops a mirror until it is resumed. What happens meanwhile is not made up for, but what is then in another state, or
/// has another title, comes in step with the next change.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Conflict`] when it is not working.
pub async fn pause(core: &Core, who: &Member, mirror: &Model) -> Result<()> {
    must_manage(who)?;
    if stand(core, who, mirror, &[MirrorState::Active], MirrorState::Paused).await? {
        return Ok(());
    }
    Err(Error::Conflict("Only a working mirror can be paused.".into()))
}

/// Starts a mirror again that was paused, or that stopped by itself.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Conflict`] when it is neither, or one of its links was removed.
pub async fn resume(core: &Core, who: &Member, mirror: &Model) -> Result<()> {
    must_manage(who)?;
    let mirror = &load(core.db.reader(), who.organization, mirror.id).await?.ok_or(Error::NotFound)?;
    let links = links(core.db.reader(), mirror).await?;
    for link in [links.left, links.right] {
        if !link.as_ref().is_some_and(integration_links::lives) {
            let sentence = "One of its links was removed. Remove this mirror, and make a new one.";
            return Err(Error::Conflict(sentence.into()));
        }
    }
    if stand(core, who, mirror, &[MirrorState::Paused, MirrorState::Broken], MirrorState::Active).await? {
        core.queue.wake();
        return Ok(());
    }
    Err(Error::Conflict("Only a paused mirror, or one that stopped, can be started again.".into()))
}

/// Says whether it stood in one of these states.
async fn stand(core: &Core, who: &Member, mirror: &Model, from: &[MirrorState], state: MirrorState) -> Result<bool> {
    let now = core.clock.now();
    core.db
        .write(async |tx| {
            let who = &must_still_manage(tx, who).await?;
            let held = hold(tx, who.organization, mirror.id).await?;
            let stands = Entity::update_of(who.organization)
                .col_expr(Column::State, state.into())
                .col_expr(Column::StateSince, Expr::val(now))
                .col_expr(Column::Reason, Expr::val(None::<String>))
                .col_expr(Column::UpdatedAt, Expr::val(now))
                .filter(Column::Id.eq(mirror.id))
                .filter(Column::State.is_in(from.iter().copied()))
                .exec(tx)
                .await?;
            let stands = stands.rows_affected > 0;
            if stands && state == MirrorState::Active {
                backfill::rearm(tx, &held).await?;
            }
            if stands {
                let resumed = state == MirrorState::Active;
                let deed = if resumed { Deed::MirrorResumed } else { Deed::MirrorPaused };
                audit::note(core, tx, who, deed, &held).await?;
            }
            Ok(stands)
        })
        .await
}

/// A link is being removed, and its mirrors have nothing to join any more. Call it in the commit that removes it.
///
/// # Errors
/// When the database does not answer.
pub async fn link_removed(tx: &DatabaseTransaction, link: &integration_link::Model, now: i64) -> Result<()> {
    let reason = format!("Its link to {} was removed. Remove this mirror, too, or make a new one.", link.name);
    Entity::update_of(link.organization_id)
        .col_expr(Column::State, MirrorState::Broken.into())
        .col_expr(Column::StateSince, Expr::val(now))
        .col_expr(Column::Reason, Expr::val(reason))
        .filter(Column::LeftLink.eq(link.id).or(Column::RightLink.eq(link.id)))
        .filter(Column::State.is_in(LIVING))
        .exec(tx)
        .await?;
    Ok(())
}

/// Tries a change again that could not be carried over.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`]; [`Error::Conflict`] when it did not fail, or the mirror does not work.
pub async fn again(core: &Core, who: &Member, mirror: &Model, id: MirrorChangeId) -> Result<()> {
    must_manage(who)?;
    let organization = who.organization;
    core.db
        .write(async |tx| {
            let who = &must_still_manage(tx, who).await?;
            let mirror = load(tx, organization, mirror.id).await?.ok_or(Error::NotFound)?;
            if mirror.state != MirrorState::Active {
                return Err(Error::Conflict("The mirror has to work for that. Start it again first.".into()));
            }
            use mirror_change::Column as Of;
            let of_mirror = mirror_change::Entity::of(organization).filter(Of::MirrorId.eq(mirror.id));
            let row = of_mirror.filter(Of::Id.eq(id)).one(tx).await?.ok_or(Error::NotFound)?;
            let Some(pair) = row.pair_id else { return Err(only_failed()) };
            let ended = mirror_pair::Entity::of(organization)
                .filter(mirror_pair::Column::Id.eq(pair))
                .filter(mirror_pair::Column::State.eq(PairState::Ended));
            if let Some(ended) = ended.one(tx).await? {
                return Err(Error::Conflict(ended.reason.unwrap_or_else(|| "It is not mirrored any more.".into())));
            }
            let waits = mirror_change::Entity::update_of(organization)
                .col_expr(Of::State, ChangeState::Waiting.into())
                .col_expr(Of::Reason, Expr::val(None::<String>))
                .col_expr(Of::FinishedAt, Expr::val(None::<i64>))
                .filter(Of::Id.eq(id))
                .filter(Of::State.eq(ChangeState::Failed))
                .filter(Of::Content.is_not_null())
                .exec(tx)
                .await?;
            if waits.rows_affected == 0 {
                return Err(only_failed());
            }
            // The job that gave it up is no dead letter any more.
            queue::dead::discard_about(tx, organization, CARRY, &payload(id, pair)).await?;
            queue::add(tx, job(organization, id, pair)).await?;
            audit::note(core, tx, who, Deed::MirrorRetried, &mirror).await
        })
        .await?;
    core.queue.wake();
    Ok(())
}

fn only_failed() -> Error {
    Error::Conflict("Only a change that could not be carried over can be tried again.".into())
}
