//! What is tormented: a real server on its database, or the tests' double.

pub mod clock;
pub mod disk;
pub mod postgres;
pub mod server;
pub mod sqlite;
pub mod stored;

use std::{future::Future, net::SocketAddr};

use crate::{
    Outcome,
    history::{Farewell, Stored},
};

/// A single act. Which of them there can be is known beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// SIGKILL.
    Kill,
    /// A new process, which answers when this returns.
    Start,
    /// SIGSTOP.
    Stop,
    /// SIGCONT.
    Continue,
    /// The database goes.
    DatabaseAway {
        /// As by a power cut.
        hard: bool,
    },
    /// It is back and answers.
    DatabaseBack,
    /// There is no room on the database's disk.
    DiskFull,
    /// There is again, and a database that died of it runs.
    DiskFree,
    /// The time of day is so many seconds off, as the server sees it.
    Clock(i64),
}

/// What is tormented.
pub trait Subject {
    /// Where it listens; always the same.
    fn address(&self) -> SocketAddr;

    /// Does something to it.
    ///
    /// # Errors
    /// When that can't be done; for a start, how it failed.
    fn strike(&mut self, strike: Strike) -> impl Future<Output = Outcome<()>>;

    /// How it ended, if it did without being killed. Said once.
    fn ended(&mut self) -> Option<String>;

    /// Whether it runs as far as is known.
    fn runs(&self) -> bool;

    /// Its process, where it is one.
    fn pid(&self) -> Option<u32>;

    /// Ends it in order.
    ///
    /// # Errors
    /// When that can't be asked for.
    fn end(&mut self) -> impl Future<Output = Outcome<Farewell>>;

    /// What it has stored, once it has ended.
    ///
    /// # Errors
    /// When that can't be read.
    fn stored(&mut self) -> impl Future<Output = Outcome<Stored>>;
}
