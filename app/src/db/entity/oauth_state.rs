//! Consents under way: from the click on Connect to the callback.

use sea_orm::entity::prelude::*;

use crate::db::{IntegrationUserId, LinkId, OrganizationId, UserId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "oauth_states")]
pub struct Model {
    /// SHA-256 of the state.
    #[sea_orm(primary_key, auto_increment = false)]
    pub state_hash: Vec<u8>,
    /// For which organization.
    pub organization_id: OrganizationId,
    /// Who clicked.
    pub user_id: UserId,
    /// SHA-256 of the browser session's id.
    pub session_hash: Vec<u8>,
    /// At which partner.
    pub partner: String,
    /// The PKCE verifier, sealed.
    pub verifier: Option<Vec<u8>>,
    /// Whose address at the partner, where each of its customers has one.
    pub site: Option<String>,
    /// SHA-256 of the claim's token that the consent is to prove.
    pub claim_hash: Option<Vec<u8>>,
    /// The path of ours that the person goes to afterwards.
    pub return_to: Option<String>,
    /// The account that is to be connected again.
    pub mends: Option<IntegrationUserId>,
    /// The link that is to act with the account.
    pub take_over: Option<LinkId>,
    /// Unix milliseconds.
    pub expires_at: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
