//! Which database this is, when read marks moved, and an index for those who were last seen long ago.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(Table::create().table("epochs").col(integer("id").primary_key()).col(uuid("epoch")).to_owned())
            .await?;
        manager
            .alter_table(
                Table::alter().table("conversation_members").add_column(timestamp_with_time_zone_null("read_at")).to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("users_seen").table("users").col("kind").col("disabled_at").col("last_seen_at").to_owned(),
            )
            .await
    }
}
