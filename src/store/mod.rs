//! The only floor that names sea_orm: every statement that Pneumatic sends is below this folder. Only
//! the database-writer actor holds a [`Store`]; everyone else asks that actor.

mod connect;
mod conversations;
mod error;
mod logins;
mod messages;
mod rows;
mod sequencer;
mod users;

use std::time::Duration;

pub use connect::{DatabaseUrl, Lanes};
pub use error::Failure;
pub use messages::{Changes, Committed, Draft};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};

use crate::domain::clock::Clock;

/// How often a transaction that lost a race is tried again.
const CONFLICT_TRIES: u32 = 8;

/// The open database: a pool for writing and one for reading, so that reads don't wait behind writes.
#[derive(Debug)]
pub struct Store {
    writing: DatabaseConnection,
    reading: DatabaseConnection,
    clock: Clock,
}

impl Store {
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

    /// Runs `work` in a transaction and commits; tries again when it lost a race.
    async fn transact<T>(&self, work: impl AsyncFn(&DatabaseTransaction) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut tries = 0;
        loop {
            let attempt = async {
                let transaction = self.begin().await?;
                let done = work(&transaction).await?;
                transaction.commit().await?;
                Ok(done)
            };
            match attempt.await {
                Err(Failure::Conflict(error)) if tries < CONFLICT_TRIES => {
                    tries += 1;
                    tracing::debug!(%error, tries, "store.conflict_retried");
                    pause(tries).await;
                }
                other => return other,
            }
        }
    }
}

/// Waits a little longer with each try; the odd microseconds keep two losers from meeting again.
async fn pause(tries: u32) {
    let odd = uuid::Uuid::new_v4().as_u128() as u64 % 3_000;
    tokio::time::sleep(Duration::from_micros(u64::from(1_u32 << tries.min(6)) * 1_000 + odd)).await;
}
