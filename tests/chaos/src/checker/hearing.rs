//! What devices were told: what is stored, in its order, without a hole, to the end.

use std::collections::HashMap;

use super::{Case, Found, Kind, case::Standing};
use crate::{
    history::Told,
    journal::{
        entry::{Heard, How},
        numbers::{ClientNo, RoomNo},
    },
};

/// The first and the last message of a room that a device holds; between them it holds all.
#[derive(Clone, Copy, Debug)]
struct Held {
    first: i64,
    last: i64,
}

pub(super) fn check(case: &Case, found: &mut Found) {
    for (number, client) in case.history.clients.iter().enumerate().filter(|(_, client)| client.listens) {
        let device = ClientNo(number);
        let held = follow(case, device, found);
        if case.history.calm.is_none() {
            continue;
        }
        for (room, rows) in case.shelves() {
            let last = rows.last().map_or(0, |row| row.seq);
            let heard = held.get(&room).map_or(0, |held| held.last);
            if case.standing_in_the_end(room, client.person) == Standing::Inside && heard < last {
                found.add(Kind::Unheard, format!("{device} ({}) was told of {room} up to {heard} of {last}", client.kind));
            }
        }
    }
    for hole in &case.history.holes {
        let (device, room, cursor, rev, at) = (hole.client, hole.room, hole.cursor, hole.rev, hole.at);
        found.add(Kind::LiveHole, format!("{device} knew {room} up to rev {cursor}, and was told of rev {rev} next, at {at}"));
    }
}

/// Goes through what a device was told; what it holds in the end.
fn follow(case: &Case, device: ClientNo, found: &mut Found) -> HashMap<RoomNo, Held> {
    let mut held: HashMap<RoomNo, Held> = HashMap::new();
    for told in case.history.told.get(&device).into_iter().flatten() {
        let heard = match told {
            Told::Heard(heard) => heard,
            Told::Forgot(room) => {
                held.remove(room);
                continue;
            }
        };
        is_stored(case, heard, found);
        let (room, seq, at) = (heard.r, heard.seq, heard.at);
        let holds = held.entry(room).or_insert(Held { first: seq, last: seq });
        if seq > holds.last + 1 {
            let what = format!("{device} was told of {seq} in {room} at {at}, and of none after {} before", holds.last);
            found.add(Kind::Skipped, what);
        }
        if seq < holds.first {
            found.add(Kind::Disordered, format!("{device} was told of {seq} in {room} at {at}, after {}", holds.first));
        }
        // One violation is said once.
        *holds = Held { first: holds.first.min(seq), last: holds.last.max(seq) };
    }
    held
}

fn is_stored(case: &Case, heard: &Heard, found: &mut Found) {
    let Heard { c, r, seq, rev, m, at, .. } = heard;
    let (Some(row), Some(_)) = (case.at(*r, *seq), case.named(m)) else {
        found.add(Kind::Unstored, format!("{c} was told of {m} at {seq} of {r}, at {at}; it isn't stored"));
        return;
    };
    let attempt = case.attempt(row);
    // An acknowledgement doesn't bring the text.
    let text = if heard.how == How::Ack { attempt } else { heard.n };
    let told = (heard.id, *rev, m.as_str(), heard.by, text);
    let stored = (row.id, row.rev, row.message_id.as_str(), case.person(row.sender), attempt);
    if told != stored {
        found.add(Kind::Order, format!("{c} was told at {at} that {seq} of {r} is {told:?}; stored is {stored:?}"));
    }
}
