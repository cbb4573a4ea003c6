//! Troubles: what of a person's is broken, for the line at the top of every page, and what works again and was not said yet.
//!
//! A page where nothing is wrong costs one statement, which reads four indexes and finds nothing.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, QueryFilter,
    sea_query::{Expr, ExprTrait, Query, SelectStatement, UnionType},
};
use uuid::Uuid;

use super::{
    next_step::{By, Looks, NextStep, of_account, of_mirror},
    standing::Standings,
};
use crate::{
    core::{
        Core, Result, integration_links, mirrors,
        people::{Member, Person},
    },
    db::{
        IntegrationUserId, LinkId, OrganizationId, UserId,
        entity::{
            Tenant,
            integration_link::{self, LinkLevel, LinkState},
            integration_user::{self, AccountState},
            member::Role,
            mirror::{self, MirrorState},
            recovery, team_member,
        },
    },
};

/// No more than so many are looked at; beyond that, numbers say "at least".
const MOST: u64 = 50;

/// What there is to say at the top of a page.
#[derive(Debug, Default)]
pub struct Troubles {
    /// The newest last.
    pub broken: Vec<Trouble>,
    /// Whether there may be more.
    pub more: bool,
    /// What works again: said now, and never again.
    pub recovered: Vec<Recovered>,
}

/// One thing that is broken, with all that it stops.
#[derive(Debug)]
pub struct Trouble {
    /// In which organization.
    pub organization: OrganizationId,
    /// What it is.
    pub kind: Kind,
    /// What people call it.
    pub name: String,
    /// Why.
    pub reason: Option<String>,
    /// What mends it.
    pub step: Option<NextStep>,
    /// Whom the step names, where that is somebody else.
    pub who: Vec<String>,
    /// How many more links it stops.
    pub others: usize,
    /// Since when, unix milliseconds.
    pub since: i64,
}

/// What is broken.
#[derive(Debug)]
pub enum Kind {
    /// An account, or the organization's installation.
    Account(Box<integration_user::Model>),
    /// A link, with the account that it acts with.
    Link(Box<integration_link::Model>, Option<Box<integration_user::Model>>),
    /// A mirror.
    Mirror(Box<mirror::Model>),
}

/// What works again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// What people call it.
    pub what: String,
    /// The path of its page.
    pub path: String,
    /// Unix milliseconds since when.
    pub since: i64,
}

#[derive(FromQueryResult)]
struct Found {
    kind: i32,
    organization_id: Uuid,
    id: Uuid,
}

const ACCOUNT: i32 = 0;
const LINK: i32 = 1;
const MIRROR: i32 = 2;

impl Troubles {
    /// What of this person's is broken, in all of their organizations: their own accounts and links, and where they are an
    /// admin, what their teams have.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(core: &Core, person: &Person) -> Result<Self> {
        if person.memberships.is_empty() {
            return Ok(Self::default());
        }
        let backend = core.db.reader().get_database_backend();
        let found = Found::find_by_statement(backend.build(&look(person))).all(core.db.reader()).await?;
        if found.is_empty() {
            return Ok(Self::default());
        }
        let broken = found.iter().filter(|found| found.kind <= MIRROR).count() as u64;
        let mut troubles = Self { more: broken > MOST, ..Self::default() };
        for member in person.members() {
            let of = |kind: i32| -> Vec<Uuid> {
                let here = found.iter().filter(|found| found.organization_id == member.organization.0);
                here.filter(|found| found.kind == kind).map(|found| found.id).collect()
            };
            troubles.broken.extend(broken_in(core, &member, of(ACCOUNT), of(LINK), of(MIRROR)).await?);
        }
        if (broken as usize) < found.len() {
            troubles.recovered = take_recovered(core, person).await?;
        }
        troubles.broken.sort_by_key(|trouble| trouble.since);
        Ok(troubles)
    }
}

/// One statement over everything that may be wrong.
fn look(person: &Person) -> SelectStatement {
    let all: Vec<OrganizationId> = person.organizations().collect();
    let led: Vec<OrganizationId> =
        person.members().filter(|member| member.role != Role::Member).map(|member| member.organization).collect();
    let user = person.user.id;
    let teams = Query::select()
        .column(team_member::Column::TeamId)
        .from(team_member::Entity)
        .and_where(team_member::Column::UserId.eq(user))
        .and_where(team_member::Column::OrganizationId.is_in(led.iter().copied()))
        .to_owned();
    let accounts = found(ACCOUNT, integration_user::Entity, integration_user::Column::Id)
        .and_where(integration_user::Column::OrganizationId.is_in(all.iter().copied()))
        .and_where(integration_user::Column::State.eq(AccountState::Broken))
        .and_where(
            integration_user::Column::UserId.eq(user).or(integration_user::Column::UserId
                .is_null()
                .and(integration_user::Column::OrganizationId.is_in(led.iter().copied()))),
        )
        .to_owned();
    let links = found(LINK, integration_link::Entity, integration_link::Column::Id)
        .and_where(integration_link::Column::OrganizationId.is_in(all.iter().copied()))
        .and_where(integration_link::Column::State.eq(LinkState::Broken))
        .and_where(
            integration_link::Column::UserId.eq(user).or(integration_link::Column::Level
                .eq(LinkLevel::Team)
                .and(integration_link::Column::TeamId.in_subquery(teams.clone()))),
        )
        .to_owned();
    let mirrors = found(MIRROR, mirror::Entity, mirror::Column::Id)
        .and_where(mirror::Column::OrganizationId.is_in(all.iter().copied()))
        .and_where(mirror::Column::State.eq(MirrorState::Broken))
        .and_where(mirror::Column::CreatedBy.eq(user).or(mirror::Column::TeamId.in_subquery(teams)))
        .to_owned();
    let recoveries = found(MIRROR + 1, recovery::Entity, recovery::Column::Id)
        .and_where(recovery::Column::UserId.eq(user))
        // Those of an organization they have left are not for them any more.
        .and_where(recovery::Column::OrganizationId.is_in(all))
        .to_owned();
    let mut all = accounts;
    all.union(UnionType::All, links)
        .union(UnionType::All, mirrors)
        .union(UnionType::All, recoveries)
        .limit(MOST + 1)
        .to_owned()
}

fn found(kind: i32, table: impl EntityTrait, id: impl ColumnTrait) -> SelectStatement {
    Query::select()
        .expr_as(Expr::val(kind), "kind")
        .column("organization_id")
        .expr_as(Expr::col(id), "id")
        .from(table)
        .to_owned()
}

async fn broken_in(
    core: &Core,
    who: &Member,
    accounts: Vec<Uuid>,
    links: Vec<Uuid>,
    mirrors_: Vec<Uuid>,
) -> Result<Vec<Trouble>> {
    let (db, organization) = (core.db.reader(), who.organization);
    let mut troubles = Vec::new();
    let mut by_account: BTreeMap<IntegrationUserId, usize> = BTreeMap::new();
    if !accounts.is_empty() {
        let rows = integration_user::Entity::of(organization).filter(integration_user::Column::Id.is_in(accounts));
        for row in rows.all(db).await? {
            by_account.insert(row.id, troubles.len());
            troubles.push(Trouble {
                organization,
                name: row.account_name.clone(),
                reason: row.reason.clone(),
                step: of_account(row.state, true, false),
                who: Vec::new(),
                others: 0,
                since: row.broken_since.unwrap_or(row.updated_at),
                kind: Kind::Account(Box::new(row)),
            });
        }
    }
    if !links.is_empty() {
        let rows = integration_link::Entity::of(organization).filter(integration_link::Column::Id.is_in(links));
        let rows = rows.all(db).await?;
        let standings = Standings::of(core, who, &rows.iter().collect::<Vec<_>>()).await?;
        for link in rows {
            let account = standings.account(&link).cloned();
            let broken = account.as_ref().filter(|account| account.state == AccountState::Broken);
            if let Some(account) = broken {
                // One cause is one line, however many links it stops.
                let at = *by_account.entry(account.id).or_insert(troubles.len());
                if let Some(trouble) = troubles.get_mut(at) {
                    trouble.others += 1;
                    continue;
                }
            }
            let standing = standings.of_link(core, who, &link);
            troubles.push(Trouble {
                organization,
                name: link.name.clone(),
                reason: standing.reason,
                who: named(standing.step, &standings),
                step: standing.step,
                others: 0,
                since: standing.since,
                kind: Kind::Link(Box::new(link), account.map(Box::new)),
            });
        }
    }
    if !mirrors_.is_empty() {
        troubles.extend(broken_mirrors(core, who, mirrors_).await?);
    }
    Ok(troubles)
}

async fn broken_mirrors(core: &Core, who: &Member, ids: Vec<Uuid>) -> Result<Vec<Trouble>> {
    let (db, organization) = (core.db.reader(), who.organization);
    let rows = mirror::Entity::of(organization).filter(mirror::Column::Id.is_in(ids)).all(db).await?;
    let links: BTreeSet<LinkId> = rows.iter().flat_map(|row| [row.left_link, row.right_link]).collect();
    let links = integration_link::Entity::of(organization).filter(integration_link::Column::Id.is_in(links));
    let living: BTreeSet<LinkId> =
        links.all(db).await?.iter().filter(|link| integration_links::lives(link)).map(|link| link.id).collect();
    let looks = if mirrors::must_manage(who).is_ok() { Looks::Manager } else { Looks::AtTeams };
    // Who may mend one themselves is named none.
    let admins = if who.is_admin() { Vec::new() } else { super::standing::admins_of(core, who).await? };
    let troubles = rows.into_iter().map(|row| {
        let whole = [row.left_link, row.right_link].iter().all(|link| living.contains(link));
        let step = of_mirror(row.state, whole, looks);
        Trouble {
            organization,
            name: row.name.clone(),
            reason: row.reason.clone(),
            step,
            who: if step.is_some_and(|step| step.by == By::Admins) { admins.clone() } else { Vec::new() },
            others: 0,
            since: row.state_since,
            kind: Kind::Mirror(Box::new(row)),
        }
    });
    Ok(troubles.collect())
}

/// Whom a step names.
pub fn named(step: Option<NextStep>, standings: &Standings) -> Vec<String> {
    match step.map(|step| step.by) {
        Some(By::User(user)) => standings.name(user).map(str::to_owned).into_iter().collect(),
        Some(By::Admins) => standings.admins().to_vec(),
        _ => Vec::new(),
    }
}

/// Read and forgotten in one statement: of two pages at once, one says it.
async fn take_recovered(core: &Core, person: &Person) -> Result<Vec<Recovered>> {
    let organizations: BTreeSet<OrganizationId> = person.organizations().collect();
    let user: UserId = person.user.id;
    let taken = core
        .db
        .write(async |tx| {
            let mut taken = Vec::new();
            for organization in organizations {
                let of_user = recovery::Entity::delete_of(organization).filter(recovery::Column::UserId.eq(user));
                taken.extend(of_user.exec_with_returning(tx).await?);
            }
            Ok::<_, crate::core::Error>(taken)
        })
        .await?;
    let mut recovered: Vec<Recovered> =
        taken.into_iter().map(|row| Recovered { what: row.what, path: row.path, since: row.since }).collect();
    recovered.sort_by_key(|recovered| recovered.since);
    Ok(recovered)
}
