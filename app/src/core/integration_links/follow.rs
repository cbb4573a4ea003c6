//! Following what happens to a link's far end: told by a hook, or found when the link is inspected.

use std::time::Duration;

use integration_contract::{Error as PartnerError, ErrorKind, Happening, IntegrationLink};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, DatabaseTransaction, IntoActiveModel};

use super::{account, account_is_broken, account_row, as_partner_sees, find_living, gone, load, notice::notice_due};
use crate::{
    core::{Core, Error, Result, inbox, integration_users, ledger::LinkLedger, outbox, partners::Partner},
    db::{
        LinkId, OrganizationId,
        entity::{
            integration_link::{ActiveModel, LinkState, Model, Remedy},
            remote::RemoteState,
        },
    },
    queue::{self, NewJob},
};

/// The job that inspects a link and comes again.
pub const INSPECT: &str = "inspect_link";

/// How often a link is inspected: some things, such as a deleted webhook, no hook tells. Few calls, and nobody is kept
/// waiting for bad news longer than this; whoever opens the link's page has them at once, see `look`.
const EVERY: Duration = Duration::from_hours(1);

/// Lets the link follow what happened to it. Happenings that are about the log are none of its business.
///
/// # Errors
/// When the database does not answer.
pub async fn follow(
    core: &Core,
    tx: &DatabaseTransaction,
    partner: &Partner,
    link: &Model,
    happening: Happening,
) -> Result<()> {
    let now = core.clock.now();
    match happening {
        Happening::HookWorks => {
            let mut mended = false;
            change_living(tx, link, |row| {
                if row.state.as_ref() == &LinkState::Broken {
                    stand(row, LinkState::Active, None, None, now);
                    mended = true;
                }
            })
            .await?;
            if mended {
                go_on(tx, link, now).await?;
                notice_due(core, tx, link.organization_id, link.team_id).await?;
            }
            Ok(())
        }
        Happening::TargetChanged(settings) => {
            let seen = IntegrationLink { settings: settings.clone(), ..as_partner_sees(core, link) };
            let name = partner.integration.short_name(&seen);
            change_living(tx, link, |row| {
                row.settings = Set(settings.0);
                row.name = Set(name);
            })
            .await
        }
        Happening::TargetGone { reason } => broken(core, tx, link, reason, Some(Remedy::Join)).await,
        Happening::TargetBack => match super::load_in(tx, link.organization_id, link.id).await? {
            Some(link) if link.state == LinkState::Broken => super::set_up_again(tx, &link, now).await,
            _ => Ok(()),
        },
        Happening::AccountGone { at, reason } => {
            let gone = match link.integration_user_id {
                Some(id) => integration_users::taken_back(core, tx, link.organization_id, id, at, &reason).await?,
                None => true,
            };
            if gone { broken(core, tx, link, reason, Some(Remedy::Reconnect)).await } else { Ok(()) }
        }
        Happening::Item(_)
        | Happening::Entry(_)
        | Happening::Lines(_)
        | Happening::EntryEdited { .. }
        | Happening::EntryRetracted { .. } => Ok(()),
    }
}

/// A link works (again): what was kept for it goes on. Call it in the commit that makes it active, and wake the queue after.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn go_on(tx: &DatabaseTransaction, link: &Model, now: i64) -> Result<()> {
    inbox::go_on(tx, link.organization_id, link.id).await?;
    outbox::go_on(tx, link.organization_id, link.id, now).await
}

/// What a partner said makes the link wait for somebody.
///
/// # Errors
/// When the database does not answer.
pub async fn broke(core: &Core, tx: &DatabaseTransaction, link: &Model, error: &PartnerError) -> Result<()> {
    broken(core, tx, link, error.sentence().to_owned(), remedy_of(error)).await
}

/// What mends what the partner complains of.
pub(super) fn remedy_of(error: &PartnerError) -> Option<Remedy> {
    match error.kind() {
        _ if error.lacks_permission() => Some(Remedy::Grant),
        ErrorKind::Unauthorized => Some(Remedy::Reconnect),
        ErrorKind::Forbidden | ErrorKind::NotFound => Some(Remedy::Join),
        ErrorKind::NotConfigured => Some(Remedy::Operator),
        _ => None,
    }
}

/// The link can't work until somebody does something.
pub(super) async fn broken(
    core: &Core,
    tx: &DatabaseTransaction,
    link: &Model,
    reason: String,
    remedy: Option<Remedy>,
) -> Result<()> {
    let (now, mut news) = (core.clock.now(), false);
    change_living(tx, link, |row| {
        news = row.state.as_ref() != &LinkState::Broken || row.reason.as_ref().as_ref() != Some(&reason);
        stand(row, LinkState::Broken, Some(reason), remedy, now);
    })
    .await?;
    if news { notice_due(core, tx, link.organization_id, link.team_id).await } else { Ok(()) }
}

fn stand(row: &mut ActiveModel, state: LinkState, reason: Option<String>, remedy: Option<Remedy>, now: i64) {
    if row.state.as_ref() != &state {
        row.state_since = Set(now);
    }
    row.state = Set(state);
    row.reason = Set(reason);
    row.remedy = Set(remedy);
}

/// Changes the link as it is now, not as it was when the caller read it; a removed one is left alone.
///
/// # Errors
/// When the database does not answer.
pub async fn change_living(
    tx: &DatabaseTransaction,
    link: &Model,
    change: impl FnOnce(&mut ActiveModel),
) -> Result<()> {
    if let Some(current) = find_living(tx, link).await? {
        let mut row = current.into_active_model();
        change(&mut row);
        if row.is_changed() {
            row.update(tx).await?;
        }
    }
    Ok(())
}

/// Asks the partner how the link's far end fares, and lets the link follow.
///
/// # Errors
/// [`Error::Partner`] when the partner could not be asked; the link stays as it is.
pub async fn inspect(core: &Core, link: &Model) -> Result<()> {
    if !matches!(link.state, LinkState::Active | LinkState::Broken) {
        return Ok(());
    }
    let partner = core.partners.get(&link.partner)?;
    let needs_account = partner.acts_with_accounts() && link.integration_user_id.is_some();
    if link.state == LinkState::Broken && needs_account && account_row(core, link).await?.is_none() {
        // There is nothing to look with, and why that is so stands there already.
        return Ok(());
    }
    let found = match look(core, partner, link).await {
        Ok(found) => found,
        Err(Error::Partner(error)) if error.kind() == ErrorKind::Gone => {
            core.db.write(async |tx| gone(core, tx, partner, link, error.sentence()).await).await?;
            core.queue.wake();
            return Ok(());
        }
        Err(Error::Partner(error)) if error.kind() == ErrorKind::Unauthorized && partner.acts_with_accounts() => {
            account_is_broken(core, link, error.sentence()).await?;
            return core.db.write(async |tx| broke(core, tx, link, &error).await).await;
        }
        Err(error) => return Err(error),
    };
    core.db
        .write(async |tx| {
            for happening in found {
                follow(core, tx, partner, link, happening).await?;
            }
            Ok::<_, Error>(())
        })
        .await?;
    core.queue.wake();
    Ok(())
}

async fn look(core: &Core, partner: &Partner, link: &Model) -> Result<Vec<Happening>> {
    let account = account(core, partner, link).await?;
    let ours = LinkLedger::new(core, link.organization_id, link.id).in_state(&[RemoteState::Made]).await?;
    Ok(partner.integration.inspect_link(&account, &as_partner_sees(core, link), &ours).await?)
}

/// Inspects the link and adds the next inspection, as long as the link lives. Run by the job.
///
/// # Errors
/// See [`inspect`].
pub async fn inspect_again(core: &Core, organization: OrganizationId, id: LinkId) -> Result<()> {
    let Some(link) = load(core, organization, id).await? else { return Ok(()) };
    if matches!(link.state, LinkState::Removing | LinkState::Removed) {
        return Ok(());
    }
    match inspect(core, &link).await {
        Ok(()) => {}
        Err(Error::Partner(error)) => {
            tracing::info!(link = %id, %organization, kind = ?error.kind(), "a link could not be inspected");
        }
        Err(error) => return Err(error),
    }
    core.db
        .write(async |tx| match find_living(tx, &link).await? {
            Some(link) => add_inspection(tx, &link, core.clock.now()).await,
            None => Ok(()),
        })
        .await
}

/// Adds the next inspection of a link.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn add_inspection(tx: &DatabaseTransaction, link: &Model, now: i64) -> Result<()> {
    let job = NewJob {
        organization: link.organization_id,
        kind: INSPECT,
        payload: serde_json::json!({ "link": link.id }),
        lane: None,
        run_at: Some(now + i64::try_from(EVERY.as_millis()).unwrap_or(i64::MAX)),
    };
    Ok(queue::add(tx, job).await?)
}
