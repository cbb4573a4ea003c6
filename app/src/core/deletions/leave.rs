//! Leaving the partners: the organization's links are removed as any link is, then its accounts are given back, and what
//! became of each is written down.

use std::time::Duration;

use integration_contract::Undone;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Select};

use super::{Counts, set_stage};
use crate::{
    core::{Core, Error, Result, integration_links, integration_users, outbox},
    db::{
        OrganizationId,
        entity::{
            Tenant,
            deletion::{Column, Entity, Model, Stage},
            integration_link::{self, LinkState},
            integration_user,
        },
    },
    queue,
};

/// A partner who is away is waited for as long as other work waits for it.
const PATIENCE: i64 = 76 * 3600 * 1000;

/// How often is looked whether the partners are done: often at first, later less.
const SHORTEST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// How many links are removed before it is looked for more.
const AT_ONCE: u64 = 50;

/// Takes the organization away from its partners. Answers with how long to wait for them, or with nothing once it is done
/// and the rows may go.
pub(super) async fn leave(core: &Core, organization: OrganizationId, deletion: &Model) -> Result<Option<Duration>> {
    if deletion.counts.is_null() {
        let counts = Counts::of(core, organization).await?;
        let counted = core.db.write(async |tx| {
            let uncounted = Entity::update_many().filter(Column::Id.eq(deletion.id));
            uncounted.col_expr(Column::Counts, serde_json::json!(counts).into()).exec(tx).await
        });
        counted.await?;
    }
    remove_links(core, integration_link::Entity::of(organization)).await?;
    let age = core.clock.now() - deletion.begun_at;
    let wait = wait_for_partners(age);
    for kind in [integration_links::UNINSTALL, integration_users::DISCONNECT] {
        if !queue::at_work(&core.db, organization, kind).await?.is_empty() {
            return Ok(Some(wait));
        }
    }
    for account in integration_user::Entity::of(organization).all(core.db.reader()).await? {
        match integration_users::part_with(core, &account).await {
            Ok(undone) => note_account(core, deletion, &account, undone).await?,
            Err(Error::Partner(error)) if error.passes() && age < PATIENCE => return Ok(Some(wait)),
            Err(Error::Partner(error)) => {
                let left = integration_users::left_over(&account, error.sentence());
                note_account(core, deletion, &account, Some(left)).await?;
            }
            // The partner is none of this binary's any more.
            Err(Error::NotFound) => {
                let left = integration_users::left_over(&account, "This server no longer knows the partner.");
                note_account(core, deletion, &account, Some(left)).await?;
            }
            Err(error) => return Err(error),
        }
    }
    core.db
        .write(async |tx| {
            if has_links(tx, organization).await? {
                return Ok(Some(wait));
            }
            note_links(tx, organization, deletion).await?;
            set_stage(tx, deletion, Stage::Forgetting).await?;
            Ok(None)
        })
        .await
}

/// How long to wait before it is looked again whether the partners are done, some milliseconds after it began.
pub(super) fn wait_for_partners(age: i64) -> Duration {
    Duration::from_millis(age.unsigned_abs() / 10).clamp(SHORTEST_WAIT, LONGEST_WAIT)
}

/// Whether something of the organization still stands at a partner, or may.
pub(super) async fn has_links(tx: &DatabaseTransaction, organization: OrganizationId) -> Result<bool> {
    let living = integration_link::Entity::of(organization)
        .filter(integration_link::Column::State.ne(LinkState::Removed))
        .count(tx);
    Ok(living.await? > 0)
}

/// Removes those of these links that are still there.
pub(super) async fn remove_links(core: &Core, links: Select<integration_link::Entity>) -> Result<()> {
    loop {
        let some = links
            .clone()
            .filter(integration_link::Column::State.is_not_in([LinkState::Removing, LinkState::Removed]))
            .limit(AT_ONCE)
            .all(core.db.reader())
            .await?;
        if some.is_empty() {
            return Ok(());
        }
        for link in &some {
            core.db.write(async |tx| integration_links::remove_in(core, tx, link).await).await?;
            core.queue.wake();
        }
        outbox::until_calls_have_begun(core).await;
    }
}

/// The account goes, and what became of it stays, in one commit.
async fn note_account(
    core: &Core,
    deletion: &Model,
    account: &integration_user::Model,
    undone: Option<Undone>,
) -> Result<()> {
    core.db
        .write(async |tx| {
            let gone = integration_user::Entity::delete_of(account.organization_id)
                .filter(integration_user::Column::Id.eq(account.id))
                .exec(tx)
                .await?;
            // Of two runs at once, one notes it.
            if gone.rows_affected == 0 {
                return Ok(());
            }
            note_undone(tx, deletion, undone.into_iter().collect()).await
        })
        .await
}

/// What the removal of the links came to.
async fn note_links(tx: &DatabaseTransaction, organization: OrganizationId, deletion: &Model) -> Result<()> {
    let undone = undone_of(tx, integration_link::Entity::of(organization), deletion.begun_at).await?;
    note_undone(tx, deletion, undone).await
}

/// What the receipts of these links say of what was undone since then.
pub(super) async fn undone_of(
    tx: &DatabaseTransaction,
    links: Select<integration_link::Entity>,
    since: i64,
) -> Result<Vec<Undone>> {
    let receipts: Vec<Option<serde_json::Value>> = links
        .select_only()
        .column(integration_link::Column::Receipt)
        .filter(integration_link::Column::StateSince.gte(since))
        .into_tuple()
        .all(tx)
        .await?;
    let lines = |receipt: serde_json::Value| serde_json::from_value::<Vec<Undone>>(receipt).unwrap_or_default();
    Ok(receipts.into_iter().flatten().flat_map(lines).collect())
}

/// What is known, with what became known since. A stage that is gone through twice says the same twice.
pub(super) fn with_more(known: serde_json::Value, more: Vec<Undone>) -> Vec<Undone> {
    let mut undone: Vec<Undone> = serde_json::from_value(known).unwrap_or_default();
    undone.extend(more.into_iter().filter(|one| !undone.contains(one)).collect::<Vec<_>>());
    undone
}

async fn note_undone(tx: &DatabaseTransaction, deletion: &Model, more: Vec<Undone>) -> Result<()> {
    if more.is_empty() {
        return Ok(());
    }
    let held = Entity::find_by_id(deletion.id).lock_exclusive().one(tx).await?;
    let undone = with_more(held.map(|row| row.undone).unwrap_or_default(), more);
    Entity::update_many()
        .col_expr(Column::Undone, serde_json::json!(undone).into())
        .filter(Column::Id.eq(deletion.id))
        .exec(tx)
        .await?;
    Ok(())
}
