//! Opens the database and brings its schema up to date.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseConnectionType, Statement,
    sqlx::{
        Connection,
        sqlite::{SqliteConnection, SqliteJournalMode, SqliteSynchronous},
    },
};

use super::{Failure, Pages, Store, files::NameLock};
use crate::domain::clock::Clock;

/// The key of the advisory lock under which instances that start together migrate one after another.
const MIGRATION_LOCK: i64 = 0x706e_6575_6d61_7469;

/// Pages of 4 KiB in SQLite's log from which on they are copied into the database.
const CHECKPOINT: &str = "8192";
/// How much of the database the writing connection keeps in memory, in KiB, negative by SQLite's convention.
const CACHE: &str = "-16384";
/// How PostgreSQL plans what it is asked again and again: once, until it looks at a table anew, since of our statements planning takes as
/// long as what is planned; and by indexes, since it knows neither the values then nor what becomes of a table that was empty when it
/// looked. Neither goes without the other. All that is asked often is found by a key, or in an index's order.
/// <https://www.postgresql.org/docs/current/runtime-config-query.html>
const PLANNING: [(&str, &str); 5] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    // What is to be avoided counts as dear, and what is dear would be compiled.
    ("jit", "off"),
];
/// How long PostgreSQL may work on one statement; a try of ours ends a little later.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(8);

/// Which database, parsed from `DATABASE_URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// The embedded one, in this file.
    Sqlite(PathBuf),
    /// A PostgreSQL server, by its URL.
    Postgres(String),
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return text
                .parse::<sea_orm::sqlx::postgres::PgConnectOptions>()
                .map(|_| Self::Postgres(text.to_owned()))
                .map_err(|e| format!("isn't a valid PostgreSQL URL: {e}"));
        }
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path).split('?').next().unwrap_or_default();
            if path.is_empty() || path == ":memory:" {
                return Err("must name a file: sqlite://path/to/file.db".into());
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        Err("must begin with postgres:// or sqlite://".into())
    }
}

/// How many transactions may write side by side. A conversation always keeps to one lane, so its order holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes(pub usize);

/// How many connections there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pools {
    /// Those that read.
    pub readers: u32,
    /// Transactions that write side by side, where the database can.
    pub writers: u32,
}

impl Default for Pools {
    fn default() -> Self {
        Self { readers: 8, writers: 2 }
    }
}

/// What connections are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Writing,
    Reading,
    /// What is done once, and may look at everything.
    Single,
}

impl DatabaseUrl {
    /// SQLite has one writer by nature; PostgreSQL gains from a few.
    pub fn lanes(&self, pools: Pools) -> Lanes {
        match self {
            Self::Sqlite(_) => Lanes(1),
            Self::Postgres(_) => Lanes(pools.writers as usize),
        }
    }

    fn options(&self, connections: u32, purpose: Purpose) -> ConnectOptions {
        let read_only = purpose == Purpose::Reading;
        let mut options = match self {
            Self::Postgres(url) => {
                let mut options = ConnectOptions::new(url);
                options.statement_timeout(STATEMENT_TIMEOUT);
                options.map_sqlx_postgres_opts(move |postgres| {
                    let postgres = match postgres.get_application_name() {
                        Some(_) => postgres,
                        None => postgres.application_name("pneumatic"),
                    };
                    if purpose == Purpose::Single { postgres } else { postgres.options(PLANNING) }
                });
                options
            }
            Self::Sqlite(file) => {
                let file = file.clone();
                let mut options = ConnectOptions::new("sqlite::memory:");
                options.map_sqlx_sqlite_opts(move |sqlite| {
                    let sqlite = sqlite
                        .filename(&file)
                        .in_memory(false)
                        .shared_cache(false)
                        .create_if_missing(true)
                        .journal_mode(SqliteJournalMode::Wal)
                        .synchronous(SqliteSynchronous::Full)
                        .foreign_keys(true)
                        // Statement journals and the like needn't be files: they don't outlive their transaction.
                        .pragma("temp_store", "memory")
                        // Pages that change again and again are copied out of the log once in a while, not each time.
                        .pragma("wal_autocheckpoint", CHECKPOINT)
                        .busy_timeout(Duration::from_secs(10));
                    if read_only { sqlite.pragma("query_only", "on") } else { sqlite.pragma("cache_size", CACHE) }
                });
                options.map_sqlx_sqlite_pool_opts(|pool| {
                    pool.after_release(|connection, _| Box::pin(async move { is_settled(connection).await }))
                });
                options
            }
        };
        if read_only {
            // What has lain idle may be dead; a question before every read would cost a round trip.
            options.test_before_acquire_if_idle_for(Duration::from_secs(1));
        } else {
            // A transaction that meets a dead connection is begun again.
            options.test_before_acquire(false);
        }
        options.max_connections(connections).min_connections(1).acquire_timeout(Duration::from_secs(5)).sqlx_logging(false);
        options
    }

    async fn open(&self, connections: u32, purpose: Purpose) -> Result<DatabaseConnection, Failure> {
        Ok(Database::connect(self.options(connections, purpose)).await?)
    }

    /// One connection, on which a statement may take as long as it takes.
    pub(super) async fn plain(&self) -> Result<DatabaseConnection, Failure> {
        let mut options = self.options(1, Purpose::Single);
        options.statement_timeout(Duration::ZERO);
        Ok(Database::connect(options).await?)
    }

    /// Applies what is missing of the schema. Any number of instances may call this at once.
    pub async fn migrate(&self) -> Result<(), Failure> {
        // One connection, because an advisory lock belongs to the connection that took it.
        let single = self.plain().await?;
        let backend = single.get_database_backend();
        if let Self::Postgres(_) = self {
            let lock = Statement::from_sql_and_values(backend, "SELECT pg_advisory_lock($1)", [MIGRATION_LOCK.into()]);
            single.query_one_raw(lock).await?;
        }
        let outcome = Migrator::up(&single, None).await;
        // Closing the connection gives the lock back.
        single.close().await?;
        Ok(outcome?)
    }
}

/// Keeps a file from being replaced by a backup.
fn in_use(file: &Path) -> Result<NameLock, Failure> {
    let lock = NameLock::shared(file).map_err(|error| Failure::Unavailable(error.to_string()))?;
    lock.ok_or_else(|| Failure::Unavailable("a backup is being restored in its place".into()))
}

/// Whether a connection that comes back may be used again. When a commit fails, for want of room on the disk say, SQLite may
/// end the transaction by itself; then the driver's rollback fails, and it goes on believing that there is a transaction. What
/// it begins next it would call a savepoint, whose release commits nothing.
async fn is_settled(connection: &mut SqliteConnection) -> Result<bool, sea_orm::sqlx::Error> {
    if connection.is_in_transaction() {
        // The rollback of what was dropped is under way; the answer to this comes after it.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

impl Store {
    /// Migrates, then opens the pools.
    ///
    /// # Errors
    /// [`Failure`] when the database can't be reached or its schema can't be brought up to date.
    pub async fn connect(url: &DatabaseUrl, pools: Pools, clock: Clock) -> Result<Self, Failure> {
        let lock = match url {
            DatabaseUrl::Sqlite(file) => Some(in_use(file)?),
            DatabaseUrl::Postgres(_) => None,
        };
        url.migrate().await?;
        let Lanes(lanes) = url.lanes(pools);
        // One more than there are lanes, for one that hangs.
        let writers = if matches!(url, DatabaseUrl::Sqlite(_)) { 1 } else { lanes as u32 + 1 };
        let (writing, reading) = (url.open(writers, Purpose::Writing).await?, url.open(pools.readers, Purpose::Reading).await?);
        let store = Self { writing, reading, clock, pages: Arc::new(Pages::new(false)), _lock: lock };
        store.settle_epoch().await?;
        Ok(store)
    }
}

impl Store {
    /// How the pools stand: their names, and how many of their connections are open and how many of those idle.
    pub fn pools(&self) -> [(&'static str, u32, usize); 2] {
        [("writing", &self.writing), ("reading", &self.reading)].map(|(name, pool)| match &pool.inner {
            DatabaseConnectionType::SqlxSqlitePoolConnection(_) => {
                let pool = pool.get_sqlite_connection_pool();
                (name, pool.size(), pool.num_idle())
            }
            DatabaseConnectionType::SqlxPostgresPoolConnection(_) => {
                let pool = pool.get_postgres_connection_pool();
                (name, pool.size(), pool.num_idle())
            }
            _ => (name, 0, 0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        assert_eq!("sqlite://a/b.db?mode=rwc".parse(), Ok(DatabaseUrl::Sqlite("a/b.db".into())));
        assert_eq!("sqlite:///a/b.db".parse(), Ok(DatabaseUrl::Sqlite("/a/b.db".into())));
        assert!("sqlite::memory:".parse::<DatabaseUrl>().is_err());
        assert!("mysql://x".parse::<DatabaseUrl>().is_err());
        assert!(matches!("postgres://u@h/d".parse(), Ok(DatabaseUrl::Postgres(_))));
    }

    #[tokio::test]
    async fn what_is_committed_after_sqlite_has_ended_a_transaction_by_itself_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("a.db"));
        let store = Store::connect(&url, Pools::default(), Clock::system()).await.unwrap();
        let ended = store.begin().await.unwrap();
        ended.execute_unprepared("ROLLBACK").await.unwrap();
        assert!(ended.commit().await.is_err());
        drop(store.begin().await.unwrap());
        let transaction = store.begin().await.unwrap();
        transaction.execute_unprepared("CREATE TABLE proof (n)").await.unwrap();
        transaction.commit().await.unwrap();
        store.reading.execute_unprepared("SELECT n FROM proof").await.unwrap();
        store.close().await;
    }
}
