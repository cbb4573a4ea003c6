//! The tags a team uses.

use jiff::ToSpan;
use sea_orm::{ColumnTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::{
    list::{Filter, filtered},
    must_see, today,
};
use crate::{
    core::{Core, Result, people::Member},
    db::entity::{Tenant, entry, entry_tag, team},
};

/// Over so many days, today among them, it is counted what is used.
const DAYS: i64 = 30;
/// So many are named.
const MOST: u64 = 12;

/// A tag and how often it was used of late.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Tagged {
    /// In lower case, without its sign.
    pub tag: String,
    /// By so many entries of the last thirty days.
    pub entries: i64,
}

/// The tags that a team used most in the last thirty days, at most twelve; those used as often by name.
///
/// # Errors
/// [`crate::core::Error::NotFound`] for who does not see the team.
pub async fn tags(core: &Core, who: &Member, team: &team::Model) -> Result<Vec<Tagged>> {
    let db = core.db.reader();
    must_see(db, who, team.id).await?;
    let from = today(core, team).saturating_sub((DAYS - 1).days());
    let recent = Filter { from: Some(from), ..Filter::default() };
    let recent = filtered(who.organization, team.id, &recent).select_only().column(entry::Column::Id).into_query();
    Ok(entry_tag::Entity::of(who.organization)
        .select_only()
        .column(entry_tag::Column::Tag)
        .column_as(entry_tag::Column::EntryId.count(), "entries")
        .filter(entry_tag::Column::EntryId.in_subquery(recent))
        .group_by(entry_tag::Column::Tag)
        .order_by_desc(entry_tag::Column::EntryId.count())
        .order_by_asc(entry_tag::Column::Tag)
        .limit(MOST)
        .into_model()
        .all(db)
        .await?)
}
