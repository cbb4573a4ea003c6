//! Items: what people work on at partners, as far as links told us of it.

use sea_orm::entity::prelude::*;

use crate::db::{ItemId, LinkId, OrganizationId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "items")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ItemId,
    /// The link it became known through.
    pub link_id: LinkId,
    /// The partner's id of it, unique within the link.
    pub external_id: String,
    /// How it stood when it was last heard of: an `integration_contract::Item`.
    pub picture: Json,
    /// When it changed by the partner's clock, in unix seconds.
    pub changed_at: Option<i64>,
    /// The last changes that were heard of and what we did ourselves, as `core::items` keeps it.
    pub known: Option<Json>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();
