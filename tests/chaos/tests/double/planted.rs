//! The faults that can be planted.

/// What the double does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Nothing.
    None,
    /// Acknowledges and publishes, and commits a little later.
    AckBeforeCommit,
    /// Publishes, commits a little later, and then acknowledges.
    PublishBeforeCommit,
    /// Publishes only most messages.
    LostPublish,
    /// Acknowledges over sockets after what came later.
    LateAck,
    /// Publishes nothing in one room.
    SilentRoom,
    /// Stores a repeat once more.
    DoubledInsert,
    /// Takes a number for a repeat, and throws it away.
    Gap,
    /// Acknowledges some messages with the next one's number.
    WrongAck,
    /// Now and then keeps a number back for the next message.
    Overtaking,
    /// Tells some devices another id.
    OtherId,
    /// Leaves a message out of a resume.
    HoleInResume,
    /// Tells a resume backwards.
    BackwardsResume,
    /// Publishes to everybody.
    Leak,
    /// Lets everybody read and post everywhere.
    OpenDoor,
    /// Leaves a member's conversation out of their list.
    ShortList,
    /// Says that somebody has no conversations.
    EmptyList,
    /// Refuses members at times.
    Forgetful,
    /// Counts one unread message too many.
    WrongUnread,
    /// Acknowledges read marks and doesn't store them.
    LostMark,
    /// Leaves the newest messages out of pages.
    StalePage,
    /// Stores half the text.
    CutText,
    /// Refuses a message and stores it.
    RefusesAndStores,
    /// Stores a message that nobody sent.
    Ghost,
    /// Never stores certain messages, and says so politely.
    Stuck,
    /// Says 500 at times.
    Internal,
    /// Says 503 without `Retry-After` at times.
    NoRetryAfter,
    /// Says 503 at times, although nothing is wrong.
    Moody,
    /// Doesn't answer at times.
    Mute,
    /// Needs a second after a start.
    Sluggish,
    /// Closes a device's connection at times, although it keeps up.
    Fickle,
    /// Never says how many connections there are.
    Mum,
    /// Counts connections that have gone.
    Undead,
    /// Doesn't end when it is told to.
    Stubborn,
    /// Ends by itself.
    Suicide,
    /// Says that a backup was restored.
    Reset,
}
