//! Telling open pages that something in a team's log is new, whichever process wrote it.
//!
//! While anybody watches, this process asks the database once a second, with one query for each organization whose logs
//! are watched. What is told is only that there is news: who watches reads the log again, by the rules for reading.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::select_all;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use tokio::sync::watch;

use super::{Core, Error, Result, entries, people::Member, teams};
use crate::db::{
    EntryId, OrganizationId, TeamId, UserId,
    entity::{Tenant, entry},
};

/// How often the database is asked.
const EVERY: Duration = Duration::from_secs(1);
/// Who commits later than others may have begun earlier, and machines' clocks differ: so far back is looked each time.
const LOOK_BACK: i64 = 10_000;
/// The most changes of one organization that are looked at each time, newest first.
const MOST_CHANGES: u64 = 500;
/// The most open pages of one person, and of everybody together in this process.
const MOST_OF_ONE: usize = 12;
const MOST: usize = 1_000;

/// The team's logs that are watched in this process. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Live(Arc<Mutex<Watched>>);

#[derive(Default)]
struct Watched {
    teams: HashMap<(OrganizationId, TeamId), watch::Sender<()>>,
    people: HashMap<UserId, usize>,
    /// Whether somebody asks the database already.
    asking: bool,
}

/// One open page's place. It is free again when it is dropped.
pub struct Watching {
    live: Live,
    user: UserId,
    news: Vec<watch::Receiver<()>>,
}

impl Watching {
    /// Waits until something is new since the last time.
    pub async fn news(&mut self) {
        if !self.news.is_empty() {
            let changes = self.news.iter_mut().map(|news| Box::pin(news.changed()));
            if select_all(changes).await.0.is_ok() {
                return;
            }
        }
        // Of no log there is any news. That a sender is gone is never reached: it goes after its last receiver.
        std::future::pending::<()>().await;
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut watched = self.live.lock();
        if let Some(pages) = watched.people.get_mut(&self.user) {
            *pages -= 1;
            if *pages == 0 {
                watched.people.remove(&self.user);
            }
        }
    }
}

/// Watches the log of a team.
///
/// # Errors
/// [`Error::NotFound`] for who does not see it, [`Error::TooMany`] when this person or everybody together has too many
/// open pages.
pub async fn watch_log(core: &Core, who: &Member, team: TeamId) -> Result<Watching> {
    entries::must_see(core.db.reader(), who, team).await?;
    watch(core, who, &[team])
}

/// Watches the logs of all teams that a member is in.
///
/// # Errors
/// As [`watch_log`].
pub async fn watch_own(core: &Core, who: &Member) -> Result<Watching> {
    let teams: Vec<TeamId> = teams::of_member(core, who).await?.into_iter().map(|team| team.id).collect();
    watch(core, who, &teams)
}

fn watch(core: &Core, who: &Member, teams: &[TeamId]) -> Result<Watching> {
    let live = &core.0.live;
    let mut watched = live.lock();
    let pages = watched.people.get(&who.user).copied().unwrap_or_default();
    if pages >= MOST_OF_ONE || watched.people.values().sum::<usize>() >= MOST {
        return Err(Error::TooMany(60));
    }
    watched.people.insert(who.user, pages + 1);
    let mut subscribe = |team: &TeamId| {
        watched.teams.entry((who.organization, *team)).or_insert_with(|| watch::channel(()).0).subscribe()
    };
    let news: Vec<_> = teams.iter().map(&mut subscribe).collect();
    if !news.is_empty() && !std::mem::replace(&mut watched.asking, true) {
        tokio::spawn(ask(core.clone()));
    }
    Ok(Watching { live: live.clone(), user: who.user, news })
}

/// What a log's newest change is called. A page that was drawn at another one is no longer up to date.
///
/// # Errors
/// [`Error::NotFound`] for who does not see the team.
pub async fn newest(core: &Core, who: &Member, team: TeamId) -> Result<String> {
    entries::must_see(core.db.reader(), who, team).await?;
    newest_of(core, entry::Entity::of(who.organization).filter(entry::Column::TeamId.eq(team))).await
}

/// The same for what a member did, in whichever team.
///
/// # Errors
/// When the database does not answer.
pub async fn newest_own(core: &Core, who: &Member) -> Result<String> {
    newest_of(core, entry::Entity::of(who.organization).filter(entry::Column::UserId.eq(who.user))).await
}

async fn newest_of(core: &Core, entries: Select<entry::Entity>) -> Result<String> {
    let newest: Option<(i64, EntryId)> = entries
        .select_only()
        .columns([entry::Column::UpdatedAt, entry::Column::Id])
        .order_by_desc(entry::Column::UpdatedAt)
        .order_by_desc(entry::Column::Id)
        .into_tuple()
        .one(core.db.reader())
        .await?;
    // Never empty: browsers do not pass on an event that carries nothing.
    Ok(newest.map_or_else(|| "none".to_owned(), |(at, id)| format!("{at}-{id}")))
}

impl Live {
    fn lock(&self) -> std::sync::MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The teams that are watched now, by organization. Without any, nobody asks any more.
    fn watched(&self) -> Option<HashMap<OrganizationId, Vec<TeamId>>> {
        let mut watched = self.lock();
        watched.teams.retain(|_, news| news.receiver_count() > 0);
        watched.asking = !watched.teams.is_empty();
        let mut teams: HashMap<OrganizationId, Vec<TeamId>> = HashMap::new();
        for (organization, team) in watched.teams.keys() {
            teams.entry(*organization).or_default().push(*team);
        }
        watched.asking.then_some(teams)
    }

    /// Lets the open pages of a team's log look again.
    pub(super) fn tell(&self, organization: OrganizationId, team: TeamId) {
        if let Some(news) = self.lock().teams.get(&(organization, team)) {
            news.send_replace(());
        }
    }
}

/// The changes of a team's log that are known: what is not among them is news.
#[derive(Default)]
struct Known {
    changes: HashSet<(EntryId, i64)>,
    latest: i64,
}

/// Asks for as long as anybody watches.
async fn ask(core: Core) {
    let mut known: HashMap<(OrganizationId, TeamId), Known> = HashMap::new();
    while let Some(teams) = core.0.live.watched() {
        known.retain(|(organization, team), _| teams.get(organization).is_some_and(|watched| watched.contains(team)));
        for (organization, teams) in teams {
            if let Err(error) = look(&core, &mut known, organization, &teams).await {
                tracing::debug!(?error, "could not look for news of the log");
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn look(
    core: &Core,
    known: &mut HashMap<(OrganizationId, TeamId), Known>,
    organization: OrganizationId,
    teams: &[TeamId],
) -> Result<()> {
    let now = core.clock.now();
    let latest = |team: &TeamId| known.get(&(organization, *team)).map_or(now, |known| known.latest);
    let since = teams.iter().map(latest).min().unwrap_or(now) - LOOK_BACK;
    let changes: Vec<(TeamId, EntryId, i64)> = entry::Entity::of(organization)
        .select_only()
        .columns([entry::Column::TeamId, entry::Column::Id, entry::Column::UpdatedAt])
        .filter(entry::Column::TeamId.is_in(teams.iter().copied()))
        .filter(entry::Column::UpdatedAt.gte(since))
        .order_by_desc(entry::Column::UpdatedAt)
        .limit(MOST_CHANGES)
        .into_tuple()
        .all(core.db.reader())
        .await?;
    for &team in teams {
        let found: HashSet<(EntryId, i64)> =
            changes.iter().filter(|(of, ..)| *of == team).map(|(_, id, at)| (*id, *at)).collect();
        let before = known.entry((organization, team)).or_default();
        let news = found.iter().any(|change| !before.changes.contains(change));
        before.latest = found.iter().map(|(_, at)| *at).max().unwrap_or(now).max(before.latest);
        before.changes = found;
        // At first that tells what a page may know: it compares by itself, and nothing gets lost in between.
        if news {
            core.0.live.tell(organization, team);
        }
    }
    Ok(())
}
