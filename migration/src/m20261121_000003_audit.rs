//! Who did what to whose account, and which accounts are switched off.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(Table::alter().table("users").add_column(timestamp_with_time_zone_null("disabled_at")).to_owned())
            .await?;
        // No foreign keys: the log outlives what it speaks of.
        manager
            .create_table(
                Table::create()
                    .table("audit_log")
                    .col(uuid("id").primary_key())
                    .col(timestamp_with_time_zone("at"))
                    .col(text("event"))
                    .col(uuid_null("actor_id"))
                    .col(uuid_null("user_id"))
                    .col(uuid_null("login_id"))
                    .col(text_null("address"))
                    .col(text_null("user_agent"))
                    .to_owned(),
            )
            .await?;
        for (name, columns) in
            [("audit_log_at", ["at"].as_slice()), ("audit_log_user", &["user_id", "id"]), ("audit_log_event", &["event", "id"])]
        {
            let mut index = Index::create().name(name).table("audit_log").to_owned();
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
