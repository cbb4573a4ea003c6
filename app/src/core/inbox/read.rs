//! Kept messages: reading them, how reading them ended, reading them again, and forgetting them.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DerivePartialModel, QueryFilter, QueryOrder, QuerySelect,
    Statement, Value, sea_query::Expr,
};

use super::{
    READ_MESSAGE,
    keep::{payload, reading_job},
};
use crate::{
    core::{Core, Error, Result},
    db::{
        LinkId, MessageId, OrganizationId,
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

/// A link's messages, the newest first; `before` is the last one of the page before.
///
/// # Errors
/// The database's.
pub async fn list(
    core: &Core,
    organization: OrganizationId,
    link: LinkId,
    before: Option<MessageId>,
    most: u64,
) -> Result<Vec<MessageLine>> {
    let mut lines = Entity::of(organization).filter(Column::LinkId.eq(link)).order_by_desc(Column::Id).limit(most);
    if let Some(before) = before {
        lines = lines.filter(Column::Id.lt(before));
    }
    Ok(lines.into_partial_model().all(core.db.reader()).await?)
}

/// Has a message of a link read again, of which nothing came.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] when it is being read, was read with success, or was not kept whole.
pub async fn replay(core: &Core, organization: OrganizationId, link: LinkId, id: MessageId) -> Result<()> {
    core.db
        .write(async |tx| {
            let of_link = Entity::of(organization).filter(Column::LinkId.eq(link));
            let message = of_link.filter(Column::Id.eq(id)).one(tx).await?.ok_or(Error::NotFound)?;
            let again = Entity::update_of(organization)
                .filter(Column::Id.eq(id))
                .filter(Column::State.is_in([MessageState::Failed, MessageState::Ignored]))
                .col_expr(Column::State, Expr::val(MessageState::Received))
                .col_expr(Column::Reason, Expr::val(None::<String>))
                .col_expr(Column::FinishedAt, Expr::val(None::<i64>))
                .exec(tx)
                .await?;
            if again.rows_affected == 0 {
                return Err(Error::Conflict("Only a message that failed or was ignored can be read again.".into()));
            }
            // The job that gave it up is no dead letter any more.
            queue::dead::discard_about(tx, organization, READ_MESSAGE, &payload(id)).await?;
            queue::add(tx, reading_job(organization, message.link_id, &message.lane, id)).await?;
            Ok(())
        })
        .await?;
    core.queue.wake();
    Ok(())
}

/// Forgets marks and finished messages older than this, at most `batch` of each, in two short commits. Answers with how
/// many, so that the caller goes on until none.
///
/// Older than the longest time in which a partner delivers again, or an old hook would count as new.
///
/// # Errors
/// The database's.
pub async fn prune(core: &Core, older_than: Duration, batch: u64) -> Result<u64> {
    let before = core.clock.now() - i64::try_from(older_than.as_millis()).unwrap_or(i64::MAX);
    let marks = "DELETE FROM inbox_marks WHERE (organization_id, link_id, mark) IN (
             SELECT organization_id, link_id, mark FROM inbox_marks WHERE seen_at < $1 ORDER BY seen_at LIMIT $2
         )";
    let messages = "DELETE FROM inbox_messages WHERE (organization_id, id) IN (
             SELECT organization_id, id FROM inbox_messages WHERE received_at < $1 AND state <> 'received'
             ORDER BY received_at LIMIT $2
         )";
    let mut forgotten = 0;
    for sql in [messages, marks] {
        let values: [Value; 2] = [before.into(), i64::try_from(batch).unwrap_or(i64::MAX).into()];
        forgotten += core
            .db
            .write(async |tx| {
                let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
                Ok::<_, Error>(tx.execute_raw(statement).await?.rows_affected())
            })
            .await?;
    }
    Ok(forgotten)
}
