//! A connected device, as rooms and presence know it. Nobody names a session: they hold what it handed them.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use actix::{Addr, Message, Recipient};

use super::{directory::Directory, hub::Hub};
use crate::{
    domain::{
        clock::Timestamp,
        ids::{ConversationId, LoginId, Rev, UserId},
    },
    wire::close::CloseCode,
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

/// What a session hands out about its device.
#[derive(Debug)]
pub struct Device {
    /// Its name.
    pub key: DeviceKey,
    /// Whose it is.
    pub user_id: UserId,
    /// By which login it came.
    pub login_id: LoginId,
    /// The login is good at least so long.
    pub good_until: Timestamp,
    /// Where its outbox is filled.
    pub hub: Addr<Hub>,
    kick: Recipient<Kick>,
    directory: Arc<Directory>,
    /// The rooms it was joined to; none once it has said goodbye.
    joined: Mutex<Option<HashSet<ConversationId>>>,
}

impl Device {
    /// Joined nowhere yet.
    pub fn new(
        key: DeviceKey,
        user_id: UserId,
        login_id: LoginId,
        good_until: Timestamp,
        hub: Addr<Hub>,
        kick: Recipient<Kick>,
        directory: Arc<Directory>,
    ) -> Self {
        Self { key, user_id, login_id, good_until, hub, kick, directory, joined: Mutex::new(Some(HashSet::new())) }
    }

    /// Joins a room, from which the device then hears everything after `since`. A second time, or after the
    /// goodbye, it does nothing.
    pub fn join(&self, conversation: ConversationId, since: Rev) {
        let mut joined = self.joined.lock().unwrap_or_else(PoisonError::into_inner);
        if joined.as_mut().is_some_and(|joined| joined.insert(conversation)) {
            self.directory.join(conversation, self, since);
        }
    }

    /// Whether the device counts on this room.
    pub fn has_joined(&self, conversation: ConversationId) -> bool {
        let joined = self.joined.lock().unwrap_or_else(PoisonError::into_inner);
        joined.as_ref().is_some_and(|joined| joined.contains(&conversation))
    }

    /// The one goodbye, however the connection ended and whoever noticed: leaves every room, and lets none be
    /// joined any more.
    pub fn goodbye(&self) {
        let joined = self.joined.lock().unwrap_or_else(PoisonError::into_inner).take();
        for conversation in joined.into_iter().flatten() {
            self.directory.leave(conversation, self.key);
        }
    }

    /// Ends the session.
    pub fn kick(&self, code: CloseCode) {
        self.kick.do_send(Kick(code));
    }
}
