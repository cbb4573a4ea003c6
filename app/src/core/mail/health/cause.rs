//! A cause: how it stands, whom it concerns, and what is written to them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, tz::TimeZone};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    TryInsertResult,
};

use super::super::{Letter, write};
use crate::{
    core::{Core, Result, entries, partners::our_url},
    db::{
        IntegrationUserId, LinkId, MirrorId, OrganizationId, RecoveryId, TeamId, UserId,
        entity::{
            Tenant,
            integration_link::{self, LinkLevel, LinkState},
            integration_user::{self, AccountState},
            member::{self, Role},
            mirror::{self, MirrorState},
            recovery, team, team_member, told_account_break, told_break, told_mirror_break,
        },
    },
};

/// So many links are named in a letter.
const NAMED: usize = 20;

/// What may break.
#[derive(Clone, Copy)]
pub(super) enum Cause {
    Account(OrganizationId, IntegrationUserId),
    Link(OrganizationId, LinkId),
    Mirror(OrganizationId, MirrorId),
}

impl Cause {
    /// Tells that it broke, unless it works by now or somebody was quicker.
    pub(super) async fn tell_break(self, core: &Core, tx: &DatabaseTransaction) -> Result<()> {
        let Some(break_) = Break::of(core, tx, self).await?.filter(|it| it.broken) else { return Ok(()) };
        if !self.mark(core, tx).await? {
            return Ok(());
        }
        for (stopped, to) in break_.by_what_they_see() {
            let letter = break_.letter(core, &stopped);
            write(core, tx, break_.organization, to, &letter).await?;
        }
        Ok(())
    }

    /// Tells that it works again, if it does; a break that a person ended is only forgotten.
    pub(super) async fn tell_end(self, core: &Core, tx: &DatabaseTransaction) -> Result<()> {
        let Some(break_) = Break::of(core, tx, self).await?.filter(|it| it.over) else { return Ok(()) };
        // Paused, removed or disconnected by a person: that person knows.
        if !self.unmark(tx).await? || !break_.works {
            return Ok(());
        }
        for (stopped, to) in break_.by_what_they_see() {
            for user in &to {
                break_.say_on_a_page(tx, *user).await?;
            }
            write(core, tx, break_.organization, to, &break_.end(core, &stopped)).await?;
        }
        Ok(())
    }

    /// Says whether nobody was quicker.
    async fn mark(self, core: &Core, tx: &DatabaseTransaction) -> Result<bool> {
        let told_at = core.clock.now();
        let told = match self {
            Self::Account(organization_id, integration_user_id) => {
                let row = told_account_break::Model { organization_id, integration_user_id, told_at };
                use told_account_break::Column::{IntegrationUserId, OrganizationId};
                told_account_break::Entity::insert(row.into_active_model())
                    .on_conflict_do_nothing_on([OrganizationId, IntegrationUserId])
                    .exec_without_returning(tx)
                    .await?
            }
            Self::Link(organization_id, link_id) => {
                let row = told_break::Model { organization_id, link_id, told_at };
                use told_break::Column::{LinkId, OrganizationId};
                told_break::Entity::insert(row.into_active_model())
                    .on_conflict_do_nothing_on([OrganizationId, LinkId])
                    .exec_without_returning(tx)
                    .await?
            }
            Self::Mirror(organization_id, mirror_id) => {
                let row = told_mirror_break::Model { organization_id, mirror_id, told_at };
                use told_mirror_break::Column::{MirrorId, OrganizationId};
                told_mirror_break::Entity::insert(row.into_active_model())
                    .on_conflict_do_nothing_on([OrganizationId, MirrorId])
                    .exec_without_returning(tx)
                    .await?
            }
        };
        Ok(matches!(told, TryInsertResult::Inserted(rows) if rows > 0))
    }

    async fn unmark(self, tx: &DatabaseTransaction) -> Result<bool> {
        let gone = match self {
            Self::Account(organization, id) => {
                let of = told_account_break::Column::IntegrationUserId.eq(id);
                told_account_break::Entity::delete_of(organization).filter(of).exec(tx).await?
            }
            Self::Link(organization, id) => {
                told_break::Entity::delete_of(organization).filter(told_break::Column::LinkId.eq(id)).exec(tx).await?
            }
            Self::Mirror(organization, id) => {
                let of = told_mirror_break::Column::MirrorId.eq(id);
                told_mirror_break::Entity::delete_of(organization).filter(of).exec(tx).await?
            }
        };
        Ok(gone.rows_affected > 0)
    }
}

/// How a cause stands as of this transaction, and what it stops.
struct Break {
    organization: OrganizationId,
    /// Whether it is broken.
    broken: bool,
    /// Whether it is known that it is not.
    over: bool,
    /// Whether it works.
    works: bool,
    /// As people call it.
    name: String,
    /// The whole of it, as a sentence begins.
    what: String,
    reason: Option<String>,
    /// Since when it stands so.
    since: i64,
    zone: TimeZone,
    /// The path of its page.
    path: String,
    /// To whom it is told in any case.
    to: BTreeSet<UserId>,
    /// What it stops besides itself, each with who is concerned.
    stops: Vec<(integration_link::Model, BTreeSet<UserId>)>,
    /// Why it is told to them.
    because: &'static str,
}

impl Break {
    /// Held until the transaction ends.
    async fn of(core: &Core, tx: &DatabaseTransaction, cause: Cause) -> Result<Option<Self>> {
        match cause {
            Cause::Account(organization, id) => {
                let row = integration_user::Entity::of(organization).filter(integration_user::Column::Id.eq(id));
                match row.lock_exclusive().one(tx).await? {
                    Some(row) => Self::of_account(core, tx, row).await.map(Some),
                    None => Ok(None),
                }
            }
            Cause::Link(organization, id) => {
                let link = integration_link::Entity::of(organization).filter(integration_link::Column::Id.eq(id));
                match link.lock_exclusive().one(tx).await? {
                    Some(link) => Self::of_link(core, tx, link).await,
                    None => Ok(None),
                }
            }
            Cause::Mirror(organization, id) => {
                let mirror = mirror::Entity::of(organization).filter(mirror::Column::Id.eq(id));
                match mirror.lock_exclusive().one(tx).await? {
                    Some(mirror) => Self::of_mirror(tx, mirror).await,
                    None => Ok(None),
                }
            }
        }
    }

    async fn of_account(core: &Core, tx: &DatabaseTransaction, row: integration_user::Model) -> Result<Self> {
        let organization = row.organization_id;
        let links = integration_link::Entity::of(organization)
            .filter(integration_link::Column::IntegrationUserId.eq(row.id))
            .filter(integration_link::Column::State.is_not_in([LinkState::Removing, LinkState::Removed]))
            .order_by_asc(integration_link::Column::CreatedAt)
            .all(tx)
            .await?;
        let pending = links.iter().any(|link| link.state == LinkState::Pending);
        let mut zone = TimeZone::UTC;
        let mut stops: Vec<(integration_link::Model, BTreeSet<UserId>)> = Vec::new();
        for link in links {
            if stops.is_empty() {
                zone = zone_of(tx, organization, link.team_id).await?.unwrap_or(TimeZone::UTC);
            }
            let known = stops.iter().find(|(other, _)| {
                (other.team_id, other.user_id, other.level) == (link.team_id, link.user_id, link.level)
            });
            let to = match known {
                Some((_, to)) => to.clone(),
                None => concerned(tx, organization, link.team_id, link.level, link.user_id).await?,
            };
            stops.push((link, to));
        }
        let mut to = BTreeSet::new();
        match row.user_id {
            Some(user) => to.extend(members_of(tx, organization, |member| member.user_id == user).await?),
            None if stops.is_empty() => {
                to.extend(members_of(tx, organization, |member| member.role != Role::Member).await?);
            }
            None => {}
        }
        let partner = core.partners.name_of(&row.partner);
        let name = format!("{} ({partner})", row.account_name);
        let (what, path) = match row.user_id {
            Some(_) => (format!("The account {name}"), "settings".to_owned()),
            None => (format!("The app in {name}"), format!("integrations/{}", row.partner)),
        };
        Ok(Self {
            organization,
            broken: row.state == AccountState::Broken,
            over: row.state != AccountState::Broken && !pending,
            works: row.state == AccountState::Connected,
            name,
            what,
            since: if row.state == AccountState::Broken {
                row.broken_since.unwrap_or(row.updated_at)
            } else {
                row.connected_at
            },
            reason: row.reason,
            zone,
            path,
            to,
            stops,
            because: "the account is yours, or because you are an admin in a team that it works for",
        })
    }

    async fn of_link(core: &Core, tx: &DatabaseTransaction, link: integration_link::Model) -> Result<Option<Self>> {
        let organization = link.organization_id;
        let Some(team) = team_of(tx, organization, link.team_id).await? else { return Ok(None) };
        let account_broken = match link.integration_user_id {
            Some(id) => {
                let row = integration_user::Entity::of(organization).filter(integration_user::Column::Id.eq(id));
                row.one(tx).await?.is_some_and(|row| row.state == AccountState::Broken)
            }
            None => false,
        };
        let name = format!("{} ({})", link.name, core.partners.name_of(&link.partner));
        Ok(Some(Self {
            organization,
            broken: link.state == LinkState::Broken && !account_broken,
            over: !matches!(link.state, LinkState::Broken | LinkState::Pending),
            works: link.state == LinkState::Active,
            what: format!("The link to {name} of the team {}", team.name),
            name,
            since: link.state_since,
            zone: entries::zone(&team),
            path: format!("integrations/{}/link/{}", link.partner, link.id),
            to: concerned(tx, organization, link.team_id, link.level, link.user_id).await?,
            reason: link.reason,
            stops: Vec::new(),
            because: "the link is yours, or because you are an admin in its team",
        }))
    }

    async fn of_mirror(tx: &DatabaseTransaction, mirror: mirror::Model) -> Result<Option<Self>> {
        let organization = mirror.organization_id;
        let Some(team) = team_of(tx, organization, mirror.team_id).await? else { return Ok(None) };
        Ok(Some(Self {
            organization,
            broken: mirror.state == MirrorState::Broken,
            over: mirror.state != MirrorState::Broken,
            works: mirror.state == MirrorState::Active,
            what: format!("The mirror {} of the team {}", mirror.name, team.name),
            name: mirror.name,
            since: mirror.state_since,
            zone: entries::zone(&team),
            path: format!("mirrors/{}", mirror.id),
            to: concerned(tx, organization, mirror.team_id, LinkLevel::Team, Some(mirror.created_by)).await?,
            reason: mirror.reason,
            stops: Vec::new(),
            because: "you made the mirror, or because you are an admin in its team",
        }))
    }

    /// Everybody it is told to, by what of it is theirs to see: one letter each.
    fn by_what_they_see(&self) -> Vec<(Vec<&integration_link::Model>, BTreeSet<UserId>)> {
        let of_stops = self.stops.iter().flat_map(|(_, to)| to);
        let everybody: BTreeSet<UserId> = self.to.iter().chain(of_stops).copied().collect();
        let mut letters: BTreeMap<Vec<LinkId>, (Vec<&integration_link::Model>, BTreeSet<UserId>)> = BTreeMap::new();
        for user in everybody {
            let sees = |(_, to): &&(_, BTreeSet<UserId>)| self.to.contains(&user) || to.contains(&user);
            let links: Vec<_> = self.stops.iter().filter(sees).map(|(link, _)| link).collect();
            let key = links.iter().map(|link| link.id).collect();
            letters.entry(key).or_insert_with(|| (links, BTreeSet::new())).1.insert(user);
        }
        letters.into_values().collect()
    }

    fn letter(&self, core: &Core, stopped: &[&integration_link::Model]) -> Letter {
        let since = Timestamp::from_millisecond(self.since).unwrap_or_default().to_zoned(self.zone.clone());
        let since = since.strftime("%-d %B %Y, %H:%M");
        let reason = self.reason.as_deref().unwrap_or("The partner refuses what it needs.");
        let stops = match list(stopped) {
            list if list.is_empty() => String::new(),
            list => format!("It stops:\n\n{list}\n"),
        };
        Letter {
            subject: format!("{} needs somebody", self.name),
            body: format!(
                "{what} has not worked since {since}:\n\n    {reason}\n\n{stops}\
                 Nothing was removed, and it goes on by itself once this is mended. What to do is said here:\n{url}\n\n\
                 You get this because {because}. There will be one more mail: when it works again.\n",
                what = self.what,
                url = self.url(core),
                because = self.because,
            ),
        }
    }

    fn end(&self, core: &Core, stopped: &[&integration_link::Model]) -> Letter {
        let (works, not): (Vec<_>, Vec<_>) = stopped.iter().copied().partition(|link| link.state != LinkState::Broken);
        let mut body = format!("{} works again:\n{}\n", self.what, self.url(core));
        if !works.is_empty() {
            body.push_str(&format!("\nWith it go on:\n\n{}", list(&works)));
        }
        if !not.is_empty() {
            body.push_str(&format!("\nStill in need of somebody:\n\n{}", list(&not)));
        }
        Letter { subject: format!("{} works again", self.name), body }
    }

    async fn say_on_a_page(&self, tx: &DatabaseTransaction, user: UserId) -> Result<()> {
        let row = recovery::Model {
            organization_id: self.organization,
            id: RecoveryId::new(),
            user_id: user,
            what: self.name.clone(),
            path: format!("/{}", self.path),
            since: self.since,
        };
        recovery::Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
        Ok(())
    }

    fn url(&self, core: &Core) -> url::Url {
        our_url(&core.site.public_url, &self.path)
    }
}

/// Links by name, a line each.
fn list(links: &[&integration_link::Model]) -> String {
    let mut lines: String = links.iter().take(NAMED).map(|link| format!("    * {}\n", link.name)).collect();
    if links.len() > NAMED {
        lines.push_str(&format!("    and {} more\n", links.len() - NAMED));
    }
    lines
}

async fn team_of(tx: &DatabaseTransaction, organization: OrganizationId, id: TeamId) -> Result<Option<team::Model>> {
    Ok(team::Entity::of(organization).filter(team::Column::Id.eq(id)).one(tx).await?)
}

async fn zone_of(tx: &DatabaseTransaction, organization: OrganizationId, id: TeamId) -> Result<Option<TimeZone>> {
    Ok(team_of(tx, organization, id).await?.as_ref().map(entries::zone))
}

async fn members_of(
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    which: impl Fn(&member::Model) -> bool,
) -> Result<BTreeSet<UserId>> {
    let members = member::Entity::of(organization).all(tx).await?;
    Ok(members.iter().filter(|member| which(member)).map(|member| member.user_id).collect())
}

/// The owner, and for what is a team's the admins in that team; the organization's owners where that is nobody.
async fn concerned(
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    team: TeamId,
    level: LinkLevel,
    owner: Option<UserId>,
) -> Result<BTreeSet<UserId>> {
    let in_team: BTreeSet<UserId> = match level {
        // Somebody's own is nobody else's.
        LinkLevel::User => BTreeSet::new(),
        LinkLevel::Team => team_member::Entity::of(organization)
            .filter(team_member::Column::TeamId.eq(team))
            .all(tx)
            .await?
            .into_iter()
            .map(|row| row.user_id)
            .collect(),
    };
    let told = members_of(tx, organization, |member| {
        owner == Some(member.user_id) || (member.role != Role::Member && in_team.contains(&member.user_id))
    })
    .await?;
    if told.is_empty() {
        return members_of(tx, organization, |member| member.role == Role::Owner).await;
    }
    Ok(told)
}
