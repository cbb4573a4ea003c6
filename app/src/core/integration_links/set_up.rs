//! Making a link, changing it, and setting it up at the partner.

use std::time::Duration;

use integration_contract::{CheckedLink, ErrorKind, LinkSettings, Remote};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, IntoActiveModel, QueryFilter, SqlErr,
    TryIntoModel, sea_query::Expr,
};

use super::{
    account, account_is_broken, as_partner_sees, find_living,
    follow::{add_inspection, go_on, remedy_of},
    gone, load_while, must_manage, must_still_manage,
    notice::notice_due,
    set_up_lane,
};
use crate::{
    core::{
        Core, Error, Result,
        audit::{self, Deed},
        integration_users,
        ledger::LinkLedger,
        organizations,
        partners::Partner,
        people::Member,
        sealing::{Place, random_text},
        teams,
    },
    db::{
        IntegrationUserId, LinkId, OrganizationId, TeamId,
        entity::{
            Tenant,
            integration_link::{self, Column, Entity, LinkLevel, LinkState, Model, Remedy},
            remote::RemoteState,
        },
    },
    queue::{self, NewJob},
};
use integration_contract::ExposeSecret;

/// The job that sets a link up at its partner.
pub const INSTALL: &str = "install_link";

/// The same form sent again within this time is a double click, not a second wish.
const DOUBLE_CLICK: Duration = Duration::from_secs(60);

/// What makes a link, after its form was found good.
pub struct NewLink {
    /// For a team or for the user who makes it.
    pub level: LinkLevel,
    /// The team whose log it feeds.
    pub team: TeamId,
    /// The account it acts with.
    pub account: Option<IntegrationUserId>,
    /// What the partner made of the form.
    pub checked: CheckedLink,
}

/// What became of a wish for a link.
pub enum Created {
    /// A new one, being set up.
    New(Model),
    /// The one the same click made a moment ago.
    SameAgain(Model),
}

/// Makes a link and the job that sets it up, together.
///
/// # Errors
/// [`Error::Forbidden`] for a team's link when the member is no admin; [`Error::NotFound`] for a team they are not in;
/// [`Error::Conflict`] when the team has a link to the same target.
pub async fn create(core: &Core, who: &Member, partner: &Partner, new: NewLink) -> Result<Created> {
    let now = core.clock.now();
    let (team, live_target, settings) = (new.team, live_target(who, &new), new.checked.settings.0.clone());
    let made = core
        .db
        .write(async |tx| {
            let who = organizations::standing(tx, who).await?;
            create_in(core, tx, &who, partner, new).await
        })
        .await;
    match made {
        Ok(link) => {
            core.queue.wake();
            Ok(Created::New(link))
        }
        Err(Error::Busy(error)) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
            let there = Entity::of(who.organization)
                .filter(Column::TeamId.eq(team))
                .filter(Column::Partner.eq(partner.id()))
                .filter(Column::LiveTarget.eq(live_target))
                .one(core.db.reader())
                .await?;
            match there {
                Some(link)
                    if link.settings == settings
                        && link.user_id == Some(who.user)
                        && now - link.created_at < i64::try_from(DOUBLE_CLICK.as_millis()).unwrap_or(i64::MAX) =>
                {
                    Ok(Created::SameAgain(link))
                }
                there => Err(Error::Conflict(format!(
                    "{} is already linked to this team. Change that link's settings instead of adding a second one.",
                    there.map_or_else(|| "This".to_owned(), |link| link.name)
                ))),
            }
        }
        Err(error) => Err(error),
    }
}

/// Makes a link as part of other work: `who` stands as they do in this transaction. Wake the queue after the commit.
///
/// # Errors
/// As [`create`]; a link to the same target shows as the database's refusal.
pub async fn create_in(
    core: &Core,
    tx: &DatabaseTransaction,
    who: &Member,
    partner: &Partner,
    new: NewLink,
) -> Result<Model> {
    may_feed(tx, who, new.level, new.team).await?;
    if let Some(account) = new.account {
        integration_users::must_be_connected(tx, who.organization, account).await?;
    }
    let link = row_of(core, who, partner, new).insert(tx).await?;
    add_job(tx, &link).await?;
    add_inspection(tx, &link, core.clock.now()).await?;
    audit::note(core, tx, who, Deed::LinkMade, &link).await?;
    Ok(link)
}

/// The link as [`create_in`] would make it, to ask its partner something before it is made. It is nowhere.
///
/// # Errors
/// Never for what is whole, as it is here.
pub fn draft(core: &Core, who: &Member, partner: &Partner, new: NewLink) -> Result<Model> {
    Ok(row_of(core, who, partner, new).try_into_model()?)
}

/// The target while the link lives: a team has one link to it, and so has a user.
fn live_target(who: &Member, new: &NewLink) -> String {
    match new.level {
        LinkLevel::Team => new.checked.target.clone(),
        LinkLevel::User => format!("{}:{}", who.user, new.checked.target),
    }
}

fn row_of(core: &Core, who: &Member, partner: &Partner, new: NewLink) -> integration_link::ActiveModel {
    let now = core.clock.now();
    let id = LinkId::new();
    let live_target = live_target(who, &new);
    let secret = core.vault.seal(Place::hook_secret(who.organization, id), &random_text(32));
    let mut link = integration_link::ActiveModel {
        organization_id: Set(who.organization),
        id: Set(id),
        partner: Set(partner.id().to_owned()),
        level: Set(new.level),
        team_id: Set(new.team),
        user_id: Set(Some(who.user)),
        integration_user_id: Set(new.account),
        target: Set(new.checked.target),
        live_target: Set(Some(live_target)),
        settings: Set(new.checked.settings.0),
        name: Set(String::new()),
        state: Set(LinkState::Pending),
        reason: Set(None),
        remedy: Set(None),
        state_since: Set(now),
        hook_key: Set(random_text(18).expose_secret().to_owned()),
        hook_secret: Set(Some(secret)),
        given_secret: Set(None),
        noticed: Set(None),
        hook_seen_at: Set(None),
        unheard_from: Set(None),
        unheard_until: Set(None),
        receipt: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    };
    link.name = Set(name_of(core, partner, &link));
    link
}

/// Admins add links for a team; for oneself it is enough to be in the team.
async fn may_feed(tx: &DatabaseTransaction, who: &Member, level: LinkLevel, team: TeamId) -> Result<()> {
    teams::must_exist(tx, who.organization, team).await?;
    match level {
        LinkLevel::Team => who.must_be_admin("add links for a team"),
        LinkLevel::User if teams::is_in(tx, who.organization, team, who.user).await? => Ok(()),
        LinkLevel::User => Err(Error::NotFound),
    }
}

/// Gives a link new settings; the partner's side follows by the same job that sets links up, at once or, for a paused
/// link, when it is resumed.
///
/// # Errors
/// [`Error::Forbidden`], or [`Error::Conflict`] when it is being removed or the settings are about something else.
pub async fn change(core: &Core, who: &Member, partner: &Partner, link: &Model, checked: CheckedLink) -> Result<()> {
    must_manage(who, link)?;
    must_be_about_the_same(link, &checked)?;
    let now = core.clock.now();
    core.db
        .write(async |tx| {
            let who = &must_still_manage(tx, who, link).await?;
            let mut change = living(tx, link).await?.into_active_model();
            change.settings = Set(checked.settings.0);
            change.name = Set(name_of(core, partner, &change));
            change.updated_at = Set(now);
            let link = change.update(tx).await?;
            if link.state != LinkState::Paused {
                set_up_again(tx, &link, now).await?;
            }
            audit::note(core, tx, who, Deed::LinkChanged, &link).await
        })
        .await?;
    core.queue.wake();
    Ok(())
}

/// A link keeps what it is about for life.
///
/// # Errors
/// [`Error::Conflict`] when the settings are about something else.
pub fn must_be_about_the_same(link: &Model, checked: &CheckedLink) -> Result<()> {
    if checked.target == link.target {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "This link is about {}. To link something else, add a new link and remove this one.",
        link.name
    )))
}

/// Stops entries from coming until it is resumed. Hooks are still answered and kept, and marked as ignored.
///
/// # Errors
/// [`Error::Forbidden`], or [`Error::Conflict`] when it is not working.
pub async fn pause(core: &Core, who: &Member, link: &Model) -> Result<()> {
    must_manage(who, link)?;
    let now = core.clock.now();
    core.db
        .write(async |tx| {
            let who = &must_still_manage(tx, who, link).await?;
            let paused = Entity::update_of(link.organization_id)
                .filter(Column::Id.eq(link.id))
                .filter(Column::State.eq(LinkState::Active))
                .col_expr(Column::State, LinkState::Paused.into())
                .col_expr(Column::StateSince, now.into())
                .exec(tx)
                .await?;
            if paused.rows_affected == 0 {
                return Err(Error::Conflict("Only a working link can be paused.".into()));
            }
            audit::note(core, tx, who, Deed::LinkPaused, link).await
        })
        .await
}

/// Starts a paused or broken link again: it is set up anew, which also mends what somebody removed at the partner.
///
/// # Errors
/// [`Error::Forbidden`], or [`Error::Conflict`] when it is neither paused nor broken.
pub async fn resume(core: &Core, who: &Member, link: &Model) -> Result<()> {
    must_manage(who, link)?;
    if !matches!(link.state, LinkState::Paused | LinkState::Broken) {
        return Err(Error::Conflict("Only a paused or broken link can be started again.".into()));
    }
    core.db
        .write(async |tx| {
            let who = &must_still_manage(tx, who, link).await?;
            set_up_again(tx, link, core.clock.now()).await?;
            audit::note(core, tx, who, Deed::LinkResumed, link).await
        })
        .await?;
    core.queue.wake();
    Ok(())
}

/// Puts a link back to pending and adds the job that sets it up.
///
/// # Errors
/// [`Error::Conflict`] when it was removed meanwhile.
pub async fn set_up_again(tx: &DatabaseTransaction, link: &Model, now: i64) -> Result<()> {
    let mut again = living(tx, link).await?.into_active_model();
    again.state = Set(LinkState::Pending);
    again.state_since = Set(now);
    again.reason = Set(None);
    again.updated_at = Set(now);
    let link = again.update(tx).await?;
    add_job(tx, &link).await
}

/// The link as it is now.
///
/// # Errors
/// [`Error::Conflict`] when it was removed meanwhile.
pub(super) async fn living(tx: &DatabaseTransaction, link: &Model) -> Result<Model> {
    let living = find_living(tx, link).await?;
    living.ok_or_else(|| Error::Conflict("This link was removed meanwhile.".into()))
}

/// Adds the job that sets a pending link up.
async fn add_job(tx: &DatabaseTransaction, link: &Model) -> Result<()> {
    let job = NewJob {
        organization: link.organization_id,
        kind: INSTALL,
        payload: serde_json::json!({ "link": link.id }),
        lane: set_up_lane(link.id),
        run_at: None,
    };
    Ok(queue::add(tx, job).await?)
}

/// Sets a pending link up at its partner. Run by the job; a link that is not pending any more is left alone.
///
/// # Errors
/// [`Error::Partner`] when it is worth trying again.
pub async fn install(core: &Core, organization: OrganizationId, id: LinkId) -> Result<()> {
    let Some(link) = load_while(core, organization, id, LinkState::Pending).await? else { return Ok(()) };
    let partner = core.partners.get(&link.partner)?;
    match set_up_at_partner(core, partner, &link).await {
        Ok(()) => stand(core, &link, LinkState::Active, None, None).await,
        Err(Error::Partner(error)) if error.passes() => {
            let reason = format!("{} Trying again.", error.sentence());
            stand(core, &link, LinkState::Pending, Some(&reason), None).await?;
            Err(error.into())
        }
        Err(Error::Partner(error)) if error.kind() == ErrorKind::Gone => {
            core.db.write(async |tx| gone(core, tx, partner, &link, error.sentence()).await).await?;
            core.queue.wake();
            Ok(())
        }
        Err(Error::Partner(error)) => {
            tracing::warn!(link = %id, %organization, partner = partner.id(), kind = ?error.kind(), "a link can't be set up");
            if error.kind() == ErrorKind::Unauthorized {
                account_is_broken(core, &link, error.sentence()).await?;
            }
            stand(core, &link, LinkState::Broken, Some(error.sentence()), remedy_of(&error)).await
        }
        Err(error) => Err(error),
    }
}

async fn set_up_at_partner(core: &Core, partner: &Partner, link: &Model) -> Result<()> {
    let account = account(core, partner, link).await?;
    let ledger = LinkLedger::new(core, link.organization_id, link.id);
    let seen = as_partner_sees(core, link);
    let before = ledger.in_state(&[RemoteState::Made]).await?;
    if before.is_empty() {
        return Ok(partner.integration.create_link(&account, &seen, &ledger).await?);
    }
    partner.integration.change_link(&account, &seen, &ledger).await?;
    let after = ledger.in_state(&[RemoteState::Made]).await?;
    if made_anew(&before, &after) && partner.integration.card().hooks.is_some() {
        heard_nothing(core, link).await?;
    }
    Ok(())
}

/// Whether something that stood at the partner had to be made once more. What stands there besides since then took nothing
/// away.
fn made_anew(before: &[Remote], after: &[Remote]) -> bool {
    let is_alike = |old: &Remote, new: &Remote| (&old.kind, &old.place) == (&new.kind, &new.place);
    let is_gone = |old: &&Remote| after.iter().all(|new| new.id != old.id);
    before.iter().filter(is_gone).any(|old| after.iter().any(|new| is_alike(old, new)))
}

/// What the link hears through was gone at the partner, and stands there again as of now: nothing came in between, and no
/// partner sends it later.
async fn heard_nothing(core: &Core, link: &Model) -> Result<()> {
    let from = link.hook_seen_at.unwrap_or(link.created_at);
    core.db
        .write(async |tx| {
            Entity::update_of(link.organization_id)
                .filter(Column::Id.eq(link.id))
                .col_expr(Column::UnheardFrom, from.into())
                .col_expr(Column::UnheardUntil, core.clock.now().into())
                .exec(tx)
                .await
        })
        .await?;
    Ok(())
}

/// The job is out of attempts: the link says so and waits for a person.
///
/// # Errors
/// When the database does not answer.
pub async fn install_gave_up(core: &Core, organization: OrganizationId, id: LinkId, why: &str) -> Result<()> {
    let Some(link) = load_while(core, organization, id, LinkState::Pending).await? else { return Ok(()) };
    stand(core, &link, LinkState::Broken, Some(why), None).await
}

/// Writes where a pending link stands, unless somebody changed or removed it meanwhile.
async fn stand(
    core: &Core,
    link: &Model,
    state: LinkState,
    reason: Option<&str>,
    remedy: Option<Remedy>,
) -> Result<()> {
    let now = core.clock.now();
    core.db
        .write(async |tx| {
            let stands = Entity::update_of(link.organization_id)
                .filter(Column::Id.eq(link.id))
                .filter(Column::State.eq(LinkState::Pending))
                .filter(Column::UpdatedAt.eq(link.updated_at))
                .col_expr(Column::State, state.into())
                .col_expr(Column::StateSince, now.into())
                .col_expr(Column::Reason, Expr::value(reason.map(str::to_owned)))
                .col_expr(Column::Remedy, Expr::value(remedy))
                .exec(tx)
                .await?;
            if stands.rows_affected == 0 || state == LinkState::Pending {
                return Ok(());
            }
            if state == LinkState::Active {
                go_on(tx, link, now).await?;
            }
            notice_due(core, tx, link.organization_id, link.team_id).await
        })
        .await?;
    core.queue.wake();
    Ok(())
}

/// The partner's short name for a row that is about to be written.
fn name_of(core: &Core, partner: &Partner, row: &integration_link::ActiveModel) -> String {
    let seen = integration_contract::IntegrationLink {
        id: row.id.as_ref().to_string(),
        settings: LinkSettings(row.settings.as_ref().clone()),
        hook_url: core.site.public_url.clone(),
        hook_secret: Default::default(),
        given_secret: None,
    };
    partner.integration.short_name(&seen)
}

#[cfg(test)]
mod tests {
    use integration_contract::{Remote, Reservation};

    use super::made_anew;

    fn stands(kind: &str, id: &str) -> Remote {
        Remote {
            reservation: Reservation(format!("row of {id}")),
            kind: kind.into(),
            place: "acme".into(),
            id: Some(id.into()),
        }
    }

    #[test]
    fn what_was_gone_is_told_from_what_came_besides() {
        let webhook = stands("webhook", "1");
        let before = std::slice::from_ref(&webhook);
        assert!(!made_anew(before, before));
        // Changed settings may want a trigger as well.
        assert!(!made_anew(before, &[webhook.clone(), stands("trigger", "7")]));
        assert!(made_anew(before, &[stands("webhook", "2")]));
        // Two of a kind, and nothing happened to them.
        let two = [webhook.clone(), stands("webhook", "2")];
        assert!(!made_anew(&two, &two));
    }
}
