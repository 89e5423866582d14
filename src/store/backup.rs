//! Copies of a whole database: taken while servers run, put in the place of one that nobody uses. SQLite copies itself
//! (<https://sqlite.org/lang_vacuum.html#vacuuminto>); PostgreSQL's own programs do it for PostgreSQL.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use percent_encoding::percent_decode_str;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use url::Url;

use super::{DatabaseUrl, Failure};
use crate::domain::clock::Timestamp;

/// How SQLite's files begin (<https://sqlite.org/fileformat.html>), and `pg_dump`'s in its custom format.
const SQLITE: &[u8] = b"SQLite format 3\0";
const POSTGRES: &[u8] = b"PGDMP";

/// Why there is no backup, or why one wasn't restored; one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file.
    #[error("{path} can't be used: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The backup would overwrite something.
    #[error("{0} is there already: name a new file")]
    Exists(String),
    /// There is nothing to back up.
    #[error("there is no database at {0}; check DATABASE_URL and DATA_DIR")]
    NoDatabase(String),
    /// It is the other database's, or something else.
    #[error("{0} is no backup of {1}; check DATABASE_URL")]
    NotABackup(String, &'static str),
    /// Somebody uses the database.
    #[error("the database is in use: stop every server first")]
    InUse,
    /// Somebody has an account in the database.
    #[error("the database isn't empty: restore into a new one, or say --force to replace it")]
    NotEmpty,
    /// The database.
    #[error("the database can't be used: {0}; check DATABASE_URL and that the server runs")]
    Database(#[from] Failure),
    /// A program of PostgreSQL's isn't there.
    #[error("{0} can't be started: {1}; install PostgreSQL's client programs")]
    NoProgram(&'static str, io::Error),
    /// A program of PostgreSQL's has failed.
    #[error("{0} has failed: {1}")]
    Program(&'static str, String),
}

impl DatabaseUrl {
    /// Copies everything that is committed into a new file that only its owner may read. Until all of it is there and synced,
    /// it stands under [`partial`]'s name.
    ///
    /// # Errors
    /// [`BackupError`].
    pub async fn back_up(&self, file: &Path) -> Result<(), BackupError> {
        if file.exists() {
            return Err(BackupError::Exists(file.display().to_string()));
        }
        let partial = partial(file);
        new_file(&partial)?;
        let copied = match self {
            Self::Sqlite(database) => self.vacuum_into(database, &partial).await,
            Self::Postgres(url) => {
                let options = ["--format=custom", "--no-owner", "--no-privileges"].map(OsString::from);
                let into = OsString::from_iter(["--file=".as_ref(), partial.as_os_str()]);
                postgres("pg_dump", url, options.into_iter().chain([into])).await
            }
        };
        if copied.is_err() {
            // It is of no use, and the reason is told.
            drop(fs::remove_file(&partial));
        }
        copied?;
        put_in_place(&partial, file)
    }

    async fn vacuum_into(&self, database: &Path, copy: &Path) -> Result<(), BackupError> {
        if !database.exists() {
            return Err(BackupError::NoDatabase(database.display().to_string()));
        }
        let name = copy.to_str().ok_or_else(|| cant_use(copy)(io::Error::other("its name must be UTF-8")))?;
        let connection = self.plain().await?;
        let vacuum = Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO $1", [name.into()]);
        let done = connection.execute_raw(vacuum).await.map_err(Failure::from);
        connection.close().await.map_err(Failure::from)?;
        done?;
        Ok(())
    }

    /// Puts a backup in the place of the database, which nobody may use meanwhile; with `force` also of one that isn't empty.
    /// An SQLite file that was there is kept beside it: where.
    ///
    /// # Errors
    /// [`BackupError`].
    pub async fn restore(&self, file: &Path, force: bool, now: Timestamp) -> Result<Option<PathBuf>, BackupError> {
        match self {
            Self::Sqlite(database) => {
                begins_with(file, SQLITE, "an SQLite database")?;
                let kept = if database.exists() {
                    self.require_free(force).await?;
                    Some(beside(database, &format!(".replaced-{}", now.format("%Y%m%dT%H%M%SZ"))))
                } else {
                    None
                };
                let copy = beside(database, ".restoring");
                let mut into = new_file(&copy)?;
                let mut from = File::open(file).map_err(cant_use(file))?;
                io::copy(&mut from, &mut into).map_err(cant_use(&copy))?;
                if let Some(kept) = &kept {
                    fs::rename(database, kept).map_err(cant_use(database))?;
                }
                for log in ["-wal", "-shm"].map(|suffix| beside(database, suffix)).into_iter().filter(|log| log.exists()) {
                    // It is of a database that has gone: SQLite would take it for the new one's.
                    fs::remove_file(&log).map_err(cant_use(&log))?;
                }
                put_in_place(&copy, database)?;
                Ok(kept)
            }
            Self::Postgres(url) => {
                begins_with(file, POSTGRES, "a PostgreSQL database")?;
                self.require_free(force).await?;
                let options =
                    ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"];
                let options = options.map(OsString::from).into_iter().chain([file.as_os_str().to_owned()]);
                postgres("pg_restore", url, options).await?;
                Ok(None)
            }
        }
    }

    /// That no server has the database open, and, without `force`, that nobody has an account in it.
    async fn require_free(&self, force: bool) -> Result<(), BackupError> {
        let connection = self.plain().await?;
        let checked = check_free(&connection, force).await;
        connection.close().await.map_err(Failure::from)?;
        checked
    }
}

/// The name of a copy that isn't complete yet.
pub fn partial(file: &Path) -> PathBuf {
    beside(file, ".partial")
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn cant_use(path: &Path) -> impl Fn(io::Error) -> BackupError + use<> {
    let path = path.display().to_string();
    move |source| BackupError::File { path: path.clone(), source }
}

/// An empty file that only its owner may read, in the place of whatever a former try has left.
fn new_file(path: &Path) -> Result<File, BackupError> {
    let made = File::options().create(true).truncate(true).write(true).mode(0o600).open(path);
    let file = made.map_err(cant_use(path))?;
    file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(cant_use(path))?;
    Ok(file)
}

/// Gives a complete file its name, so that a power cut leaves all of it or nothing.
fn put_in_place(complete: &Path, file: &Path) -> Result<(), BackupError> {
    File::open(complete).and_then(|complete| complete.sync_all()).map_err(cant_use(complete))?;
    fs::rename(complete, file).map_err(cant_use(file))?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(cant_use(folder))
}

fn begins_with(file: &Path, magic: &[u8], what: &'static str) -> Result<(), BackupError> {
    let mut head = Vec::new();
    let reading = File::open(file).and_then(|file| file.take(magic.len() as u64).read_to_end(&mut head));
    reading.map_err(cant_use(file))?;
    if head == magic { Ok(()) } else { Err(BackupError::NotABackup(file.display().to_string(), what)) }
}

async fn check_free(connection: &DatabaseConnection, force: bool) -> Result<(), BackupError> {
    let is_free = match connection.get_database_backend() {
        DbBackend::Postgres => is_free_postgres(connection).await?,
        _ => is_free_sqlite(connection).await?,
    };
    if !is_free {
        return Err(BackupError::InUse);
    }
    if force || is_empty(connection).await? { Ok(()) } else { Err(BackupError::NotEmpty) }
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

async fn is_free_postgres(connection: &DatabaseConnection) -> Result<bool, Failure> {
    let others = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
                  AND usename = current_user AND backend_type = 'client backend' AND pid <> pg_backend_pid())";
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

/// Runs a program of PostgreSQL's on a database. Its password goes by the environment: others see the arguments.
async fn postgres(name: &'static str, url: &str, options: impl Iterator<Item = OsString>) -> Result<(), BackupError> {
    let mut command = Command::new(name);
    match Url::parse(url) {
        Ok(mut url) => {
            if let Some(password) = url.password() {
                command.env("PGPASSWORD", &*percent_decode_str(password).decode_utf8_lossy());
                // An error means that there is no host, and so no password.
                let _ = url.set_password(None);
            }
            command.arg(format!("--dbname={url}"));
        }
        Err(error) => return Err(BackupError::Program(name, format!("DATABASE_URL {error}"))),
    }
    command.args(options).stdin(Stdio::null()).stdout(Stdio::null());
    let ran = tokio::task::spawn_blocking(move || command.output()).await.map_err(io::Error::other).flatten();
    let output = ran.map_err(|error| BackupError::NoProgram(name, error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(BackupError::Program(name, said.lines().next().unwrap_or("it doesn't say why").to_owned()))
}
