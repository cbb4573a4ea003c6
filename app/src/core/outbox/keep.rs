//! Keeping messages: holding and letting go with their link, sending again, showing, forgetting.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use sea_orm::{
    ActiveEnum, ColumnTrait, ConnectionTrait, DatabaseTransaction, DerivePartialModel, QueryFilter, QueryOrder,
    QuerySelect, Select, Statement,
    sea_query::{Expr, ExprTrait, Query},
};

pub use super::line::CallNote;
use super::{DELIVER, TOO_OLD, attempt::readable, digest, hold_link, item::happened, job, load, milliseconds, payload};
use crate::{
    core::{
        Core, Error, Result,
        audit::{self, About, Deed},
        items,
        people::Member,
    },
    db::{
        Aged, Db, EntryId, ItemId, LinkId, OrganizationId, OutboxMessageId, Outdated,
        entity::{
            Tenant, entry,
            integration_link::{self, LinkState},
            item, outbox_attempt,
            outbox_message::{Column, Entity, Model, OutboxKind, OutboxState},
            post::{self, PostState},
        },
    },
    queue,
};

/// How long it is remembered what stands at a partner, after its last change: an entry that is changed later than this
/// is not followed there any more.
pub const POSTS_KEPT: Duration = Duration::from_secs(365 * 24 * 3600);

/// Keeps one message back, unless its link can work again by now: whoever made it so may not have seen this message.
/// Says whether it did.
pub(super) async fn hold(tx: &DatabaseTransaction, message: &Model) -> Result<bool> {
    if hold_link(tx, message.organization_id, message.link_id).await? == Some(LinkState::Active) {
        return Ok(false);
    }
    Entity::update_of(message.organization_id)
        .col_expr(Column::State, OutboxState::Held.into())
        .filter(Column::Id.eq(message.id))
        .filter(Column::State.eq(OutboxState::Waiting))
        // It may be going on already.
        .filter(Column::Turn.eq(message.turn))
        .exec(tx)
        .await?;
    Ok(true)
}

/// Whether a message that was written before this one was put behind it: held with its link, or sent again. It goes
/// first, also when this one was written while that happened.
pub(super) async fn must_step_back(core: &Core, message: &Model) -> Result<bool> {
    let older = Entity::of(message.organization_id)
        .filter(Column::LinkId.eq(message.link_id))
        .filter(Column::Kind.ne(OutboxKind::Answer))
        .filter(Column::State.eq(OutboxState::Waiting))
        .filter(Column::Id.lt(message.id))
        // Once it has stepped back it has a turn as high, so this ends.
        .filter(Column::Turn.gt(message.turn))
        .select_only()
        .column(Column::Id)
        .limit(1);
    let older: Option<OutboxMessageId> = older.into_tuple().one(core.db.reader()).await?;
    Ok(older.is_some())
}

/// Goes to the end of the link's line.
pub(super) async fn step_back(core: &Core, message: &Model) -> Result<()> {
    core.db
        .write(async |tx| {
            let back = Entity::update_of(message.organization_id)
                .col_expr(Column::Turn, Expr::col(Column::Turn).add(1))
                .filter(Column::Id.eq(message.id))
                .filter(Column::State.eq(OutboxState::Waiting))
                .filter(Column::Turn.eq(message.turn))
                .exec_with_returning(tx)
                .await?;
            Ok::<_, Error>(queue::add_many(tx, back.iter().map(job).collect()).await?)
        })
        .await?;
    core.queue.wake();
    Ok(())
}

/// Keeps back everything a link has to tell.
pub(super) async fn hold_all(tx: &DatabaseTransaction, link: &integration_link::Model) -> Result<()> {
    Entity::update_of(link.organization_id)
        .col_expr(Column::State, OutboxState::Held.into())
        .filter(Column::LinkId.eq(link.id))
        .filter(Column::State.eq(OutboxState::Waiting))
        .filter(Column::Kind.ne(OutboxKind::Answer))
        .exec(tx)
        .await?;
    Ok(())
}

/// A link works (again): what was held goes on, in its order, except what is old news by now. Call it in the commit that
/// makes the link active, and wake the queue after.
///
/// # Errors
/// When the database does not answer.
pub async fn go_on(tx: &DatabaseTransaction, organization: OrganizationId, link: LinkId, now: i64) -> Result<()> {
    let standing = Query::select()
        .column(post::Column::About)
        .from(post::Entity)
        .and_where(post::Column::OrganizationId.eq(organization))
        .and_where(post::Column::LinkId.eq(link))
        .and_where(post::Column::State.is_in(PostState::STANDING))
        .to_owned();
    Entity::update_of(organization)
        .col_expr(Column::State, OutboxState::Skipped.into())
        .col_expr(Column::Reason, Expr::val("It waited for more than three days for its link to work."))
        .col_expr(Column::FinishedAt, Expr::val(now))
        .filter(Column::LinkId.eq(link))
        .filter(Column::State.eq(OutboxState::Held))
        .filter(Column::CreatedAt.lt(now - milliseconds(TOO_OLD)))
        // A change of what stands there, or taking it back, is never too late.
        .filter(Column::About.not_in_subquery(standing))
        .exec(tx)
        .await?;
    // Those that wait get another turn too: their jobs may stand before those of what was held.
    let mut going = Entity::update_of(organization)
        .col_expr(Column::State, OutboxState::Waiting.into())
        .col_expr(Column::Reason, Expr::val(None::<String>))
        .col_expr(Column::Turn, Expr::col(Column::Turn).add(1))
        .filter(Column::LinkId.eq(link))
        .filter(Column::State.is_in([OutboxState::Held, OutboxState::Waiting]))
        .filter(Column::Kind.ne(OutboxKind::Answer))
        .exec_with_returning(tx)
        .await?;
    going.sort_by_key(|message| message.id);
    Ok(queue::add_many(tx, going.iter().map(job).collect()).await?)
}

/// A link is removed: nothing of it is sent any more. Call it in the commit that removes it, and
/// [`until_calls_have_begun`] after.
///
/// # Errors
/// When the database does not answer.
pub async fn cancel(
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    link: LinkId,
    reason: &str,
    now: i64,
) -> Result<()> {
    Entity::update_of(organization)
        .col_expr(Column::State, OutboxState::Cancelled.into())
        .col_expr(Column::Reason, Expr::val(readable(reason)))
        .col_expr(Column::Content, Expr::val(None::<Vec<u8>>))
        .col_expr(Column::FinishedAt, Expr::val(now))
        .filter(Column::LinkId.eq(link))
        .filter(Column::State.is_in(OutboxState::LIVING))
        .exec(tx)
        .await?;
    Ok(())
}

/// Nothing stands at the partner any more of what a link posted there: it was removed with the link's far end.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_posts_of(tx: &DatabaseTransaction, organization: OrganizationId, link: LinkId) -> Result<()> {
    post::Entity::delete_of(organization).filter(post::Column::LinkId.eq(link)).exec(tx).await?;
    Ok(())
}

/// Waits until the calls that were allowed before a removal was committed have begun: none begins after this.
pub async fn until_calls_have_begun(core: &Core) {
    drop(core.0.beginning.write().await);
}

/// Sends a message again that failed or was skipped.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] when it is under way, was sent, or can't be sent again.
pub async fn replay(core: &Core, who: &Member, link: LinkId, id: OutboxMessageId) -> Result<()> {
    let organization = who.organization;
    core.db
        .write(async |tx| {
            hold_link(tx, organization, link).await?;
            let message = load(tx, organization, id).await?.filter(|message| message.link_id == link);
            replay_one(tx, &message.ok_or(Error::NotFound)?).await?;
            let about = About::link(tx, organization, link).await?.saying("1");
            audit::note(core, tx, who, Deed::MessagesReplayed, about).await
        })
        .await?;
    core.queue.wake();
    Ok(())
}

/// Sends a link's failed messages again, the oldest first and at most so many. Answers with how many go.
///
/// # Errors
/// When the database does not answer.
pub async fn replay_failed(core: &Core, who: &Member, link: LinkId, most: u64) -> Result<u64> {
    let organization = who.organization;
    let going = core
        .db
        .write(async |tx| {
            hold_link(tx, organization, link).await?;
            let failed = failed_of(organization, link).order_by_asc(Column::Id).limit(most).all(tx).await?;
            let mut going: u64 = 0;
            for message in failed {
                match replay_one(tx, &message).await {
                    Ok(()) => going += 1,
                    // An older one about the same goes already, and tells how it stands now.
                    Err(Error::Conflict(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            if going > 0 {
                let about = About::link(tx, organization, link).await?.saying(format!("{going}"));
                audit::note(core, tx, who, Deed::MessagesReplayed, about).await?;
            }
            Ok::<u64, Error>(going)
        })
        .await?;
    core.queue.wake();
    Ok(going)
}

/// How many of a link's messages failed and can be sent again; counts no further than `most`.
///
/// # Errors
/// When the database does not answer.
pub async fn count_failed(core: &Core, organization: OrganizationId, link: LinkId, most: u64) -> Result<u64> {
    let ids = failed_of(organization, link).select_only().column(Column::Id).limit(most);
    Ok(ids.into_tuple::<OutboxMessageId>().all(core.db.reader()).await?.len() as u64)
}

/// A link's messages that are kept until it works again.
pub fn held(organization: OrganizationId, link: LinkId) -> Select<Entity> {
    Entity::of(organization).filter(Column::LinkId.eq(link)).filter(Column::State.eq(OutboxState::Held))
}

/// Those that [`replay`] takes.
fn failed_of(organization: OrganizationId, link: LinkId) -> Select<Entity> {
    Entity::of(organization)
        .filter(Column::LinkId.eq(link))
        .filter(Column::State.eq(OutboxState::Failed))
        .filter(Column::Kind.ne(OutboxKind::Answer))
        .filter(Column::DigestId.is_null())
}

/// The link must be held.
async fn replay_one(tx: &DatabaseTransaction, message: &Model) -> Result<()> {
    let refused = |sentence: &str| Err(Error::Conflict(sentence.to_owned()));
    if !matches!(message.state, OutboxState::Failed | OutboxState::Skipped) {
        return refused("Only a message that failed or was skipped can be sent again.");
    }
    if message.kind == OutboxKind::Answer {
        return refused("An answer can't be given again: whoever waited for it has gone.");
    }
    if message.digest_id.is_some() {
        return refused("This was part of a digest. Send the digest again.");
    }
    let unfinished = Entity::of(message.organization_id)
        .filter(Column::LinkId.eq(message.link_id))
        .filter(Column::About.eq(&message.about))
        .filter(Column::State.is_in(OutboxState::LIVING));
    if unfinished.one(tx).await?.is_some() {
        return refused("It is on its way again already.");
    }
    // The job that gave it up is no dead letter any more.
    queue::dead::discard_about(tx, message.organization_id, DELIVER, &payload(message)).await?;
    send_again(tx, message).await
}

async fn send_again(tx: &DatabaseTransaction, message: &Model) -> Result<()> {
    let from = [OutboxState::Failed, OutboxState::Skipped];
    if message.kind == OutboxKind::Digest {
        return digest::send(tx, message, &from).await;
    }
    let going = Entity::update_of(message.organization_id)
        .col_expr(Column::State, OutboxState::Waiting.into())
        .col_expr(Column::Reason, Expr::val(None::<String>))
        .col_expr(Column::Turn, Expr::col(Column::Turn).add(1))
        .col_expr(Column::FinishedAt, Expr::val(None::<i64>))
        .filter(Column::Id.eq(message.id))
        .filter(Column::State.is_in(from))
        .exec_with_returning(tx)
        .await?;
    Ok(queue::add_many(tx, going.iter().map(job).collect()).await?)
}

/// A message as a line of its link's page.
#[derive(Clone, Debug, PartialEq, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
pub struct Line {
    /// Its id.
    pub id: OutboxMessageId,
    /// Through which link.
    pub link_id: LinkId,
    /// What kind of thing it is about.
    pub kind: OutboxKind,
    /// What it is about.
    pub about: String,
    /// The entry.
    pub entry_id: Option<EntryId>,
    /// The item.
    pub item_id: Option<ItemId>,
    /// The digest that took it.
    pub digest_id: Option<OutboxMessageId>,
    /// Where it stands.
    pub state: OutboxState,
    /// Why, when it was not simply delivered.
    pub reason: Option<String>,
    /// What the partner's integration has to say of it.
    pub note: Option<String>,
    /// How often it was sent.
    pub attempts: i32,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub finished_at: Option<i64>,
    /// The entry's text, or the item's name, as it is now.
    #[sea_orm(skip)]
    pub text: Option<String>,
    /// What was tried, the last first; as many as were asked for.
    #[sea_orm(skip)]
    pub tried: Vec<AttemptLine>,
}

/// An attempt as a line below its message.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptLine {
    /// The how-manieth.
    pub number: i32,
    /// Unix milliseconds.
    pub started_at: i64,
    /// How long it took.
    pub took_ms: Option<i64>,
    /// `delivered` or a kind of error; none while it is under way.
    pub outcome: Option<String>,
    /// What a person reads of it.
    pub sentence: Option<String>,
    /// Its HTTP calls.
    pub calls: Vec<CallNote>,
}

impl Line {
    /// What it tells of an item, in a word or two.
    pub fn happened(&self) -> Option<String> {
        happened(&self.about)
    }

    /// Whether it can be sent again by hand.
    pub fn can_be_sent_again(&self) -> bool {
        matches!(self.state, OutboxState::Failed | OutboxState::Skipped)
            && self.kind != OutboxKind::Answer
            && self.digest_id.is_none()
    }
}

/// Adds to messages what they are about, and of each the last attempts.
///
/// # Errors
/// When the database does not answer.
pub async fn dressed(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    mut lines: Vec<Line>,
    most_attempts: usize,
) -> Result<Vec<Line>> {
    let texts = texts(db, organization, &lines).await?;
    let names = names(db, organization, &lines).await?;
    let mut tried = attempts(db, organization, &lines, most_attempts).await?;
    for line in &mut lines {
        let text = line.entry_id.and_then(|entry| texts.get(&entry));
        line.text = text.or_else(|| names.get(&line.item_id?)).cloned();
        line.tried = tried.remove(&line.id).unwrap_or_default();
    }
    Ok(lines)
}

async fn texts(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    lines: &[Line],
) -> Result<HashMap<EntryId, String>> {
    let texts = entry::Entity::of(organization)
        .filter(entry::Column::Id.is_in(lines.iter().filter_map(|line| line.entry_id)))
        .select_only()
        .columns([entry::Column::Id, entry::Column::Body])
        .into_tuple()
        .all(db)
        .await?;
    Ok(texts.into_iter().collect())
}

async fn names(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    lines: &[Line],
) -> Result<HashMap<ItemId, String>> {
    let ids: HashSet<ItemId> = lines.iter().filter_map(|line| line.item_id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = item::Entity::of(organization).filter(item::Column::Id.is_in(ids)).all(db).await?;
    Ok(rows.iter().filter_map(|row| Some((row.id, items::picture(row)?.name))).collect())
}

async fn attempts(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    lines: &[Line],
    most: usize,
) -> Result<HashMap<OutboxMessageId, Vec<AttemptLine>>> {
    use outbox_attempt::Column as Of;
    let mut tried: HashMap<OutboxMessageId, Vec<AttemptLine>> = HashMap::new();
    if most == 0 {
        return Ok(tried);
    }
    // Most messages were sent once; those that were not, and are few, are asked for one by one.
    let (once, often): (Vec<&Line>, Vec<&Line>) = lines.iter().partition(|line| line.attempts <= 1);
    let query = outbox_attempt::Entity::of(organization).order_by_desc(Of::Number);
    let mut rows = query.clone().filter(Of::MessageId.is_in(once.iter().map(|line| line.id))).all(db).await?;
    for line in often {
        rows.extend(query.clone().filter(Of::MessageId.eq(line.id)).limit(most as u64).all(db).await?);
    }
    for row in rows {
        tried.entry(row.message_id).or_default().push(AttemptLine {
            number: row.number,
            started_at: row.started_at,
            took_ms: row.took_ms,
            outcome: row.outcome,
            sentence: row.sentence,
            calls: serde_json::from_value(row.calls).unwrap_or_default(),
        });
    }
    Ok(tried)
}

/// Which messages go with time: what is finished, with its attempts.
pub(in crate::core) const AGED: Aged = Aged {
    table: "outbox_messages",
    key: "organization_id, id",
    times: &["finished_at"],
    which: "finished_at IS NOT NULL",
    kept_days: "messages_kept_days",
};

/// Forgets the messages that are older than their organization keeps them. Answers with how many.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_messages(core: &Core) -> Result<u64> {
    Ok(core.db.forget_aged(AGED, core.clock.now()).await?)
}

/// Forgets what stands at partners and was not changed for this long, of all tenants. Answers with how many.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_posts(core: &Core, older_than: Duration) -> Result<u64> {
    let (key, limit) = ("organization_id, link_id, about", core.clock.before(older_than));
    Ok(core.db.forget(Outdated { table: "posts", key, which: "updated_at < $1", limit, of: None }).await?)
}

/// How many unfinished messages there are in each state, of all tenants: for the metrics.
///
/// # Errors
/// When the database does not answer.
pub async fn count(db: &Db) -> Result<HashMap<OutboxState, u64>> {
    let reader = db.reader();
    let sql = "SELECT state, count(*) FROM outbox_messages WHERE finished_at IS NULL GROUP BY state";
    let rows = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), sql)).await?;
    let mut counts: HashMap<OutboxState, u64> = OutboxState::LIVING.into_iter().map(|state| (state, 0)).collect();
    for row in rows {
        counts.insert(row.try_get_by_index(0)?, row.try_get_by_index::<i64>(1)?.unsigned_abs());
    }
    for (state, number) in &counts {
        metrics::gauge!("outbox_waiting", "state" => state.to_value()).set(*number as f64);
    }
    Ok(counts)
}
