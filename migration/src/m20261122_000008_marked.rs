//! When somebody last read in a conversation, so that whoever comes back looks at the members of those alone in which somebody has.

use std::time::{Duration, SystemTime};

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend, Statement, prelude::DateTimeUtc},
};

/// For so long nodes of the release before, which don't write the column, may go on beside this one: until then all conversations
/// count as read in just now, also those that are made meanwhile. A constant default rewrites no row (PostgreSQL 11 and later, and SQLite).
const BESIDE: Duration = Duration::from_secs(3_600);

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // On SQLite this is committed before it is noted as done, and may have been all that was.
        if manager.has_column("conversations", "marked_at").await? {
            return Ok(());
        }
        let connection = manager.get_connection();
        let backend = connection.get_database_backend();
        let anybody = Statement::from_string(backend, "SELECT id FROM users LIMIT 1");
        let default = match connection.query_one_raw(anybody).await? {
            // Nobody is there, and so no other node.
            None => String::new(),
            Some(_) => {
                let until = DateTimeUtc::from(SystemTime::now() + BESIDE);
                format!(" DEFAULT '{}'", until.to_rfc3339())
            }
        };
        let kind = if backend == DbBackend::Postgres { "timestamp with time zone" } else { "timestamp_with_timezone_text" };
        connection.execute_unprepared(&format!("ALTER TABLE conversations ADD COLUMN marked_at {kind} NULL{default}")).await?;
        Ok(())
    }
}
