//! Whether a history keeps the promise. Pure: the same history gives the same answer.

mod access;
mod answers;
mod case;
mod hearing;
mod marks;
mod order;
mod recovery;
mod storage;
#[cfg(test)]
mod tests;

use std::fmt;

use self::case::Case;
use crate::history::History;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// How the promise can be broken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name),*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$name),*];

            /// Its name in reports and figures.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text),*
                }
            }
        }
    };
}

kinds! {
    /// Acknowledged and not stored.
    Lost = "lost",
    /// Acknowledged at another place, or under another id, than it is stored at; or twice differently.
    Moved = "moved",
    /// Stored more than once.
    Doubled = "doubled",
    /// The numbers of a room's messages aren't 1, 2, 3 … up to its counter.
    Gap = "gap",
    /// Stored, but nobody sent it, or not there.
    Phantom = "phantom",
    /// Stored with a text that nobody sent.
    Altered = "altered",
    /// Refused for good, and stored.
    RefusedYetStored = "refused-yet-stored",
    /// Sent again and again, and never acknowledged.
    Stuck = "stuck",
    /// A client sent it after the acknowledgement of another of its own, and it is stored before that.
    SenderOrder = "sender-order",
    /// The same between two clients.
    RealTimeOrder = "real-time-order",
    /// A member, or a device, was shown something else at a place than what is stored there.
    Order = "order",
    /// A page that was read misses what was acknowledged before.
    Stale = "stale",
    /// A device was told of what isn't stored.
    Unstored = "unstored",
    /// A device was told of a message, and never of one before it.
    Skipped = "skipped",
    /// A device was told of a message after one behind it.
    Disordered = "disordered",
    /// Live frames on one connection weren't contiguous.
    LiveHole = "live-hole",
    /// A device that listened to the end wasn't told of everything.
    Unheard = "unheard",
    /// Somebody was told, let in or listed where they aren't a member.
    Trespass = "trespass",
    /// A conversation is missing in a member's list.
    Unlisted = "unlisted",
    /// What is unread isn't what SQL says, or a read mark was lost.
    Unread = "unread",
    /// An answer that says that the server is broken: a 5xx other than 503, a 503 without `Retry-After`, `internal`, 1011.
    ServerError = "server-error",
    /// Somebody was refused what is theirs.
    WronglyRefused = "wrongly-refused",
    /// A refusal for now, although nothing was wrong.
    RefusedInPeace = "refused-in-peace",
    /// No answer to a call or a handshake, although nothing was wrong.
    SilentInPeace = "silent-in-peace",
    /// A connection ended or went silent, or a post on it got no answer, although nothing was wrong.
    CutInPeace = "cut-in-peace",
    /// A frame that breaks the contract.
    BrokenFrame = "broken-frame",
    /// The server ended by itself, or didn't start.
    Died = "died",
    /// The server's log tells of a panic.
    Panicked = "panicked",
    /// Not back in time after a fault.
    SlowRecovery = "slow-recovery",
    /// Connections were still counted when all had gone.
    Undead = "undead",
    /// SIGTERM didn't end the server in order.
    BadGoodbye = "bad-goodbye",
    /// The database's own check has found a flaw.
    Flawed = "flawed",
}

/// A way in which a history breaks the promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub kind: Kind,
    /// What exactly.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.what)
    }
}

/// What has been found so far.
#[derive(Debug, Default)]
struct Found(Vec<Violation>);

impl Found {
    fn add(&mut self, kind: Kind, what: String) {
        self.0.push(Violation { kind, what });
    }
}

/// Everything in which a history breaks the promise, sorted by kind. Empty: it was kept.
pub fn check(history: &History) -> Vec<Violation> {
    let case = Case::of(history);
    let mut found = Found::default();
    for check in [storage::check, order::check, hearing::check, access::check, marks::check, answers::check, recovery::check] {
        check(&case, &mut found);
    }
    found.0.sort_by_key(|violation| violation.kind);
    found.0
}
