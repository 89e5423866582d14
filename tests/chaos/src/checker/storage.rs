//! What was acknowledged is stored, once, where it was acknowledged; nothing else is.

use std::collections::BTreeMap;

use super::{Case, Found, Kind};
use crate::{
    history::Sending,
    journal::{entry::Ack, numbers::RoomNo},
};

pub(super) fn check(case: &Case, found: &mut Found) {
    for (name, sending) in &case.history.messages {
        acknowledged(case, name, sending, found);
    }
    for ack in &case.history.stray_acks {
        found.add(Kind::Phantom, format!("{} was told that {} is stored, which nobody sent", ack.c, ack.m));
    }
    for (room, _) in case.shelves() {
        numbers(case, room, found);
    }
    doubled(case, found);
    for row in &case.history.truth.stored.messages {
        let name = &row.message_id;
        let sending = case.history.messages.get(name);
        let sender = sending.and_then(|sending| case.history.clients.get(sending.client.0)).map(|client| client.person);
        match (sending, case.room(row.conversation)) {
            (Some(sending), Some(room)) if sending.room == room && sender == case.person(row.sender) => {
                if case.attempt(row).is_none() {
                    let cut: String = row.content.chars().take(80).collect();
                    found.add(Kind::Altered, format!("{name} is stored in {room} at {} with the text {cut:?}", row.seq));
                }
            }
            _ => {
                let (conversation, sender) = (row.conversation, row.sender);
                found.add(Kind::Phantom, format!("{name} is stored in {conversation} as {sender}'s, who didn't send it there"));
            }
        }
    }
    for flaw in &case.history.truth.stored.flaws {
        found.add(Kind::Flawed, flaw.clone());
    }
}

fn acknowledged(case: &Case, name: &str, sending: &Sending, found: &mut Found) {
    let stored = case.named(name);
    let place = |ack: &Ack| format!("{} at {} (rev {}, id {})", ack.r, ack.seq, ack.rev, ack.id);
    for ack in &sending.acks {
        match stored {
            None => found.add(Kind::Lost, format!("{name} was acknowledged in {} at {}, and isn't stored", place(ack), ack.at)),
            Some(row) => {
                let is = (case.room(row.conversation), row.seq, row.rev, row.id);
                if is != (Some(ack.r), ack.seq, ack.rev, ack.id) {
                    let what = format!(
                        "{name} was acknowledged in {}, and is stored at {} (rev {}, id {}) of {}",
                        place(ack),
                        row.seq,
                        row.rev,
                        row.id,
                        row.conversation
                    );
                    found.add(Kind::Moved, what);
                }
            }
        }
        if ack.c != sending.client {
            found.add(Kind::Phantom, format!("{} was told that {name} is stored, which it didn't send", ack.c));
        }
        if ack.r != sending.room {
            found.add(Kind::Moved, format!("{name} was sent to {} and acknowledged in {}", sending.room, place(ack)));
        }
    }
    if let Some([first, other]) = sending.acks.windows(2).find_map(|two| {
        let [first, other] = two else { return None };
        ((first.seq, first.rev, first.id) != (other.seq, other.rev, other.id)).then_some([first, other])
    }) {
        found.add(Kind::Moved, format!("{name} was acknowledged in {}, and again in {}", place(first), place(other)));
    }
    if let (Some(refused), Some(_)) = (sending.refused.iter().find(|refused| refused.good), stored)
        // An attempt that got no answer may have been taken while the next was refused, where members change.
        && sending.attempts.len() == 1
    {
        found.add(Kind::RefusedYetStored, format!("{name} was refused in {} ({}), and is stored", sending.room, refused.code));
    }
    let client = case.history.clients.get(sending.client.0);
    let gave_up = sending.acks.is_empty() && !sending.refused.iter().any(|refused| refused.good);
    if case.history.calm.is_some() && client.is_some_and(|client| client.insists) && gave_up {
        let times = sending.attempts.len();
        found.add(Kind::Stuck, format!("{name} was sent {times} times to {}, and never acknowledged", sending.room));
    }
}

/// `seq` from 1 without a gap, up to the room's counter. `rev` likewise, from its making, where nothing but messages changes the
/// room; where members come and go it rises.
fn numbers(case: &Case, room: RoomNo, found: &mut Found) {
    let rows = case.shelf(room);
    let Some(told) = case.history.rooms.get(room.0) else { return };
    let is_steady = told.revolving.is_none();
    for (row, expected) in rows.iter().zip(1..) {
        if row.seq != expected {
            found.add(Kind::Gap, format!("{room} has {} where {expected} should be ({})", row.seq, row.message_id));
            break;
        }
    }
    if let Some([one, next]) = rows.windows(2).find_map(|two| {
        let [one, next] = two else { return None };
        (one.rev >= next.rev).then_some([one, next])
    }) {
        found.add(Kind::Gap, format!("{room} has rev {} at {} and rev {} at {}", one.rev, one.seq, next.rev, next.seq));
    }
    if let Some(row) = rows.iter().find(|row| is_steady && row.rev != row.seq + 1) {
        found.add(Kind::Gap, format!("{room} has rev {} at {}, and nothing else has changed there", row.rev, row.seq));
    }
    let head = case.history.truth.stored.heads.iter().find(|(conversation, ..)| *conversation == told.id);
    // Its making is rev 1.
    let (last_seq, last_rev) = rows.last().map_or((0, 1), |row| (row.seq, row.rev));
    match head {
        Some((_, seq, rev)) if *seq != last_seq || *rev < last_rev || is_steady && *rev != last_rev => {
            let what = format!("{room} counts {seq} messages (rev {rev}), and its last is {last_seq} (rev {last_rev})");
            found.add(Kind::Gap, what);
        }
        Some(_) => {}
        None => found.add(Kind::Lost, format!("{room} itself isn't stored")),
    }
}

fn doubled(case: &Case, found: &mut Found) {
    let (mut names, mut ids, mut places) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for row in &case.history.truth.stored.messages {
        let first = names.insert((row.conversation, row.sender, row.message_id.as_str()), row.seq);
        if let Some(first) = first {
            let (name, conversation, seq) = (&row.message_id, row.conversation, row.seq);
            found.add(Kind::Doubled, format!("{name} is stored in {conversation} at {first} and at {seq}"));
        }
        if ids.insert(row.id, ()).is_some() {
            found.add(Kind::Doubled, format!("two messages have the id {}", row.id));
        }
        if places.insert((row.conversation, row.seq), ()).is_some() {
            found.add(Kind::Doubled, format!("two messages are at {} of {}", row.seq, row.conversation));
        }
    }
}
