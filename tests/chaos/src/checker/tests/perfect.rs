//! The history of a server that never fails, whatever was lost on the way.

use fastrand::Rng;
use uuid::Uuid;

use crate::{
    history::{Calm, Client, Farewell, History, List, Listed, Mark, Person, Room, Row, Sending, Shelf, Stored, Told, Truth},
    journal::{
        entry::{Ack, Heard, How, Page, Unanswered},
        numbers::{ClientNo, Moment, PersonNo, RoomNo},
    },
    words,
};

/// Of both rooms the third person, who listens with the third client, belongs to the second alone.
pub(super) const STRANGER: PersonNo = PersonNo(2);
pub(super) const LISTENER: ClientNo = ClientNo(2);
pub(super) const ROOM: RoomNo = RoomNo(0);

pub(super) fn uuid(space: u128, number: usize) -> Uuid {
    Uuid::from_u128((space << 64) + number as u128)
}

/// What a server would leave that never fails: the first two people post from a client each, answers are lost at times, some
/// post again and some give up.
pub(super) fn perfect(seed: u64) -> History {
    let mut random = Rng::with_seed(seed);
    let people: Vec<_> = (0..3).map(|number| Person { id: uuid(1, number), name: format!("person-{number}") }).collect();
    let room = |number, members: &[usize]| Room {
        id: uuid(2, number),
        members: members.iter().map(|member| PersonNo(*member)).collect(),
        revolving: None,
    };
    let client = |person, listens, insists| Client { person: PersonNo(person), kind: "client".into(), listens, insists };
    let mut history = History {
        database: "none".into(),
        lenience: 1.0,
        people,
        rooms: vec![room(0, &[0, 1]), room(1, &[0, 1, 2])],
        clients: vec![client(0, false, true), client(1, true, false), client(2, true, false)],
        calm: Some(Calm { from: Moment(900_000), to: Moment(999_999), left: 0 }),
        truth: Truth { farewell: Farewell { status: Some(0), panics: Vec::new() }, ..Truth::default() },
        ..History::default()
    };
    let mut shelves: [Vec<Row>; 2] = Default::default();
    let mut now = 0;
    for number in 0..40_usize {
        let (sender, place) = (number % 2, random.usize(..2));
        let (c, r, name) = (ClientNo(sender), RoomNo(place), format!("c{sender}-{number}"));
        let empty = || (Vec::new(), Vec::new(), Vec::new());
        let (acks, refused, unanswered) = empty();
        let mut sending = Sending { client: c, room: r, attempts: Vec::new(), acks, refused, unanswered };
        loop {
            now += 10;
            let (sent, n) = (Moment(now), sending.attempts.len() as u32 + 1);
            sending.attempts.push(sent);
            let known = shelves[place].iter().find(|row| row.message_id == name).cloned();
            let arrives = random.u8(..4) > 0;
            let is_repeat = known.is_some();
            let row = known.or_else(|| {
                arrives.then(|| {
                    let seq = shelves[place].len() as i64 + 1;
                    let (conversation, sender) = (uuid(2, place), uuid(1, sender));
                    let content = words::text(&name, n);
                    Row { conversation, sender, id: uuid(3, number), message_id: name.clone(), seq, rev: seq + 1, content }
                })
            });
            if let (Some(row), false) = (&row, is_repeat) {
                shelves[place].push(row.clone());
                for device in [1, 2].into_iter().filter(|device| history.rooms[place].members.contains(&PersonNo(*device))) {
                    let heard = Heard {
                        c: ClientNo(device),
                        r,
                        seq: row.seq,
                        rev: row.rev,
                        id: row.id,
                        m: name.clone(),
                        by: Some(PersonNo(sender)),
                        n: Some(n),
                        how: How::Live,
                        at: Moment(now + 3),
                    };
                    history.told.entry(ClientNo(device)).or_default().push(Told::Heard(heard));
                }
            }
            let answer = row.filter(|_| arrives && random.u8(..4) > 0);
            now += 5;
            let at = Moment(now);
            if let Some(row) = answer {
                let Row { id, seq, rev, .. } = row;
                sending.acks.push(Ack { c, r, m: name.clone(), id, seq, rev, dup: is_repeat, at });
                break;
            }
            sending.unanswered.push(Unanswered { c, m: name.clone(), how: "lost".into(), sent, at });
            // The first client insists.
            if sender == 1 {
                break;
            }
        }
        history.messages.insert(name, sending);
        if number == 30 {
            let rows = shelves[0].iter().map(|row| (row.seq, row.id)).collect();
            let (from, to) = (Moment(now + 1), Moment(now + 2));
            history.pages.push(Page { person: PersonNo(0), room: ROOM, after: 0, limit: 200, rows, from, to });
        }
    }
    settle(&mut history, shelves);
    history
}

/// What everybody finds in the end.
fn settle(history: &mut History, shelves: [Vec<Row>; 2]) {
    let mut stored = Stored::default();
    history.truth.lists = (0..history.people.len()).map(|person| List { person: PersonNo(person), lines: Vec::new() }).collect();
    for (number, room) in history.rooms.iter().enumerate() {
        let rows = &shelves[number];
        let last = rows.len() as i64;
        stored.heads.push((room.id, last, last + 1));
        for person in &room.members {
            let own = rows.iter().filter(|row| row.sender == uuid(1, person.0)).map(|row| row.seq).max().unwrap_or_default();
            stored.marks.push((room.id, uuid(1, person.0), own));
            let line = Listed { conversation: room.id, last_seq: last, last_read_seq: own, unread: last - own };
            history.truth.lists[person.0].lines.push(line);
            history.truth.shelves.push(Shelf { person: *person, room: RoomNo(number), rows: rows.clone() });
            history.marks.push(Mark { person: *person, room: RoomNo(number), stands: own });
        }
    }
    stored.messages = shelves.concat();
    history.truth.stored = stored;
}
