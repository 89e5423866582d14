//! Puts a backup in the place of a database that nobody uses. What was there before isn't destroyed.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};

use super::{
    BackupError, DatabaseUrl, Failure,
    backup::postgres,
    files::{Draft, NameLock, begins_with, beside, cant_use, folder_of},
};
use crate::domain::{clock::Timestamp, ids::Epoch};

/// How SQLite's files begin (<https://sqlite.org/fileformat.html>), and `pg_dump`'s in its custom format.
const SQLITE: &[u8] = b"SQLite format 3\0";
const POSTGRES: &[u8] = b"PGDMP";
/// How the schemas are called into which PostgreSQL's tables are moved that are replaced.
pub(super) const REPLACED: &str = "replaced_";
/// How long whoever has just been stopped may take to let go of the database.
const LETTING_GO: Duration = Duration::from_secs(5);

/// A backup on its way.
#[derive(Debug)]
pub struct Staged {
    /// The database that is made of it, for whatever has to be done before it is put in its place.
    pub database: DatabaseUrl,
    place: Place,
}

#[derive(Debug)]
enum Place {
    File {
        copy: Draft,
        database: PathBuf,
        /// What the file is called from then on that is there.
        kept: Option<PathBuf>,
        _lock: NameLock,
    },
    /// It is there already.
    Schema(Option<String>),
}

impl DatabaseUrl {
    /// Makes a database of a backup. Nobody may use the one whose place it is to take; with `force` it may be one that isn't
    /// empty. An SQLite file is made beside it. PostgreSQL's tables are moved into a schema of their own, and are back again if
    /// it can't be done.
    ///
    /// # Errors
    /// [`BackupError`].
    pub async fn stage(&self, backup: &Path, force: bool, now: Timestamp) -> Result<Staged, BackupError> {
        let time = now.format("%Y%m%d_%H%M%S_%3f");
        match self {
            Self::Sqlite(database) => {
                begins_with(backup, SQLITE, "an SQLite database")?;
                let lock = NameLock::alone(database)?.ok_or(BackupError::InUse)?;
                let kept = if database.exists() {
                    self.require_free(force).await?;
                    Some(beside(database, &format!(".{REPLACED}{time}")))
                } else {
                    None
                };
                let mut copy = Draft::new(beside(database, ".restoring"))?;
                copy.fill(backup)?;
                copy.give_to_owner_of(if kept.is_some() { database } else { folder_of(database) })?;
                let staged = Self::Sqlite(copy.path().to_owned());
                Ok(Staged { database: staged, place: Place::File { copy, database: database.clone(), kept, _lock: lock } })
            }
            Self::Postgres(url) => {
                begins_with(backup, POSTGRES, "a PostgreSQL database")?;
                self.require_free(force).await?;
                let schema = format!("{REPLACED}{time}");
                let moved = self.on_connection(async |connection| move_away(connection, &schema).await).await?;
                let options =
                    ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"];
                let options = options.map(OsString::from).into_iter().chain([backup.as_os_str().to_owned()]);
                if let Err(error) = postgres("pg_restore", url, options).await {
                    self.on_connection(async |connection| move_back(connection, &moved, &schema).await).await?;
                    return Err(error);
                }
                Ok(Staged { database: self.clone(), place: Place::Schema(moved.map(|_| schema)) })
            }
        }
    }

    /// A backup was restored: it is another database from now on, and devices start afresh.
    ///
    /// # Errors
    /// When its schema can't be brought up to date, or it can't be written to.
    pub async fn renew_epoch(&self) -> Result<Epoch, Failure> {
        self.migrate().await?;
        let epoch = Epoch::fresh();
        self.on_connection(async |connection| {
            let renew = Statement::from_sql_and_values(
                connection.get_database_backend(),
                "INSERT INTO epochs (id, epoch) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch",
                [epoch.0.into()],
            );
            connection.execute_raw(renew).await?;
            Ok(epoch)
        })
        .await
    }

    /// That no server has the database open, and, without `force`, that nobody has an account in it.
    async fn require_free(&self, force: bool) -> Result<(), BackupError> {
        let since = Instant::now();
        loop {
            let if_free = async |connection: &DatabaseConnection| {
                let is_free = match connection.get_database_backend() {
                    DbBackend::Postgres => is_free_postgres(connection).await?,
                    _ => is_free_sqlite(connection).await?,
                };
                Ok(if is_free { Some(is_empty(connection).await?) } else { None })
            };
            match self.on_connection(if_free).await? {
                Some(is_empty) if force || is_empty => return Ok(()),
                Some(_) => return Err(BackupError::NotEmpty),
                None if since.elapsed() > LETTING_GO => return Err(BackupError::InUse),
                None => {}
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn on_connection<T>(&self, work: impl AsyncFnOnce(&DatabaseConnection) -> Result<T, Failure>) -> Result<T, Failure> {
        let connection = self.plain().await?;
        let done = work(&connection).await;
        connection.close().await?;
        done
    }
}

impl Staged {
    /// Puts it in its place; what that is called from now on which was there, if anything was.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn put_in_place(self) -> Result<Option<String>, BackupError> {
        match self.place {
            Place::File { copy, database, kept, _lock } => {
                if let Some(kept) = &kept {
                    fs::rename(&database, kept).map_err(cant_use(&database))?;
                }
                for log in ["-wal", "-shm"].map(|suffix| beside(&database, suffix)).into_iter().filter(|log| log.exists()) {
                    // It is of a database that has gone: SQLite would take it for the new one's.
                    fs::remove_file(&log).map_err(cant_use(&log))?;
                }
                copy.put_in_place(&database)?;
                Ok(kept.map(|kept| kept.display().to_string()))
            }
            Place::Schema(schema) => Ok(schema.map(|schema| format!("in the schema {schema}"))),
        }
    }
}

/// SQLite gives up its log only where nobody else has the file open; and without one, the file is all that there is.
async fn is_free_sqlite(connection: &DatabaseConnection) -> Result<bool, Failure> {
    connection.execute_unprepared("PRAGMA busy_timeout = 500").await?;
    match connection.execute_unprepared("PRAGMA journal_mode = DELETE").await.map_err(Failure::from) {
        Ok(_) => Ok(true),
        Err(Failure::Conflict(_)) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Whoever has the same role is taken to be one of ours, and whoever says so.
async fn is_free_postgres(connection: &DatabaseConnection) -> Result<bool, Failure> {
    let others = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
                  AND (application_name = 'pneumatic' OR usename = current_user AND backend_type = 'client backend'))";
    Ok(!yes(connection, others).await?)
}

async fn is_empty(connection: &DatabaseConnection) -> Result<bool, Failure> {
    let table = match connection.get_database_backend() {
        DbBackend::Postgres => "SELECT to_regclass('users') IS NOT NULL",
        _ => "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'users')",
    };
    Ok(!yes(connection, table).await? || !yes(connection, "SELECT EXISTS (SELECT 1 FROM users)").await?)
}

async fn yes(connection: &DatabaseConnection, question: &str) -> Result<bool, Failure> {
    let asked = Statement::from_string(connection.get_database_backend(), question);
    let row = connection.query_one_raw(asked).await?;
    Ok(row.map_or(Ok(false), |row| row.try_get_by_index(0))?)
}

/// The tables beside `users` that have the same owner, and where they were: all that a newer release may have made refer to each
/// other, so they go together. None of them is dropped, as it may be somebody else's. None if there is no such table.
async fn move_away(connection: &DatabaseConnection, schema: &str) -> Result<Option<(String, Vec<String>)>, Failure> {
    let transaction = connection.begin().await?;
    let ours = "SELECT n.nspname, c.relname FROM pg_class u JOIN pg_class c \
                ON c.relnamespace = u.relnamespace AND c.relowner = u.relowner AND c.relkind = 'r' \
                JOIN pg_namespace n ON n.oid = u.relnamespace WHERE u.oid = to_regclass('users')";
    let rows = transaction.query_all_raw(Statement::from_string(DbBackend::Postgres, ours)).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let from: String = first.try_get_by_index(0)?;
    let tables = rows.iter().map(|row| row.try_get_by_index(1)).collect::<Result<Vec<String>, _>>()?;
    transaction.execute_unprepared(&format!("CREATE SCHEMA {}", quoted(schema))).await?;
    move_all(&transaction, &tables, &from, schema).await?;
    transaction.commit().await?;
    Ok(Some((from, tables)))
}

async fn move_back(connection: &DatabaseConnection, moved: &Option<(String, Vec<String>)>, schema: &str) -> Result<(), Failure> {
    let Some((to, tables)) = moved else { return Ok(()) };
    let transaction = connection.begin().await?;
    move_all(&transaction, tables, schema, to).await?;
    transaction.execute_unprepared(&format!("DROP SCHEMA {}", quoted(schema))).await?;
    Ok(transaction.commit().await?)
}

async fn move_all(transaction: &impl ConnectionTrait, tables: &[String], from: &str, to: &str) -> Result<(), Failure> {
    for table in tables {
        let moving = format!("ALTER TABLE {}.{} SET SCHEMA {}", quoted(from), quoted(table), quoted(to));
        transaction.execute_unprepared(&moving).await?;
    }
    Ok(())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
