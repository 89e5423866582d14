//! Who belongs to a conversation, and how far they have read.

use sea_orm::entity::prelude::*;

/// One row of `conversation_members`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "conversation_members")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub conversation_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// `owner` or `member`.
    pub role: String,
    pub joined_at: DateTimeUtc,
    pub last_read_seq: i64,
    /// When they said so; posting moves the mark as well, and isn't told here.
    pub read_at: Option<DateTimeUtc>,
}

/// Joins are written where they are used, in the store.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
