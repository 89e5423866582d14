//! The only floor that names sea_orm: every statement that Pneumatic sends is below this folder. In
//! a server only the database-writer actor holds a [`Store`]; everyone else asks that actor.

mod audit;
mod backup;
mod batch;
mod connect;
mod conversations;
mod counters;
mod error;
mod files;
mod guests;
mod history;
mod logins;
mod marks;
mod members;
mod messages;
mod openings;
mod pages;
mod presence;
mod restore;
mod resume;
mod rows;
mod sequencer;
mod state;
mod users;
mod values;
mod verify;

use std::{cell::Cell, sync::Arc, time::Duration};

pub use backup::{BackupError, partial};
pub use connect::{DatabaseUrl, Lanes, Pools};
pub use error::Failure;
use files::NameLock;
pub use guests::{Admitted, Forgotten};
pub use history::Standing;
pub use marks::Marked;
pub use members::Edited;
pub use messages::{Committed, Draft};
pub use openings::{Opening, Openings};
pub use pages::{HistoryPage, Pages};
pub use restore::Staged;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};
pub use verify::Verified;

use crate::domain::clock::Clock;

/// How often a transaction that lost a race is tried again.
const CONFLICT_TRIES: u32 = 8;
/// How long one try may take; a connection that died silently would otherwise hold its lane for ever.
const ATTEMPT: Duration = Duration::from_secs(10);
/// The pauses after which a database that went away is tried again.
const PATIENCE: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(150), Duration::from_millis(400), Duration::from_millis(900)];

/// The open database: a pool for writing and one for reading, so that reads don't wait behind writes.
#[derive(Debug)]
pub struct Store {
    writing: DatabaseConnection,
    reading: DatabaseConnection,
    clock: Clock,
    pages: Arc<Pages>,
    /// Of SQLite's file.
    _lock: Option<NameLock>,
}

impl Store {
    /// Tells these pages of what changes.
    pub fn with_pages(self, pages: Arc<Pages>) -> Self {
        Self { pages, ..self }
    }

    fn backend(&self) -> DbBackend {
        self.writing.get_database_backend()
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Failure> {
        self.reading.query_one_raw(Statement::from_string(self.backend(), "SELECT 1")).await?;
        Ok(())
    }

    /// Waits for what is under way, then closes the pools.
    pub async fn close(&self) {
        for pool in [&self.writing, &self.reading] {
            if let Err(error) = pool.close_by_ref().await {
                tracing::warn!(%error, "store.close_failed");
            }
        }
    }

    async fn begin(&self) -> Result<DatabaseTransaction, Failure> {
        // SQLite: a deferred transaction that reads first can't become a writing one while another is open.
        let options =
            TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
        Ok(self.writing.begin_with_options(options).await?)
    }

    /// Runs `work` in a transaction and commits. Tries again when it lost a race, and for a while when the database
    /// is away; but once a commit has begun, only what may be repeated.
    async fn transact<T>(
        &self,
        repeat: Repeat,
        work: impl AsyncFn(&DatabaseTransaction) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let (mut conflicts, mut outages) = (0, 0);
        loop {
            let unclear = Cell::new(false);
            let attempt = async {
                let transaction = self.begin().await?;
                let done = work(&transaction).await?;
                unclear.set(true);
                transaction.commit().await?;
                Ok(done)
            };
            let outcome = tokio::time::timeout(ATTEMPT, attempt).await;
            match outcome.unwrap_or_else(|_| Err(Failure::Unavailable("a transaction took too long".into()))) {
                Err(Failure::Conflict(error)) if conflicts < CONFLICT_TRIES => {
                    conflicts += 1;
                    tracing::debug!(%error, conflicts, "store.conflict_retried");
                    pause(conflicts).await;
                }
                Err(Failure::Unavailable(reason)) if outages < PATIENCE.len() && (repeat == Repeat::Always || !unclear.get()) => {
                    tracing::warn!(reason, outages, "store.outage_retried");
                    tokio::time::sleep(PATIENCE[outages]).await;
                    outages += 1;
                }
                outcome => return outcome,
            }
        }
    }
}

/// When work may be run again although the answer to its commit was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeat {
    /// It knows its own traces, or doing it twice does no harm.
    Always,
    /// It would take its own traces for somebody else's.
    BeforeCommit,
}

/// Waits a little longer with each try; the odd microseconds keep two losers from meeting again.
async fn pause(tries: u32) {
    let odd = uuid::Uuid::new_v4().as_u128() as u64 % 3_000;
    tokio::time::sleep(Duration::from_micros(u64::from(1_u32 << tries.min(6)) * 1_000 + odd)).await;
}
