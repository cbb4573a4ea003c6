//! Backfill: what was opened before a mirror was there, and is still open, gets a copy too, where a person asks for it.
//!
//! ```text
//!   begin() ──► looking ──► copying ──► done        one job, which goes on bit by bit and may die anywhere
//!                  │           │
//!                  └───────────┴──► stopped (by a person, or with the mirror), failed (a partner says no)
//! ```
//!
//! - **Looking** ([`run`]): each side whose items get copies is read page by page, the last opened first, and what is to be
//!   copied is noted.
//! - **Copying**: a few at a time, the oldest first. Each gets a pair and a change, as if it was opened now, and from
//!   there on everything is as for any other item (`hear`, `carry`). So it is copied once, whoever else tells of it.
//! - An item that waits for its turn and is written to gets its copy at once: the comment is news, and news are carried.
//!
//! While the mirror does not work there is no job. Whoever starts it again adds one ([`rearm`]); its number, the turn, is
//! how a job knows that another one goes on in its place.

mod progress;
mod run;

use integration_contract::{Item, ItemState};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, IntoActiveModel, QueryFilter, QueryOrder,
    sea_query::Expr,
};
use serde::{Deserialize, Serialize};

pub use progress::Progress;
pub(super) use progress::of_mirrors;
pub use run::go_on;

use super::{hold, must_manage, readable, settings};
use crate::{
    core::{
        Core, Error, Result,
        audit::{self, About, Deed},
        people::Member,
    },
    db::{
        MirrorBackfillId, OrganizationId,
        entity::{
            Tenant,
            mirror::{self, MirrorState, Side},
            mirror_backfill::{BackfillState, Column, Entity, Model},
        },
    },
    queue::{self, NewJob},
};

/// The job that goes on with a backfill: payload `{"backfill": id, "turn": number}`.
pub const BACKFILL: &str = "backfill_mirror";

/// So many items of each side at most. At the pace that leaves partners' limits to people this takes somewhat more than
/// an hour, in which the person who asked for it can still look at what comes of it; and whoever wants more can ask again.
pub const MOST_BACKFILLED: u32 = 500;

/// Those that are not at their end.
const UNFINISHED: [BackfillState; 2] = [BackfillState::Looking, BackfillState::Copying];

/// What a person wants to be copied of what was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backfill {
    /// Unix seconds: what was opened before is left alone.
    pub opened_since: i64,
    /// How many items of each side at most, the last opened ones: from 1 to [`MOST_BACKFILLED`].
    pub most: u32,
}

impl Backfill {
    /// Whether it is about this item.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn takes(&self, item: &Item) -> std::result::Result<(), &'static str> {
        if item.state == ItemState::Closed {
            return Err("It is closed; what is made up for is what is open.");
        }
        match item.created_at {
            Some(at) if at >= self.opened_since => Ok(()),
            Some(_) => Err("It was opened before the day from which on items are made up for."),
            None => Err("It is not known when it was opened."),
        }
    }

    fn of(row: &Model) -> Self {
        Self { opened_since: row.opened_since, most: row.most.unsigned_abs() }
    }
}

/// Where to look on, and what was found and has no pair yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Plan {
    /// The sides that were not looked through to the end.
    looking: Vec<Looking>,
    /// The last one is the next one.
    todo: Vec<Todo>,
}

/// A side that is being looked through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Looking {
    side: Side,
    /// The partner's word for the next page; none for the first one.
    after: Option<String>,
    /// How many pages were read.
    pages: u32,
    found: u32,
}

/// An item that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Todo {
    side: Side,
    item: String,
}

impl Plan {
    /// Everything is still to be looked at.
    fn of_sides(sides: impl Iterator<Item = Side>) -> Self {
        let looking = sides.map(|side| Looking { side, after: None, pages: 0, found: 0 });
        Self { looking: looking.collect(), todo: Vec::new() }
    }

    /// As it stands in a row; none when something else wrote it.
    fn read(row: &Model) -> Option<Self> {
        serde_json::from_value(row.plan.clone())
            .inspect_err(|_| tracing::error!(backfill = %row.id, "the plan of a backfill can't be read"))
            .ok()
    }
}

/// Begins a backfill of a mirror that works and has none under way, in the caller's transaction. Wake the queue after the
/// commit.
///
/// # Errors
/// [`Error::Invalid`] with a sentence for `most`; [`Error::Conflict`] when the mirror makes no copies.
pub(super) async fn begin(
    core: &Core,
    tx: &DatabaseTransaction,
    who: &Member,
    mirror: &mirror::Model,
    wanted: Backfill,
) -> Result<()> {
    if !(1..=MOST_BACKFILLED).contains(&wanted.most) {
        return Err(Error::field("most", format!("Choose a number from 1 to {MOST_BACKFILLED}.")));
    }
    let settings = settings::of(mirror).ok_or_else(|| anyhow::anyhow!("the settings of a mirror"))?;
    let plan = Plan::of_sides([Side::Left, Side::Right].into_iter().filter(|&side| settings.options.creates.of(side)));
    if plan.looking.is_empty() {
        return Err(Error::Conflict("This mirror makes no copies, so there is nothing to make up for.".into()));
    }
    let row = Model {
        organization_id: mirror.organization_id,
        id: MirrorBackfillId::new(),
        mirror_id: mirror.id,
        opened_since: wanted.opened_since,
        most: i32::try_from(wanted.most).unwrap_or(i32::MAX),
        state: BackfillState::Looking,
        reason: None,
        plan: serde_json::json!(plan),
        found: 0,
        turn: 1,
        created_by: who.user,
        created_at: core.clock.now(),
        finished_at: None,
    };
    let row = row.into_active_model().insert(tx).await?;
    queue::add(tx, job(&row)).await?;
    let about = About::from(mirror).saying(format!("at most {} of each side", wanted.most));
    audit::note(core, tx, who, Deed::BackfillBegun, about).await
}

/// Asks for a backfill of a mirror that is there already.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Invalid`]; [`Error::Conflict`] when the mirror does not work or makes no copies, or when
/// one is under way.
pub async fn backfill(core: &Core, who: &Member, mirror: &mirror::Model, wanted: Backfill) -> Result<()> {
    must_manage(who)?;
    core.db
        .write(async |tx| {
            let held = hold(tx, who.organization, mirror.id).await?;
            if held.state != MirrorState::Active {
                return Err(Error::Conflict("The mirror has to work for that. Start it again first.".into()));
            }
            if unfinished(tx, &held).await?.is_some() {
                return Err(Error::Conflict("What was there before is being made up for already.".into()));
            }
            begin(core, tx, who, &held, wanted).await
        })
        .await?;
    core.queue.wake();
    Ok(())
}

/// Stops the backfill of a mirror that is under way. What it began with is still carried over.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Conflict`] when there is none.
pub async fn stop_backfill(core: &Core, who: &Member, mirror: &mirror::Model) -> Result<()> {
    must_manage(who)?;
    core.db
        .write(async |tx| {
            let held = hold(tx, who.organization, mirror.id).await?;
            match unfinished(tx, &held).await? {
                Some(row) => {
                    end(core, tx, &row, BackfillState::Stopped, None).await?;
                    audit::note(core, tx, who, Deed::BackfillStopped, &held).await
                }
                None => Err(Error::Conflict("It has come to its end already.".into())),
            }
        })
        .await
}

/// The job is out of patience.
///
/// # Errors
/// When the database does not answer; likewise below.
pub async fn backfill_gave_up(
    core: &Core,
    organization: OrganizationId,
    id: MirrorBackfillId,
    turn: i32,
    why: &str,
) -> Result<()> {
    core.db
        .write(async |tx| match load(tx, organization, id).await? {
            Some(row) if row.turn == turn => end(core, tx, &row, BackfillState::Failed, Some(why)).await,
            _ => Ok(()),
        })
        .await
}

/// The mirror works again: what was under way goes on. Call it with the mirror in hand, and wake the queue after the
/// commit.
pub(super) async fn rearm(tx: &DatabaseTransaction, mirror: &mirror::Model) -> Result<()> {
    let Some(mut row) = unfinished(tx, mirror).await? else { return Ok(()) };
    row.turn += 1;
    Entity::update_of(row.organization_id)
        .col_expr(Column::Turn, Expr::val(row.turn))
        .filter(Column::Id.eq(row.id))
        .exec(tx)
        .await?;
    Ok(queue::add(tx, job(&row)).await?)
}

/// The mirror is removed, and what was under way with it.
pub(super) async fn cancel(core: &Core, tx: &DatabaseTransaction, mirror: &mirror::Model) -> Result<()> {
    match unfinished(tx, mirror).await? {
        Some(row) => end(core, tx, &row, BackfillState::Stopped, Some("The mirror was removed.")).await,
        None => Ok(()),
    }
}

/// The backfill in which this item waits for its turn. Call it with the mirror in hand.
pub(super) async fn waits(
    tx: &impl ConnectionTrait,
    mirror: &mirror::Model,
    side: Side,
    item: &str,
) -> Result<Option<MirrorBackfillId>> {
    let row = unfinished(tx, mirror).await?;
    let plan = row.as_ref().and_then(Plan::read);
    let waits = plan.is_some_and(|plan| plan.todo.iter().any(|one| one.side == side && one.item == item));
    Ok(row.filter(|_| waits).map(|row| row.id))
}

async fn unfinished(db: &impl ConnectionTrait, mirror: &mirror::Model) -> Result<Option<Model>> {
    let of_mirror = Entity::of(mirror.organization_id).filter(Column::MirrorId.eq(mirror.id));
    Ok(of_mirror.filter(Column::State.is_in(UNFINISHED)).order_by_desc(Column::Id).one(db).await?)
}

async fn load(db: &impl ConnectionTrait, organization: OrganizationId, id: MirrorBackfillId) -> Result<Option<Model>> {
    Ok(Entity::of(organization).filter(Column::Id.eq(id)).one(db).await?)
}

async fn end(
    core: &Core,
    tx: &DatabaseTransaction,
    row: &Model,
    state: BackfillState,
    reason: Option<&str>,
) -> Result<()> {
    let mut ends = Entity::update_of(row.organization_id)
        .col_expr(Column::State, state.into())
        .col_expr(Column::Plan, Expr::val(serde_json::json!(Plan::of_sides(std::iter::empty()))))
        .col_expr(Column::FinishedAt, Expr::val(core.clock.now()));
    if let Some(reason) = reason {
        ends = ends.col_expr(Column::Reason, Expr::val(readable(reason)));
    }
    ends.filter(Column::Id.eq(row.id)).filter(Column::State.is_in(UNFINISHED)).exec(tx).await?;
    Ok(())
}

fn job(row: &Model) -> NewJob {
    NewJob {
        organization: row.organization_id,
        kind: BACKFILL,
        payload: serde_json::json!({ "backfill": row.id, "turn": row.turn }),
        // Of its own: what people do meanwhile is carried in the pairs' lanes, and waits for none of this.
        lane: Some(format!("backfill:{}", row.mirror_id)),
        run_at: None,
    }
}
