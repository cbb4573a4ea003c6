//! The audit log: who did what in an organization, and when.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, text, text_null, uuid_null},
};

use crate::table::{drop_all, index, of_organization};

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
                of_organization("audit_events")
                    // Null: nobody, it came about by itself. No reference: who it was stays true when they are gone.
                    .col(uuid_null("user_id"))
                    // The name they had then.
                    .col(text_null("user_name"))
                    .col(text("deed"))
                    // member, team, link, mirror, account, organization
                    .col(text("subject"))
                    .col(uuid_null("subject_id"))
                    // The name it had then.
                    .col(text("subject_name"))
                    // What else there is to say, such as the old and the new role.
                    .col(text_null("detail"))
                    .col(big_integer("at"))
                    .take(),
            )
            .await?;
        // Newest first: all, one person's, one kind of thing's.
        manager.create_index(index("audit_events", &["organization_id", "at", "id"])).await?;
        manager.create_index(index("audit_events", &["organization_id", "user_id", "at", "id"])).await?;
        manager.create_index(index("audit_events", &["organization_id", "subject", "at", "id"])).await?;
        // For forgetting.
        manager.create_index(index("audit_events", &["at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["audit_events"]).await
    }
}
