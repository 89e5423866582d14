//! An index for those who have become members lately.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::create().name("members_joined").table("conversation_members").col("joined_at").to_owned();
        manager.create_index(index).await
    }
}
