//! What presence is told: a few words per device.

use std::{sync::Arc, time::Duration};

use actix::{Addr, Message};

use crate::{
    actors::{
        device::{Device, DeviceKey},
        writer::DbWriter,
    },
    backplane::{Gossip, NodeId},
    domain::{
        clock::Timestamp,
        conversation::{ConversationState, Joined},
        ids::{ConversationId, LoginId, Rev, UserId},
    },
    wire::close::CloseCode,
};

/// A device is there.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Connected(pub Arc<Device>);

/// It has joined the rooms of its user's conversations.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Entered(pub DeviceKey);

/// Somebody says without a socket that they are here.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct HeardOf {
    /// Who.
    pub user_id: UserId,
    /// What a guest is called.
    pub guest: Option<Arc<str>>,
    /// Where a member can be seen.
    pub conversations: Vec<ConversationId>,
}

/// It still is.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Alive(pub DeviceKey);

/// It has gone, and has said its goodbye.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Gone(pub DeviceKey);

/// Users are members of a conversation.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct MembersAdded {
    /// Which.
    pub conversation_id: ConversationId,
    /// Who.
    pub user_ids: Vec<UserId>,
    /// They hear everything after it.
    pub since: Rev,
    /// Whether they weren't before; if a device has joined already, it then joins once more.
    pub anew: bool,
    /// Whether somebody wants to talk there.
    pub opened: bool,
}

/// A user isn't a member of a conversation any more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct MembersRemoved {
    /// Which.
    pub conversation_id: ConversationId,
    /// Who.
    pub user_id: UserId,
    /// By which change.
    pub rev: Rev,
}

/// A member of these conversations, which stood at these changes, is called something else: guests' devices, which are told
/// names, have to be told.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct MemberRenamed(pub Vec<(ConversationId, Rev)>);

/// The database says that somebody is a member: devices of theirs that don't know it have to join.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct MemberFound(pub Joined);

/// Another node tells who is there.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Heard {
    /// Which.
    pub from: NodeId,
    /// What.
    pub gossip: Gossip,
}

/// Other nodes are heard from now on, or aren't.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct LinkChanged(pub bool);

/// Where people can be seen who have come to other nodes or gone from them.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Located(pub Vec<(UserId, ConversationId)>);

/// Logins were ended: their devices have to go.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct EndLogins(pub Vec<LoginId>);

/// Here is the writer, who knows until when logins are good, and keeps when people were last here.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Meet(pub Addr<DbWriter>);

/// The writer's answer to [`CheckLogins`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LoginEnds {
    /// Those that were asked for.
    pub asked: Vec<LoginId>,
    /// Until when those of them are good that haven't been ended; none when the database couldn't tell.
    pub ends: Option<Vec<(LoginId, Timestamp)>>,
}

/// Every device has to go, spread over some time so that they don't all come back at once.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct CloseAll {
    /// Why.
    pub code: CloseCode,
    /// Over how long.
    pub spread: Duration,
}

/// A conversation's room broke: whoever was to hear it has to come back and catch up.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct RoomBroke(pub ConversationId);

/// A room has looked up who its members are: whoever isn't one was sent away, if they were there.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Evicted(pub Arc<ConversationState>);

/// Nobody will come any more: whoever was here was last seen now.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct CloseBooks;

/// How many devices are there?
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "usize")]
pub struct CountDevices;
