//! Copies of items: reserved, asked for, made once, and known by their ids from then on.

use std::time::Duration;

use integration_contract::{Change, ErrorKind, Item, ItemState, NewItem};
use sea_orm::{ColumnTrait, DatabaseTransaction, QueryFilter, QueryOrder, sea_query::Expr};

use super::{
    carry::{Carrying, Stop},
    converge::is_refusal,
    hear::{begins, is_asked, seal},
    hold, job,
    say::Saying,
    settings::Options,
    values::Known,
    words,
};
use crate::{
    core::Result,
    db::entity::{
        Tenant,
        mirror::MirrorState,
        mirror_change::{self, ChangeState},
        mirror_comment,
        mirror_pair::{self, Column, PairState},
    },
    queue,
};

/// How soon to look again whether a copy that was asked for is known.
const SOON: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(30)];

/// Whether a copy may be asked for.
enum Leave {
    Granted,
    /// This item may itself be a copy that was just asked for.
    Wait,
    /// It gets no copy.
    No(String),
    /// It is known by now that it is a copy, and of what.
    Taken,
}

/// How the copy came to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// Long ago.
    Before,
    /// Just now, as the original is.
    Now,
    /// Just now, and one of the two is otherwise by now.
    NotWhole,
}

/// What the copy of an item says when it is made.
pub(super) fn copy_of(item: &Item, key: String, external_id: String, options: Options) -> NewItem {
    let labels = if options.labels { item.labels.clone() } else { Vec::new() };
    NewItem { key, external_id, title: words::title(item), body: words::opened(item), labels }
}

impl Carrying<'_> {
    /// Makes the copy if it is not there.
    pub(super) async fn ensure_copy(&mut self, age: Duration) -> std::result::Result<Copied, Stop> {
        let to = self.from.other();
        if self.pair.item(to).is_some() {
            return Ok(Copied::Before);
        }
        self.may_write()?;
        let never_asked = self.pair.asked_at.is_none();
        if never_asked {
            self.look_at_original().await?;
        }
        match self.ask().await? {
            Leave::Granted => {}
            Leave::Taken => return Err(Stop::Later(Duration::ZERO)),
            Leave::Wait => return Err(Stop::Later((age / 4).clamp(SOON[0], SOON[1]))),
            Leave::No(reason) => {
                self.core.db.write(async |tx| self.drop_pair(tx, &reason).await).await?;
                return Err(Stop::Skipped(reason));
            }
        }
        let new = self.new_item();
        if !never_asked && let Some(found) = self.find_copy(&new).await? {
            self.join(&found, &new, false).await?;
            return Ok(Copied::NotWhole);
        }
        let made = {
            let (items, end) = self.at(to)?;
            items.create_item(&end.account, &end.seen, &new).await
        };
        match made {
            Ok(made) => {
                self.wrote();
                self.join(&made, &new, true).await?;
                // A copy is open.
                let is_whole = self.told.item.state != ItemState::Closed;
                Ok(if is_whole { Copied::Now } else { Copied::NotWhole })
            }
            Err(error) => {
                if error.kind() != ErrorKind::UnknownOutcome {
                    self.core.db.write(async |tx| self.unask(tx).await).await?;
                }
                Err(Stop::Partner { side: to, error })
            }
        }
    }

    /// What it says by now: the hook may be old, and what is gone needs no copy.
    async fn look_at_original(&mut self) -> std::result::Result<(), Stop> {
        let original = {
            let (items, end) = self.at(self.from)?;
            let told = items.item(&end.account, &end.seen, &self.told.item.id).await;
            told.map_err(|error| Stop::Partner { side: self.from, error })?
        };
        match original {
            Some(now) => {
                // When it was opened is not said everywhere.
                let created_at = now.created_at.or(self.told.item.created_at);
                self.told.item = Item { id: self.told.item.id.clone(), created_at, ..now };
                Ok(())
            }
            None => {
                let reason = "It was not there any more when it was to be copied.";
                self.end_pair(reason).await?;
                Err(Stop::Skipped(reason.to_owned()))
            }
        }
    }

    /// Writes down that the copy is about to be asked for, and what it will say: it has to be the same at each attempt.
    async fn ask(&mut self) -> Result<Leave> {
        let (core, organization, row) = (self.core, self.pair.organization_id, self.row);
        let content = seal(core, organization, row.id, &self.told)?;
        let first = self.pair.asked_at.is_none();
        let now = core.clock.now();
        let leave = core
            .db
            .write(async |tx| {
                let mirror = hold(tx, organization, self.mirror.id).await?;
                if mirror.state != MirrorState::Active {
                    return Ok(Leave::No("The mirror was paused or removed.".to_owned()));
                }
                if first {
                    // Looked at with the mirror in hand: it may have been taken over a moment ago.
                    if is_asked(tx, &mirror, self.from.other(), Some(self.pair.id)).await? {
                        return Ok(Leave::Wait);
                    }
                    // What was asked to be made up for was opened before.
                    let since = if self.pair.backfill_id.is_some() { i64::MIN } else { mirror.since };
                    if let Err(reason) = begins(since, self.settings.options, self.from, &self.told) {
                        return Ok(Leave::No(reason));
                    }
                    mirror_change::Entity::update_of(organization)
                        .col_expr(mirror_change::Column::Content, Expr::val(content))
                        .filter(mirror_change::Column::Id.eq(row.id))
                        .filter(mirror_change::Column::State.eq(ChangeState::Waiting))
                        .exec(tx)
                        .await?;
                }
                let asked = mirror_pair::Entity::update_of(organization)
                    .col_expr(Column::State, PairState::Asked.into())
                    .col_expr(Column::AskedAt, Expr::val(self.pair.asked_at.unwrap_or(now)))
                    .filter(Column::Id.eq(self.pair.id))
                    .exec(tx)
                    .await?;
                Ok::<_, crate::core::Error>(if asked.rows_affected > 0 { Leave::Granted } else { Leave::Taken })
            })
            .await?;
        if matches!(leave, Leave::Granted) {
            self.pair.state = PairState::Asked;
            self.pair.asked_at.get_or_insert(now);
        }
        Ok(leave)
    }

    /// It was not made: there is nothing to look for, and nobody has to wait for it.
    async fn unask(&self, tx: &DatabaseTransaction) -> Result<()> {
        mirror_pair::Entity::update_of(self.pair.organization_id)
            .col_expr(Column::State, PairState::Reserved.into())
            .col_expr(Column::AskedAt, Expr::val(None::<i64>))
            .filter(Column::Id.eq(self.pair.id))
            .filter(Column::State.eq(PairState::Asked))
            .exec(tx)
            .await?;
        Ok(())
    }

    fn new_item(&self) -> NewItem {
        let (key, external_id) = (self.pair.id.0.simple().to_string(), self.pair.external_id.clone());
        copy_of(&self.told.item, key, external_id, self.settings.options)
    }

    /// The copy that was asked for before, unless what is found is the copy of something else.
    async fn find_copy(&self, new: &NewItem) -> std::result::Result<Option<Item>, Stop> {
        let to = self.from.other();
        let found = {
            let (items, end) = self.at(to)?;
            let found = items.find_item(&end.account, &end.seen, new).await;
            found.map_err(|error| Stop::Partner { side: to, error })?
        };
        let Some(found) = found else { return Ok(None) };
        let paired = mirror_pair::Entity::of(self.pair.organization_id)
            .filter(Column::MirrorId.eq(self.mirror.id))
            .filter(Column::item(to).eq(&found.id))
            .filter(Column::State.is_in([PairState::Joined, PairState::Ended]));
        Ok(paired.one(self.core.db.reader()).await?.is_none().then_some(found))
    }

    /// Both are there and known by their ids.
    async fn join(&mut self, copy: &Item, new: &NewItem, made: bool) -> std::result::Result<(), Stop> {
        let (from, to) = (self.from, self.from.other());
        self.know(from, &Known::of_original(&self.told.item, self.settings.options));
        // What was found may have been changed by somebody since it was made.
        let known = if made { Known::of(copy) } else { Known::of_copy(copy, &new.title, &new.labels) };
        self.know(to, &known);
        let (organization, id) = (self.pair.organization_id, integration_contract::text::without_nul(&copy.id));
        self.core
            .db
            .write(async |tx| {
                hold(tx, organization, self.mirror.id).await?;
                // Somebody may have deleted the copy before we knew that it is one.
                let ended = self.take_over(tx, &id).await?;
                let state = if ended.is_some() { PairState::Ended } else { PairState::Joined };
                mirror_pair::Entity::update_of(organization)
                    .col_expr(Column::item(to), Expr::val(id.clone()))
                    .col_expr(Column::State, state.into())
                    .col_expr(Column::Reason, Expr::val(ended))
                    .filter(Column::Id.eq(self.pair.id))
                    .exec(tx)
                    .await?;
                self.save(tx).await
            })
            .await?;
        self.core.queue.wake();
        match to {
            crate::db::entity::mirror::Side::Left => self.pair.left_item = Some(id),
            crate::db::entity::mirror::Side::Right => self.pair.right_item = Some(id),
        }
        self.pair.state = PairState::Joined;
        Ok(())
    }

    /// The copy's hooks may have come before we knew that it is one, and have a pair of their own that waits for this
    /// moment. Its changes are this pair's. Answers with why that pair ended, if it did.
    async fn take_over(&self, tx: &DatabaseTransaction, copy: &str) -> Result<Option<String>> {
        let organization = self.pair.organization_id;
        let waiting = mirror_pair::Entity::of(organization)
            .filter(Column::MirrorId.eq(self.mirror.id))
            .filter(Column::item(self.from.other()).eq(copy))
            .filter(Column::Id.ne(self.pair.id));
        let Some(waiting) = waiting.one(tx).await? else { return Ok(None) };
        use mirror_change::Column as Of;
        let changes = mirror_change::Entity::of(organization).filter(Of::PairId.eq(waiting.id)).order_by_asc(Of::Id);
        let changes = changes.all(tx).await?;
        mirror_change::Entity::update_of(organization)
            .col_expr(Of::PairId, Expr::val(self.pair.id))
            .filter(Of::PairId.eq(waiting.id))
            .exec(tx)
            .await?;
        mirror_comment::Entity::update_of(organization)
            .col_expr(mirror_comment::Column::PairId, Expr::val(self.pair.id))
            .filter(mirror_comment::Column::PairId.eq(waiting.id))
            .exec(tx)
            .await?;
        mirror_pair::Entity::delete_of(organization).filter(Column::Id.eq(waiting.id)).exec(tx).await?;
        let unfinished = changes.iter().filter(|change| change.state == ChangeState::Waiting);
        let jobs = unfinished.map(|change| job(organization, change.id, self.pair.id)).collect();
        queue::add_many(tx, jobs).await?;
        Ok(waiting.reason.filter(|_| waiting.state == PairState::Ended))
    }

    /// The item gets no copy after all: as if nobody had heard of it.
    async fn drop_pair(&self, tx: &DatabaseTransaction, reason: &str) -> Result<()> {
        use mirror_change::Column as Of;
        let (organization, now) = (self.pair.organization_id, self.core.clock.now());
        mirror_change::Entity::update_of(organization)
            .col_expr(Of::State, ChangeState::Skipped.into())
            .col_expr(Of::Reason, Expr::val(reason))
            .col_expr(Of::Content, Expr::val(None::<Vec<u8>>))
            .col_expr(Of::FinishedAt, Expr::val(now))
            .filter(Of::PairId.eq(self.pair.id))
            .filter(Of::State.eq(ChangeState::Waiting))
            .exec(tx)
            .await?;
        mirror_change::Entity::update_of(organization)
            .col_expr(Of::PairId, Expr::val(None::<crate::db::MirrorPairId>))
            .filter(Of::PairId.eq(self.pair.id))
            .exec(tx)
            .await?;
        mirror_pair::Entity::delete_of(organization)
            .filter(Column::Id.eq(self.pair.id))
            .filter(Column::AskedAt.is_null())
            .exec(tx)
            .await?;
        Ok(())
    }

    /// One of the two is gone: the other one is told, and goes its own way.
    pub(super) async fn part(&mut self) -> std::result::Result<(), Stop> {
        let item = self.told.item.clone();
        let (note, reason) = match &self.told.what {
            Change::Moved { url } => (words::moved(&item, url.as_deref()), format!("{} was moved.", item.name)),
            _ => (words::deleted(&item), format!("{} was deleted.", item.name)),
        };
        if self.settings.options.comments {
            match self.say(Saying::new(self.from, &[&format!("gone {}", self.row.change_key)], note)).await {
                // It may be gone, too.
                Err(Stop::Partner { error, .. }) if is_refusal(&error) => {}
                said => drop(said?),
            }
        }
        self.end_pair(&format!("{reason} The other one is not kept in step any more.")).await?;
        Ok(())
    }
}
