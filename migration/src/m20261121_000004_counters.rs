//! What is counted: by the hour, in all, and by user.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("counter_hours")
                    .col(timestamp_with_time_zone("hour"))
                    .col(text("name"))
                    .col(big_integer("value"))
                    .primary_key(Index::create().col("hour").col("name"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("counter_totals")
                    .col(text("name").primary_key())
                    .col(big_integer("value"))
                    .col(timestamp_with_time_zone_null("at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("user_counters")
                    .col(uuid("user_id").primary_key())
                    .col(big_integer("messages"))
                    .col(big_integer("bytes"))
                    .col(big_integer("connections"))
                    .col(big_integer("errors"))
                    .col(timestamp_with_time_zone("first_at"))
                    .col(timestamp_with_time_zone("last_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("user_counters", "user_id")
                            .to("users", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await
    }
}
