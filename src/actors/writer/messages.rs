//! What the writer is asked and told.

use actix::{Message, Recipient};
use tokio::sync::oneshot;

use crate::{
    actors::{
        budget::Share,
        job::{Answer, Job},
        presence::{Located, LoginEnds},
        room::{Fetched, Origin, Reader},
    },
    domain::{
        ids::{ConversationId, LoginId, Rev, UserId},
        message::Posted,
        presence::Seen,
    },
    store::Draft,
};

/// Store a message, publish it if it is new.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Post {
    pub(in crate::actors) draft: Draft,
    pub(in crate::actors) share: Share,
    pub(in crate::actors) origin: Option<Box<Origin>>,
    pub(in crate::actors) reply: oneshot::Sender<Answer<Posted>>,
}

/// A transaction of its own, behind what waits in its lane.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Write {
    pub(in crate::actors) lane: u64,
    pub(in crate::actors) job: Job,
}

/// A read, beside whatever is being written.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Read(pub(in crate::actors) Job);

/// A room asks what changed after `after`; the writer tells it, and nobody waits.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Fetch {
    /// Of which conversation.
    pub conversation_id: ConversationId,
    /// The last change known.
    pub after: Rev,
    /// Handed back with the answer.
    pub reader: Reader,
    /// Who is told.
    pub answer: Recipient<Fetched>,
}

/// Something that other nodes did may have been missed: it has to be compared.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Compare {
    /// Something has been missed: what is told beside the order of changes as well.
    pub thoroughly: bool,
}

/// Presence asks where people can be seen; the writer tells it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Locate {
    /// Whom.
    pub people: Vec<UserId>,
    /// Who is told.
    pub answer: Recipient<Located>,
}

/// These were here until then; to be stored.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct WereSeen(pub Vec<Seen>);

/// Presence asks until when logins are good; the writer tells it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CheckLogins {
    /// Which.
    pub logins: Vec<LoginId>,
    /// Who is told.
    pub answer: Recipient<LoginEnds>,
}
