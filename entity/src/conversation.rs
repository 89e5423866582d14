//! A conversation and its two gapless counters.

use sea_orm::entity::prelude::*;

/// One row of `conversations`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "conversations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub title: Option<String>,
    /// The two member ids in order, for a 1-on-1; none for a group.
    #[sea_orm(unique)]
    pub direct_key: Option<String>,
    /// The `seq` of the newest message; 0 before the first.
    pub last_seq: i64,
    /// The `rev` of the newest change.
    pub rev: i64,
    /// The `rev` at which title or members last changed.
    pub meta_rev: i64,
    pub created_at: DateTimeUtc,
    pub last_message_at: DateTimeUtc,
    /// No earlier than half a minute before a read mark there last moved; none where none has but by posting.
    pub marked_at: Option<DateTimeUtc>,
}

/// Joins are written where they are used, in the store.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
