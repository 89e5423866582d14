//! Where guests see each other come and go.

use std::{collections::HashMap, sync::Arc};

use crate::{
    actors::{
        device::{Device, DeviceKey},
        hub::Push,
    },
    backplane::Guest,
    domain::{
        ids::{ConversationId, UserId},
        presence::Presence,
    },
    wire::fastchat::{self, Action, Person},
};

/// Stands for the place among the conversations where somebody can be seen.
pub(super) const LOBBY: ConversationId = ConversationId(uuid::Uuid::nil());

/// The guests who are here.
#[derive(Debug, Default)]
pub(super) struct Lobby {
    /// Those who are online, on whichever node, and those whose going isn't told yet.
    known: HashMap<UserId, Guest>,
    devices: HashMap<DeviceKey, Arc<Device>>,
}

impl Lobby {
    /// How many devices hear what is told.
    pub(super) fn len(&self) -> usize {
        self.devices.len()
    }

    /// What a guest is called; none when it isn't one.
    pub(super) fn name(&self, user: UserId) -> Option<Arc<str>> {
        self.known.get(&user).map(|guest| Arc::clone(&guest.name))
    }

    /// What other nodes have to know of a guest; none when it isn't one.
    pub(super) fn guest(&self, user: UserId) -> Option<Guest> {
        self.known.get(&user).cloned()
    }

    /// A guest is heard of, under this name unless there is another.
    pub(super) fn heard_of(&mut self, user: UserId, name: Arc<str>) {
        self.known.entry(user).or_insert(Guest { name, proof: None });
    }

    /// A device has come; nothing unless it is a guest's.
    pub(super) fn enter(&mut self, device: &Arc<Device>) {
        if let Some(guest) = device.guest() {
            let (name, proof) = (Arc::clone(&guest.name), Some(Arc::clone(&guest.proof)));
            self.known.insert(device.user_id, Guest { name, proof });
            self.devices.insert(device.key, Arc::clone(device));
        }
    }

    /// A device has gone.
    pub(super) fn leave(&mut self, device: DeviceKey) {
        self.devices.remove(&device);
    }

    /// Forgets those who aren't online.
    pub(super) fn forget(&mut self, is_online: impl Fn(UserId) -> bool) {
        self.known.retain(|user, _| is_online(*user));
    }

    /// The guests' devices.
    pub(super) fn devices(&self) -> impl Iterator<Item = &Arc<Device>> {
        self.devices.values()
    }

    /// Tells guests of guests; nobody of themselves.
    pub(super) fn tell(&self, people: &[Presence]) {
        for (action, online) in [(Action::Connect, true), (Action::Disconnect, false)] {
            let named = |known: &Presence| {
                let display_name = self.name(known.user_id).map_or_else(String::new, |name| name.to_string());
                Person { user_id: known.user_id, display_name, online }
            };
            let users: Vec<Person> = people.iter().filter(|known| known.online == online).map(named).collect();
            let mut shared = HashMap::new();
            for device in self.devices.values() {
                let (key, user, shape) = (device.key, device.user_id, device.dialect);
                let frames = if users.iter().any(|person| person.user_id == user) {
                    let others: Vec<Person> = users.iter().filter(|person| person.user_id != user).cloned().collect();
                    (!others.is_empty()).then(|| fastchat::presence(shape, &others, action))
                } else if users.is_empty() {
                    None
                } else {
                    Some(shared.entry(shape).or_insert_with(|| fastchat::presence(shape, &users, action)).clone())
                };
                if let Some(frames) = frames {
                    device.hub.do_send(Push { device: key, frames });
                }
            }
        }
    }
}
