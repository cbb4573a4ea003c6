//! Hearing of a change: in the commit that records it, each mirror of its link notes it together with the job that
//! carries it over.

use std::time::Duration;

use integration_contract::{Change, Item, ItemChange, ItemKind, ItemState, SecretString};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, TryInsertResult,
    sea_query::Expr,
};
use serde_json::json;

use super::{
    MOST_COPIES, backfill, hold, job, of_link, readable,
    settings::{self, Options, Settings},
    side_of,
};
use crate::{
    core::{Core, Result, items, sealing::Place},
    db::{
        MirrorBackfillId, MirrorChangeId, MirrorPairId, OrganizationId,
        entity::{
            Tenant,
            integration_link::{self, LinkLevel},
            mirror::{self, MirrorState, Side},
            mirror_change::{self, ChangeState},
            mirror_pair::{self, Column, PairState},
        },
    },
    queue,
};

/// How far back copies are counted.
const LATELY: Duration = Duration::from_secs(600);

/// Hears of a change of a link's item that is news. Call it after the item was recorded, and wake the queue after the
/// commit.
///
/// # Errors
/// When the database does not answer.
pub async fn hear(
    core: &Core,
    tx: &DatabaseTransaction,
    link: &integration_link::Model,
    change: &ItemChange,
) -> Result<()> {
    // What asks to be taken is not what people are helped with.
    if link.level != LinkLevel::Team || change.item.kind == ItemKind::PullRequest {
        return Ok(());
    }
    for mirror in of_link(tx, link.organization_id, link.id).await? {
        let side = side_of(&mirror, link);
        let Some(settings) = settings::of(&mirror) else { continue };
        Hearing { core, tx, mirror, settings, side, change }.hear().await?;
    }
    Ok(())
}

/// Begins with an item that a backfill found, as with one that is opened now. Call it with the mirror in hand, and wake the
/// queue after the commit.
pub(super) async fn begin(
    core: &Core,
    tx: &DatabaseTransaction,
    mirror: &mirror::Model,
    side: Side,
    item: Item,
    backfill: MirrorBackfillId,
) -> Result<()> {
    let Some(settings) = settings::of(mirror) else { return Ok(()) };
    // It is begun with once because it waits for that once, so no name has to say that it is the same.
    let id = format!("backfill {}", MirrorChangeId::new());
    let change = ItemChange { id, what: Change::Opened, by: item.author.clone(), at: item.created_at, item };
    let Some(change) = items::fitted(change) else { return Ok(()) };
    if !settings.options.creates.of(side) {
        return Ok(());
    }
    let hearing = Hearing { core, tx, mirror: mirror.clone(), settings, side, change: &change };
    let pair = match hearing.find().await? {
        // Somebody wrote to it meanwhile; or it was begun with, and a pause came in between.
        Some(pair) if pair.backfill_id == Some(backfill) && pair.state != PairState::Ended => pair,
        Some(_) => return Ok(()),
        None => hearing.reserve(Some(backfill)).await?,
    };
    if pair.item(side.other()).is_some() {
        return Ok(());
    }
    hearing.note(Some(pair.id), None).await
}

struct Hearing<'a> {
    core: &'a Core,
    tx: &'a DatabaseTransaction,
    mirror: mirror::Model,
    settings: Settings,
    side: Side,
    change: &'a ItemChange,
}

impl Hearing<'_> {
    async fn hear(&self) -> Result<()> {
        let why_not = match self.mirror.state {
            MirrorState::Active => unmirrored(&self.change.what, self.settings.options),
            MirrorState::Paused => Some("The mirror is paused."),
            _ => Some("The mirror stopped by itself; its page says why."),
        };
        if let Some(reason) = why_not {
            return self.note(None, Some(reason)).await;
        }
        match self.pair().await? {
            Ok(pair) if pair.state == PairState::Ended => {
                self.note(Some(pair.id), Some(pair.reason.as_deref().unwrap_or("It is not kept in step any more.")))
                    .await
            }
            Ok(pair) => self.note(Some(pair.id), None).await,
            Err(reason) => self.note(None, Some(&reason)).await,
        }
    }

    /// The pair of the item; a new one where it is to have a copy, or may be one. The inner error says why there is none.
    async fn pair(&self) -> Result<Result<mirror_pair::Model, String>> {
        if let Some(pair) = self.find().await? {
            return Ok(Ok(pair));
        }
        // From here on nobody else begins with this item, and no copy that is being made becomes known.
        let held = hold(self.tx, self.mirror.organization_id, self.mirror.id).await?;
        if let Some(pair) = self.find().await? {
            return Ok(Ok(pair));
        }
        if held.state != MirrorState::Active {
            return Ok(Err("The mirror was paused or removed.".to_owned()));
        }
        if matches!(self.change.what, Change::Deleted | Change::Moved { .. } | Change::CommentDeleted(_)) {
            return Ok(Err("It has no copy.".to_owned()));
        }
        if let Err(reason) = begins(self.mirror.since, self.settings.options, self.side, self.change)
            // It may be the copy that was asked for a moment ago.
            && !is_asked(self.tx, &self.mirror, self.side.other(), None).await?
        {
            return match self.backfill().await? {
                Some(backfill) => self.reserve(Some(backfill)).await.map(Ok),
                None => Ok(Err(reason)),
            };
        }
        if self.are_too_many().await? {
            let reason = format!(
                "More than {MOST_COPIES} items were to be copied within ten minutes, as if another tool copied them \
                 back. Look what opens them, then start the mirror again."
            );
            break_it(self.tx, &held, &reason, self.core.clock.now()).await?;
            return Ok(Err(reason));
        }
        self.reserve(None).await.map(Ok)
    }

    /// The backfill in which the item waits for its turn, if it does. What is closed by now is not copied.
    async fn backfill(&self) -> Result<Option<MirrorBackfillId>> {
        if self.change.item.state == ItemState::Closed || !self.settings.options.creates.of(self.side) {
            return Ok(None);
        }
        backfill::waits(self.tx, &self.mirror, self.side, &self.change.item.id).await
    }

    async fn find(&self) -> Result<Option<mirror_pair::Model>> {
        Ok(mirror_pair::Entity::of(self.mirror.organization_id)
            .filter(Column::MirrorId.eq(self.mirror.id))
            .filter(Column::item(self.side).eq(&self.change.item.id))
            .one(self.tx)
            .await?)
    }

    async fn are_too_many(&self) -> Result<bool> {
        let lately = mirror_pair::Entity::of(self.mirror.organization_id)
            .filter(Column::MirrorId.eq(self.mirror.id))
            .filter(Column::CreatedAt.gt(self.core.clock.before(LATELY)))
            // Those that a person asked for are as many as they asked for. What another tool copies back of them counts.
            .filter(Column::BackfillId.is_null())
            // Whoever started it again knows of those before.
            .filter(Column::CreatedAt.gt(self.mirror.state_since));
        Ok(lately.count(self.tx).await? >= MOST_COPIES)
    }

    async fn reserve(&self, backfill: Option<MirrorBackfillId>) -> Result<mirror_pair::Model> {
        let (now, item) = (self.core.clock.now(), &self.change.item.id);
        let of_side = |side: Side| (side == self.side).then(|| item.clone());
        let pair = mirror_pair::Model {
            organization_id: self.mirror.organization_id,
            id: MirrorPairId::new(),
            mirror_id: self.mirror.id,
            left_item: of_side(Side::Left),
            right_item: of_side(Side::Right),
            origin: self.side,
            backfill_id: backfill,
            external_id: self.settings.external_id(self.side, item),
            state: PairState::Reserved,
            reason: None,
            asked_at: None,
            left_known: None,
            right_known: None,
            saying: None,
            writes: json!([]),
            created_at: now,
            updated_at: now,
        };
        let row = mirror_pair::ActiveModel::from(pair.clone());
        mirror_pair::Entity::insert(row).exec_without_returning(self.tx).await?;
        Ok(pair)
    }

    /// Notes the change: to be carried over, or with the reason why it is not.
    async fn note(&self, pair: Option<MirrorPairId>, why_not: Option<&str>) -> Result<()> {
        let (organization, id, now) = (self.mirror.organization_id, MirrorChangeId::new(), self.core.clock.now());
        let content = match why_not {
            None => Some(seal(self.core, organization, id, self.change)?),
            Some(_) => None,
        };
        let row = mirror_change::Model {
            organization_id: organization,
            id,
            mirror_id: self.mirror.id,
            pair_id: pair,
            side: self.side,
            change_key: items::name_of(self.change),
            what: items::word(&self.change.what).to_owned(),
            author: readable(&self.change.by.name),
            item_name: readable(&self.change.item.name),
            item_url: self.change.item.url.clone(),
            content,
            state: if why_not.is_some() { ChangeState::Skipped } else { ChangeState::Waiting },
            reason: why_not.map(readable),
            attempts: 0,
            created_at: now,
            finished_at: why_not.map(|_| now),
        };
        use mirror_change::Column as Of;
        let written = mirror_change::Entity::insert(mirror_change::ActiveModel::from(row))
            .on_conflict_do_nothing_on([Of::OrganizationId, Of::PairId, Of::Side, Of::ChangeKey])
            .exec_without_returning(self.tx)
            .await?;
        let is_new = matches!(written, TryInsertResult::Inserted(rows) if rows > 0);
        match pair {
            Some(pair) if is_new && why_not.is_none() => Ok(queue::add(self.tx, job(organization, id, pair)).await?),
            _ => Ok(()),
        }
    }
}

/// Why a change of this kind is nothing for the mirror.
fn unmirrored(what: &Change, options: Options) -> Option<&'static str> {
    match what {
        Change::Assigned => Some("Who works on it is not mirrored: the people are others on the other side."),
        Change::Commented(_) | Change::CommentEdited(_) | Change::CommentDeleted(_) if !options.comments => {
            Some("Comments are not mirrored.")
        }
        Change::Closed | Change::Reopened | Change::StateChanged if !options.states => Some("States are not mirrored."),
        Change::Labelled if !options.labels => Some("Labels are not mirrored."),
        _ => None,
    }
}

/// Whether an item that has no copy gets one now, where those count that were opened since then.
///
/// # Errors
/// Why not.
pub(super) fn begins(since: i64, options: Options, side: Side, change: &ItemChange) -> std::result::Result<(), String> {
    if !options.creates.of(side) {
        return Err("It has no copy, and the mirror makes none of what is opened on this side.".to_owned());
    }
    let is_new = change.what == Change::Opened;
    match change.item.created_at.or(change.at.filter(|_| is_new)) {
        Some(opened) if opened < since => Err("It was opened before the mirror began.".to_owned()),
        None if !is_new => Err("It has no copy, and it is not known when it was opened.".to_owned()),
        _ => Ok(()),
    }
}

/// Whether a copy of one of this side's items was asked for, and no answer came yet. Meanwhile an item of the other side
/// that nobody knows may be that copy.
pub(super) async fn is_asked(
    tx: &impl ConnectionTrait,
    mirror: &mirror::Model,
    origin: Side,
    but: Option<MirrorPairId>,
) -> Result<bool> {
    let mut asked = mirror_pair::Entity::of(mirror.organization_id)
        .filter(Column::MirrorId.eq(mirror.id))
        .filter(Column::State.eq(PairState::Asked))
        .filter(Column::Origin.eq(origin));
    if let Some(pair) = but {
        asked = asked.filter(Column::Id.ne(pair));
    }
    Ok(asked.one(tx).await?.is_some())
}

/// Stops a mirror that works, until a person starts it again.
pub(super) async fn break_it(tx: &impl ConnectionTrait, mirror: &mirror::Model, reason: &str, now: i64) -> Result<()> {
    use mirror::Column as Of;
    tracing::warn!(mirror = %mirror.id, organization = %mirror.organization_id, reason, "a mirror stopped by itself");
    mirror::Entity::update_of(mirror.organization_id)
        .col_expr(Of::State, MirrorState::Broken.into())
        .col_expr(Of::StateSince, Expr::val(now))
        .col_expr(Of::Reason, Expr::val(readable(reason)))
        .filter(Of::Id.eq(mirror.id))
        .filter(Of::State.is_in([MirrorState::Active, MirrorState::Paused]))
        .exec(tx)
        .await?;
    Ok(())
}

/// A change as it waits: what people wrote is nobody's to read who only has the database.
pub(super) fn seal(
    core: &Core,
    organization: OrganizationId,
    id: MirrorChangeId,
    change: &ItemChange,
) -> Result<Vec<u8>> {
    let clear = serde_json::to_string(change).map_err(anyhow::Error::from)?;
    Ok(core.vault.seal(Place::mirror_content(organization, id), &SecretString::from(clear)))
}

/// The inverse of [`seal`]; none when it does not open.
pub(super) fn open(core: &Core, row: &mirror_change::Model) -> Option<ItemChange> {
    use integration_contract::ExposeSecret;
    let place = Place::mirror_content(row.organization_id, row.id);
    let clear = core.vault.open(place, row.content.as_deref()?).ok()?;
    serde_json::from_str(clear.expose_secret()).ok()
}
