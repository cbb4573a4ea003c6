//! Comments: each is copied once, and a copy is known by the id that the partner gave it.

use integration_contract::{Comment, ErrorKind, NewComment};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::{
    carry::{Carrying, Stop},
    words,
};
use crate::{
    core::{Result, sealing::digest_of},
    db::entity::{
        Tenant,
        mirror::Side,
        mirror_comment::{self, Column, CommentState, Model},
    },
};

impl Carrying<'_> {
    /// Whether there is anything to copy of a comment.
    pub(super) async fn is_new_comment(&self, comment: &Comment) -> std::result::Result<(), Stop> {
        let skipped = |reason: &str| Err(Stop::Skipped(reason.to_owned()));
        if self.is_ours(&comment.id).await? {
            return skipped("The mirror wrote this itself.");
        }
        let is_edit = matches!(self.told.what, integration_contract::Change::CommentEdited(_));
        match self.copied(self.from, &comment.id).await?.map(|row| row.state) {
            Some(CommentState::There) if !is_edit => skipped("It was copied already."),
            Some(CommentState::Withdrawn) => skipped("It was deleted before it was copied."),
            _ => Ok(()),
        }
    }

    /// Copies a comment. Says whether it was written just now.
    pub(super) async fn comment(&mut self, comment: &Comment) -> std::result::Result<bool, Stop> {
        let body = words::commented(&self.told.item, comment);
        self.say(self.from, &[&comment.id], body).await
    }

    /// A comment reads otherwise. One that was copied stands there as it was, because most partners change none: what it
    /// reads now is written below it.
    pub(super) async fn comment_edited(&mut self, comment: &Comment) -> std::result::Result<(), Stop> {
        let edit = format!("{} {}", comment.id, self.row.change_key);
        let before = self.copied(self.from, &comment.id).await?.map(|row| row.state);
        let has_this_text = match before {
            None => true,
            Some(CommentState::Maybe) => self.copied(self.from, &edit).await?.is_some(),
            Some(_) => false,
        };
        if has_this_text {
            let body = words::commented(&self.told.item, comment);
            return self.say(self.from, &[&comment.id, &edit], body).await.map(|_| ());
        }
        if before == Some(CommentState::There) || !self.comment(comment).await? {
            let body = words::comment_edited(&self.told.item, comment);
            self.say(self.from, &[&edit], body).await?;
        }
        Ok(())
    }

    /// A comment was deleted. What was copied stays; what was not is never copied.
    pub(super) async fn withdraw(&self, id: &str) -> std::result::Result<(), Stop> {
        if self.is_ours(id).await? {
            return Err(Stop::Skipped("A copy was deleted. The original stays.".to_owned()));
        }
        if self.copied(self.from, id).await?.is_some() {
            return Err(Stop::Skipped("A deleted comment's copy stays: others may have answered to it.".to_owned()));
        }
        self.core
            .db
            .write(async |tx| {
                let row = self.row_of(self.from, id, CommentState::Withdrawn);
                mirror_comment::Entity::insert(mirror_comment::ActiveModel::from(row))
                    .exec_without_returning(tx)
                    .await?;
                Ok::<_, crate::core::Error>(())
            })
            .await?;
        Err(Stop::Skipped("It was deleted before it was copied.".to_owned()))
    }

    /// Writes a comment to the other side of `from`, once for its name, which is the first of these; the others are what
    /// is told by it as well. Says whether it was written just now.
    pub(super) async fn say(&mut self, from: Side, names: &[&str], body: String) -> std::result::Result<bool, Stop> {
        let to = from.other();
        let item = self.item(to)?;
        let name = names.first().copied().unwrap_or_default();
        let before = self.copied(from, name).await?;
        if before.as_ref().is_some_and(|row| row.state != CommentState::Maybe) {
            return Ok(false);
        }
        let new = NewComment { key: self.key(from, name), body };
        if let Some(before) = &before {
            let found = {
                let (items, end) = self.at(to)?;
                let since = before.first_sent_at.div_euclid(1000);
                let found = items.find_comment(&end.account, &end.seen, &item, &new, since).await;
                found.map_err(|error| Stop::Partner { side: to, error })?
            };
            if let Some(found) = found {
                self.is_there(from, names, &found.id).await?;
                return Ok(false);
            }
        } else {
            self.may_write()?;
            self.core
                .db
                .write(async |tx| {
                    let rows = names.iter().map(|name| self.row_of(from, name, CommentState::Maybe));
                    let rows: Vec<_> = rows.map(mirror_comment::ActiveModel::from).collect();
                    mirror_comment::Entity::insert_many(rows).exec_without_returning(tx).await?;
                    Ok::<_, crate::core::Error>(())
                })
                .await?;
        }
        let written = {
            let (items, end) = self.at(to)?;
            items.comment(&end.account, &end.seen, &item, &new).await
        };
        match written {
            Ok(copy) => {
                self.wrote();
                self.is_there(from, names, &copy.id).await?;
                Ok(true)
            }
            Err(error) => {
                // Known not to be there: nothing has to be looked for.
                if error.kind() != ErrorKind::UnknownOutcome {
                    self.forget(from, names).await?;
                }
                Err(Stop::Partner { side: to, error })
            }
        }
    }

    /// At most 60 letters, digits and hyphens.
    fn key(&self, from: Side, name: &str) -> String {
        let told = format!("{from:?} {name}");
        format!("{}-{}", self.pair.id.0.simple(), hex::encode(&digest_of(told.as_bytes())[..8]))
    }

    fn row_of(&self, side: Side, name: &str, state: CommentState) -> Model {
        Model {
            organization_id: self.pair.organization_id,
            pair_id: self.pair.id,
            side,
            comment_id: name.to_owned(),
            state,
            copy_id: None,
            first_sent_at: self.core.clock.now(),
        }
    }

    async fn copied(&self, side: Side, name: &str) -> Result<Option<Model>> {
        let named = mirror_comment::Entity::of(self.pair.organization_id)
            .filter(Column::PairId.eq(self.pair.id))
            .filter(Column::Side.eq(side))
            .filter(Column::CommentId.eq(name));
        Ok(named.one(self.core.db.reader()).await?)
    }

    /// Whether a comment on this side is a copy that we wrote.
    async fn is_ours(&self, id: &str) -> Result<bool> {
        let ours = mirror_comment::Entity::of(self.pair.organization_id)
            .filter(Column::PairId.eq(self.pair.id))
            .filter(Column::Side.eq(self.from.other()))
            .filter(Column::CopyId.eq(id));
        Ok(ours.one(self.core.db.reader()).await?.is_some())
    }

    async fn is_there(&self, side: Side, names: &[&str], copy: &str) -> Result<()> {
        let copy = integration_contract::text::without_nul(copy);
        self.core
            .db
            .write(async |tx| {
                mirror_comment::Entity::update_of(self.pair.organization_id)
                    .col_expr(Column::State, CommentState::There.into())
                    .col_expr(Column::CopyId, Expr::val(copy))
                    .filter(Column::PairId.eq(self.pair.id))
                    .filter(Column::Side.eq(side))
                    .filter(Column::CommentId.is_in(names.iter().copied()))
                    .exec(tx)
                    .await?;
                self.save(tx).await
            })
            .await
    }

    async fn forget(&self, side: Side, names: &[&str]) -> Result<()> {
        self.core
            .db
            .write(async |tx| {
                mirror_comment::Entity::delete_of(self.pair.organization_id)
                    .filter(Column::PairId.eq(self.pair.id))
                    .filter(Column::Side.eq(side))
                    .filter(Column::CommentId.is_in(names.iter().copied()))
                    .filter(Column::State.eq(CommentState::Maybe))
                    .exec(tx)
                    .await?;
                Ok(())
            })
            .await
    }
}
