//! What is stored, asked by SQL and past the server.

use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement};

use crate::{
    Outcome,
    history::{Row, Stored},
};

/// How long a lock may keep us waiting.
const PATIENCE: Duration = Duration::from_secs(20);

/// A single connection: a transaction that it has begun is its own.
pub(super) async fn connect(url: &str) -> Outcome<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).min_connections(1).connect_timeout(PATIENCE).acquire_timeout(PATIENCE).sqlx_logging(false);
    options.map_sqlx_sqlite_opts(|sqlite| sqlite.busy_timeout(PATIENCE));
    Ok(Database::connect(options).await?)
}

/// Whether a database answers.
pub(super) async fn answers(url: &str) -> Outcome<()> {
    let connection = connect(url).await?;
    connection.ping().await?;
    Ok(connection.close().await?)
}

/// Everything.
///
/// # Errors
/// When it can't be read.
pub async fn read(url: &str) -> Outcome<Stored> {
    let connection = connect(url).await?;
    let all = async |sql: &str| {
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        connection.query_all_raw(statement).await
    };
    let mut stored = Stored {
        messages: rows(all("SELECT conversation_id, sender_id, id, message_id, seq, rev, content FROM messages").await?, row)?,
        heads: rows(all("SELECT id, last_seq, rev FROM conversations").await?, |row| {
            Ok((row.try_get("", "id")?, row.try_get("", "last_seq")?, row.try_get("", "rev")?))
        })?,
        marks: rows(all("SELECT conversation_id, user_id, last_read_seq FROM conversation_members").await?, |row| {
            Ok((row.try_get("", "conversation_id")?, row.try_get("", "user_id")?, row.try_get("", "last_read_seq")?))
        })?,
        flaws: Vec::new(),
    };
    if connection.get_database_backend() == DbBackend::Sqlite {
        let found: Vec<String> = rows(all("PRAGMA integrity_check").await?, |row| row.try_get_by_index(0))?;
        stored.flaws.extend(found.into_iter().filter(|flaw| flaw != "ok"));
        let found = all("PRAGMA foreign_key_check").await?;
        stored.flaws.extend(found.iter().map(|row| format!("a foreign key leads nowhere: {row:?}")));
    }
    connection.close().await?;
    Ok(stored)
}

fn rows<T>(found: Vec<QueryResult>, read: impl Fn(&QueryResult) -> Result<T, DbErr>) -> Result<Vec<T>, DbErr> {
    found.iter().map(read).collect()
}

fn row(row: &QueryResult) -> Result<Row, DbErr> {
    Ok(Row {
        conversation: row.try_get("", "conversation_id")?,
        sender: row.try_get("", "sender_id")?,
        id: row.try_get("", "id")?,
        message_id: row.try_get("", "message_id")?,
        seq: row.try_get("", "seq")?,
        rev: row.try_get("", "rev")?,
        content: row.try_get("", "content")?,
    })
}
