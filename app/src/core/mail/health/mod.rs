//! Telling that something broke, and that it works again: once each, to its owner and the team's admins.
//!
//! What is told is a cause. An account that its partner takes no longer is one, however many links it stops; a link or a
//! mirror is one where its account is not. This looks at how things stand rather than listening to each change: what is
//! mended within a minute was never broken for anybody, and what changes while no process runs is told when one does.
//!
//! A row says that a break was told; whoever writes it, in the same commit, tells. Its removal tells the end.

mod cause;

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, JoinType, QueryFilter, QuerySelect, Select,
    sea_query::{Expr, ExprTrait, Query},
};

use crate::{
    core::{Core, Result},
    db::{
        IntegrationUserId, LinkId, MirrorId, OrganizationId, Outdated,
        entity::{
            integration_link::{self, LinkState},
            integration_user::{self, AccountState},
            mirror::{self, MirrorState},
            told_account_break, told_break, told_mirror_break,
        },
    },
};
use cause::Cause;

/// How long something is broken before anybody is told.
const GRACE: i64 = 60_000;
/// How many are looked at each time; the rest have their turn the next time.
const AT_ONCE: u64 = 200;

/// Tells what is to be told, of all tenants. May run in several processes at once: a row decides who tells.
///
/// # Errors
/// When the database does not answer; the rest is told the next time.
pub async fn tell(core: &Core) -> Result<()> {
    let mut first = Ok(());
    // What is wrong with one of them must not keep the others waiting.
    for cause in untold(core).await? {
        let told = core.db.write(async |tx| cause.tell_break(core, tx).await).await;
        first = first.and(told);
    }
    for cause in told_and_over(core).await? {
        let told = core.db.write(async |tx| cause.tell_end(core, tx).await).await;
        first = first.and(told);
    }
    core.queue.wake();
    first
}

/// Forgets what works again and nobody came to read. Answers with how many.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_recoveries(core: &Core, older_than: std::time::Duration) -> Result<u64> {
    let limit = core.clock.before(older_than);
    let (table, key) = ("recoveries", "organization_id, id");
    Ok(core.db.forget(Outdated { table, key, of: None, which: "since < $1", limit }).await?)
}

/// What has been broken for a while, and nobody was told.
async fn untold(core: &Core) -> Result<Vec<Cause>> {
    let (db, since) = (core.db.reader(), core.clock.now() - GRACE);
    let accounts = integration_user::Entity::find()
        .select_only()
        .columns([integration_user::Column::OrganizationId, integration_user::Column::Id])
        .filter(integration_user::Column::State.eq(AccountState::Broken))
        .filter(integration_user::Column::BrokenSince.lte(since))
        .join(JoinType::LeftJoin, to_told_account())
        .filter(told_account_break::Column::IntegrationUserId.is_null())
        .limit(AT_ONCE);
    let links = integration_link::Entity::find()
        .select_only()
        .columns([integration_link::Column::OrganizationId, integration_link::Column::Id])
        .filter(integration_link::Column::State.eq(LinkState::Broken))
        .filter(integration_link::Column::StateSince.lte(since))
        .join(JoinType::LeftJoin, to_told_link())
        .filter(told_break::Column::LinkId.is_null())
        // That it is broken is told with its account.
        .join(JoinType::LeftJoin, to_account())
        .filter(
            Condition::any()
                .add(integration_user::Column::State.is_null())
                .add(integration_user::Column::State.ne(AccountState::Broken)),
        )
        .limit(AT_ONCE);
    let mirrors = mirror::Entity::find()
        .select_only()
        .columns([mirror::Column::OrganizationId, mirror::Column::Id])
        .filter(mirror::Column::State.eq(MirrorState::Broken))
        .filter(mirror::Column::StateSince.lte(since))
        .join(JoinType::LeftJoin, to_told_mirror())
        .filter(told_mirror_break::Column::MirrorId.is_null())
        .limit(AT_ONCE);
    causes(db, accounts, links, mirrors).await
}

/// What is no longer broken although somebody was told that it is.
async fn told_and_over(core: &Core) -> Result<Vec<Cause>> {
    let accounts = integration_user::Entity::find()
        .select_only()
        .columns([integration_user::Column::OrganizationId, integration_user::Column::Id])
        .filter(integration_user::Column::State.ne(AccountState::Broken))
        .join(JoinType::InnerJoin, to_told_account())
        // Its links are being set up again; how that goes is told with it.
        .filter(Expr::exists(being_set_up()).not())
        .limit(AT_ONCE);
    let links = integration_link::Entity::find()
        .select_only()
        .columns([integration_link::Column::OrganizationId, integration_link::Column::Id])
        // Set up again, it may work or not; that is told when it is known.
        .filter(integration_link::Column::State.is_not_in([LinkState::Broken, LinkState::Pending]))
        .join(JoinType::InnerJoin, to_told_link())
        .limit(AT_ONCE);
    let mirrors = mirror::Entity::find()
        .select_only()
        .columns([mirror::Column::OrganizationId, mirror::Column::Id])
        .filter(mirror::Column::State.ne(MirrorState::Broken))
        .join(JoinType::InnerJoin, to_told_mirror())
        .limit(AT_ONCE);
    causes(core.db.reader(), accounts, links, mirrors).await
}

async fn causes(
    db: &impl sea_orm::ConnectionTrait,
    accounts: Select<integration_user::Entity>,
    links: Select<integration_link::Entity>,
    mirrors: Select<mirror::Entity>,
) -> Result<Vec<Cause>> {
    let accounts: Vec<(OrganizationId, IntegrationUserId)> = accounts.into_tuple().all(db).await?;
    let links: Vec<(OrganizationId, LinkId)> = links.into_tuple().all(db).await?;
    let mirrors: Vec<(OrganizationId, MirrorId)> = mirrors.into_tuple().all(db).await?;
    let accounts = accounts.into_iter().map(|(organization, id)| Cause::Account(organization, id));
    let links = links.into_iter().map(|(organization, id)| Cause::Link(organization, id));
    let mirrors = mirrors.into_iter().map(|(organization, id)| Cause::Mirror(organization, id));
    Ok(accounts.chain(links).chain(mirrors).collect())
}

fn being_set_up() -> sea_orm::sea_query::SelectStatement {
    use integration_link::Column;
    let of_account = |column: Column, of: integration_user::Column| {
        Expr::col((integration_link::Entity, column)).equals((integration_user::Entity, of))
    };
    Query::select()
        .expr(Expr::val(1))
        .from(integration_link::Entity)
        .and_where(of_account(Column::OrganizationId, integration_user::Column::OrganizationId))
        .and_where(of_account(Column::IntegrationUserId, integration_user::Column::Id))
        .and_where(Column::State.eq(LinkState::Pending))
        .to_owned()
}

fn to_told_link() -> sea_orm::RelationDef {
    integration_link::Entity::belongs_to(told_break::Entity)
        .from((integration_link::Column::OrganizationId, integration_link::Column::Id))
        .to((told_break::Column::OrganizationId, told_break::Column::LinkId))
        .into()
}

fn to_told_account() -> sea_orm::RelationDef {
    integration_user::Entity::belongs_to(told_account_break::Entity)
        .from((integration_user::Column::OrganizationId, integration_user::Column::Id))
        .to((told_account_break::Column::OrganizationId, told_account_break::Column::IntegrationUserId))
        .into()
}

fn to_told_mirror() -> sea_orm::RelationDef {
    mirror::Entity::belongs_to(told_mirror_break::Entity)
        .from((mirror::Column::OrganizationId, mirror::Column::Id))
        .to((told_mirror_break::Column::OrganizationId, told_mirror_break::Column::MirrorId))
        .into()
}

fn to_account() -> sea_orm::RelationDef {
    integration_link::Entity::belongs_to(integration_user::Entity)
        .from((integration_link::Column::OrganizationId, integration_link::Column::IntegrationUserId))
        .to((integration_user::Column::OrganizationId, integration_user::Column::Id))
        .into()
}
