//! Items: what people work on at partners, as far as links told us of it.
//!
//! An item's row holds its **picture**, how it stood when it was last heard of, and what is **known** of its changes.
//! [`record()`] keeps both up with the partner and has the team's other links told of what is news; [`act()`] does
//! something to an item as one of our users. An item belongs to the link that told of it, and goes with that link.

mod act;
mod fit;
mod known;
mod record;

use std::time::Duration;

use integration_contract::{Author, Change, Item, ItemChange};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter};
use uuid::Uuid;

pub use act::{NotDone, account_needed, act};
pub(super) use fit::fitted;
pub use known::{name_of, word};
pub use record::record;

use super::{Core, Error, Result, integration_links, outbox};
use crate::db::{
    ItemId, LinkId, OrganizationId, Outdated,
    entity::{
        Tenant,
        item::{Column, Entity, Model},
    },
};

/// How long an item is remembered after it was last heard of: as long as what stands at partners about it.
pub const KEPT: Duration = outbox::POSTS_KEPT;

/// One item of an organization.
///
/// # Errors
/// When the database does not answer; likewise below.
pub async fn load(db: &impl ConnectionTrait, organization: OrganizationId, id: ItemId) -> Result<Option<Model>> {
    Ok(Entity::of(organization).filter(Column::Id.eq(id)).one(db).await?)
}

/// How the item stood when it was last heard of; none when the row was written by something else.
pub fn picture(row: &Model) -> Option<Item> {
    serde_json::from_value(row.picture.clone())
        .inspect_err(|_| tracing::error!(item = %row.id, "the picture of an item can't be read"))
        .ok()
}

/// Tells one link what an action of this person could not do about an item, and why. Wakes the queue.
///
/// # Errors
/// [`Error::NotFound`] when the item or the link is not there any more.
pub async fn tell_trouble(
    core: &Core,
    organization: OrganizationId,
    link: LinkId,
    item: ItemId,
    by: &str,
    sentence: &str,
) -> Result<()> {
    let row = load(core.db.reader(), organization, item).await?.ok_or(Error::NotFound)?;
    let change = ItemChange {
        id: format!("trouble:{}", Uuid::now_v7()),
        // Nothing happened; what is told is the sentence.
        what: Change::StateChanged,
        by: Author { name: by.to_owned(), ..Author::default() },
        at: Some(core.clock.now_seconds()),
        item: picture(&row).ok_or(Error::NotFound)?,
    };
    core.db
        .write(async |tx| {
            let link = integration_links::load_in(tx, organization, link).await?;
            let link = link.filter(integration_links::lives).ok_or(Error::NotFound)?;
            outbox::tell_trouble(core, tx, &link, item, change, sentence).await
        })
        .await?;
    core.queue.wake();
    Ok(())
}

/// Forgets the items of a link that was removed. Run by the job that cleans up, not in the commit that removes the link:
/// a hook that is being read then holds an item and waits for the link.
///
/// # Errors
/// See [`load`].
pub async fn forget_of(core: &Core, organization: OrganizationId, link: LinkId) -> Result<()> {
    core.db
        .write(async |tx| {
            Entity::delete_of(organization).filter(Column::LinkId.eq(link)).exec(tx).await?;
            Ok(())
        })
        .await
}

/// Forgets items that nothing was heard of for this long, of all tenants. Answers with how many.
///
/// # Errors
/// See [`load`].
pub async fn forget(core: &Core, older_than: Duration) -> Result<u64> {
    let (key, limit) = ("organization_id, id", core.clock.before(older_than));
    Ok(core.db.forget(Outdated { table: "items", key, which: "updated_at < $1", limit, of: None }).await?)
}
