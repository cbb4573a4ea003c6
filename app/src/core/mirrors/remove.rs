//! Taking a mirror away: at once here, and what was made for it at its partners by jobs, with a receipt.

use std::time::Duration;

use integration_contract::Undone;
use sea_orm::{ColumnTrait, DatabaseTransaction, QueryFilter, sea_query::Expr};

use super::{LIVING, backfill, hold, links, load, must_manage, must_still_manage, values::Sides};
use crate::{
    core::{
        Core, Error, Result,
        audit::{self, Deed},
        integration_links, outbox,
        people::Member,
    },
    db::{
        LinkId, MirrorId, OrganizationId,
        entity::{
            Tenant,
            integration_link::{self, LinkState},
            mirror::{Column, Entity, MirrorState, Model, Side},
            mirror_change::{self, ChangeState},
        },
    },
    queue::{self, NewJob, Outcome},
};

/// The job that waits for a mirror's links to be gone: payload `{"mirror": id}`.
pub const REMOVE: &str = "remove_mirror";

/// How often it looks.
const LOOK: Duration = Duration::from_secs(2);

/// What a wish for removal came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is gone here, and jobs clean up at the partners.
    Removed,
    /// It was removed before.
    Already,
}

/// Removes a mirror: nothing is carried from now on, and the links that were made for it are removed with all that they
/// made at their partners. Links that the team had before, and those that another mirror joins too, stay. So do the
/// items and comments on both sides.
///
/// # Errors
/// [`Error::Forbidden`] when the member may not.
pub async fn remove(core: &Core, who: &Member, mirror: &Model) -> Result<Removal> {
    must_manage(who)?;
    let removed = core
        .db
        .write::<_, Error>(async |tx| {
            let who = &must_still_manage(tx, who).await?;
            remove_in(core, tx, who, mirror).await
        })
        .await?;
    core.queue.wake();
    outbox::until_calls_have_begun(core).await;
    Ok(removed)
}

/// Removes a mirror as part of other work, for somebody who may. Wake the queue after the commit, and wait
/// [`outbox::until_calls_have_begun`].
///
/// # Errors
/// When the database does not answer.
pub async fn remove_in(core: &Core, tx: &DatabaseTransaction, who: &Member, mirror: &Model) -> Result<Removal> {
    // First the links, then the mirror, as whoever hears of a change does.
    let going = going(tx, mirror).await?;
    for link in [&going.left, &going.right].into_iter().flatten() {
        integration_links::hold_in(tx, link).await?;
    }
    let held = hold(tx, who.organization, mirror.id).await?;
    if !LIVING.contains(&held.state) {
        return Ok(Removal::Already);
    }
    let now = core.clock.now();
    Entity::update_of(who.organization)
        .col_expr(Column::State, MirrorState::Removing.into())
        .col_expr(Column::StateSince, Expr::val(now))
        .col_expr(Column::Reason, Expr::val(None::<String>))
        .col_expr(Column::UpdatedAt, Expr::val(now))
        .filter(Column::Id.eq(mirror.id))
        .exec(tx)
        .await?;
    backfill::cancel(core, tx, &held).await?;
    cancel(tx, &held, now).await?;
    for link in [&going.left, &going.right].into_iter().flatten() {
        integration_links::remove_in(core, tx, link).await?;
        audit::note(core, tx, who, Deed::LinkRemoved, link).await?;
    }
    audit::note(core, tx, who, Deed::MirrorRemoved, &held).await?;
    let job = NewJob {
        organization: who.organization,
        kind: REMOVE,
        payload: serde_json::json!({ "mirror": mirror.id }),
        lane: None,
        run_at: None,
    };
    queue::add(tx, job).await?;
    Ok(Removal::Removed)
}

/// The links that go with a mirror. One that another mirror joins stays, and goes with that one.
async fn going(tx: &DatabaseTransaction, mirror: &Model) -> Result<Sides<Option<integration_link::Model>>> {
    let mut links = links(tx, mirror).await?;
    for side in [Side::Left, Side::Right] {
        let link = links.get_mut(side);
        let goes = mirror.made(side) && link.as_ref().is_some_and(integration_links::lives);
        if !goes || hand_on(tx, mirror, mirror.link(side)).await? {
            *link = None;
        }
    }
    Ok(links)
}

/// Another mirror that joins the link has it from now on; says whether there is one.
async fn hand_on(tx: &DatabaseTransaction, mirror: &Model, link: LinkId) -> Result<bool> {
    let others = super::of_link(tx, mirror.organization_id, link).await?;
    let Some(heir) = others.into_iter().find(|other| other.id != mirror.id) else { return Ok(false) };
    let made = if heir.left_link == link { Column::MadeLeft } else { Column::MadeRight };
    Entity::update_of(mirror.organization_id)
        .col_expr(made, Expr::val(true))
        .filter(Column::Id.eq(heir.id))
        .exec(tx)
        .await?;
    Ok(true)
}

async fn cancel(tx: &DatabaseTransaction, mirror: &Model, now: i64) -> Result<()> {
    use mirror_change::Column as Of;
    mirror_change::Entity::update_of(mirror.organization_id)
        .col_expr(Of::State, ChangeState::Skipped.into())
        .col_expr(Of::Reason, Expr::val("The mirror was removed."))
        .col_expr(Of::Content, Expr::val(None::<Vec<u8>>))
        .col_expr(Of::FinishedAt, Expr::val(now))
        .filter(Of::MirrorId.eq(mirror.id))
        .filter(Of::State.is_in([ChangeState::Waiting, ChangeState::Failed]))
        .exec(tx)
        .await?;
    Ok(())
}

/// Notes what the removal of a mirror's links came to, once they are gone. Run by the job.
///
/// # Errors
/// When the database does not answer.
pub async fn take_down(core: &Core, organization: OrganizationId, id: MirrorId) -> Result<Outcome> {
    let Some(mirror) = load(core.db.reader(), organization, id).await? else { return Ok(Outcome::Done) };
    if mirror.state != MirrorState::Removing {
        return Ok(Outcome::Done);
    }
    let links = links(core.db.reader(), &mirror).await?;
    let mut receipt: Vec<Undone> = Vec::new();
    for side in [Side::Left, Side::Right].into_iter().filter(|&side| mirror.made(side)) {
        let Some(link) = links.get(side) else { continue };
        match link.state {
            // Its own job is at work, for days if need be, and says what is left over.
            LinkState::Removing => return Ok(Outcome::Later { after: LOOK }),
            LinkState::Removed => {
                let undone: Option<Vec<Undone>> =
                    link.receipt.clone().and_then(|lines| serde_json::from_value(lines).ok());
                receipt.extend(undone.unwrap_or_default());
            }
            // It stays: another mirror has it.
            _ => {}
        }
    }
    let now = core.clock.now();
    core.db
        .write(async |tx| {
            Entity::update_of(organization)
                .col_expr(Column::State, MirrorState::Removed.into())
                .col_expr(Column::StateSince, Expr::val(now))
                .col_expr(Column::Receipt, Expr::val(serde_json::json!(receipt)))
                .filter(Column::Id.eq(id))
                .filter(Column::State.eq(MirrorState::Removing))
                .exec(tx)
                .await
        })
        .await?;
    Ok(Outcome::Done)
}
