//! Users, their logins, and the refresh-token chain of each login.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("users")
                    .col(uuid("id").primary_key())
                    .col(text("username"))
                    .col(text("username_key").unique_key())
                    .col(text_null("full_name"))
                    .col(text_null("full_name_key"))
                    .col(text_null("password_hash"))
                    .col(text("kind"))
                    .col(boolean("is_admin").default(false))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("last_seen_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("logins")
                    .col(uuid("id").primary_key())
                    .col(uuid("user_id"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("used_at"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .col(timestamp_with_time_zone_null("revoked_at"))
                    .col(text_null("user_agent"))
                    .col(text_null("address"))
                    .foreign_key(ForeignKey::create().from("logins", "user_id").to("users", "id"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(Index::create().name("logins_user").table("logins").col("user_id").to_owned()).await?;
        manager.create_index(Index::create().name("logins_revoked").table("logins").col("revoked_at").to_owned()).await?;
        manager
            .create_table(
                Table::create()
                    .table("refresh_tokens")
                    .col(text("hash").primary_key())
                    .col(uuid("login_id"))
                    .col(timestamp_with_time_zone("issued_at"))
                    .col(timestamp_with_time_zone_null("used_at"))
                    .foreign_key(ForeignKey::create().from("refresh_tokens", "login_id").to("logins", "id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("refresh_tokens_login").table("refresh_tokens").col("login_id").col("issued_at").to_owned(),
            )
            .await
    }
}
