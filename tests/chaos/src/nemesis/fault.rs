//! What can be done to a server, and how soon everything must work again.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// No target is shorter on a slow machine, whose disk may stand still for seconds.
const LEAST_ON_SLOW: Duration = Duration::from_secs(10);

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// SIGKILL, and a new process at once.
    Kill,
    /// SIGSTOP, and SIGCONT later.
    Stop,
    /// PostgreSQL is stopped and started; SQLite's file is locked by somebody else.
    Database,
    /// The database's disk is full, and emptied again.
    Disk,
    /// The time of day jumps.
    Clock,
    /// Devices don't read for a while.
    Slow,
    /// Connections go silent without an end.
    Halfopen,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [Self::Kill, Self::Stop, Self::Database, Self::Disk, Self::Clock, Self::Slow, Self::Halfopen];

    /// Its name on the command line and in the figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
            Self::Database => "database",
            Self::Disk => "disk",
            Self::Clock => "clock",
            Self::Slow => "slow",
            Self::Halfopen => "halfopen",
        }
    }

    /// From the end of the fault until a message is stored in every room; where the fault is the clients' own, from its
    /// beginning.
    pub fn target(self) -> Duration {
        Duration::from_secs(match self {
            // A moment for the answer itself: nothing has to recover.
            Self::Clock | Self::Slow | Self::Halfopen => 1,
            Self::Stop | Self::Database => 2,
            Self::Kill | Self::Disk => 5,
        })
    }

    /// The same where everything is slower by this factor. What has nothing to recover from still stands in one line with what a
    /// slow machine does by itself.
    pub fn within(self, lenience: f64) -> Duration {
        let target = self.target().mul_f64(lenience);
        if lenience > 1.0 { target.max(LEAST_ON_SLOW) } else { target }
    }

    /// Whether it befalls connections and not the server.
    pub fn is_clients(self) -> bool {
        matches!(self, Self::Slow | Self::Halfopen)
    }

    /// Whether refusals and silence are to be expected while it lasts.
    pub fn excuses(self) -> bool {
        match self {
            Self::Kill | Self::Stop | Self::Database | Self::Disk => true,
            Self::Clock | Self::Slow | Self::Halfopen => false,
        }
    }
}
