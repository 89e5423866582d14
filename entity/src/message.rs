//! A message; `seq` places it for ever, `rev` says when it last changed.

use sea_orm::entity::prelude::*;

/// One row of `messages`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The sender's own name for it; a repeat is recognised by it.
    pub message_id: String,
    pub sender_id: Uuid,
    pub conversation_id: Uuid,
    pub content: String,
    pub created_at: DateTimeUtc,
    pub seq: i64,
    pub rev: i64,
}

/// Joins are written where they are used, in the store.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
