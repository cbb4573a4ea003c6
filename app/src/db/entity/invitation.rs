//! Invitation links.

use sea_orm::entity::prelude::*;

use super::member::Role;
use crate::db::{InvitationId, OrganizationId, TeamId, UserId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "invitations")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InvitationId,
    /// The team the person joins besides the organization.
    pub team_id: Option<TeamId>,
    /// The role they get.
    pub role: Role,
    /// SHA-256 of the token in the link.
    pub token_hash: Vec<u8>,
    /// Who made it.
    pub invited_by: UserId,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub expires_at: i64,
    /// Unix milliseconds; an invitation counts once.
    pub accepted_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();

impl Entity {
    /// The invitation a link names: who holds the link does not belong to the tenant yet.
    pub fn with_token(token_hash: Vec<u8>) -> Select<Self> {
        Self::find().filter(Column::TokenHash.eq(token_hash))
    }
}
