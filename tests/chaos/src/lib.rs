//! Proof of the promise in `docs/data.md`: an acknowledged message is committed at its `seq` for everybody, all see one order,
//! and nothing is lost silently, whatever happens to the server.
//!
//! ```text
//!   run ── nemesis ──strikes──► subject    a real server on its database (or the tests' double)
//!    │        │ probes             ▲
//!    └──── load ──REST, sockets────┘       (sockets by way of proxy, where connections can go silent)
//!             │ writes down
//!          journal ──► history ──► checker ──► report
//!                         ▲ what SQL and everybody's pages say (readback, subject::stored)
//! ```
//! The checker knows nothing but the history, and so do its tests: a fault of the server that doesn't show there isn't found.

pub mod again;
pub mod arguments;
pub mod checker;
pub mod history;
pub mod journal;
pub mod load;
pub mod nemesis;
pub mod proxy;
pub mod readback;
pub mod report;
pub mod run;
pub mod subject;
pub mod words;

/// The result of anything that may stop the run.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
