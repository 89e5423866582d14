//! What one user did.

use sea_orm::entity::prelude::*;

/// One row of `user_counters`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_counters")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    pub messages: i64,
    pub bytes: i64,
    pub connections: i64,
    pub errors: i64,
    pub first_at: DateTimeUtc,
    pub last_at: DateTimeUtc,
}

/// Joins are written where they are used, in the store.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
