//! Recording a change: the item's row follows, and the team's other links are told of what is news, in the caller's
//! transaction.

use integration_contract::{Item, ItemChange};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    QuerySelect, TryInsertResult,
};
use serde_json::json;

use super::{fit::fitted, known::Known, picture};
use crate::{
    core::{Core, Error, Result, mirrors, outbox},
    db::{
        ItemId, UserId,
        entity::{
            Tenant,
            integration_link::{self, LinkLevel},
            item::{Column, Entity, Model},
        },
    },
};

/// Records what a link's partner told, done by this user of ours when it was one. Answers with the item, or with a
/// sentence why nothing came of it; the item's row follows in either case. Wake the queue after the commit.
///
/// Call it before anything else in the transaction is told to links: the item is held first, then the lanes of the
/// links, and in the other order two could wait for each other.
///
/// # Errors
/// When the database does not answer.
pub async fn record(
    core: &Core,
    tx: &DatabaseTransaction,
    link: &integration_link::Model,
    user: Option<UserId>,
    change: ItemChange,
) -> Result<Result<ItemId, String>> {
    if link.level == LinkLevel::User && user != link.user_id {
        return Ok(Err("Somebody else did this, and the link is for one person.".to_owned()));
    }
    Recording { core, tx, link, user }.record(change, |known, change, _| known.hear(change)).await
}

/// Records what this user of ours did at a link's partner, as the partner answered it. Otherwise as [`record`].
///
/// # Errors
/// When the database does not answer.
pub(super) async fn record_own(
    core: &Core,
    tx: &DatabaseTransaction,
    link: &integration_link::Model,
    user: UserId,
    change: ItemChange,
) -> Result<Result<ItemId, String>> {
    Recording { core, tx, link, user: Some(user) }.record(change, Known::did).await
}

/// Where a change is recorded, and whose it is.
struct Recording<'a> {
    core: &'a Core,
    tx: &'a DatabaseTransaction,
    link: &'a integration_link::Model,
    user: Option<UserId>,
}

impl Recording<'_> {
    /// `is_news` learns the change, and is told how the item stood before as far as we know.
    async fn record(
        self,
        change: ItemChange,
        is_news: impl Fn(&mut Known, &ItemChange, Option<&Item>) -> bool,
    ) -> Result<Result<ItemId, String>> {
        let Some(change) = fitted(change) else {
            return Ok(Err("The item has no id that we could know it by.".to_owned()));
        };
        let there = match self.held(&change.item.id).await? {
            Some(there) => there,
            None => {
                let mut known = Known::default();
                let news = is_news(&mut known, &change, None);
                match self.insert(&change, &known).await? {
                    Some(id) => return self.tell(id, change, news).await,
                    // Somebody else made it in this moment.
                    None => self.held(&change.item.id).await?.ok_or(Error::NotFound)?,
                }
            }
        };
        let mut known = Known::read(there.known.as_ref());
        let news = is_news(&mut known, &change, picture(&there).as_ref());
        let id = self.update(there, &change, &known).await?;
        self.tell(id, change, news).await
    }

    /// The item's row, nobody else's until the transaction ends.
    async fn held(&self, external_id: &str) -> Result<Option<Model>> {
        let row = Entity::of(self.link.organization_id)
            .filter(Column::LinkId.eq(self.link.id))
            .filter(Column::ExternalId.eq(external_id))
            .lock_exclusive();
        Ok(row.one(self.tx).await?)
    }

    /// Answers with its id, unless it is there by now.
    async fn insert(&self, change: &ItemChange, known: &Known) -> Result<Option<ItemId>> {
        let (id, now) = (ItemId::new(), self.core.clock.now());
        let row = Model {
            organization_id: self.link.organization_id,
            id,
            link_id: self.link.id,
            external_id: change.item.id.clone(),
            picture: json!(change.item),
            changed_at: change.item.updated_at,
            known: Some(known.to_json()),
            created_at: now,
            updated_at: now,
        };
        let written = Entity::insert(row.into_active_model())
            .on_conflict_do_nothing_on([Column::OrganizationId, Column::LinkId, Column::ExternalId])
            .exec_without_returning(self.tx)
            .await?;
        Ok(matches!(written, TryInsertResult::Inserted(rows) if rows > 0).then_some(id))
    }

    async fn update(&self, there: Model, change: &ItemChange, known: &Known) -> Result<ItemId> {
        let (id, kept) = (there.id, there.changed_at);
        let mut row = there.into_active_model();
        // Of two that are as old as each other, the later told one counts.
        let older = matches!((change.item.updated_at, kept), (Some(told), Some(kept)) if told < kept);
        if !older {
            row.picture = Set(json!(change.item));
            row.changed_at = Set(change.item.updated_at.or(kept));
        }
        row.known = Set(Some(known.to_json()));
        row.updated_at = Set(self.core.clock.now());
        row.update(self.tx).await?;
        Ok(id)
    }

    async fn tell(self, id: ItemId, change: ItemChange, news: bool) -> Result<Result<ItemId, String>> {
        if news {
            outbox::tell_item(self.core, self.tx, self.link, self.user, id, change.clone()).await?;
        }
        // News or not: a mirror compares for itself, and carries once what it is told twice.
        mirrors::hear(self.core, self.tx, self.link, &change).await?;
        Ok(if news { Ok(id) } else { Err("We know this already.".to_owned()) })
    }
}
