//! Comments: each is copied once, and a copy is known by the id that the partner gave it.

use integration_contract::Comment;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{
    carry::{Carrying, Stop},
    say::Saying,
    words,
};
use crate::{
    core::Result,
    db::entity::{
        Tenant,
        mirror_comment::{self, Column, CommentState},
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
            // Tried before, this change may have copied it itself.
            Some(CommentState::There) if !is_edit && self.row.attempts == 0 => skipped("It was copied already."),
            Some(CommentState::Withdrawn) => skipped("It was deleted before it was copied."),
            _ => Ok(()),
        }
    }

    /// Copies a comment.
    pub(super) async fn comment(&mut self, comment: &Comment) -> std::result::Result<(), Stop> {
        let body = words::commented(&self.told.item, comment);
        self.say(Saying::new(self.from, &[&comment.id], body)).await
    }

    /// A comment reads otherwise. One that was copied stands there as it was, because most partners change none: what it
    /// reads now is written below it.
    pub(super) async fn comment_edited(&mut self, comment: &Comment) -> std::result::Result<(), Stop> {
        let edit = format!("{} {}", comment.id, self.row.change_key);
        let saying = match self.copied(self.from, &comment.id).await? {
            None => Saying::new(self.from, &[&comment.id, &edit], words::commented(&self.told.item, comment)),
            Some(_) => Saying::new(self.from, &[&edit], words::comment_edited(&self.told.item, comment)),
        };
        self.say(saying).await
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
                let withdrawn = mirror_comment::Model {
                    organization_id: self.pair.organization_id,
                    pair_id: self.pair.id,
                    side: self.from,
                    comment_id: id.to_owned(),
                    state: CommentState::Withdrawn,
                    copy_id: None,
                };
                mirror_comment::Entity::insert(mirror_comment::ActiveModel::from(withdrawn))
                    .exec_without_returning(tx)
                    .await?;
                Ok::<_, crate::core::Error>(())
            })
            .await?;
        Err(Stop::Skipped("It was deleted before it was copied.".to_owned()))
    }

    /// Whether a comment on this side is a copy that we wrote.
    async fn is_ours(&self, id: &str) -> Result<bool> {
        let ours = mirror_comment::Entity::of(self.pair.organization_id)
            .filter(Column::PairId.eq(self.pair.id))
            .filter(Column::Side.eq(self.from.other()))
            .filter(Column::CopyId.eq(id));
        Ok(ours.one(self.core.db.reader()).await?.is_some())
    }
}
