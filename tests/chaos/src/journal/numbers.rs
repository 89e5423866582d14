//! What the journal counts in: moments, and places in its lists of people, rooms and clients.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// Microseconds since the run began, by a clock that never jumps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub u64);

impl Moment {
    /// Later than everything.
    pub const NEVER: Self = Self(u64::MAX);

    /// How long it is after `earlier`; nothing if it isn't.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// So much later.
    pub fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NEVER { f.write_str("never") } else { write!(f, "{:.3} s", self.0 as f64 / 1e6) }
    }
}

macro_rules! places {
    ($($(#[$doc:meta])* $name:ident $letter:literal),*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
            #[serde(transparent)]
            pub struct $name(pub usize);

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, concat!($letter, "{}"), self.0)
                }
            }
        )*
    };
}

places! {
    /// A person, by their place among the run's people.
    PersonNo "person ",
    /// A conversation, by its place among the run's rooms.
    RoomNo "room ",
    /// A client: one device or program of one person.
    ClientNo "c"
}
