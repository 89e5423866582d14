//! One order for everybody, and no order against time: what was sent after an acknowledgement is stored behind it.

use std::collections::HashMap;

use super::{Case, Found, Kind};
use crate::{
    history::{Row, Sending, Shelf},
    journal::{
        entry::Page,
        numbers::{ClientNo, Moment, RoomNo},
    },
};

pub(super) fn check(case: &Case, found: &mut Found) {
    for (room, rows) in case.shelves() {
        against_time(case, room, rows, found);
    }
    for shelf in &case.history.truth.shelves {
        compare(case, shelf, found);
    }
    let acknowledged = by_room(case);
    for page in &case.history.pages {
        page_holds(case, page, acknowledged.get(&page.room).map_or(&[], Vec::as_slice), found);
    }
}

/// When a message was first acknowledged.
fn acknowledged(sending: &Sending) -> Option<Moment> {
    sending.acks.iter().map(|ack| ack.at).min()
}

/// From the last to the first: nothing may have been sent after something behind it was acknowledged.
fn against_time(case: &Case, room: RoomNo, rows: &[&Row], found: &mut Found) {
    // Of each client, what was acknowledged soonest of all that is behind.
    let mut soonest: HashMap<ClientNo, (Moment, &Row)> = HashMap::new();
    for row in rows.iter().rev() {
        let Some(sending) = case.history.messages.get(&row.message_id) else { continue };
        let sent = sending.attempts.first().copied().unwrap_or_default();
        let own = soonest.get(&sending.client);
        let others = soonest.iter().filter(|(client, _)| **client != sending.client).map(|(_, first)| first);
        for (kind, first) in [(Kind::SenderOrder, own), (Kind::RealTimeOrder, others.min_by_key(|(at, _)| *at))] {
            if let Some((at, behind)) = first.filter(|(at, _)| *at < sent) {
                let what = format!(
                    "{} was sent to {room} at {sent}, after {} had been acknowledged at {at}; they are stored at {} and {}",
                    row.message_id, behind.message_id, row.seq, behind.seq
                );
                found.add(kind, what);
            }
        }
        if let Some(at) = acknowledged(sending) {
            let first = soonest.entry(sending.client).or_insert((at, row));
            if at < first.0 {
                *first = (at, row);
            }
        }
    }
}

/// What a member reads to the end is what is stored.
fn compare(case: &Case, shelf: &Shelf, found: &mut Found) {
    let stored = case.shelf(shelf.room);
    let differs = stored.iter().zip(&shelf.rows).find(|(stored, read)| **stored != *read);
    let say = |row: &Row| format!("{} ({}, rev {})", row.message_id, row.seq, row.rev);
    if let Some((stored, read)) = differs {
        let (stored, read) = (say(stored), say(read));
        found.add(Kind::Order, format!("{} reads {read} in {} where {stored} is stored", shelf.person, shelf.room));
    } else if stored.len() != shelf.rows.len() {
        let (read, there) = (shelf.rows.len(), stored.len());
        found.add(Kind::Order, format!("{} reads {read} messages in {}, stored are {there}", shelf.person, shelf.room));
    }
}

/// Of each room, what was acknowledged: `seq`, when, and under which name.
fn by_room<'a>(case: &Case<'a>) -> HashMap<RoomNo, Vec<(i64, Moment, &'a str)>> {
    let mut rooms: HashMap<RoomNo, Vec<_>> = HashMap::new();
    for (name, sending) in &case.history.messages {
        for ack in &sending.acks {
            rooms.entry(ack.r).or_default().push((ack.seq, ack.at, name.as_str()));
        }
    }
    for acks in rooms.values_mut() {
        acks.sort_unstable();
    }
    rooms
}

/// A page that was read meanwhile shows what is stored, in order, and all that had been acknowledged.
fn page_holds(case: &Case, page: &Page, acknowledged: &[(i64, Moment, &str)], found: &mut Found) {
    let (who, room) = (page.person, page.room);
    for (expected, (seq, id)) in (page.after + 1..).zip(&page.rows) {
        if *seq != expected {
            found.add(Kind::Order, format!("{who} read {seq} in {room} where {expected} should be"));
            return;
        }
        if case.at(room, *seq).is_none_or(|row| row.id != *id) {
            found.add(Kind::Order, format!("{who} read {id} at {seq} of {room}, which isn't stored there"));
        }
    }
    if page.rows.len() >= page.limit {
        return;
    }
    let end = page.rows.last().map_or(page.after, |(seq, _)| *seq);
    let first = acknowledged.partition_point(|(seq, ..)| *seq <= end);
    if let Some((seq, at, name)) = acknowledged[first..].iter().find(|(_, at, _)| *at < page.from) {
        let what = format!("{who} read {room} up to {end} at {}, but {name} had been acknowledged at {seq} at {at}", page.from);
        found.add(Kind::Stale, what);
    }
}
