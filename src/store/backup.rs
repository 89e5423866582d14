//! Copies of a whole database, taken while servers run. SQLite copies itself
//! (<https://sqlite.org/lang_vacuum.html#vacuuminto>); PostgreSQL's own programs do it for PostgreSQL.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use percent_encoding::percent_decode_str;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use url::Url;

use super::{
    DatabaseUrl, Failure,
    files::{Draft, beside, cant_use},
    restore::REPLACED,
};

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
    /// Another command is at it.
    #[error("{0} is being written by another command: wait for it")]
    Busy(String),
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
        let copy = Draft::new(partial(file))?;
        match self {
            Self::Sqlite(database) => self.vacuum_into(database, copy.path()).await?,
            Self::Postgres(url) => {
                let options = ["--format=custom", "--no-owner", "--no-privileges"].map(OsString::from);
                let but = OsString::from(format!("--exclude-schema={REPLACED}*"));
                let into = OsString::from_iter(["--file=".as_ref(), copy.path().as_os_str()]);
                postgres("pg_dump", url, options.into_iter().chain([but, into])).await?;
            }
        }
        copy.put_in_place(file)
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
}

/// The name of a copy that isn't complete yet.
pub fn partial(file: &Path) -> PathBuf {
    beside(file, ".partial")
}

/// Runs a program of PostgreSQL's on a database. Its password goes by the environment: others see the arguments.
pub(super) async fn postgres(name: &'static str, url: &str, options: impl Iterator<Item = OsString>) -> Result<(), BackupError> {
    let mut command = Command::new(name);
    let mut url = Url::parse(url).map_err(|error| BackupError::Program(name, format!("DATABASE_URL {error}")))?;
    if let Some(password) = take_password(&mut url) {
        command.env("PGPASSWORD", password);
    }
    command.arg(format!("--dbname={url}"));
    command.args(options).stdin(Stdio::null()).stdout(Stdio::null());
    let ran = tokio::task::spawn_blocking(move || command.output()).await.map_err(io::Error::other).flatten();
    let output = ran.map_err(|error| BackupError::NoProgram(name, error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(BackupError::Program(name, said.lines().next().unwrap_or("it doesn't say why").to_owned()))
}

/// The password of a URL, which may stand in front of the host or among the parameters, and is in it no more.
fn take_password(url: &mut Url) -> Option<String> {
    let password = url.password().map(|password| percent_decode_str(password).decode_utf8_lossy().into_owned());
    // An error means that there is no host, and so no password.
    let _ = url.set_password(None);
    let (given, others): (Vec<_>, Vec<_>) = url.query_pairs().into_owned().partition(|(name, _)| name == "password");
    if let Some((_, given)) = given.into_iter().next_back() {
        url.set_query(None);
        if !others.is_empty() {
            url.query_pairs_mut().extend_pairs(others);
        }
        return Some(given);
    }
    password
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_taken_out() {
        for (given, password, left) in [
            ("postgres://u:p%40ss@h/d?sslmode=require", Some("p@ss"), "postgres://u@h/d?sslmode=require"),
            ("postgres://u@h/d?password=p%26q&sslmode=require", Some("p&q"), "postgres://u@h/d?sslmode=require"),
            ("postgres://u@h/d?password=p", Some("p"), "postgres://u@h/d"),
            ("postgres://u@h/d", None, "postgres://u@h/d"),
        ] {
            let mut url = Url::parse(given).unwrap();
            assert_eq!((take_password(&mut url).as_deref(), url.as_str()), (password, left));
        }
    }
}
