//! Integrations: accounts at partners, consents under way, links, and the ledger of what links made.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, binary, binary_null, json_binary, json_binary_null, text, text_null, text_uniq,
        uuid, uuid_null,
    },
};

use crate::table::{drop_all, index, of_organization, to_organization, to_user, within_organization};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                of_organization("integration_users")
                    // Null: not a person's account but the organization's installation in a workspace.
                    .col(uuid_null("user_id"))
                    .col(text("partner"))
                    .col(text("account_id"))
                    .col(text("account_name"))
                    .col(text_null("account_url"))
                    .col(json_binary("scopes"))
                    // Sealed; null once the account was disconnected or the partner took the grant back, and for an
                    // account that only says who somebody is.
                    .col(binary_null("credentials"))
                    .col(big_integer_null("expires_at"))
                    // Whoever set it is trading the credentials in, until then at the latest.
                    .col(big_integer_null("refreshing_until"))
                    .col(text("state"))
                    .col(text_null("reason"))
                    .col(big_integer("connected_at"))
                    .col(big_integer("created_at"))
                    .col(big_integer("updated_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("integration_users", ("organization_id", "user_id"))
                            .to("members", ("organization_id", "user_id"))
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("oauth_states")
                    .col(binary("state_hash").primary_key())
                    .col(uuid("organization_id"))
                    .col(uuid("user_id"))
                    // The browser session that started it, as a hash: a callback counts in no other.
                    .col(binary("session_hash"))
                    .col(text("partner"))
                    .col(binary_null("verifier"))
                    .col(text_null("return_to"))
                    .col(big_integer("expires_at"))
                    .foreign_key(&mut to_organization("oauth_states"))
                    .foreign_key(&mut to_user("oauth_states", "user_id"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("account_claims")
                    .col(binary("token_hash").primary_key())
                    .col(uuid("organization_id"))
                    .col(text("partner"))
                    .col(text("account_id"))
                    .col(text("account_name"))
                    .col(text_null("account_url"))
                    // The entries that become the claimant's.
                    .col(json_binary("entries"))
                    .col(big_integer("expires_at"))
                    .foreign_key(&mut to_organization("account_claims"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                of_organization("integration_links")
                    .col(text("partner"))
                    .col(text("level"))
                    .col(uuid("team_id"))
                    .col(uuid_null("user_id"))
                    .col(uuid_null("integration_user_id"))
                    .col(text("target"))
                    // The target again while the link lives, null once it is removed: what the unique index stands on.
                    .col(text_null("live_target"))
                    .col(json_binary("settings"))
                    .col(text("name"))
                    .col(text("state"))
                    .col(text_null("reason"))
                    .col(big_integer("state_since"))
                    .col(text_uniq("hook_key"))
                    .col(binary_null("hook_secret"))
                    .col(big_integer_null("hook_seen_at"))
                    .col(json_binary_null("receipt"))
                    .col(big_integer("created_at"))
                    .col(big_integer("updated_at"))
                    .foreign_key(&mut within_organization("integration_links", "team_id", "teams"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("integration_links", "user_id")
                            .to("users", "id")
                            .on_delete(ForeignKeyAction::SetNull),
                    )
                    .take(),
            )
            .await?;
        manager
            .create_table(
                of_organization("remotes")
                    .col(uuid("link_id"))
                    .col(text("kind"))
                    .col(text("place"))
                    .col(text_null("remote_id"))
                    .col(text("state"))
                    .col(big_integer("created_at"))
                    .col(big_integer("updated_at"))
                    .foreign_key(&mut within_organization("remotes", "link_id", "integration_links"))
                    .take(),
            )
            .await?;
        manager
            .create_index(
                index("integration_users", &["organization_id", "user_id", "partner", "account_id"]).unique().take(),
            )
            .await?;
        manager.create_index(index("integration_users", &["organization_id", "partner", "account_id"])).await?;
        // A workspace belongs to one organization at a time.
        let installation = Expr::cust("user_id IS NULL");
        manager
            .create_index(
                index("integration_users", &["partner", "account_id"]).unique().and_where(installation).take(),
            )
            .await?;
        manager.create_index(index("integration_links", &["organization_id", "integration_user_id"])).await?;
        manager.create_index(index("oauth_states", &["expires_at"])).await?;
        manager.create_index(index("account_claims", &["expires_at"])).await?;
        manager
            .create_index(
                index("integration_links", &["organization_id", "team_id", "partner", "live_target"]).unique().take(),
            )
            .await?;
        manager.create_index(index("remotes", &["organization_id", "link_id", "kind", "place"])).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["remotes", "integration_links", "account_claims", "oauth_states", "integration_users"])
            .await
    }
}
