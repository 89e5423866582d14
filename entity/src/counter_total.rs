//! How often something happened in all, hours that are no longer kept included; and peaks.

use sea_orm::entity::prelude::*;

/// One row of `counter_totals`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "counter_totals")]
pub struct Model {
    /// What is counted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub value: i64,
    /// Of a peak: when it was.
    pub at: Option<DateTimeUtc>,
}

/// Joins are written where they are used, in the store.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
