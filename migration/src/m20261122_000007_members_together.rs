//! On SQLite the members of a conversation stand together, in the order of their table's key: who reads them, and what they
//! have read, needn't look into an index for each.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend, Statement},
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        if connection.get_database_backend() != DbBackend::Sqlite {
            return Ok(());
        }
        let parts =
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'conversation_members' AND sql IS NOT NULL ORDER BY type DESC";
        let rows = connection.query_all_raw(Statement::from_string(DbBackend::Sqlite, parts)).await?;
        let mut parts = rows.iter().map(|row| row.try_get_by_index::<String>(0));
        let table = parts.next().ok_or_else(|| DbErr::Migration("there is no table conversation_members".into()))??;
        let indexes = parts.collect::<Result<Vec<String>, _>>()?.join(";");
        // One piece, so that a power cut leaves the old table or the new one.
        let table = table.replacen("conversation_members", "members_together", 1);
        let together = format!(
            "BEGIN IMMEDIATE; {table} WITHOUT ROWID; INSERT INTO members_together SELECT * FROM conversation_members; \
             DROP TABLE conversation_members; ALTER TABLE members_together RENAME TO conversation_members; {indexes}; COMMIT"
        );
        connection.execute_unprepared(&together).await?;
        Ok(())
    }
}
