//! Where the room of a conversation is, if it has one. A room exists while devices are joined to it: their
//! number stands in the entry, under the entry's lock, and only an entry whose number is 0 is removed.

use std::sync::{Arc, OnceLock};

use actix::{Addr, ArbiterHandle, Recipient};
use dashmap::{DashMap, Entry};

use super::{
    device::Device,
    online::Online,
    presence::{Evicted, RoomBroke},
    room::{Announce, Join, Leave, Marked, Publish, Published, Rename, Retire, Room, StandsAt, Suspect, Typing},
    writer::Fetch,
};
use crate::{
    backplane::{Backplane, News},
    domain::{
        conversation::{ConversationState, ReadMark},
        ids::{ConversationId, Rev, UserId},
        presence::Presence,
    },
    wire::fastchat::Names,
};

#[derive(Debug)]
struct Place {
    room: Addr<Room>,
    joins: usize,
}

/// The rooms there are.
#[derive(Debug)]
pub struct Directory {
    places: DashMap<ConversationId, Place>,
    arbiter: ArbiterHandle,
    online: Online,
    backplane: Backplane,
    /// Set right after the writer has started, which needs the directory to publish.
    others: OnceLock<Others>,
}

/// Whom rooms and their directory talk to.
#[derive(Debug)]
struct Others {
    writer: Recipient<Fetch>,
    presence: Recipient<RoomBroke>,
    members: Recipient<Evicted>,
}

impl Directory {
    /// An empty one; its rooms will run on `arbiter`.
    pub fn new(arbiter: ArbiterHandle, online: Online, backplane: Backplane) -> Arc<Self> {
        Arc::new(Self { places: DashMap::new(), arbiter, online, backplane, others: OnceLock::new() })
    }

    /// Tells where rooms can have holes filled, who sends devices away from one that broke, and who hears that some aren't members.
    pub fn connect(&self, writer: Recipient<Fetch>, presence: Recipient<RoomBroke>, members: Recipient<Evicted>) {
        // A second set would be a mistake of the composition root; the first one stays.
        drop(self.others.set(Others { writer, presence, members }));
    }

    /// How many rooms there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn join(self: &Arc<Self>, conversation: ConversationId, device: &Device, since: Rev, names: Option<Arc<Names>>) {
        let mut place = match self.places.entry(conversation) {
            Entry::Occupied(place) => place.into_ref(),
            Entry::Vacant(vacancy) => match self.open(conversation, since) {
                Some(room) => vacancy.insert(Place { room, joins: 0 }),
                None => return,
            },
        };
        place.joins += 1;
        place.room.do_send(Join {
            device: device.key,
            user_id: device.user_id,
            dialect: device.dialect,
            hub: device.hub.clone(),
            since,
            names,
        });
    }

    pub(super) fn leave(&self, conversation: ConversationId, device: &Device, removed: Option<Rev>) {
        if let Entry::Occupied(mut place) = self.places.entry(conversation) {
            place.get().room.do_send(Leave { device: device.key, dialect: device.dialect, removed });
            place.get_mut().joins -= 1;
            if place.get().joins == 0 {
                // Nobody can reach the room after this, so whatever it was sent, it was sent before.
                place.remove().room.do_send(Retire);
            }
        }
    }

    /// Tells the conversation's room, if it has one; if not, whoever waits for an answer gets it from here. Must be called in
    /// commit order.
    pub(super) fn publish(&self, conversation: ConversationId, events: Vec<Published>) {
        match self.places.get(&conversation) {
            Some(place) => place.room.do_send(Publish(events)),
            None => events.iter().for_each(|published| published.answer(|_| false)),
        }
    }

    /// Tells the conversation's room, if it has one, that it may have missed something.
    pub(super) fn suspect(&self, conversation: ConversationId) {
        if let Some(place) = self.places.get(&conversation) {
            place.room.do_send(Suspect);
        }
    }

    /// The database says how far the conversation has come; its room may have missed something.
    pub(super) fn stands_at(&self, conversation: ConversationId, head: Rev) {
        if let Some(place) = self.places.get(&conversation) {
            place.room.do_send(StandsAt(head));
        }
    }

    /// Whether a conversation has a room.
    pub(super) fn has_room(&self, conversation: ConversationId) -> bool {
        self.places.contains_key(&conversation)
    }

    /// Of which conversations there are rooms.
    pub(super) fn conversations(&self) -> Vec<ConversationId> {
        self.places.iter().map(|place| *place.key()).collect()
    }

    /// A user writes, or doesn't any more; only for who counts on the room.
    pub fn typing(&self, conversation_id: ConversationId, user_id: UserId, is_typing: bool) {
        self.backplane.tell(|| News::Typing { conversation_id, user_id, is_typing });
        self.hear_typing(conversation_id, user_id, is_typing);
    }

    /// The same, on whichever node.
    pub(super) fn hear_typing(&self, conversation: ConversationId, user_id: UserId, is_typing: bool) {
        if let Some(place) = self.places.get(&conversation) {
            place.room.do_send(Typing { user_id, is_typing });
        }
    }

    /// These are the names of those who may speak there.
    pub fn rename(&self, conversation: ConversationId, names: Arc<Names>) {
        if let Some(place) = self.places.get(&conversation) {
            place.room.do_send(Rename(names));
        }
    }

    /// Members have read so far.
    pub(super) fn marked(&self, conversation: ConversationId, marks: Vec<ReadMark>) {
        if let Some(place) = self.places.get(&conversation) {
            place.room.do_send(Marked(marks));
        }
    }

    /// How many devices are joined there.
    pub(super) fn devices(&self, conversation: ConversationId) -> usize {
        self.places.get(&conversation).map_or(0, |place| place.joins)
    }

    /// People have come or gone.
    pub(super) fn announce(&self, conversation: ConversationId, people: Vec<Presence>) {
        if let Some(place) = self.places.get(&conversation) {
            place.room.do_send(Announce(people));
        }
    }

    /// A room has looked up who its members are.
    pub(super) fn evicted(&self, state: Arc<ConversationState>) {
        if let Some(others) = self.others.get() {
            others.members.do_send(Evicted(state));
        }
    }

    /// Puts a fresh room in the place of one that broke, and has the devices that counted on it sent away.
    pub(super) fn replace(self: &Arc<Self>, conversation: ConversationId, head: Rev) {
        if let Some(mut place) = self.places.get_mut(&conversation)
            && let Some(room) = self.open(conversation, head)
        {
            place.room = room;
        }
        if let Some(others) = self.others.get() {
            others.presence.do_send(RoomBroke(conversation));
        }
    }

    fn open(self: &Arc<Self>, conversation: ConversationId, head: Rev) -> Option<Addr<Room>> {
        use actix::Actor;
        let writer = self.others.get()?.writer.clone();
        let (directory, online) = (Arc::clone(self), self.online.clone());
        Some(Room::start_in_arbiter(&self.arbiter, move |_| Room::new(conversation, head, writer, directory, online)))
    }
}
