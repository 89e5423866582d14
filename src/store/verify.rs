//! Whether what is stored keeps the promise of `docs/data.md`: every conversation's messages numbered 1, 2, 3 … without a gap,
//! in the order of its changes, and its counters where the last one left them.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement, Value};
use uuid::Uuid;

use super::{DatabaseUrl, Failure};

/// Conversations that are looked at by one statement, which sees them and their messages as of one moment.
const PAGE: i64 = 200;
/// Findings that are told; of the rest only how many there are.
const TOLD: usize = 20;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// Accounts, guests included.
    pub users: u64,
    /// Conversations.
    pub conversations: u64,
    /// Messages.
    pub messages: u64,
    /// What is wrong, a line each; the first of them.
    pub findings: Vec<String>,
    /// How many more there are.
    pub untold: u64,
}

impl Verified {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, finding: String) {
        if self.findings.len() < TOLD {
            self.findings.push(finding);
        } else {
            self.untold += 1;
        }
    }
}

impl DatabaseUrl {
    /// Looks at everything, beside a running server or without one, and changes nothing; `progress` is told now and then.
    ///
    /// # Errors
    /// [`Failure`] when the database can't be read, or isn't one of ours.
    pub async fn verify(&self, progress: impl Fn(&Verified)) -> Result<Verified, Failure> {
        if let Self::Sqlite(file) = self
            && !file.exists()
        {
            return Err(Failure::Unavailable(format!("there is no {}", file.display())));
        }
        let connection = self.plain().await?;
        let outcome = verify(&connection, progress).await;
        connection.close().await?;
        outcome
    }
}

async fn verify(connection: &DatabaseConnection, progress: impl Fn(&Verified)) -> Result<Verified, Failure> {
    let mut verified = Verified::default();
    if connection.get_database_backend() == DbBackend::Sqlite {
        whole_file(connection, &mut verified).await?;
    }
    verified.users = number(connection, "SELECT COUNT(*) FROM users").await? as u64;
    let epochs = number(connection, "SELECT COUNT(*) FROM epochs").await?;
    if epochs != 1 {
        verified.find(format!("the database has {epochs} epochs instead of one"));
    }
    let mut after = Uuid::nil();
    while let Some(last) = page(connection, after, &mut verified).await? {
        out_of_order(connection, after, last, &mut verified).await?;
        after = last;
        progress(&verified);
    }
    let ahead = "SELECT m.conversation_id, m.user_id FROM conversation_members m \
                 JOIN conversations c ON c.id = m.conversation_id WHERE m.last_read_seq > c.last_seq";
    for row in ask(connection, ahead, []).await? {
        let (conversation, user): (Uuid, Uuid) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        verified.find(format!("conversation {conversation}: {user} has read further than anything was said"));
    }
    Ok(verified)
}

/// What SQLite knows of its own file; PostgreSQL holds to its constraints at all times.
async fn whole_file(connection: &DatabaseConnection, verified: &mut Verified) -> Result<(), Failure> {
    for row in ask(connection, "PRAGMA integrity_check", []).await? {
        let said: String = row.try_get_by_index(0)?;
        if said != "ok" {
            verified.find(format!("the file is damaged: {said}"));
        }
    }
    for row in ask(connection, "PRAGMA foreign_key_check", []).await? {
        let (table, parent): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(2)?);
        verified.find(format!("a row of {table} belongs to none of {parent}"));
    }
    Ok(())
}

/// The numbers of some conversations; the last one's id, if there were any.
async fn page(connection: &DatabaseConnection, after: Uuid, verified: &mut Verified) -> Result<Option<Uuid>, Failure> {
    // Of a conversation in which nobody but forgotten guests is left, the messages are being deleted.
    let rows = ask(
        connection,
        "SELECT c.id, c.last_seq, c.rev, c.meta_rev, COUNT(m.seq), MIN(m.seq), MAX(m.seq), MAX(m.rev), \
         EXISTS (SELECT 1 FROM conversation_members o WHERE o.conversation_id = c.id) AND NOT EXISTS \
         (SELECT 1 FROM conversation_members o JOIN users u ON u.id = o.user_id \
         WHERE o.conversation_id = c.id AND (u.kind <> 'guest' OR u.disabled_at IS NULL)) \
         FROM (SELECT id, last_seq, rev, meta_rev FROM conversations WHERE id > $1 ORDER BY id LIMIT $2) c \
         LEFT JOIN messages m ON m.conversation_id = c.id GROUP BY c.id, c.last_seq, c.rev, c.meta_rev ORDER BY c.id",
        [after.into(), PAGE.into()],
    )
    .await?;
    let mut last = None;
    for row in rows {
        let id: Uuid = row.try_get_by_index(0)?;
        let (last_seq, rev, meta_rev): (i64, i64, i64) =
            (row.try_get_by_index(1)?, row.try_get_by_index(2)?, row.try_get_by_index(3)?);
        let (count, least, most): (i64, Option<i64>, Option<i64>) =
            (row.try_get_by_index(4)?, row.try_get_by_index(5)?, row.try_get_by_index(6)?);
        let (newest, is_fading): (Option<i64>, bool) = (row.try_get_by_index(7)?, row.try_get_by_index(8)?);
        // Numbers are unique by a constraint: so many from the first to the last are all of them.
        let is_complete = count == last_seq && (count == 0 || (least, most) == (Some(1), Some(last_seq)));
        if !is_complete && !is_fading {
            verified.find(format!("conversation {id}: {count} messages are stored of {last_seq}"));
        }
        if meta_rev > rev || newest.is_some_and(|newest| newest > rev) {
            verified.find(format!("conversation {id}: something has changed after its last change, {rev}"));
        }
        verified.conversations += 1;
        verified.messages += count as u64;
        last = Some(id);
    }
    Ok(last)
}

/// Conversations in which a later message is an earlier change.
async fn out_of_order(connection: &DatabaseConnection, after: Uuid, last: Uuid, verified: &mut Verified) -> Result<(), Failure> {
    let rows = ask(
        connection,
        "SELECT DISTINCT conversation_id FROM (SELECT conversation_id, rev, \
         LAG(rev) OVER (PARTITION BY conversation_id ORDER BY seq) AS earlier \
         FROM messages WHERE conversation_id > $1 AND conversation_id <= $2) o WHERE rev <= earlier",
        [after.into(), last.into()],
    )
    .await?;
    for row in rows {
        let id: Uuid = row.try_get_by_index(0)?;
        verified.find(format!("conversation {id}: its messages aren't in the order of its changes"));
    }
    Ok(())
}

async fn ask(
    connection: &DatabaseConnection,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>, DbErr> {
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    connection.query_all_raw(statement).await
}

async fn number(connection: &DatabaseConnection, sql: &str) -> Result<i64, DbErr> {
    let rows = ask(connection, sql, []).await?;
    rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))
}
