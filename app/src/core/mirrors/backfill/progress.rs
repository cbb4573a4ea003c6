//! How far a backfill has come.

use std::collections::{HashMap, hash_map::Entry};

use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Entity, Model, Plan, UNFINISHED};
use crate::{
    core::Result,
    db::{
        MirrorId, MirrorPairId, OrganizationId,
        entity::{
            Tenant,
            mirror::Side,
            mirror_backfill::{BackfillState, Column},
            mirror_change::{self, ChangeState},
            mirror_pair,
        },
    },
};

/// How far a backfill has come. Its last four numbers make up the first one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Where it stands.
    pub state: BackfillState,
    /// Why, when it did not simply come to its end.
    pub reason: Option<String>,
    /// Unix seconds: from when on it looks at items.
    pub opened_since: i64,
    /// How many of each side at most.
    pub most: u32,
    /// How many items it found so far.
    pub found: u64,
    /// How many of them have a copy.
    pub copied: u64,
    /// How many could not be copied. Each stands among the mirror's changes, and can be tried again there.
    pub failed: u64,
    /// How many are still to be copied.
    pub left: u64,
    /// How many get none, because they were closed or deleted meanwhile, or because it was stopped.
    pub skipped: u64,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds; none while it is under way.
    pub finished_at: Option<i64>,
}

impl Progress {
    /// Whether it goes on, as soon as its mirror works.
    pub fn is_under_way(&self) -> bool {
        UNFINISHED.contains(&self.state)
    }

    /// How many of a hundred are done with.
    pub fn percent(&self) -> u64 {
        match (self.state, self.found) {
            (BackfillState::Done, _) => 100,
            (BackfillState::Looking, _) | (_, 0) => 0,
            (_, found) => (found - self.left.min(found)) * 100 / found,
        }
    }
}

/// The last backfill of each of these mirrors that had one.
pub(crate) async fn of_mirrors(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    mirrors: &[MirrorId],
) -> Result<HashMap<MirrorId, Progress>> {
    let mut of = HashMap::new();
    let mirrors = mirrors.iter().copied();
    let rows =
        Entity::of(organization).filter(Column::MirrorId.is_in(mirrors)).order_by_desc(Column::Id).all(db).await?;
    for row in rows {
        if let Entry::Vacant(newest) = of.entry(row.mirror_id) {
            newest.insert(progress(db, row).await?);
        }
    }
    Ok(of)
}

async fn progress(db: &impl ConnectionTrait, row: Model) -> Result<Progress> {
    let begun = begun(db, &row).await?;
    let number = |fate: Fate| begun.iter().filter(|(_, _, _, is)| *is == fate).count();
    let (copied, failed) = (number(Fate::Copied) as u64, number(Fate::Failed) as u64);
    let under_way = UNFINISHED.contains(&row.state);
    // One that was written to while it waits has its pair already, and is passed over when its turn comes.
    let has_pair =
        |side: Side, id: &str| begun.iter().any(|(_, of, item, _)| *of == side && item.as_deref() == Some(id));
    let plan = Plan::read(&row);
    let todo = plan.iter().flat_map(|plan| &plan.todo).filter(|one| !has_pair(one.side, &one.item)).count();
    // One that was begun is carried over even if the backfill was stopped.
    let dropped = if under_way { number(Fate::Dropped) } else { 0 };
    let found = u64::from(row.found.unsigned_abs());
    let left = (todo + number(Fate::Waiting) + dropped) as u64;
    Ok(Progress {
        state: row.state,
        reason: row.reason,
        opened_since: row.opened_since,
        most: row.most.unsigned_abs(),
        found,
        copied,
        failed,
        left,
        skipped: found.saturating_sub(copied + failed + left),
        created_at: row.created_at,
        finished_at: row.finished_at,
    })
}

/// What became of an item that a backfill began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It has its copy.
    Copied,
    /// The copy will be made.
    Waiting,
    /// It could not be made.
    Failed,
    /// Nothing was done, because the mirror or a link was paused when its turn had come.
    Dropped,
    /// It gets none.
    None,
}

type Begun = (MirrorPairId, Side, Option<String>, Fate);

/// The pairs that a backfill began, each with its side, its item and what became of it.
pub(super) async fn begun(db: &impl ConnectionTrait, row: &Model) -> Result<Vec<Begun>> {
    use mirror_pair::PairState;
    let pairs = mirror_pair::Entity::of(row.organization_id)
        .filter(mirror_pair::Column::BackfillId.eq(row.id))
        .order_by_asc(mirror_pair::Column::Id)
        .all(db)
        .await?;
    let without = pairs.iter().filter(|pair| pair.left_item.is_none() || pair.right_item.is_none());
    let open = {
        use mirror_change::Column as Of;
        let of_pairs = mirror_change::Entity::of(row.organization_id)
            .filter(Of::PairId.is_in(without.map(|pair| pair.id)))
            .filter(Of::State.is_in([ChangeState::Waiting, ChangeState::Failed]));
        let states = of_pairs.select_only().column(Of::PairId).column(Of::State);
        states.into_tuple::<(MirrorPairId, ChangeState)>().all(db).await?
    };
    let has = |pair: MirrorPairId, state: ChangeState| open.contains(&(pair, state));
    let fate = |pair: &mirror_pair::Model| match pair.state {
        _ if pair.left_item.is_some() && pair.right_item.is_some() => Fate::Copied,
        PairState::Ended => Fate::None,
        _ if has(pair.id, ChangeState::Waiting) => Fate::Waiting,
        _ if has(pair.id, ChangeState::Failed) => Fate::Failed,
        _ => Fate::Dropped,
    };
    let told =
        |pair: &mirror_pair::Model| (pair.id, pair.origin, pair.item(pair.origin).map(str::to_owned), fate(pair));
    Ok(pairs.iter().map(told).collect())
}
