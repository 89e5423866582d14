//! What can go wrong between us and the database, sorted by what to do about it.

use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};

use crate::domain::refusal::Refusal;

/// Why an operation of the store didn't happen.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The rules say no; goes to the client as it is.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// Somebody else was faster (deadlock, serialization, a unique key, a locked file): worth another try.
    #[error("conflict: {0}")]
    Conflict(#[source] DbErr),
    /// The database can't be reached, is full, or is going away: whether a commit under way took effect is unknown.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Anything else: a fault of ours, or of this one command's data.
    #[error("failed: {0}")]
    Broken(#[source] DbErr),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Self {
        if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) {
            return Self::Conflict(error);
        }
        match sqlx_cause(&error).map(sort) {
            Some(Sort::Conflict) => Self::Conflict(error),
            Some(Sort::Unavailable) => Self::Unavailable(error.to_string()),
            _ if matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) => Self::Unavailable(error.to_string()),
            _ => Self::Broken(error),
        }
    }
}

impl Failure {
    /// Whether a unique key was the reason.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Conflict(e) if matches!(e.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))))
    }

    /// What the client is told. Failures are logged here, once.
    pub fn into_refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Conflict(error) => {
                tracing::warn!(%error, "store.conflict");
                Refusal::Busy
            }
            Self::Unavailable(reason) => {
                tracing::warn!(reason, "store.unavailable");
                Refusal::Unavailable
            }
            Self::Broken(error) => {
                tracing::error!(%error, "store.failed");
                Refusal::Internal
            }
        }
    }
}

enum Sort {
    Conflict,
    Unavailable,
    Other,
}

fn sqlx_cause(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(e))
        | DbErr::Exec(RuntimeErr::SqlxError(e))
        | DbErr::Query(RuntimeErr::SqlxError(e)) => Some(e),
        _ => None,
    }
}

fn sort(error: &sqlx::Error) -> Sort {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Sort::Unavailable,
        sqlx::Error::Database(e) => sort_code(&e.code().unwrap_or_default(), e.message()),
        _ => Sort::Other,
    }
}

/// PostgreSQL's SQLSTATE has five characters (its manual, appendix A); SQLite's result code is a
/// number whose low byte is the primary code (<https://sqlite.org/rescode.html>).
fn sort_code(code: &str, message: &str) -> Sort {
    if code.len() == 5 {
        return match code {
            "40001" | "40P01" | "55P03" => Sort::Conflict,
            // A pooled plan outlived a change of the schema.
            "0A000" if message.contains("cached plan") => Sort::Conflict,
            // 08 connection, 53 resources, 57P shutdown and crash, 58 system, 25006 read-only replica; 57014 and
            // 25P03 are time limits of the server.
            "25006" | "57014" | "25P03" => Sort::Unavailable,
            _ if ["08", "53", "57P", "58"].iter().any(|class| code.starts_with(class)) => Sort::Unavailable,
            _ => Sort::Other,
        };
    }
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(5 | 6 | 17) => Sort::Conflict,          // BUSY, LOCKED, SCHEMA
        Ok(8 | 10 | 13 | 14) => Sort::Unavailable, // READONLY, IOERR, FULL, CANTOPEN
        _ => Sort::Other,
    }
}
