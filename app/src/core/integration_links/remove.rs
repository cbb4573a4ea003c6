//! Taking a link away: at once here, by a job at the partner, with a receipt of what was undone.

use integration_contract::{Error as PartnerError, ErrorKind, Remote, Undone, UndoneOutcome};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, IntoActiveModel, QueryFilter};

use super::{
    account, as_partner_sees, find_living, load, load_in, must_manage, must_still_manage, notice::notice_due,
    set_up_lane,
};
use crate::{
    core::{
        Core, Error, Result,
        audit::{self, Deed},
        integration_users, items, ledger,
        ledger::LinkLedger,
        mirrors, outbox,
        partners::Partner,
        people::Member,
    },
    db::{
        LinkId, OrganizationId,
        entity::{
            Tenant,
            integration_link::{Column, Entity, LinkState, Model},
            remote::RemoteState,
        },
    },
    queue::{self, NewJob},
};

/// The job that cleans up at the partner.
pub const UNINSTALL: &str = "uninstall_link";

/// A removed link's hook that still arrives starts the clean-up again, but not more often than this.
const REARM_AFTER_MINUTES: i64 = 60;

/// What a wish for removal came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is gone here, and a job cleans up at the partner.
    Removed,
    /// It was removed before.
    Already,
}

/// Removes a link: nothing comes of its hooks from now on, nothing is sent to its partner once this has answered, and a
/// job undoes what it made there.
///
/// # Errors
/// [`Error::Forbidden`] when the member may not.
pub async fn remove(core: &Core, who: &Member, link: &Model) -> Result<Removal> {
    must_manage(who, link)?;
    let removed = core
        .db
        .write(async |tx| {
            let who = &must_still_manage(tx, who, link).await?;
            let removed = remove_in(core, tx, link).await?;
            if removed == Removal::Removed {
                audit::note(core, tx, who, Deed::LinkRemoved, link).await?;
            }
            Ok::<_, Error>(removed)
        })
        .await?;
    core.queue.wake();
    outbox::until_calls_have_begun(core).await;
    Ok(removed)
}

/// Removes a link as part of other work, for somebody who may. Wake the queue after the commit, and wait
/// [`outbox::until_calls_have_begun`].
///
/// # Errors
/// When the database does not answer.
pub async fn remove_in(core: &Core, tx: &DatabaseTransaction, link: &Model) -> Result<Removal> {
    let Some(row) = find_living(tx, link).await? else { return Ok(Removal::Already) };
    let (organization, id, team, now) = (row.organization_id, row.id, row.team_id, core.clock.now());
    let mut change = row.into_active_model();
    change.live_target = Set(None);
    change.state = Set(LinkState::Removing);
    change.state_since = Set(now);
    change.reason = Set(None);
    change.updated_at = Set(now);
    change.update(tx).await?;
    mirrors::link_removed(tx, link, now).await?;
    add_job(tx, organization, id).await?;
    outbox::cancel(tx, organization, id, "The link was removed.", now).await?;
    notice_due(core, tx, organization, team).await?;
    Ok(Removal::Removed)
}

/// The partner says that the link's far end was removed there: the link is gone here too, in this transaction, and there
/// is nothing to undo. Its secrets, and what it would still have told, go with it. Wake the queue after the commit: a job
/// lets its account and its items go, as after any removal.
///
/// # Errors
/// When the database does not answer.
pub async fn gone(
    core: &Core,
    tx: &DatabaseTransaction,
    partner: &Partner,
    link: &Model,
    sentence: &str,
) -> Result<()> {
    let Some(row) = find_living(tx, link).await? else { return Ok(()) };
    let (organization, id, team, now) = (row.organization_id, row.id, row.team_id, core.clock.now());
    tracing::info!(link = %id, %organization, partner = partner.id(), "a link's far end was removed at the partner");
    let was_there = format!("what {} had there", row.name);
    let receipt = [Undone { what: was_there, outcome: UndoneOutcome::AlreadyGone }];
    let mut change = row.into_active_model();
    change.live_target = Set(None);
    change.state = Set(LinkState::Removed);
    change.state_since = Set(now);
    change.reason = Set(Some(format!("{}: it was removed there. {sentence}", partner.name())));
    change.noticed = Set(None);
    change.hook_secret = Set(None);
    change.given_secret = Set(None);
    change.receipt = Set(Some(serde_json::json!(receipt)));
    change.updated_at = Set(now);
    change.update(tx).await?;
    mirrors::link_removed(tx, link, now).await?;
    ledger::all_gone(tx, organization, id, now).await?;
    outbox::cancel(tx, organization, id, sentence, now).await?;
    outbox::forget_posts_of(tx, organization, id).await?;
    audit::note_by_itself(core, tx, organization, Deed::LinkGone, link).await?;
    add_job(tx, organization, id).await?;
    notice_due(core, tx, organization, team).await
}

/// A hook of a removed link arrived: if something was left over at the partner, the clean-up starts again.
///
/// # Errors
/// When the database does not answer.
pub async fn rearm_clean_up(core: &Core, link: &Model) -> Result<()> {
    let long_ago = core.clock.now() - link.state_since > REARM_AFTER_MINUTES * 60_000;
    if link.state != LinkState::Removed || !long_ago {
        return Ok(());
    }
    if LinkLedger::new(core, link.organization_id, link.id).in_state(&[RemoteState::LeftOver]).await?.is_empty() {
        return Ok(());
    }
    core.db
        .write(async |tx| {
            let begun = Entity::update_of(link.organization_id)
                .filter(Column::Id.eq(link.id))
                .filter(Column::State.eq(LinkState::Removed))
                .col_expr(Column::State, LinkState::Removing.into())
                .col_expr(Column::StateSince, core.clock.now().into())
                .exec(tx)
                .await?;
            // Of several hooks at once, one starts it.
            if begun.rows_affected == 0 { Ok(()) } else { add_job(tx, link.organization_id, link.id).await }
        })
        .await?;
    core.queue.wake();
    Ok(())
}

async fn add_job(tx: &DatabaseTransaction, organization: OrganizationId, id: LinkId) -> Result<()> {
    let job = NewJob {
        organization,
        kind: UNINSTALL,
        payload: serde_json::json!({ "link": id }),
        lane: set_up_lane(id),
        run_at: None,
    };
    Ok(queue::add(tx, job).await?)
}

/// Undoes at the partner exactly what the ledger says. Run by the job; twice is fine.
///
/// # Errors
/// [`Error::Partner`] when it is worth trying again.
pub async fn uninstall(core: &Core, organization: OrganizationId, id: LinkId) -> Result<()> {
    let Some(link) = load(core, organization, id).await? else { return Ok(()) };
    match link.state {
        LinkState::Removing => undo_all(core, &link).await?,
        LinkState::Removed => {}
        _ => return Ok(()),
    }
    items::forget_of(core, organization, id).await?;
    // The last link of an installation takes it along. Asked once this link is gone, so that of two that go at the same
    // time at least one sees that none is left.
    let Some(account) = link.integration_user_id else { return Ok(()) };
    match integration_users::let_go(core, organization, account).await? {
        Some(undone) => add_to_receipt(core, organization, id, undone).await,
        None => Ok(()),
    }
}

async fn undo_all(core: &Core, link: &Model) -> Result<()> {
    let ledger = LinkLedger::new(core, link.organization_id, link.id);
    let ours = ledger.to_undo().await?;
    if ours.is_empty() {
        return finish(core, link, &[]).await;
    }
    match undo(core, link, &ours).await {
        Ok(receipt) => {
            for (remote, undone) in ours.iter().zip(&receipt) {
                let left = matches!(undone.outcome, UndoneOutcome::LeftOver(_));
                ledger.mark(remote, if left { RemoteState::LeftOver } else { RemoteState::Gone }).await?;
            }
            finish(core, link, &receipt).await
        }
        Err(Error::Partner(error)) if error.passes() => Err(error.into()),
        Err(Error::Partner(error)) if error.kind() == ErrorKind::Gone => {
            let mut receipt = Vec::new();
            for remote in &ours {
                ledger.mark(remote, RemoteState::Gone).await?;
                receipt.push(Undone { what: what(link, remote), outcome: UndoneOutcome::AlreadyGone });
            }
            finish(core, link, &receipt).await
        }
        Err(Error::Partner(error)) => leave_over(core, link, &ledger, &ours, error.sentence()).await,
        Err(error) => Err(error),
    }
}

/// The job is out of attempts: the receipt says what is left for a person to remove.
///
/// # Errors
/// When the database does not answer.
pub async fn uninstall_gave_up(core: &Core, organization: OrganizationId, id: LinkId, why: &str) -> Result<()> {
    let Some(link) = load(core, organization, id).await? else { return Ok(()) };
    if link.state == LinkState::Removing {
        let ledger = LinkLedger::new(core, organization, id);
        let ours = ledger.to_undo().await?;
        leave_over(core, &link, &ledger, &ours, why).await?;
    }
    items::forget_of(core, organization, id).await?;
    let Some(account) = link.integration_user_id else { return Ok(()) };
    match integration_users::let_go_gave_up(core, organization, account, why).await? {
        Some(undone) => add_to_receipt(core, organization, id, undone).await,
        None => Ok(()),
    }
}

async fn add_to_receipt(core: &Core, organization: OrganizationId, id: LinkId, undone: Undone) -> Result<()> {
    core.db
        .write(async |tx| {
            let Some(link) = load_in(tx, organization, id).await? else { return Ok(()) };
            let mut receipt: Vec<Undone> =
                link.receipt.clone().and_then(|lines| serde_json::from_value(lines).ok()).unwrap_or_default();
            receipt.push(undone);
            let mut change = link.into_active_model();
            change.receipt = Set(Some(serde_json::json!(receipt)));
            change.update(tx).await?;
            Ok::<_, Error>(())
        })
        .await
}

async fn undo(core: &Core, link: &Model, ours: &[Remote]) -> Result<Vec<Undone>> {
    let partner = core.partners.get(&link.partner)?;
    let account = account(core, partner, link).await?;
    let receipt = partner.integration.destroy_link(&account, &as_partner_sees(core, link), ours).await?;
    if receipt.len() != ours.len() {
        let error =
            PartnerError::new(ErrorKind::UnknownOutcome, "The integration did not say what became of everything.");
        return Err(error.into());
    }
    Ok(receipt)
}

async fn leave_over(core: &Core, link: &Model, ledger: &LinkLedger, ours: &[Remote], why: &str) -> Result<()> {
    let mut receipt = Vec::new();
    for remote in ours {
        ledger.mark(remote, RemoteState::LeftOver).await?;
        receipt.push(Undone { what: what(link, remote), outcome: UndoneOutcome::LeftOver(why.to_owned()) });
    }
    finish(core, link, &receipt).await
}

/// What something at the partner is called in a receipt.
fn what(link: &Model, remote: &Remote) -> String {
    match &remote.id {
        Some(id) => format!("the {} {id} of {}", remote.kind, link.name),
        None => format!("the {} of {}", remote.kind, link.name),
    }
}

/// The row stays: its hook key is answered 410 from now on, and its receipt can be read.
async fn finish(core: &Core, link: &Model, receipt: &[Undone]) -> Result<()> {
    core.db
        .write(async |tx| {
            let mut gone = link.clone().into_active_model();
            gone.state = Set(LinkState::Removed);
            gone.state_since = Set(core.clock.now());
            gone.hook_secret = Set(None);
            gone.given_secret = Set(None);
            gone.receipt = Set(Some(serde_json::json!(receipt)));
            gone.update(tx).await?;
            Ok::<_, Error>(())
        })
        .await
}
