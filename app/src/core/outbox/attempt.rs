//! One attempt at sending a message: written down before the partner is called, completed after.
//!
//! The post is marked before the call too. A process that dies in between leaves "maybe", as does an answer that got
//! lost, and the next attempt says so to the partner. What is certain not to have been done leaves no mark.

use std::time::Instant;

use integration_contract::{Error as PartnerError, ErrorKind, Outgoing, Posted, Receipt};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use super::{hold_link, item, line::Notes, milliseconds};
use crate::{
    core::{Core, Result},
    db::{
        AttemptId, LinkId, OrganizationId,
        entity::{
            Tenant,
            entry::EntryStatus,
            outbox_attempt::{self, Column},
            outbox_message::{self, Model, OutboxState},
            post::{self, PostState},
        },
    },
};

/// An attempt that was begun.
pub(super) struct Attempt {
    id: AttemptId,
    begun: Instant,
    /// The post was marked for this attempt: nothing of it stood at the partner before.
    marked: bool,
}

impl Attempt {
    /// Writes down that a message is about to be sent; none when it was taken back meanwhile.
    pub async fn begin(core: &Core, message: &Model, outgoing: &Outgoing) -> Result<Option<Self>> {
        let now = core.clock.now();
        let (organization, id) = (message.organization_id, AttemptId::new());
        let marked = outgoing.posted == Posted::Never;
        let begun = core
            .db
            .write(async |tx| {
                use outbox_message::Column as Of;
                hold_link(tx, organization, message.link_id).await?;
                let counted = outbox_message::Entity::update_of(organization)
                    .col_expr(Of::Attempts, Expr::col(Of::Attempts).add(1))
                    .col_expr(Of::FirstSentAt, Expr::col(Of::FirstSentAt).if_null(now))
                    .filter(Of::Id.eq(message.id))
                    .filter(Of::State.eq(OutboxState::Waiting))
                    .filter(Of::Turn.eq(message.turn))
                    .exec_with_returning(tx)
                    .await?;
                let Some(counted) = counted.into_iter().next() else { return Ok(false) };
                end_unheard(tx, message).await?;
                let row = outbox_attempt::ActiveModel {
                    organization_id: Set(organization),
                    id: Set(id),
                    message_id: Set(message.id),
                    link_id: Set(message.link_id),
                    number: Set(counted.attempts),
                    started_at: Set(now),
                    took_ms: Set(None),
                    outcome: Set(None),
                    sentence: Set(None),
                    calls: Set(serde_json::json!([])),
                };
                outbox_attempt::Entity::insert(row).exec_without_returning(tx).await?;
                if marked {
                    mark_maybe(tx, message, now).await?;
                }
                Ok::<_, crate::core::Error>(true)
            })
            .await?;
        Ok(begun.then(|| Self { id, begun: Instant::now(), marked }))
    }

    /// Completes the attempt and the post.
    pub async fn end(
        &self,
        tx: &DatabaseTransaction,
        message: &Model,
        status: Option<EntryStatus>,
        result: &std::result::Result<Receipt, PartnerError>,
        notes: &Notes,
        now: i64,
    ) -> Result<()> {
        let (outcome, sentence) = match result {
            Ok(receipt) => ("delivered", receipt.note.clone()),
            Err(_) if notes.stopped() => ("cancelled", Some("The link was removed, so nothing more was sent.".into())),
            Err(error) => (word(error.kind()), Some(error.sentence().to_owned())),
        };
        outbox_attempt::Entity::update_of(message.organization_id)
            .col_expr(Column::TookMs, Expr::val(milliseconds(self.begun.elapsed())))
            .col_expr(Column::Outcome, Expr::val(outcome))
            .col_expr(Column::Sentence, Expr::val(sentence.map(|sentence| readable(&sentence))))
            .col_expr(Column::Calls, Expr::val(serde_json::json!(notes.calls())))
            .filter(Column::Id.eq(self.id))
            .exec(tx)
            .await?;
        match result {
            Ok(Receipt { remote_id: Some(remote), .. }) => {
                stands(tx, message, remote, status, now).await?;
                item::begin_thread(tx, message, remote, now).await
            }
            Ok(Receipt { remote_id: None, .. }) => unmark(tx, message).await,
            // After a first call was made and the second was not, it may be there.
            Err(error) if self.marked && error.kind() != ErrorKind::UnknownOutcome && !notes.stopped() => {
                unmark(tx, message).await
            }
            Err(_) => Ok(()),
        }
    }
}

/// An attempt of which nothing was heard: its process died, or it ran out of time.
async fn end_unheard(tx: &DatabaseTransaction, message: &Model) -> Result<()> {
    outbox_attempt::Entity::update_of(message.organization_id)
        .col_expr(Column::Outcome, Expr::val(word(ErrorKind::UnknownOutcome)))
        .col_expr(Column::Sentence, Expr::val("It was cut off before there was an answer."))
        .filter(Column::MessageId.eq(message.id))
        .filter(Column::Outcome.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// When the link last began to send something.
pub(super) async fn last_of_link(core: &Core, organization: OrganizationId, link: LinkId) -> Result<Option<i64>> {
    Ok(outbox_attempt::Entity::of(organization)
        .filter(Column::LinkId.eq(link))
        .order_by_desc(Column::Id)
        .limit(1)
        .select_only()
        .column(Column::StartedAt)
        .into_tuple()
        .one(core.db.reader())
        .await?)
}

/// What stands at the partner of what a message is about.
pub(super) async fn post_of(core: &Core, message: &Model) -> Result<Option<post::Model>> {
    Ok(post::Entity::of(message.organization_id)
        .filter(post::Column::LinkId.eq(message.link_id))
        .filter(post::Column::About.eq(&message.about))
        .one(core.db.reader())
        .await?)
}

/// The same in the partner's terms.
pub(super) fn posted(post: Option<&post::Model>) -> Posted {
    match post {
        Some(post::Model { state: PostState::There, remote_id: Some(remote), .. }) => Posted::As(remote.clone()),
        Some(post) if post.state == PostState::Maybe => Posted::Maybe { since: post.first_sent_at.div_euclid(1000) },
        _ => Posted::Never,
    }
}

async fn mark_maybe(tx: &DatabaseTransaction, message: &Model, now: i64) -> Result<()> {
    put(tx, row(message, PostState::Maybe, now)).await
}

async fn stands(
    tx: &DatabaseTransaction,
    message: &Model,
    remote: &str,
    status: Option<EntryStatus>,
    now: i64,
) -> Result<()> {
    let mut row = row(message, PostState::There, now);
    row.remote_id = Set(Some(remote.to_owned()));
    row.status = Set(status);
    let update = [post::Column::State, post::Column::RemoteId, post::Column::Status, post::Column::UpdatedAt];
    write(tx, vec![row], &update).await
}

/// Notes which entries a digest told, and as what.
pub(super) async fn were_told(
    tx: &DatabaseTransaction,
    digest: &Model,
    entries: &[(String, EntryStatus)],
    now: i64,
) -> Result<()> {
    let rows = entries.iter().map(|(about, status)| {
        let mut row = row(digest, PostState::Told, now);
        row.about = Set(about.clone());
        row.status = Set(Some(*status));
        row
    });
    write(tx, rows.collect(), &[post::Column::Status, post::Column::UpdatedAt]).await
}

async fn put(tx: &DatabaseTransaction, row: post::ActiveModel) -> Result<()> {
    use post::Column::{FirstSentAt, MessageId, RemoteId, State, Status, UpdatedAt};
    write(tx, vec![row], &[State, MessageId, RemoteId, Status, FirstSentAt, UpdatedAt]).await
}

async fn write(tx: &DatabaseTransaction, rows: Vec<post::ActiveModel>, update: &[post::Column]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let key = [post::Column::OrganizationId, post::Column::LinkId, post::Column::About];
    let on_conflict = OnConflict::columns(key).update_columns(update.iter().copied()).to_owned();
    post::Entity::insert_many(rows).on_conflict(on_conflict).exec_without_returning(tx).await?;
    Ok(())
}

fn row(message: &Model, state: PostState, now: i64) -> post::ActiveModel {
    post::ActiveModel {
        organization_id: Set(message.organization_id),
        link_id: Set(message.link_id),
        about: Set(message.about.clone()),
        state: Set(state),
        message_id: Set(message.id),
        remote_id: Set(None),
        status: Set(None),
        first_sent_at: Set(now),
        updated_at: Set(now),
    }
}

async fn unmark(tx: &DatabaseTransaction, message: &Model) -> Result<()> {
    post::Entity::delete_of(message.organization_id)
        .filter(post::Column::LinkId.eq(message.link_id))
        .filter(post::Column::About.eq(&message.about))
        .exec(tx)
        .await?;
    Ok(())
}

/// A kind of error in a word, for the row and the metrics.
pub(super) fn word(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotConfigured => "not_configured",
        ErrorKind::Refused => "refused",
        ErrorKind::Unauthorized => "unauthorized",
        ErrorKind::Forbidden => "forbidden",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Gone => "gone",
        ErrorKind::Conflict => "conflict",
        ErrorKind::RateLimited => "rate_limited",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::UnknownOutcome => "unknown_outcome",
        ErrorKind::Malformed => "malformed",
        ErrorKind::Unsupported => "unsupported",
    }
}

/// A sentence as it is kept: no longer than a paragraph, and without the one character PostgreSQL can't store.
pub(super) fn readable(sentence: &str) -> String {
    integration_contract::text::without_nul(sentence).chars().take(1000).collect()
}
