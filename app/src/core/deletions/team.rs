//! Deleting a team with its log and its links, and the receipt that its organization keeps for a while.
//!
//! An admin asks for it ([`begin`]): in that commit the team is as good as gone, and its mirrors and links are removed as any
//! are. A job does the rest ([`go_on`]): it waits until what the links made at partners is undone, then the rows go, a few in
//! each commit, and last the team itself. It may be cut off anywhere and run twice.

use std::time::Duration;

use integration_contract::{Undone, UndoneOutcome};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Select,
    sea_query::{Expr, LockType},
};
use serde::{Deserialize, Serialize};

use super::{AFTER_GIVING_UP, LISTED, TABLES, leave};
use crate::{
    core::{
        Core, Error, Result,
        audit::{self, About, Deed},
        integration_links, mirrors, organizations, outbox,
        people::{Member, Person},
    },
    db::{
        LinkId, MailId, OfTeam, OrganizationId, Outdated, RecoveryId, TeamId,
        entity::{
            Tenant, entry,
            integration_link::{self, LinkState},
            invitation, mail,
            mirror::{self, MirrorState},
            recovery, team, team_deletion,
            team_deletion::Model,
            team_digest, team_member,
        },
    },
    queue::{self, NewJob, Outcome},
};

/// The job that deletes a team: payload `{"team": id}`.
pub const DELETE: &str = "delete_team";

/// How long a receipt can be read.
pub const RECEIPTS_KEPT: Duration = Duration::from_hours(30 * 24);

/// How much a team has of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Entries of its log.
    pub entries: u64,
    /// Links that are there, people's own among them.
    pub links: u64,
    /// Mirrors that are there.
    pub mirrors: u64,
}

impl Counts {
    async fn of(db: &impl ConnectionTrait, organization: OrganizationId, id: TeamId) -> Result<Self> {
        Ok(Self {
            entries: entry::Entity::of(organization).filter(entry::Column::TeamId.eq(id)).count(db).await?,
            links: living(links(organization, id)).count(db).await?,
            mirrors: mirrors(organization, id).count(db).await?,
        })
    }

    /// As people read it: "12 entries, 1 link and no mirrors".
    pub fn words(&self) -> String {
        let some = |many: u64, one: &str, more: &str| match many {
            0 => format!("no {more}"),
            1 => format!("1 {one}"),
            many => format!("{many} {more}"),
        };
        let entries = some(self.entries, "entry", "entries");
        format!("{entries}, {} and {}", some(self.links, "link", "links"), some(self.mirrors, "mirror", "mirrors"))
    }
}

/// What is left of a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What it was called.
    pub name: String,
    /// How much it had of what.
    pub counts: Counts,
    /// What became of each thing at a partner.
    pub undone: Vec<Undone>,
    /// Unix milliseconds.
    pub begun_at: i64,
    /// Whether nothing else is left.
    pub is_done: bool,
}

impl Receipt {
    fn of(row: Model) -> Self {
        Self {
            name: row.name,
            counts: serde_json::from_value(row.counts).unwrap_or_default(),
            undone: serde_json::from_value(row.undone).unwrap_or_default(),
            begun_at: row.begun_at,
            is_done: row.finished_at.is_some(),
        }
    }
}

/// What would go with a team.
///
/// # Errors
/// When the database does not answer.
pub async fn foresee(core: &Core, who: &Member, id: TeamId) -> Result<Counts> {
    Counts::of(core.db.reader(), who.organization, id).await
}

/// Begins to delete a team, for an admin who types its name: from then on it is nowhere to be seen, nothing is read or sent
/// for it, and its links are being undone at their partners. An organization can do without teams, so the last one may go too.
///
/// # Errors
/// [`Error::Forbidden`] for all but admins; [`Error::Invalid`] (`team_name`); [`Error::NotFound`] when there is no such team,
/// or it is being deleted already.
pub async fn begin(core: &Core, who: &Member, id: TeamId, name: &str) -> Result<()> {
    core.db
        .write(async |tx| {
            let who = &organizations::standing(tx, who).await?;
            who.must_be_admin("delete teams")?;
            // Of two who ask at once, the second finds that it is gone.
            let held = team::Entity::of(who.organization).filter(team::Column::Id.eq(id)).lock(LockType::NoKeyUpdate);
            let team = held.one(tx).await?.ok_or(Error::NotFound)?;
            if name.trim() != team.name {
                let sentence = format!("Type the team's name as it is written here: {}", team.name);
                return Err(Error::field("team_name", sentence));
            }
            let (now, counts) = (core.clock.now(), Counts::of(tx, who.organization, id).await?);
            take_off(core, tx, who, id).await?;
            shut(tx, who.organization, id).await?;
            team::Entity::update_of(who.organization)
                .col_expr(team::Column::DeletingSince, now.into())
                .filter(team::Column::Id.eq(id))
                .exec(tx)
                .await?;
            audit::note(core, tx, who, Deed::TeamDeleted, About::from(&team).saying(counts.words())).await?;
            let deletion = Model {
                organization_id: who.organization,
                team_id: id,
                name: team.name,
                counts: serde_json::json!(counts),
                undone: serde_json::json!([]),
                begun_at: now,
                finished_at: None,
            };
            team_deletion::Entity::insert(deletion.into_active_model()).exec_without_returning(tx).await?;
            Ok::<_, Error>(queue::add(tx, job(who.organization, id, None)).await?)
        })
        .await?;
    tracing::info!(organization = %who.organization, user = %who.user, team = %id, "a team is being deleted");
    core.queue.wake();
    outbox::until_calls_have_begun(core).await;
    core.0.live.tell(who.organization, id);
    Ok(())
}

/// Takes the team off its partners: here at once, there by the jobs of its links and mirrors.
async fn take_off(core: &Core, tx: &DatabaseTransaction, who: &Member, id: TeamId) -> Result<()> {
    // First the links, then the mirrors, as whoever hears of a change does.
    let held = living(links(who.organization, id)).order_by_asc(integration_link::Column::Id);
    let links = held.lock(LockType::NoKeyUpdate).all(tx).await?;
    for mirror in mirrors(who.organization, id).all(tx).await? {
        mirrors::remove_in(core, tx, who, &mirror).await?;
    }
    for link in &links {
        if integration_links::remove_in(core, tx, link).await? == integration_links::Removal::Removed {
            audit::note(core, tx, who, Deed::LinkRemoved, link).await?;
        }
    }
    Ok(())
}

/// Whom it let in, whom it would have let in, and what was about to be said of it.
async fn shut(tx: &DatabaseTransaction, organization: OrganizationId, id: TeamId) -> Result<()> {
    let members = team_member::Entity::delete_of(organization).filter(team_member::Column::TeamId.eq(id));
    members.exec(tx).await?;
    let invitations = invitation::Entity::delete_of(organization).filter(invitation::Column::TeamId.eq(id));
    invitations.exec(tx).await?;
    let digest = team_digest::Entity::delete_of(organization).filter(team_digest::Column::TeamId.eq(id));
    digest.exec(tx).await?;

    // What waits to be said by mail or at the top of a page would lead to nothing. Of each there are few.
    let links: Vec<LinkId> =
        links(organization, id).select_only().column(integration_link::Column::Id).into_tuple().all(tx).await?;
    let mirrors = mirror::Entity::of(organization).filter(mirror::Column::TeamId.eq(id)).all(tx).await?;
    let pages: Vec<String> = std::iter::once(format!("teams/{id}"))
        .chain(links.iter().map(|link| format!("/link/{link}")))
        .chain(mirrors.iter().map(|mirror| format!("mirrors/{}", mirror.id)))
        .collect();
    let names_one = |text: &str| pages.iter().any(|page| text.contains(page));
    let mails: Vec<(MailId, String)> = mail::Entity::of(organization)
        .select_only()
        .columns([mail::Column::Id, mail::Column::Body])
        .into_tuple()
        .all(tx)
        .await?;
    let mails = mails.into_iter().filter(|(_, body)| names_one(body)).map(|(id, _)| id);
    mail::Entity::delete_of(organization).filter(mail::Column::Id.is_in(mails)).exec(tx).await?;
    let recoveries: Vec<(RecoveryId, String)> = recovery::Entity::of(organization)
        .select_only()
        .columns([recovery::Column::Id, recovery::Column::Path])
        .into_tuple()
        .all(tx)
        .await?;
    let recoveries = recoveries.into_iter().filter(|(_, path)| names_one(path)).map(|(id, _)| id);
    recovery::Entity::delete_of(organization).filter(recovery::Column::Id.is_in(recoveries)).exec(tx).await?;
    Ok(())
}

fn job(organization: OrganizationId, id: TeamId, run_at: Option<i64>) -> NewJob {
    NewJob { organization, kind: DELETE, payload: serde_json::json!({ "team": id }), lane: None, run_at }
}

/// Goes on with a deletion for as far as it comes. Run by the job.
///
/// # Errors
/// When the database does not answer; the next run goes on.
pub async fn go_on(core: &Core, organization: OrganizationId, id: TeamId) -> Result<Outcome> {
    while let Some(deletion) = unfinished(core, organization, id).await? {
        if organizations::of(core.db.reader(), organization).await?.deletion_id.is_some() {
            // That takes along all of it, and needs the links for its receipt.
            return Ok(Outcome::Done);
        }
        // Those that were being made when it began.
        leave::remove_links(core, links(organization, id)).await?;
        if is_being_undone(core, organization, id).await? {
            return Ok(Outcome::Later { after: leave::wait_for_partners(core.clock.now() - deletion.begun_at) });
        }
        note_links(core, &deletion).await?;
        for (table, key, whose) in TABLES {
            if let Some(which) = whose.of_team() {
                core.db.forget_of_team(OfTeam { table, key, which, organization, team: id }).await?;
            }
        }
        finish(core, &deletion).await?;
    }
    Ok(Outcome::Done)
}

/// The job is out of attempts: another one goes on, unless there is nothing left to do.
///
/// # Errors
/// When the database does not answer.
pub async fn gave_up(core: &Core, organization: OrganizationId, id: TeamId) -> Result<()> {
    if unfinished(core, organization, id).await?.is_none() {
        return Ok(());
    }
    let again = job(organization, id, Some(core.clock.now() + AFTER_GIVING_UP));
    core.db.write(async |tx| Ok(queue::add(tx, again).await?)).await
}

async fn unfinished(core: &Core, organization: OrganizationId, id: TeamId) -> Result<Option<Model>> {
    let row = of_team(organization, id).filter(team_deletion::Column::FinishedAt.is_null());
    Ok(row.one(core.db.reader()).await?)
}

/// Whether a link's removal is not over. Its job outlasts its state: with the last link of an installation, that is given
/// back as well.
async fn is_being_undone(core: &Core, organization: OrganizationId, id: TeamId) -> Result<bool> {
    let db = core.db.reader();
    if links(organization, id).filter(integration_link::Column::State.ne(LinkState::Removed)).count(db).await? > 0 {
        return Ok(true);
    }
    let at_work = queue::at_work(&core.db, organization, integration_links::UNINSTALL).await?;
    let at_work: Vec<LinkId> = at_work.iter().filter_map(|job| job["link"].as_str()?.parse().ok()).collect();
    Ok(links(organization, id).filter(integration_link::Column::Id.is_in(at_work)).count(db).await? > 0)
}

/// Keeps what the removal of the links came to.
async fn note_links(core: &Core, deletion: &Model) -> Result<()> {
    let (organization, id) = (deletion.organization_id, deletion.team_id);
    core.db
        .write(async |tx| {
            let more = leave::undone_of(tx, links(organization, id), deletion.begun_at).await?;
            let Some(held) = of_team(organization, id).lock_exclusive().one(tx).await? else { return Ok(()) };
            let undone = leave::with_more(held.undone, more);
            team_deletion::Entity::update_of(organization)
                .col_expr(team_deletion::Column::Undone, Expr::val(serde_json::json!(undone)))
                .filter(team_deletion::Column::TeamId.eq(id))
                .exec(tx)
                .await?;
            Ok(())
        })
        .await
}

/// Deletes the team itself, unless a link came in between.
async fn finish(core: &Core, deletion: &Model) -> Result<()> {
    let (organization, id) = (deletion.organization_id, deletion.team_id);
    core.db
        .write(async |tx| {
            // The strongest lock: who writes a row of the team now waits, and then finds that it is gone.
            let held = team::Entity::of_with_going(organization).filter(team::Column::Id.eq(id)).lock_exclusive();
            held.one(tx).await?;
            if links(organization, id).count(tx).await? > 0 {
                return Ok(());
            }
            team::Entity::delete_of(organization).filter(team::Column::Id.eq(id)).exec(tx).await?;
            let finished = team_deletion::Entity::update_of(organization)
                .col_expr(team_deletion::Column::FinishedAt, core.clock.now().into())
                .filter(team_deletion::Column::TeamId.eq(id))
                .filter(team_deletion::Column::FinishedAt.is_null())
                .exec_with_returning(tx)
                .await?;
            // Of two runs at once, one notes it.
            for receipt in finished.into_iter().map(Receipt::of) {
                let left = |undone: &&Undone| matches!(undone.outcome, UndoneOutcome::LeftOver(_));
                let left = match receipt.undone.iter().filter(left).count() {
                    0 => "nothing is left over at partners".to_owned(),
                    1 => "1 thing is left over at a partner".to_owned(),
                    many => format!("{many} things are left over at partners"),
                };
                let about = About::of(id.0, &receipt.name).saying(format!("{}; {left}", receipt.counts.words()));
                audit::note_by_itself(core, tx, organization, Deed::TeamDeletionFinished, about).await?;
                tracing::info!(%organization, team = %id, "a team was deleted");
            }
            Ok(())
        })
        .await
}

/// The receipts of the teams that were deleted lately, newest first.
///
/// # Errors
/// [`Error::Forbidden`] for all but admins, who alone see all teams.
pub async fn receipts(core: &Core, who: &Member) -> Result<Vec<Receipt>> {
    who.must_be_admin("see which teams were deleted")?;
    let rows = team_deletion::Entity::of(who.organization)
        .order_by_desc(team_deletion::Column::BegunAt)
        .order_by_desc(team_deletion::Column::TeamId)
        .limit(LISTED);
    Ok(rows.all(core.db.reader()).await?.into_iter().map(Receipt::of).collect())
}

/// The receipt of one team in any of a person's organizations, and the person as a member there.
///
/// # Errors
/// [`Error::NotFound`] for a team that was not deleted lately, and for all but admins.
pub async fn receipt(core: &Core, person: &Person, id: TeamId) -> Result<(Member, Receipt)> {
    let row = team_deletion::Entity::of_any(person.organizations()).filter(team_deletion::Column::TeamId.eq(id));
    let row = row.one(core.db.reader()).await?.ok_or(Error::NotFound)?;
    let who = person.member_of(row.organization_id)?;
    if who.is_admin() { Ok((who, Receipt::of(row))) } else { Err(Error::NotFound) }
}

/// Forgets the receipts that were there for long enough. Answers with how many.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_receipts(core: &Core) -> Result<u64> {
    let (key, limit) = ("organization_id, team_id", core.clock.before(RECEIPTS_KEPT));
    let over = Outdated { table: "team_deletions", key, which: "finished_at < $1", limit, of: None };
    Ok(core.db.forget(over).await?)
}

fn of_team(organization: OrganizationId, id: TeamId) -> Select<team_deletion::Entity> {
    team_deletion::Entity::of(organization).filter(team_deletion::Column::TeamId.eq(id))
}

/// All that feed the team's log, whosesoever they are.
fn links(organization: OrganizationId, id: TeamId) -> Select<integration_link::Entity> {
    integration_link::Entity::of(organization).filter(integration_link::Column::TeamId.eq(id))
}

fn living(links: Select<integration_link::Entity>) -> Select<integration_link::Entity> {
    links.filter(integration_link::Column::State.is_not_in([LinkState::Removing, LinkState::Removed]))
}

/// The team's that are there.
fn mirrors(organization: OrganizationId, id: TeamId) -> Select<mirror::Entity> {
    mirror::Entity::of(organization)
        .filter(mirror::Column::TeamId.eq(id))
        .filter(mirror::Column::State.is_not_in([MirrorState::Removing, MirrorState::Removed]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_words() {
        let words = |entries, links, mirrors| Counts { entries, links, mirrors }.words();
        assert_eq!(words(12, 1, 0), "12 entries, 1 link and no mirrors");
        assert_eq!(words(1, 0, 2), "1 entry, no links and 2 mirrors");
    }
}
