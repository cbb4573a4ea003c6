//! Kept messages: reading them, how reading them ended, reading them again, and forgetting them.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, DatabaseTransaction, DerivePartialModel, QueryFilter, QueryOrder, QuerySelect, Select, sea_query::Expr,
};

use super::{
    READ_MESSAGE,
    keep::{payload, reading_job},
};
use crate::{
    core::{
        Core, Error, Result,
        audit::{self, About, Deed},
        people::Member,
    },
    db::{
        Aged, LinkId, MessageId, OrganizationId, Outdated,
        entity::{
            Tenant,
            inbox_message::{Column, Entity, MessageState, Model},
        },
    },
    queue,
};

/// A message as a line of its link's page: without its body.
#[derive(Clone, Debug, PartialEq, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
pub struct MessageLine {
    /// Its id.
    pub id: MessageId,
    /// Of which link.
    pub link_id: LinkId,
    /// The partner's word for what it is.
    pub event: String,
    /// The partner's name of the delivery.
    pub delivery: String,
    /// Where it stands.
    pub state: MessageState,
    /// Why, when nothing came of it.
    pub reason: Option<String>,
    /// Unix milliseconds.
    pub received_at: i64,
    /// Unix milliseconds.
    pub finished_at: Option<i64>,
}

/// One message, with its body.
///
/// # Errors
/// [`Error::NotFound`] when it is not there (any more).
pub async fn load(core: &Core, organization: OrganizationId, id: MessageId) -> Result<Model> {
    Entity::of(organization).filter(Column::Id.eq(id)).one(core.db.reader()).await?.ok_or(Error::NotFound)
}

/// Writes how reading a message ended, together with what came of it. A message that is gone is left alone.
///
/// # Errors
/// The database's.
pub async fn finish(
    tx: &DatabaseTransaction,
    now: i64,
    organization: OrganizationId,
    id: MessageId,
    state: MessageState,
    reason: Option<String>,
) -> Result<()> {
    Entity::update_of(organization)
        .filter(Column::Id.eq(id))
        .col_expr(Column::State, Expr::val(state))
        .col_expr(Column::Reason, Expr::val(reason.map(|reason| super::keep::reason(&reason))))
        .col_expr(Column::FinishedAt, Expr::val((state != MessageState::Received).then_some(now)))
        .exec(tx)
        .await?;
    Ok(())
}

/// Keeps a message unread until its link works again. Call it in the commit that breaks the link.
///
/// # Errors
/// The database's.
pub async fn hold(tx: &DatabaseTransaction, message: &Model, why: &str) -> Result<()> {
    let reason = super::keep::reason(&format!("Kept until the link works again. {why}"));
    Entity::update_of(message.organization_id)
        .filter(Column::Id.eq(message.id))
        .filter(Column::State.eq(MessageState::Received))
        .col_expr(Column::Reason, Expr::val(reason))
        .exec(tx)
        .await?;
    Ok(())
}

/// A link works (again): what was kept for that is read, in its order. Call it in the commit that makes the link active, and
/// wake the queue after.
///
/// # Errors
/// The database's.
pub async fn go_on(tx: &DatabaseTransaction, organization: OrganizationId, link: LinkId) -> Result<()> {
    let mut going = Entity::update_of(organization)
        .filter(Column::LinkId.eq(link))
        .filter(Column::State.eq(MessageState::Received))
        // What simply waits for its turn has none, and its job.
        .filter(Column::Reason.is_not_null())
        .col_expr(Column::Reason, Expr::val(None::<String>))
        .exec_with_returning(tx)
        .await?;
    going.sort_by_key(|message| message.id);
    let jobs = going.iter().map(|message| reading_job(organization, link, &message.lane, message.id)).collect();
    Ok(queue::add_many(tx, jobs).await?)
}

/// A link's messages that are kept until it works again.
pub fn held(organization: OrganizationId, link: LinkId) -> Select<Entity> {
    Entity::of(organization)
        .filter(Column::LinkId.eq(link))
        .filter(Column::State.eq(MessageState::Received))
        .filter(Column::Reason.is_not_null())
}

/// Has a message of a link read again, of which nothing came.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] when it is being read, was read with success, or was not kept whole.
pub async fn replay(core: &Core, who: &Member, link: LinkId, id: MessageId) -> Result<()> {
    let states = [MessageState::Failed, MessageState::Ignored];
    let again = replay_some(core, who, link, Some(id), &states, 1).await?;
    if again > 0 {
        return Ok(());
    }
    let of_link = Entity::of(who.organization).filter(Column::LinkId.eq(link)).filter(Column::Id.eq(id));
    of_link.one(core.db.reader()).await?.ok_or(Error::NotFound)?;
    Err(Error::Conflict("Only a message that failed or was ignored can be read again.".into()))
}

/// Has a link's failed messages read again, the oldest first and at most so many. Answers with how many.
///
/// # Errors
/// The database's.
pub async fn replay_failed(core: &Core, who: &Member, link: LinkId, most: u64) -> Result<u64> {
    replay_some(core, who, link, None, &[MessageState::Failed], most).await
}

/// How many of a link's messages failed; counts no further than `most`.
///
/// # Errors
/// The database's.
pub async fn count_failed(core: &Core, organization: OrganizationId, link: LinkId, most: u64) -> Result<u64> {
    let failed = Entity::of(organization)
        .filter(Column::LinkId.eq(link))
        .filter(Column::State.eq(MessageState::Failed))
        .select_only()
        .column(Column::Id)
        .limit(most);
    Ok(failed.into_tuple::<MessageId>().all(core.db.reader()).await?.len() as u64)
}

async fn replay_some(
    core: &Core,
    who: &Member,
    link: LinkId,
    only: Option<MessageId>,
    states: &[MessageState],
    most: u64,
) -> Result<u64> {
    let organization = who.organization;
    let again = core
        .db
        .write(async |tx| {
            let mut chosen = Entity::of(organization)
                .filter(Column::LinkId.eq(link))
                .filter(Column::State.is_in(states.iter().copied()))
                .order_by_asc(Column::Id)
                .limit(most)
                .select_only()
                .columns([Column::Id, Column::Lane]);
            if let Some(id) = only {
                chosen = chosen.filter(Column::Id.eq(id));
            }
            let chosen: Vec<(MessageId, String)> = chosen.into_tuple().all(tx).await?;
            let mut jobs = Vec::new();
            for (id, lane) in chosen {
                let again = Entity::update_of(organization)
                    .filter(Column::Id.eq(id))
                    .filter(Column::State.is_in(states.iter().copied()))
                    .col_expr(Column::State, Expr::val(MessageState::Received))
                    .col_expr(Column::Reason, Expr::val(None::<String>))
                    .col_expr(Column::FinishedAt, Expr::val(None::<i64>))
                    .exec(tx)
                    .await?;
                // Somebody else may have been quicker.
                if again.rows_affected > 0 {
                    // The job that gave it up is no dead letter any more.
                    queue::dead::discard_about(tx, organization, READ_MESSAGE, &payload(id)).await?;
                    jobs.push(reading_job(organization, link, &lane, id));
                }
            }
            let again = jobs.len() as u64;
            queue::add_many(tx, jobs).await?;
            if again > 0 {
                let about = About::link(tx, organization, link).await?.saying(format!("{again}"));
                audit::note(core, tx, who, Deed::HooksReplayed, about).await?;
            }
            Ok::<_, Error>(again)
        })
        .await?;
    core.queue.wake();
    Ok(again)
}

/// Which messages go with time: all but those that are still to be read.
pub(in crate::core) const AGED: Aged = Aged {
    table: "inbox_messages",
    key: "organization_id, id",
    times: &["received_at"],
    which: "state <> 'received'",
    kept_days: "messages_kept_days",
};

/// Forgets the messages that are older than their organization keeps them. Answers with how many.
///
/// # Errors
/// The database's.
pub async fn forget_messages(core: &Core) -> Result<u64> {
    Ok(core.db.forget_aged(AGED, core.clock.now()).await?)
}

/// Forgets the marks older than this, of all tenants. Answers with how many.
///
/// Longer than any partner delivers again: a hook whose marks are gone counts as new.
///
/// # Errors
/// The database's.
pub async fn forget_marks(core: &Core, older_than: Duration) -> Result<u64> {
    let (key, limit) = ("organization_id, link_id, mark", core.clock.before(older_than));
    Ok(core.db.forget(Outdated { table: "inbox_marks", key, which: "seen_at < $1", limit, of: None }).await?)
}
