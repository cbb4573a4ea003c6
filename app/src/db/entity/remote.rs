//! The ledger of what links made at partners.

use sea_orm::entity::prelude::*;

use crate::db::{LinkId, OrganizationId, RemoteId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "remotes")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RemoteId,
    /// Which link.
    pub link_id: LinkId,
    /// What it is, such as `webhook`.
    pub kind: String,
    /// Where it is, such as the repository's id.
    pub place: String,
    /// The partner's id; none while it is not known whether it was made.
    pub remote_id: Option<String>,
    /// Where it stands.
    pub state: RemoteState,
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

/// Where something made at a partner stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum RemoteState {
    /// About to be made, or perhaps made.
    #[sea_orm(string_value = "reserved")]
    Reserved,
    /// It is there.
    #[sea_orm(string_value = "made")]
    Made,
    /// It is not there any more.
    #[sea_orm(string_value = "gone")]
    Gone,
    /// We gave up removing it; a person has to.
    #[sea_orm(string_value = "left_over")]
    LeftOver,
}
