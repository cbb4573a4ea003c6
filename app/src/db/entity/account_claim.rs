//! Claims: offers to somebody who wrote to us from a partner to join their account there with their account here.

use sea_orm::entity::prelude::*;

use crate::db::OrganizationId;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "account_claims")]
pub struct Model {
    /// SHA-256 of the token.
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: Vec<u8>,
    /// The tenant they wrote to.
    pub organization_id: OrganizationId,
    /// The partner.
    pub partner: String,
    /// The partner's own id of the account.
    pub account_id: String,
    /// What the partner calls it.
    pub account_name: String,
    /// Its page at the partner.
    pub account_url: Option<String>,
    /// The entries that become the claimant's, a list of ids.
    pub entries: Json,
    /// The partner whose account they need too, for what they clicked.
    pub needs: Option<String>,
    /// What they have to do for it.
    pub demands: Option<ClaimDemand>,
    /// Unix milliseconds.
    pub expires_at: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What it takes to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum ClaimDemand {
    /// To show at the partner that the account is theirs.
    #[sea_orm(string_value = "proof")]
    Proof,
}
