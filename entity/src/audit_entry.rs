//! What happened to an account: a log that is only ever added to, and swept when it is old.

use sea_orm::entity::prelude::*;

/// One row of `audit_log`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_log")]
pub struct Model {
    /// A UUID v7: the log is read in this order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub at: DateTimeUtc,
    /// The name of a `pneumatic::domain::audit::AuditEvent`.
    pub event: String,
    /// Who did it; none for somebody unknown, or an operator on the command line.
    pub actor_id: Option<Uuid>,
    /// To whose account.
    pub user_id: Option<Uuid>,
    pub login_id: Option<Uuid>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
}

/// Joins are written where they are used, in the store.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
