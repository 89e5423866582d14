//! A connected device, as rooms and presence know it. Nobody names a session: they hold what it handed them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::{Addr, Message, Recipient};

use super::{directory::Directory, hub::Hub};
use crate::{
    domain::{
        clock::Timestamp,
        ids::{ConversationId, LoginId, Rev, UserId},
    },
    wire::{close::CloseCode, dialect::Dialect, fastchat::Names},
};

/// Names a device while it is connected. The generation makes it unique although slots are used again, so
/// that a late word about one that has gone can't touch a newcomer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceKey {
    /// The hub on whose thread it lives.
    pub hub: u32,
    /// Its place there.
    pub slot: u32,
    /// How often that place had been taken before.
    pub generation: u32,
}

/// Tells a session that its device is hopeless.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Kick(pub CloseCode);

/// Tells a guest's session that its user is a member of this conversation, or that others have become members. It has to
/// find out who they are, and to join.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Invited {
    /// Which.
    pub conversation_id: ConversationId,
    /// Everything after it is to be heard.
    pub since: Rev,
    /// Whether a chat was opened by that, or else only who is in it has changed.
    pub opened: bool,
}

/// By which login a device came.
#[derive(Clone, Copy, Debug)]
pub struct GoodLogin {
    /// It.
    pub id: LoginId,
    /// It is good at least so long.
    pub until: Timestamp,
}

/// A guest's device has no login, but a name; and its session has to be told of conversations.
#[derive(Clone, Debug)]
pub struct GuestDevice {
    /// What they are called.
    pub name: Arc<str>,
    /// What only who belongs to the same session can show.
    pub proof: Arc<str>,
    /// The session.
    pub invited: Recipient<Invited>,
}

/// Whose a device is.
#[derive(Clone, Debug)]
pub enum Holder {
    /// Somebody who has logged in.
    Member(GoodLogin),
    /// A guest.
    Guest(GuestDevice),
}

/// What a session hands out about its device.
#[derive(Debug)]
pub struct Device {
    /// Its name.
    pub key: DeviceKey,
    /// Whose it is.
    pub user_id: UserId,
    /// What it speaks.
    pub dialect: Dialect,
    /// How they came.
    pub holder: Holder,
    /// Where its outbox is filled.
    pub hub: Addr<Hub>,
    /// Where its session is.
    pub kick: Recipient<Kick>,
    /// Where the rooms are.
    pub directory: Arc<Directory>,
    /// The rooms that it was joined to.
    pub joined: Joined,
}

/// The rooms that a device was joined to.
#[derive(Debug, Default)]
pub struct Joined(Mutex<Memberships>);

#[derive(Debug, Default)]
struct Memberships {
    /// By their ids in order, and since which change.
    rooms: Vec<(ConversationId, Rev)>,
    /// Said goodbye: `rooms` is what it had then.
    gone: bool,
}

impl Device {
    fn joined(&self) -> MutexGuard<'_, Memberships> {
        self.joined.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins a room, from which the device then hears everything after `since`. A second time, or after the
    /// goodbye, it does nothing.
    pub fn join(&self, conversation: ConversationId, since: Rev) {
        self.join_with(conversation, since, None);
    }

    /// The same for a guest's, with the names of those who may speak there.
    pub fn join_chat(&self, conversation: ConversationId, since: Rev, names: Arc<Names>) {
        self.join_with(conversation, since, Some(names));
    }

    fn join_with(&self, conversation: ConversationId, since: Rev, names: Option<Arc<Names>>) {
        let mut joined = self.joined();
        if let Some(place) = joined.vacancy(conversation) {
            joined.make_room();
            joined.rooms.insert(place, (conversation, since));
            self.directory.join(conversation, self, since, names);
        }
    }

    /// Joins anew, if its user has become a member once more since it joined: the news of that may come late, or twice.
    pub fn rejoin(&self, conversation: ConversationId, since: Rev) {
        if self.leave_before(conversation, since) {
            self.join(conversation, since);
        }
    }

    /// Leaves a room, if it was joined before this change; false if it was joined by that one or a later.
    pub fn leave_before(&self, conversation: ConversationId, rev: Rev) -> bool {
        let is_before = self.joined().since(conversation).is_none_or(|known| known < rev);
        if is_before {
            self.leave(conversation);
        }
        is_before
    }

    /// Leaves a room, if it was joined.
    pub fn leave(&self, conversation: ConversationId) {
        self.leave_for(conversation, None);
    }

    /// Leaves a room, if it was joined before this change, which removed its user.
    pub fn removed(&self, conversation: ConversationId, rev: Rev) {
        if self.joined().since(conversation).is_some_and(|known| known < rev) {
            self.leave_for(conversation, Some(rev));
        }
    }

    fn leave_for(&self, conversation: ConversationId, removed: Option<Rev>) {
        let mut joined = self.joined();
        if !joined.gone
            && let Ok(place) = joined.find(conversation)
        {
            joined.rooms.remove(place);
            self.directory.leave(conversation, self, removed);
        }
    }

    /// Whether the device counts on this room.
    pub fn has_joined(&self, conversation: ConversationId) -> bool {
        let joined = self.joined();
        !joined.gone && joined.find(conversation).is_ok()
    }

    /// The rooms that it counts on, or counted on when it said goodbye.
    pub fn conversations(&self) -> Vec<ConversationId> {
        self.joined().rooms.iter().map(|(conversation, _)| *conversation).collect()
    }

    /// The one goodbye, however the connection ended and whoever noticed: leaves every room, and lets none be
    /// joined any more.
    pub fn goodbye(&self) {
        let mut joined = self.joined();
        if !std::mem::replace(&mut joined.gone, true) {
            for (conversation, _) in &joined.rooms {
                self.directory.leave(*conversation, self, None);
            }
        }
    }

    /// Ends the session.
    pub fn kick(&self, code: CloseCode) {
        self.kick.do_send(Kick(code));
    }

    /// Its login, unless it is a guest's.
    pub fn login(&self) -> Option<GoodLogin> {
        match &self.holder {
            Holder::Member(login) => Some(*login),
            Holder::Guest(_) => None,
        }
    }

    /// The guest whose it is, if it is one's.
    pub fn guest(&self) -> Option<&GuestDevice> {
        match &self.holder {
            Holder::Member(_) => None,
            Holder::Guest(guest) => Some(guest),
        }
    }
}

impl Memberships {
    /// There are as many of these lists as devices, so they are kept tight.
    fn make_room(&mut self) {
        if self.rooms.len() == self.rooms.capacity() {
            self.rooms.reserve_exact(4.max(self.rooms.len() / 8));
        }
    }

    /// Where an id has to be put in; none when it is there, or nothing may be.
    fn vacancy(&self, conversation: ConversationId) -> Option<usize> {
        if self.gone { None } else { self.find(conversation).err() }
    }

    fn find(&self, conversation: ConversationId) -> Result<usize, usize> {
        self.rooms.binary_search_by_key(&conversation, |(known, _)| *known)
    }

    /// Since which change a room was joined.
    fn since(&self, conversation: ConversationId) -> Option<Rev> {
        self.find(conversation).ok().map(|place| self.rooms[place].1)
    }
}
