//! A history with what the checks look up in it.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use crate::{
    history::{History, Row},
    journal::{
        entry::Stage,
        numbers::{Moment, PersonNo, RoomNo},
    },
    words,
};

pub(super) struct Case<'a> {
    pub(super) history: &'a History,
    people: HashMap<Uuid, PersonNo>,
    rooms: HashMap<Uuid, RoomNo>,
    /// What each room holds, by `seq`.
    rows: BTreeMap<RoomNo, Vec<&'a Row>>,
    by_name: HashMap<&'a str, &'a Row>,
    passages: HashMap<(RoomNo, PersonNo), Vec<Passage>>,
}

/// A time through which somebody surely was, or surely wasn't, a member.
#[derive(Clone, Copy, Debug)]
struct Passage {
    standing: Standing,
    from: Moment,
    to: Moment,
}

/// Whether somebody was a member for a whole span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Inside,
    Outside,
    /// It changed, or was changing.
    Unsure,
}

impl<'a> Case<'a> {
    pub(super) fn of(history: &'a History) -> Self {
        let people = history.people.iter().enumerate().map(|(number, person)| (person.id, PersonNo(number))).collect();
        let rooms: HashMap<_, _> = history.rooms.iter().enumerate().map(|(number, room)| (room.id, RoomNo(number))).collect();
        let mut rows: BTreeMap<RoomNo, Vec<&Row>> = rooms.values().map(|room| (*room, Vec::new())).collect();
        for row in &history.truth.stored.messages {
            if let Some(room) = rooms.get(&row.conversation) {
                rows.entry(*room).or_default().push(row);
            }
        }
        for room in rows.values_mut() {
            room.sort_by_key(|row| row.seq);
        }
        let by_name = history.truth.stored.messages.iter().map(|row| (row.message_id.as_str(), row)).collect();
        Self { people, rooms, rows, by_name, passages: passages(history), history }
    }

    pub(super) fn person(&self, id: Uuid) -> Option<PersonNo> {
        self.people.get(&id).copied()
    }

    pub(super) fn room(&self, id: Uuid) -> Option<RoomNo> {
        self.rooms.get(&id).copied()
    }

    /// What each room holds, by `seq`.
    pub(super) fn shelves(&self) -> impl Iterator<Item = (RoomNo, &[&'a Row])> {
        self.rows.iter().map(|(room, rows)| (*room, rows.as_slice()))
    }

    pub(super) fn shelf(&self, room: RoomNo) -> &[&'a Row] {
        self.rows.get(&room).map_or(&[], Vec::as_slice)
    }

    /// What is stored at a place.
    pub(super) fn at(&self, room: RoomNo, seq: i64) -> Option<&'a Row> {
        let rows = self.shelf(room);
        rows.binary_search_by_key(&seq, |row| row.seq).ok().map(|place| rows[place])
    }

    /// What is stored under a client's name.
    pub(super) fn named(&self, message_id: &str) -> Option<&'a Row> {
        self.by_name.get(message_id).copied()
    }

    /// Which attempt a row's text is of; none if nobody of ours made that attempt.
    pub(super) fn attempt(&self, row: &Row) -> Option<u32> {
        let sending = self.history.messages.get(&row.message_id)?;
        let attempt = words::attempt(&row.message_id, &row.content)?;
        (1..=sending.attempts.len()).contains(&(attempt as usize)).then_some(attempt)
    }

    /// Whether somebody was a member all the time.
    pub(super) fn standing(&self, room: RoomNo, person: PersonNo, from: Moment, to: Moment) -> Standing {
        if let Some(passages) = self.passages.get(&(room, person)) {
            let through = passages.iter().find(|passage| passage.from <= from && to <= passage.to);
            return through.map_or(Standing::Unsure, |passage| passage.standing);
        }
        let members = self.history.rooms.get(room.0).map(|room| &room.members);
        if members.is_some_and(|members| members.contains(&person)) { Standing::Inside } else { Standing::Outside }
    }

    /// The same at the end of everything.
    pub(super) fn standing_in_the_end(&self, room: RoomNo, person: PersonNo) -> Standing {
        self.standing(room, person, Moment::NEVER, Moment::NEVER)
    }
}

/// For those who were put out and taken in: when they surely were what.
fn passages(history: &History) -> HashMap<(RoomNo, PersonNo), Vec<Passage>> {
    let mut all = HashMap::new();
    for (number, room) in history.rooms.iter().enumerate() {
        let Some(person) = room.revolving else { continue };
        let room = RoomNo(number);
        let (mut passages, mut since) = (Vec::new(), Some((Standing::Inside, Moment::default())));
        for change in history.members.iter().filter(|change| (change.room, change.person) == (room, person)) {
            match change.stage {
                Stage::Adding | Stage::Removing => {
                    passages.extend(since.take().map(|(standing, from)| Passage { standing, from, to: change.at }));
                }
                Stage::Added => since = Some((Standing::Inside, change.at)),
                Stage::Removed => since = Some((Standing::Outside, change.at)),
            }
        }
        passages.extend(since.map(|(standing, from)| Passage { standing, from, to: Moment::NEVER }));
        all.insert((room, person), passages);
    }
    all
}
