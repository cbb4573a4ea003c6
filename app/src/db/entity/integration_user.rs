//! IntegrationUsers: our users' accounts at partners, and the organization's installations there.

use sea_orm::entity::prelude::*;

use crate::db::{IntegrationUserId, OrganizationId, UserId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "integration_users")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: IntegrationUserId,
    /// Whose; none = the organization's installation in a workspace.
    pub user_id: Option<UserId>,
    /// The partner.
    pub partner: String,
    /// The partner's own id of the account.
    pub account_id: String,
    /// What the partner calls it.
    pub account_name: String,
    /// Its page at the partner.
    pub account_url: Option<String>,
    /// Whose address it is at, where each customer of the partner has one.
    pub site: Option<String>,
    /// The granted scopes, a list of texts.
    pub scopes: Json,
    /// Sealed; none once disconnected, and for an account that only says who somebody is.
    pub credentials: Option<Vec<u8>>,
    /// When the token ends, unix milliseconds.
    pub expires_at: Option<i64>,
    /// Until when somebody is trading the credentials in, unix milliseconds.
    pub refreshing_until: Option<i64>,
    /// Unix milliseconds since when the partner refuses to renew the credentials.
    pub refused_since: Option<i64>,
    /// How often it has refused since then.
    pub refusals: i32,
    /// Whether it works.
    pub state: AccountState,
    /// Why it does not.
    pub reason: Option<String>,
    /// Unix milliseconds since when it does not.
    pub broken_since: Option<i64>,
    /// When it was connected the last time, unix milliseconds.
    pub connected_at: i64,
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

/// Whether an account works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum AccountState {
    /// It does, as far as we know.
    #[sea_orm(string_value = "connected")]
    Connected,
    /// The partner no longer takes its token: the person has to reconnect.
    #[sea_orm(string_value = "broken")]
    Broken,
    /// Being given back to the partner.
    #[sea_orm(string_value = "leaving")]
    Leaving,
}
