//! What is unread is a subtraction: everybody's list says what SQL says, and what was read stays read.

use std::collections::{BTreeMap, HashMap};

use super::{Case, Found, Kind, case::Standing};
use crate::journal::numbers::{PersonNo, RoomNo};

pub(super) fn check(case: &Case, found: &mut Found) {
    let stored = &case.history.truth.stored;
    let heads: HashMap<_, _> = stored.heads.iter().map(|(id, seq, _)| (*id, *seq)).collect();
    let mut marks = HashMap::new();
    for (conversation, user, seq) in &stored.marks {
        if let (Some(room), Some(person)) = (case.room(*conversation), case.person(*user)) {
            marks.insert((room, person), *seq);
        }
        if heads.get(conversation).is_some_and(|last| seq > last) {
            found.add(Kind::Unread, format!("{user} has read {conversation} up to {seq}, further than it goes"));
        }
    }
    let lists = case.history.truth.lists.iter();
    for (person, line) in lists.flat_map(|list| list.lines.iter().map(|line| (list.person, line))) {
        let Some(room) = case.room(line.conversation) else { continue };
        let (last, read) = (heads.get(&line.conversation).copied(), marks.get(&(room, person)).copied());
        let (Some(last), Some(read)) = (last, read) else { continue };
        let (said, is) = ((line.last_seq, line.last_read_seq, line.unread), (last, read, last - read));
        if said != is {
            let what = format!(
                "{person} is told that {room} has {} messages, {} read, {} unread; SQL says {last}, {read}, {}",
                said.0, said.1, said.2, is.2
            );
            found.add(Kind::Unread, what);
        }
    }
    for ((room, person), least) in least_read(case) {
        // Whoever is taken in anew begins anew.
        let stays = case.history.rooms.get(room.0).is_some_and(|room| room.revolving != Some(person));
        let read = marks.get(&(room, person)).copied().unwrap_or_default();
        if stays && read < least && case.standing_in_the_end(room, person) == Standing::Inside {
            found.add(Kind::Unread, format!("{person} has read {room} up to {least}, and SQL says {read}"));
        }
    }
}

/// How far everybody has read at least: by their acknowledged marks, and by what they posted.
fn least_read(case: &Case) -> BTreeMap<(RoomNo, PersonNo), i64> {
    let mut least: BTreeMap<_, i64> = BTreeMap::new();
    let mut raise = |room: RoomNo, person: PersonNo, seq: i64| {
        let known = least.entry((room, person)).or_default();
        *known = seq.max(*known);
    };
    for mark in &case.history.marks {
        raise(mark.room, mark.person, mark.stands);
    }
    for sending in case.history.messages.values() {
        let Some(client) = case.history.clients.get(sending.client.0) else { continue };
        for ack in &sending.acks {
            raise(ack.r, client.person, ack.seq);
        }
    }
    least
}
