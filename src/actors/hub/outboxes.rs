//! The outboxes of one worker thread.

use std::rc::Rc;

use slab::Slab;

use crate::{
    actors::{device::DeviceKey, outbox::Outbox, traffic::Traffic},
    domain::ids::UserId,
    wire::dialect::Dialect,
};

#[derive(Debug)]
pub(super) struct Berth {
    generation: u32,
    pub(super) user: UserId,
    pub(super) dialect: Dialect,
    pub(super) outbox: Rc<Outbox>,
}

/// The outboxes of one thread. Sessions put theirs here themselves, since neither side ever leaves the thread.
#[derive(Debug)]
pub struct Outboxes {
    hub: u32,
    berths: Slab<Berth>,
    generation: u32,
    /// Slots that have become free since they were last taken note of.
    freed: Vec<u32>,
    traffic: Rc<Traffic>,
}

impl Outboxes {
    /// None yet, for the hub of this number.
    pub(super) fn new(hub: u32, traffic: Rc<Traffic>) -> Self {
        Self { hub, berths: Slab::new(), generation: 0, freed: Vec::new(), traffic }
    }

    /// Gives a user's device its place and name.
    pub fn register(&mut self, outbox: Rc<Outbox>, user: UserId, dialect: Dialect) -> DeviceKey {
        self.generation = self.generation.wrapping_add(1);
        outbox.counts_in(Rc::clone(&self.traffic));
        let slot = self.berths.insert(Berth { generation: self.generation, user, dialect, outbox });
        DeviceKey { hub: self.hub, slot: slot as u32, generation: self.generation }
    }

    /// Takes the device's place away; a second time does nothing.
    pub fn remove(&mut self, device: DeviceKey) {
        if self.berth(device).is_some() {
            self.berths.remove(device.slot as usize);
            self.freed.push(device.slot);
        }
    }

    /// Slots that have become free since the last call.
    pub(super) fn take_freed(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.freed)
    }

    /// Bytes that wait in all of them.
    pub(super) fn waiting(&self) -> usize {
        self.berths.iter().map(|(_, berth)| berth.outbox.waiting()).sum()
    }

    pub(super) fn berth(&self, device: DeviceKey) -> Option<&Berth> {
        self.berths.get(device.slot as usize).filter(|berth| berth.generation == device.generation)
    }
}
