//! Conversations with their counters, members, messages, and the keys of repeated requests.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("conversations")
                    .col(uuid("id").primary_key())
                    .col(text_null("title"))
                    .col(text_null("direct_key").unique_key())
                    .col(big_integer("last_seq"))
                    .col(big_integer("rev"))
                    .col(big_integer("meta_rev"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("last_message_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("conversation_members")
                    .col(uuid("conversation_id"))
                    .col(uuid("user_id"))
                    .col(text("role"))
                    .col(timestamp_with_time_zone("joined_at"))
                    .col(big_integer("last_read_seq"))
                    .primary_key(Index::create().col("conversation_id").col("user_id"))
                    .foreign_key(ForeignKey::create().from("conversation_members", "conversation_id").to("conversations", "id"))
                    .foreign_key(ForeignKey::create().from("conversation_members", "user_id").to("users", "id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("conversation_members_user").table("conversation_members").col("user_id").to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("messages")
                    .col(uuid("id").primary_key())
                    .col(text("message_id"))
                    .col(uuid("sender_id"))
                    .col(uuid("conversation_id"))
                    .col(text("content"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(big_integer("seq"))
                    .col(big_integer("rev"))
                    .foreign_key(ForeignKey::create().from("messages", "conversation_id").to("conversations", "id"))
                    .foreign_key(ForeignKey::create().from("messages", "sender_id").to("users", "id"))
                    .to_owned(),
            )
            .await?;
        for (name, columns, unique) in [
            ("messages_repeat", ["conversation_id", "sender_id", "message_id"].as_slice(), true),
            ("messages_seq", ["conversation_id", "seq"].as_slice(), true),
            ("messages_rev", ["conversation_id", "rev"].as_slice(), false),
        ] {
            let mut index = Index::create().name(name).table("messages").to_owned();
            for column in columns {
                index.col(*column);
            }
            if unique {
                index.unique();
            }
            manager.create_index(index).await?;
        }
        manager
            .create_table(
                Table::create()
                    .table("idempotency_keys")
                    .col(uuid("user_id"))
                    .col(text("key"))
                    .col(uuid("conversation_id"))
                    .col(timestamp_with_time_zone("created_at"))
                    .primary_key(Index::create().col("user_id").col("key"))
                    .foreign_key(ForeignKey::create().from("idempotency_keys", "user_id").to("users", "id"))
                    .foreign_key(ForeignKey::create().from("idempotency_keys", "conversation_id").to("conversations", "id"))
                    .to_owned(),
            )
            .await
    }
}
