//! What a team's settings and a mirror's page show, and forgetting what is over its time.

use std::{collections::HashMap, time::Duration};

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DerivePartialModel, QueryFilter, QueryOrder, QuerySelect};

use super::{
    LIVING,
    backfill::{self, Progress},
    links_of, of_link, side_of,
};
use crate::{
    core::{Core, Error, Result, integration_links, people::Member, teams},
    db::{
        Aged, LinkId, MirrorChangeId, MirrorId, OrganizationId, Outdated, TeamId,
        entity::{
            Tenant, integration_link,
            mirror::{Column, Entity, MirrorState, Model, Side},
            mirror_change::{self, ChangeState},
            mirror_pair::{self, PairState},
        },
    },
};

/// How many removed mirrors a settings page still shows with their receipts.
const REMOVED_SHOWN: u64 = 5;

/// A mirror as a team's settings list it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Itself.
    pub mirror: Model,
    /// Its left link, a removed one included.
    pub left: Option<integration_link::Model>,
    /// Its right link.
    pub right: Option<integration_link::Model>,
    /// How many items have a copy.
    pub pairs: u64,
    /// How many changes wait to be carried over.
    pub waiting: u64,
    /// How many could not be carried over, within the time that changes are kept.
    pub failed: u64,
    /// The links that go when it is removed: those that were made for it and that no other mirror joins.
    pub takes: Vec<LinkId>,
    /// How far it has come with making up for what was there before, if anybody asked for that: the last time.
    pub backfill: Option<Progress>,
}

/// The mirrors of a team: those that are there first, then the last few removed ones.
///
/// # Errors
/// When the database does not answer; likewise below.
pub async fn for_team(core: &Core, organization: OrganizationId, team: TeamId) -> Result<Vec<Listed>> {
    let db = core.db.reader();
    let of_team = Entity::of(organization).filter(Column::TeamId.eq(team));
    let mut mirrors =
        of_team.clone().filter(Column::State.ne(MirrorState::Removed)).order_by_asc(Column::CreatedAt).all(db).await?;
    let removed = of_team.filter(Column::State.eq(MirrorState::Removed)).order_by_desc(Column::StateSince);
    mirrors.extend(removed.limit(REMOVED_SHOWN).all(db).await?);
    listed(core, organization, mirrors).await
}

/// One mirror, as its page shows it.
///
/// # Errors
/// See [`for_team`].
pub async fn one(core: &Core, mirror: &Model) -> Result<Listed> {
    let listed = listed(core, mirror.organization_id, vec![mirror.clone()]).await?;
    listed.into_iter().next().ok_or(Error::NotFound)
}

/// The mirrors that are there and join this link.
///
/// # Errors
/// See [`for_team`].
pub async fn joining(core: &Core, link: &integration_link::Model) -> Result<Vec<Model>> {
    of_link(core.db.reader(), link.organization_id, link.id).await
}

/// The mirrors that are there and that a member may see: those of their teams; an admin sees all.
///
/// # Errors
/// See [`for_team`].
pub async fn in_sight(core: &Core, who: &Member) -> Result<Vec<Model>> {
    let mut living = Entity::of(who.organization).filter(Column::State.is_in(LIVING));
    if !who.is_admin() {
        let teams = teams::of_member(core, who).await?;
        living = living.filter(Column::TeamId.is_in(teams.into_iter().map(|team| team.id)));
    }
    Ok(living.order_by_asc(Column::CreatedAt).all(core.db.reader()).await?)
}

async fn listed(core: &Core, organization: OrganizationId, mirrors: Vec<Model>) -> Result<Vec<Listed>> {
    let db = core.db.reader();
    let ids: Vec<MirrorId> = mirrors.iter().map(|mirror| mirror.id).collect();
    let pairs = {
        use mirror_pair::Column as Of;
        let joined = mirror_pair::Entity::of(organization)
            .filter(Of::MirrorId.is_in(ids.clone()))
            .filter(Of::State.eq(PairState::Joined));
        let counts = joined.select_only().column(Of::MirrorId).column_as(Of::Id.count(), "many").group_by(Of::MirrorId);
        counts.into_tuple::<(MirrorId, i64)>().all(db).await?.into_iter().collect::<HashMap<_, _>>()
    };
    let changes = {
        use mirror_change::Column as Of;
        let unfinished = mirror_change::Entity::of(organization)
            .filter(Of::MirrorId.is_in(ids.clone()))
            .filter(Of::State.is_in([ChangeState::Waiting, ChangeState::Failed]));
        let counts = unfinished.select_only().column(Of::MirrorId).column(Of::State).column_as(Of::Id.count(), "many");
        let counts = counts.group_by(Of::MirrorId).group_by(Of::State);
        counts.into_tuple::<(MirrorId, ChangeState, i64)>().all(db).await?
    };
    let number = |id: MirrorId, state: ChangeState| {
        let found = changes.iter().find(|(mirror, of, _)| *mirror == id && *of == state);
        found.map_or(0, |(_, _, many)| many.unsigned_abs())
    };
    let mut backfills = backfill::of_mirrors(db, organization, &ids).await?;
    let links = links_of(db, organization, &mirrors).await?;
    let joining = joining_any(db, organization, links.keys().copied().collect()).await?;
    let listed = mirrors.into_iter().map(|mirror| {
        let (left, right) = (links.get(&mirror.left_link).cloned(), links.get(&mirror.right_link).cloned());
        Listed {
            takes: takes(&mirror, [&left, &right], &joining),
            left,
            right,
            pairs: pairs.get(&mirror.id).map_or(0, |many| many.unsigned_abs()),
            waiting: number(mirror.id, ChangeState::Waiting),
            failed: number(mirror.id, ChangeState::Failed),
            backfill: backfills.remove(&mirror.id),
            mirror,
        }
    });
    Ok(listed.collect())
}

/// The mirrors that are there and join any of these links.
async fn joining_any(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    links: Vec<LinkId>,
) -> Result<Vec<Model>> {
    let joins = [Column::LeftLink, Column::RightLink].map(|end| end.is_in(links.clone()));
    let either = joins.into_iter().fold(Condition::any(), Condition::add);
    Ok(Entity::of(organization).filter(either).filter(Column::State.is_in(LIVING)).all(db).await?)
}

fn takes(mirror: &Model, links: [&Option<integration_link::Model>; 2], joining: &[Model]) -> Vec<LinkId> {
    if !LIVING.contains(&mirror.state) {
        return Vec::new();
    }
    let living = links.into_iter().flatten().filter(|link| integration_links::lives(link));
    let goes = living.filter(|link| {
        let joins = |other: &&Model| [other.left_link, other.right_link].contains(&link.id);
        mirror.made(side_of(mirror, link)) && joining.iter().filter(joins).all(|other| other.id == mirror.id)
    });
    goes.map(|link| link.id).collect()
}

/// How far a mirror has come with making up for what was there before, if anybody asked for that: the last time.
///
/// # Errors
/// See [`for_team`].
pub async fn progress(core: &Core, mirror: &Model) -> Result<Option<Progress>> {
    let mut of = backfill::of_mirrors(core.db.reader(), mirror.organization_id, &[mirror.id]).await?;
    Ok(of.remove(&mirror.id))
}

/// A change as a line of its mirror's page.
#[derive(Clone, Debug, PartialEq, DerivePartialModel)]
#[sea_orm(entity = "mirror_change::Entity")]
pub struct ChangeLine {
    /// Its id.
    pub id: MirrorChangeId,
    /// Where it happened.
    pub side: Side,
    /// What it was, in a word.
    pub what: String,
    /// Who did it.
    pub author: String,
    /// To which item.
    pub item_name: String,
    /// The item's page.
    pub item_url: Option<String>,
    /// Where it stands.
    pub state: ChangeState,
    /// Why, when it was not simply carried over.
    pub reason: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub finished_at: Option<i64>,
}

/// A mirror's changes, the newest first; `before` is the last one of the page before.
///
/// # Errors
/// See [`for_team`].
pub async fn changes(
    core: &Core,
    mirror: &Model,
    before: Option<MirrorChangeId>,
    most: u64,
) -> Result<Vec<ChangeLine>> {
    use mirror_change::Column as Of;
    let mut lines = mirror_change::Entity::of(mirror.organization_id)
        .filter(Of::MirrorId.eq(mirror.id))
        .order_by_desc(Of::Id)
        .limit(most);
    if let Some(before) = before {
        lines = lines.filter(Of::Id.lt(before));
    }
    Ok(lines.into_partial_model().all(core.db.reader()).await?)
}

/// Which changes go with time: what is finished.
pub(in crate::core) const AGED: Aged = Aged {
    table: "mirror_changes",
    key: "organization_id, id",
    times: &["finished_at"],
    which: "finished_at IS NOT NULL",
    kept_days: "messages_kept_days",
};

/// Forgets the changes that are older than their organization keeps them. Answers with how many.
///
/// # Errors
/// See [`for_team`].
pub async fn forget_changes(core: &Core) -> Result<u64> {
    Ok(core.db.forget_aged(AGED, core.clock.now()).await?)
}

/// Forgets what was joined by mirrors that were removed before this, of all tenants. Answers with how many pairs.
///
/// # Errors
/// See [`for_team`].
pub async fn forget_pairs(core: &Core, older_than: Duration) -> Result<u64> {
    let which = "(organization_id, mirror_id) IN
        (SELECT organization_id, id FROM mirrors WHERE state = 'removed' AND state_since < $1)";
    let limit = core.clock.before(older_than);
    Ok(core.db.forget(Outdated { table: "mirror_pairs", key: "organization_id, id", which, limit, of: None }).await?)
}
