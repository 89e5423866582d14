//! What the devices of one hub were told lately of who is online. Pure.

use std::collections::HashMap;

use fixedbitset::FixedBitSet;

use crate::domain::{ids::UserId, presence::Presence};

/// Whom a device knows to have come or gone needn't be told to it again. Kept for two rounds, in one bit for each device that was
/// told: thousands come at once.
#[derive(Debug, Default)]
pub(super) struct Told {
    now: HashMap<UserId, Heard>,
    /// The round before; only what is still so.
    before: HashMap<UserId, Heard>,
}

/// Who was told of somebody's coming, or going.
#[derive(Debug)]
struct Heard {
    online: bool,
    slots: FixedBitSet,
}

impl Told {
    /// Whether the device in that slot hasn't been told this; from now on it has.
    pub(super) fn is_news(&mut self, person: &Presence, slot: u32) -> bool {
        let Presence { user_id, online, .. } = *person;
        let heard = self.now.entry(user_id).or_insert_with(|| Heard { online, slots: FixedBitSet::new() });
        if heard.online != online {
            heard.online = online;
            heard.slots.clear();
            self.before.remove(&user_id);
        }
        let slot = slot as usize;
        let is_known = heard.slots.contains(slot)
            || self.before.get(&user_id).is_some_and(|before| before.online == online && before.slots.contains(slot));
        heard.slots.grow_and_insert(slot);
        !is_known
    }

    /// Another device may be in these slots from now on.
    pub(super) fn forget(&mut self, slots: &[u32]) {
        if slots.is_empty() {
            return;
        }
        let slots: FixedBitSet = slots.iter().map(|slot| *slot as usize).collect();
        for heard in self.now.values_mut().chain(self.before.values_mut()) {
            heard.slots.difference_with(&slots);
        }
    }

    /// A round is over.
    pub(super) fn turn(&mut self) {
        self.before = std::mem::take(&mut self.now);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn ann(online: bool) -> Presence {
        Presence { user_id: UserId(uuid::Uuid::nil()), online, last_seen: None }
    }

    proptest! {
        /// Each device is told the last word, whatever it was told before.
        #[test]
        fn nobody_misses_the_last_word(steps in prop::collection::vec((0..8_u32, any::<bool>(), 0..10_u32), 0..200)) {
            let mut told = Told::default();
            let mut known: HashMap<u32, bool> = HashMap::new();
            for (slot, online, event) in steps {
                match event {
                    0 => told.turn(),
                    1 => {
                        told.forget(&[slot]);
                        known.remove(&slot);
                    }
                    _ => {
                        let news = told.is_news(&ann(online), slot);
                        prop_assert!(news || known.get(&slot) == Some(&online));
                        known.insert(slot, online);
                    }
                }
            }
        }
    }

    #[test]
    fn once_within_two_rounds_and_again_after_a_change() {
        let mut told = Told::default();
        assert!(told.is_news(&ann(true), 3));
        assert!(!told.is_news(&ann(true), 3));
        assert!(told.is_news(&ann(true), 900));
        told.turn();
        assert!(!told.is_news(&ann(true), 3));
        assert!(told.is_news(&ann(false), 3));
        assert!(told.is_news(&ann(true), 3), "it was told otherwise meanwhile");
        told.forget(&[3]);
        assert!(told.is_news(&ann(true), 3), "it is another device");
        told.turn();
        told.turn();
        assert!(told.is_news(&ann(true), 3), "that was long ago");
    }
}
