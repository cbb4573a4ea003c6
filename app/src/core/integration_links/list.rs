//! Links as pages list them. There may be very many, so a team's come a page at a time, a partner's are the first few, and
//! whoever only counts gets a glimpse of each.

use sea_orm::{
    ColumnTrait, Condition, DerivePartialModel, Order, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait, Func, LikeExpr},
};

use super::REMOVED_SHOWN;
use crate::{
    core::{Core, Result, partners::Partner, people::Member, teams},
    db::{
        LinkId, OrganizationId, TeamId,
        entity::{
            Tenant,
            integration_link::{Column, Entity, LinkLevel, LinkState, Model},
        },
    },
};

/// How many links a page has.
pub const PAGE: u64 = 50;

/// Takes the meaning from the next character of a pattern.
const ESCAPE: char = '!';

/// Which of a team's links are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only those with this in their name; empty = all.
    pub name: String,
    /// The page, from 1 on; one that is not there stands for the nearest that is.
    pub page: u64,
}

/// A page of a team's links.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing {
    /// Those that need attention first. Behind the last ones stand the last few that were removed, with their receipts.
    pub links: Vec<Model>,
    /// How many the team has.
    pub all: u64,
    /// How many of them fit.
    pub fit: u64,
    /// Which page this is, from 1 on.
    pub page: u64,
    /// How many there are; at least one.
    pub pages: u64,
}

/// A page of a team's links.
///
/// # Errors
/// When the database does not answer; likewise below.
pub async fn of_team(core: &Core, organization: OrganizationId, team: TeamId, wanted: &Wanted) -> Result<Listing> {
    let db = core.db.reader();
    let all = of(organization, team).filter(Column::State.ne(LinkState::Removed));
    let fitting = if wanted.name.is_empty() { all.clone() } else { all.clone().filter(named(&wanted.name)) };
    let fit = fitting.clone().count(db).await?;
    let pages = std::cmp::max(fit.div_ceil(PAGE), 1);
    let page = wanted.page.clamp(1, pages);
    let mut links = in_order(fitting).offset((page - 1) * PAGE).limit(PAGE).all(db).await?;
    if page == pages && wanted.name.is_empty() {
        let removed = of(organization, team).filter(Column::State.eq(LinkState::Removed));
        links.extend(removed.order_by_desc(Column::StateSince).limit(REMOVED_SHOWN).all(db).await?);
    }
    let all = if wanted.name.is_empty() { fit } else { all.count(db).await? };
    Ok(Listing { links, all, fit, page, pages })
}

/// A link as much of it as pages need that count links, and tell how they fare together.
#[derive(Clone, Debug, PartialEq, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
pub struct Glimpse {
    /// Its id.
    pub id: LinkId,
    /// The partner's.
    pub partner: String,
    /// Its short name.
    pub name: String,
    /// Where it stands.
    pub state: LinkState,
}

/// The living links that a member may see, as [`super::find`] would show them one by one.
///
/// # Errors
/// See [`of_team`].
pub async fn in_sight(core: &Core, who: &Member) -> Result<Vec<Glimpse>> {
    let living = seen_by(core, who).await?.order_by_asc(Column::Partner).order_by_asc(Column::CreatedAt);
    Ok(living.into_partial_model().all(core.db.reader()).await?)
}

/// Those of one partner, whole: what needs attention first, and no more than [`PAGE`].
///
/// # Errors
/// See [`of_team`].
pub async fn of_partner(core: &Core, who: &Member, partner: &Partner) -> Result<Vec<Model>> {
    let living = seen_by(core, who).await?.filter(Column::Partner.eq(partner.id()));
    Ok(in_order(living).limit(PAGE).all(core.db.reader()).await?)
}

async fn seen_by(core: &Core, who: &Member) -> Result<Select<Entity>> {
    let living =
        Entity::of(who.organization).filter(Column::State.is_not_in([LinkState::Removing, LinkState::Removed]));
    if who.is_admin() {
        return Ok(living);
    }
    let teams = teams::of_member(core, who).await?;
    let of_teams = Condition::all()
        .add(Column::Level.eq(LinkLevel::Team))
        .add(Column::TeamId.is_in(teams.into_iter().map(|team| team.id)));
    let own = Condition::all().add(Column::Level.eq(LinkLevel::User)).add(Column::UserId.eq(who.user));
    Ok(living.filter(Condition::any().add(of_teams).add(own)))
}

/// What needs attention first.
fn in_order(links: Select<Entity>) -> Select<Entity> {
    links
        .order_by(Column::State.eq(LinkState::Broken), Order::Desc)
        .order_by(Column::Reason.is_not_null(), Order::Desc)
        .order_by_asc(Column::Partner)
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
}

/// Whether the team has a link, or had one.
///
/// # Errors
/// See [`of_team`].
pub async fn any_of_team(core: &Core, organization: OrganizationId, team: TeamId) -> Result<bool> {
    let found = of(organization, team).select_only().column(Column::Id).into_tuple::<LinkId>();
    Ok(found.one(core.db.reader()).await?.is_some())
}

fn of(organization: OrganizationId, team: TeamId) -> Select<Entity> {
    Entity::of(organization).filter(Column::Level.eq(LinkLevel::Team)).filter(Column::TeamId.eq(team))
}

/// Names are those of repositories and channels; beyond a to z, SQLite takes letters as they stand.
fn named(name: &str) -> Expr {
    let mut pattern = String::from("%");
    for c in name.to_lowercase().chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(c);
    }
    pattern.push('%');
    Expr::expr(Func::lower(Expr::col(Column::Name))).like(LikeExpr::new(pattern).escape(ESCAPE))
}
