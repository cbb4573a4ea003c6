//! Telling: what was written in the log becomes messages to the links that want it, in the same commit.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use integration_contract::{Capability, Want};
use jiff::tz::TimeZone;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, ExprTrait, LockType, OnConflict},
};

use super::{
    digest, job,
    picture::{Picture, pictures},
};
use crate::{
    core::{Core, Error, Result, entries, integration_links, mail::digest::team_hour, partners::Partner},
    db::{
        EntryId, LinkId, OrganizationId, OutboxMessageId, TeamId,
        entity::{
            Tenant,
            integration_link::{self, LinkLevel, LinkState},
            outbox_message::{Column, Entity, Model, OutboxKind, OutboxState},
            post::{self, PostState},
            team,
        },
    },
    queue::{self, NewJob},
};

/// What happened to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// It was written, brought back, or has another status: that is told to everybody who wants it.
    News,
    /// It was reworded, moved to another day, or archived: that concerns only those who were told of it.
    Follow,
}

/// What a message about an entry is about.
pub fn about_entry(id: EntryId) -> String {
    format!("entry:{id}")
}

/// Tells the links of a team what happened to entries of its log: writes the messages and their jobs into the caller's
/// transaction, in the order of `entries`. Call it after the entries were written, and wake the queue after the commit.
///
/// # Errors
/// When the database does not answer.
pub async fn tell(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    team: TeamId,
    entries: &[EntryId],
    occasion: Occasion,
) -> Result<()> {
    let links = listening(core, tx, organization, team).await?;
    if links.is_empty() || entries.is_empty() {
        return Ok(());
    }
    let pictures = pictures(core, tx, organization, entries).await?;
    let origins = origins(tx, organization, &links, &pictures).await?;
    let known = Known::load(tx, organization, &links, &pictures).await?;
    let mut outgoing = Outgoing::default();
    for link in &links {
        let partner = core.partners.get(&link.partner)?;
        let seen = integration_links::as_partner_sees(core, link);
        for picture in pictures.iter().filter(|picture| concerns(link, picture, &origins)) {
            let about = about_entry(picture.row.id);
            if let Some(id) = known.living.get(&(link.id, about.clone())) {
                outgoing.join.insert(*id);
            }
            match fate(partner.integration.wants(&seen, &picture.seen), picture, known.post(link, &about), occasion) {
                Fate::Nothing => {}
                Fate::Send => outgoing.fresh.push(message(core, link, picture, OutboxState::Waiting)),
                Fate::Gather(hour) => {
                    outgoing.fresh.push(message(core, link, picture, OutboxState::Gathered));
                    outgoing.hours.insert(link.id, hour);
                }
            }
        }
    }
    outgoing.write(core, tx, organization, team).await
}

/// The team's links to partners that can be told anything.
pub(super) async fn listening(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    team: TeamId,
) -> Result<Vec<integration_link::Model>> {
    let partners: Vec<&str> =
        core.partners.all().iter().filter(|partner| partner.can(Capability::Deliver)).map(Partner::id).collect();
    if partners.is_empty() {
        return Ok(Vec::new());
    }
    use integration_link::Column as Of;
    let links = integration_link::Entity::of(organization)
        .filter(Of::TeamId.eq(team))
        .filter(Of::Partner.is_in(partners))
        .filter(Of::State.is_not_in([LinkState::Removing, LinkState::Removed]))
        .order_by_asc(Of::Id)
        // First the link, then its messages, as everywhere here: a removal in between would wait for us, and we for it.
        .lock(LockType::KeyShare);
    Ok(links.all(tx).await?)
}

/// Partner and target of the links that entries came through, removed ones included.
pub(super) type Origins = HashMap<LinkId, (String, String)>;

pub(super) async fn origins(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    links: &[integration_link::Model],
    pictures: &[Picture],
) -> Result<Origins> {
    let place = |link: &integration_link::Model| (link.id, (link.partner.clone(), link.target.clone()));
    let mut origins: Origins = links.iter().map(place).collect();
    let others: BTreeSet<LinkId> =
        pictures.iter().filter_map(|picture| picture.row.link_id).filter(|id| !origins.contains_key(id)).collect();
    if !others.is_empty() {
        let others = integration_link::Entity::of(organization).filter(integration_link::Column::Id.is_in(others));
        origins.extend(others.all(db).await?.iter().map(place));
    }
    Ok(origins)
}

/// A user's link is about that user's own entries, and nothing goes back to where it came from, not even through
/// another link to the same place.
pub(super) fn concerns(link: &integration_link::Model, picture: &Picture, origins: &Origins) -> bool {
    if link.level == LinkLevel::User && picture.row.user_id != link.user_id {
        return false;
    }
    let origin = picture.row.link_id.and_then(|id| origins.get(&id));
    !origin.is_some_and(|(partner, target)| *partner == link.partner && *target == link.target)
}

/// What is on its way or stands at partners already.
struct Known {
    living: HashMap<(LinkId, String), OutboxMessageId>,
    posts: HashMap<(LinkId, String), post::Model>,
}

impl Known {
    async fn load(
        tx: &DatabaseTransaction,
        organization: OrganizationId,
        links: &[integration_link::Model],
        pictures: &[Picture],
    ) -> Result<Self> {
        let ids: Vec<LinkId> = links.iter().map(|link| link.id).collect();
        let abouts: Vec<String> = pictures.iter().map(|picture| about_entry(picture.row.id)).collect();
        let living = Entity::of(organization)
            .filter(Column::LinkId.is_in(ids.clone()))
            .filter(Column::About.is_in(abouts.clone()))
            .filter(Column::State.is_in(OutboxState::LIVING));
        let posts = post::Entity::of(organization)
            .filter(post::Column::LinkId.is_in(ids))
            .filter(post::Column::About.is_in(abouts));
        Ok(Self {
            living: living.all(tx).await?.into_iter().map(|row| ((row.link_id, row.about), row.id)).collect(),
            posts: posts.all(tx).await?.into_iter().map(|row| ((row.link_id, row.about.clone()), row)).collect(),
        })
    }

    fn post(&self, link: &integration_link::Model, about: &str) -> Option<&post::Model> {
        self.posts.get(&(link.id, about.to_owned()))
    }
}

/// What is to come of one entry at one link.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Nothing,
    Send,
    Gather(Option<u8>),
}

fn fate(want: Want, picture: &Picture, post: Option<&post::Model>, occasion: Occasion) -> Fate {
    let state = post.map(|post| post.state);
    if state.is_some_and(|state| PostState::STANDING.contains(&state)) {
        // It follows, or is taken back when the link no longer wants it.
        return Fate::Send;
    }
    let told_so_already = post.is_some_and(|post| post.status == Some(picture.row.status));
    if picture.seen.archived || occasion == Occasion::Follow || told_so_already {
        return Fate::Nothing;
    }
    match want {
        Want::No => Fate::Nothing,
        Want::Now => Fate::Send,
        Want::Digest { hour } => Fate::Gather(hour),
    }
}

fn message(core: &Core, link: &integration_link::Model, picture: &Picture, state: OutboxState) -> Model {
    Model {
        entry_id: Some(picture.row.id),
        ..new_message(link, about_entry(picture.row.id), OutboxKind::Entry, state, core.clock.now())
    }
}

/// A message that nothing has happened to.
pub(super) fn new_message(
    link: &integration_link::Model,
    about: String,
    kind: OutboxKind,
    state: OutboxState,
    now: i64,
) -> Model {
    Model {
        organization_id: link.organization_id,
        id: OutboxMessageId::new(),
        link_id: link.id,
        about,
        kind,
        entry_id: None,
        item_id: None,
        digest_id: None,
        content: None,
        state,
        reason: None,
        note: None,
        version: 1,
        turn: 1,
        attempts: 0,
        first_sent_at: None,
        created_at: now,
        finished_at: None,
    }
}

/// Writes a message, unless its link has an unfinished one about the same; says whether it is new.
pub(super) async fn insert(tx: &DatabaseTransaction, message: &Model) -> Result<bool> {
    let written = Entity::insert(message.clone().into_active_model())
        // Of any index: that of unfinished ones is what counts.
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(written > 0)
}

/// What one call of [`tell`] comes to.
#[derive(Default)]
struct Outgoing {
    /// Unfinished messages about the same entries: they will tell of this change too.
    join: HashSet<OutboxMessageId>,
    /// Messages for those that have no unfinished one.
    fresh: Vec<Model>,
    /// The hours of the digests of links that gather; none = the team's.
    hours: BTreeMap<LinkId, Option<u8>>,
}

impl Outgoing {
    async fn write(
        self,
        core: &Core,
        tx: &DatabaseTransaction,
        organization: OrganizationId,
        team: TeamId,
    ) -> Result<()> {
        let joined = join(tx, organization, self.join).await?;
        let mut jobs: Vec<NewJob> = Vec::new();
        let mut gathering = BTreeSet::new();
        for message in self.fresh {
            if joined.contains(&(message.link_id, message.about.clone())) || !insert(tx, &message).await? {
                continue;
            }
            match message.state {
                OutboxState::Gathered => {
                    gathering.insert(message.link_id);
                }
                _ => jobs.push(job(&message)),
            }
        }
        if !gathering.is_empty() {
            let zone = zone_of(tx, organization, team).await?;
            let of_team = team_hour(tx, organization, team).await?;
            for link in gathering {
                let Some(hour) = self.hours.get(&link) else { continue };
                let hour = hour.unwrap_or(of_team);
                jobs.extend(digest::expect(core, tx, organization, link, &zone, hour).await?);
            }
        }
        queue::add_many(tx, jobs).await?;
        Ok(())
    }
}

/// Raises the versions of those that are still unfinished, and says which these are: one may have been finished by its
/// job since it was read here.
async fn join(
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    messages: HashSet<OutboxMessageId>,
) -> Result<HashSet<(LinkId, String)>> {
    if messages.is_empty() {
        return Ok(HashSet::new());
    }
    let joined = Entity::update_of(organization)
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.is_in(messages))
        .filter(Column::State.is_in(OutboxState::LIVING))
        .exec_with_returning(tx)
        .await?;
    Ok(joined.into_iter().map(|row| (row.link_id, row.about)).collect())
}

async fn zone_of(tx: &DatabaseTransaction, organization: OrganizationId, team: TeamId) -> Result<TimeZone> {
    let team = team::Entity::of(organization).filter(team::Column::Id.eq(team)).one(tx).await?;
    Ok(entries::zone(&team.ok_or(Error::NotFound)?))
}
