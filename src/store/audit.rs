//! The audit log.

use entity::audit_entry;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use uuid::Uuid;

use super::{Failure, Repeat, Store};
use crate::domain::{
    audit::{AuditEntry, AuditPage, AuditQuery, Deed},
    ids::{LoginId, UserId},
};

impl Store {
    /// Puts something into the log that changes nothing else.
    pub async fn note(&self, deed: &Deed) -> Result<(), Failure> {
        self.transact(Repeat::BeforeCommit, async |transaction| self.note_in(transaction, deed).await).await
    }

    /// Puts something into the log together with what was done: neither is stored without the other.
    pub(super) async fn note_in(&self, transaction: &DatabaseTransaction, deed: &Deed) -> Result<(), Failure> {
        let row = audit_entry::ActiveModel {
            id: Set(Uuid::now_v7()),
            at: Set(self.clock.now()),
            event: Set(deed.event.name().into()),
            actor_id: Set(deed.actor.map(|id| id.0)),
            user_id: Set(deed.user.map(|id| id.0)),
            login_id: Set(deed.login.map(|id| id.0)),
            address: Set(deed.caller.address.map(|address| address.to_string())),
            user_agent: Set(deed.caller.user_agent.clone()),
        };
        audit_entry::Entity::insert(row).exec_without_returning(transaction).await?;
        Ok(())
    }

    /// A page of the log, newest first.
    pub async fn audit_log(&self, query: AuditQuery) -> Result<AuditPage, Failure> {
        let mut select = audit_entry::Entity::find();
        if let Some(user) = query.user {
            select = select.filter(audit_entry::Column::UserId.eq(user.0));
        }
        if let Some(event) = query.event {
            select = select.filter(audit_entry::Column::Event.eq(event.name()));
        }
        if let Some(before) = query.before {
            select = select.filter(audit_entry::Column::Id.lt(before));
        }
        let mut rows = select.order_by_desc(audit_entry::Column::Id).limit(query.limit + 1).all(&self.reading).await?;
        let more = rows.len() as u64 > query.limit;
        rows.truncate(query.limit as usize);
        let next_cursor = if more { rows.last().map(|row| row.id) } else { None };
        Ok(AuditPage { entries: rows.into_iter().filter_map(entry).collect(), next_cursor })
    }
}

/// None for a kind of event that only a later version knows.
fn entry(row: audit_entry::Model) -> Option<AuditEntry> {
    Some(AuditEntry {
        id: row.id,
        at: row.at,
        event: row.event.parse().ok()?,
        actor_id: row.actor_id.map(UserId),
        user_id: row.user_id.map(UserId),
        login_id: row.login_id.map(LoginId),
        address: row.address,
        user_agent: row.user_agent,
    })
}
