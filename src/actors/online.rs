//! Who is here, for anyone to look up without asking the actor who finds out.

use std::sync::Arc;

use dashmap::DashMap;

use crate::{
    backplane::Guest,
    domain::{clock::Timestamp, ids::UserId, presence::Seen},
};

/// Somebody who is online: connected, or gone for a moment only.
#[derive(Clone, Debug, Default)]
struct Here {
    /// How many of their devices are connected.
    devices: u32,
    /// What a guest is called; none for a member.
    guest: Option<Arc<str>>,
}

/// Those who are online, and when those went who have just gone.
#[derive(Clone, Debug, Default)]
pub struct Online {
    here: Arc<DashMap<UserId, Here>>,
    /// Those on other nodes, and what is known of guests of them.
    elsewhere: Arc<DashMap<UserId, Option<Guest>>>,
    went: Arc<DashMap<UserId, Timestamp>>,
}

impl Online {
    /// Somebody is online, with so many devices.
    pub(super) fn set(&self, user: UserId, devices: u32, guest: Option<Arc<str>>) {
        self.here.insert(user, Here { devices, guest });
    }

    /// Somebody isn't any more.
    pub(super) fn remove(&self, user: UserId) {
        self.here.remove(&user);
    }

    /// Somebody is online on another node.
    pub(super) fn set_elsewhere(&self, user: UserId, guest: Option<Guest>) {
        self.elsewhere.insert(user, guest);
    }

    /// Somebody isn't any more, on any other.
    pub(super) fn remove_elsewhere(&self, user: UserId) {
        self.elsewhere.remove(&user);
    }

    /// Somebody went then, which isn't stored yet.
    pub(super) fn went(&self, Seen { user_id, at }: Seen) {
        self.went.insert(user_id, at);
    }

    /// Whoever went before that is stored by now.
    pub(super) fn forget_those_gone(&self, before: Timestamp) {
        self.went.retain(|_, at| *at > before);
    }

    /// When somebody went, unless it is long ago.
    pub fn went_at(&self, user: UserId) -> Option<Timestamp> {
        self.went.get(&user).map(|at| *at)
    }

    /// Whether somebody is.
    pub fn contains(&self, user: UserId) -> bool {
        self.here.contains_key(&user) || self.elsewhere.contains_key(&user)
    }

    /// Whether a device of theirs is connected at this moment; on another node, at least a moment ago.
    pub fn has_device(&self, user: UserId) -> bool {
        self.here.get(&user).is_some_and(|here| here.devices > 0) || self.elsewhere.contains_key(&user)
    }

    /// What a guest is called of whom a device is connected.
    pub fn guest_with_device(&self, user: UserId) -> Option<Arc<str>> {
        let here = self.here.get(&user).filter(|here| here.devices > 0).and_then(|here| here.guest.clone());
        here.or_else(|| self.elsewhere.get(&user)?.as_ref().map(|guest| Arc::clone(&guest.name)))
    }

    /// Whether a guest's id is in use by a socket on another node, by a session that can't show this.
    pub fn is_taken_elsewhere(&self, user: UserId, proof: Option<&str>) -> bool {
        let known = self.elsewhere.get(&user).and_then(|guest| guest.as_ref()?.proof.clone());
        known.is_some_and(|known| Some(&*known) != proof)
    }

    /// The guests among them, and what they are called.
    pub fn guests(&self) -> Vec<(UserId, Arc<str>)> {
        let here = self.here.iter().filter_map(|entry| Some((*entry.key(), entry.guest.clone()?)));
        let elsewhere = self.elsewhere.iter().filter(|entry| !self.here.contains_key(entry.key()));
        here.chain(elsewhere.filter_map(|entry| Some((*entry.key(), entry.value().clone()?.name)))).collect()
    }

    /// How many devices of guests are connected to this node.
    pub fn guest_devices(&self) -> u32 {
        self.here.iter().filter(|entry| entry.guest.is_some()).map(|entry| entry.devices).sum()
    }
}
