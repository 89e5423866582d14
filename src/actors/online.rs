//! Who is here, for anyone to look up without asking the actor who finds out.

use std::sync::Arc;

use dashmap::DashMap;

use crate::domain::{clock::Timestamp, ids::UserId, presence::Seen};

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
pub struct Online(Arc<DashMap<UserId, Here>>, Arc<DashMap<UserId, Timestamp>>);

impl Online {
    /// Somebody is online, with so many devices.
    pub(super) fn set(&self, user: UserId, devices: u32, guest: Option<Arc<str>>) {
        self.0.insert(user, Here { devices, guest });
    }

    /// Somebody isn't any more.
    pub(super) fn remove(&self, user: UserId) {
        self.0.remove(&user);
    }

    /// Somebody went then, which isn't stored yet.
    pub(super) fn went(&self, Seen { user_id, at }: Seen) {
        self.1.insert(user_id, at);
    }

    /// Whoever went before that is stored by now.
    pub(super) fn forget_those_gone(&self, before: Timestamp) {
        self.1.retain(|_, at| *at > before);
    }

    /// When somebody went, unless it is long ago.
    pub fn went_at(&self, user: UserId) -> Option<Timestamp> {
        self.1.get(&user).map(|at| *at)
    }

    /// Whether somebody is.
    pub fn contains(&self, user: UserId) -> bool {
        self.0.contains_key(&user)
    }

    /// Whether a device of theirs is connected at this moment.
    pub fn has_device(&self, user: UserId) -> bool {
        self.0.get(&user).is_some_and(|here| here.devices > 0)
    }

    /// What a guest is called of whom a device is connected.
    pub fn guest_with_device(&self, user: UserId) -> Option<Arc<str>> {
        self.0.get(&user).filter(|here| here.devices > 0)?.guest.clone()
    }

    /// The guests among them, and what they are called.
    pub fn guests(&self) -> Vec<(UserId, Arc<str>)> {
        self.0.iter().filter_map(|entry| Some((*entry.key(), entry.guest.clone()?))).collect()
    }

    /// How many devices of guests are connected.
    pub fn guest_devices(&self) -> u32 {
        self.0.iter().filter(|entry| entry.guest.is_some()).map(|entry| entry.devices).sum()
    }
}
