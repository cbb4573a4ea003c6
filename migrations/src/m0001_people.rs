//! People: users and their sessions, organizations with members and teams, invitations.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, binary, binary_uniq, json_binary, text, text_uniq, uuid, uuid_null},
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
                Table::create()
                    .table("users")
                    .col(uuid("id").primary_key())
                    .col(text_uniq("email"))
                    .col(text("name"))
                    .col(text("password_hash"))
                    .col(big_integer("created_at"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("sessions")
                    // Only a hash of the cookie's value is kept: a copy of the database opens no session.
                    .col(binary("id_hash").primary_key())
                    .col(uuid_null("user_id"))
                    .col(json_binary("data"))
                    .col(big_integer("created_at"))
                    .col(big_integer("seen_at"))
                    .col(big_integer("expires_at"))
                    .foreign_key(&mut to_user("sessions", "user_id"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("organizations")
                    .col(uuid("id").primary_key())
                    .col(text("name"))
                    .col(big_integer("created_at"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("members")
                    .col(uuid("organization_id"))
                    .col(uuid("user_id"))
                    .col(text("role"))
                    .col(big_integer("created_at"))
                    .primary_key(Index::create().col("organization_id").col("user_id"))
                    .foreign_key(&mut to_organization("members"))
                    .foreign_key(&mut to_user("members", "user_id"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                of_organization("teams").col(text("name")).col(text("time_zone")).col(big_integer("created_at")).take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("team_members")
                    .col(uuid("organization_id"))
                    .col(uuid("team_id"))
                    .col(uuid("user_id"))
                    .col(big_integer("created_at"))
                    .primary_key(Index::create().col("organization_id").col("team_id").col("user_id"))
                    .foreign_key(&mut within_organization("team_members", "team_id", "teams"))
                    // Who leaves the organization leaves its teams in the same moment.
                    .foreign_key(
                        ForeignKey::create()
                            .from("team_members", ("organization_id", "user_id"))
                            .to("members", ("organization_id", "user_id"))
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .take(),
            )
            .await?;
        manager
            .create_table(
                of_organization("invitations")
                    .col(uuid_null("team_id"))
                    .col(text("role"))
                    .col(binary_uniq("token_hash"))
                    .col(uuid("invited_by"))
                    .col(big_integer("created_at"))
                    .col(big_integer("expires_at"))
                    .col(big_integer_null("accepted_at"))
                    .foreign_key(&mut within_organization("invitations", "team_id", "teams"))
                    .foreign_key(&mut to_user("invitations", "invited_by"))
                    .take(),
            )
            .await?;
        manager.create_index(index("sessions", &["user_id"])).await?;
        manager.create_index(index("sessions", &["expires_at"])).await?;
        manager.create_index(index("members", &["user_id"])).await?;
        manager.create_index(index("team_members", &["user_id"])).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["invitations", "team_members", "teams", "members", "organizations", "sessions", "users"])
            .await
    }
}
