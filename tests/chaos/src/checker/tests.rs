//! A perfect server's history is clean, whatever was lost on the way; spoil it in one place, and that is found by its name.

mod perfect;

use std::time::Duration;

use fastrand::Rng;
use proptest::prelude::*;
use uuid::Uuid;

use self::perfect::{LISTENER, ROOM, STRANGER, perfect, uuid};
use super::{Kind, check};
use crate::{
    history::{Change, History, Hole, Overheard, Row, Shown, Told},
    journal::{
        entry::{Ack, Answer, Cut, Fault, Heard, Page, Refused, SOCKET, Stage, Trouble},
        numbers::{ClientNo, Moment, RoomNo},
    },
    nemesis::fault,
};

fn acknowledged(history: &History) -> Vec<String> {
    history.messages.iter().filter(|(_, sending)| !sending.acks.is_empty()).map(|(name, _)| name.clone()).collect()
}

fn row<'a>(history: &'a mut History, name: &str) -> &'a mut Row {
    history.truth.stored.messages.iter_mut().find(|row| row.message_id == name).unwrap()
}

fn trouble(history: &mut History, answer: Answer) {
    let (sent, at) = (Moment(500), Moment(600));
    history.troubles.push(Trouble { c: Some(ClientNo(0)), what: "something".into(), answer, sent, at });
}

fn cut(history: &mut History, since: u64, at: u64) {
    let (opened, since, at) = (Moment(400), Moment(since), Moment(at));
    history.cuts.push(Cut { c: LISTENER, how: "closed with 4503".into(), own: false, opened, since, at });
}

fn status(status: u16, retry_after: bool) -> Answer {
    Answer::Status { status, code: "code".into(), retry_after }
}

fn fault(kind: fault::Kind, over: u64, back: Option<u64>) -> Fault {
    let (over, back) = (Moment(over), back.map(Moment));
    Fault { kind, detail: "planned".into(), with_kill: false, from: Moment::default(), over, back }
}

/// The device's messages of the first room.
fn of_room(told: &[Told]) -> Vec<usize> {
    let places = told.iter().enumerate();
    places.filter(|(_, told)| matches!(told, Told::Heard(heard) if heard.r == ROOM)).map(|(place, _)| place).collect()
}

/// Spoils a history in one place, chosen by chance.
fn spoil(kind: Kind, history: &mut History, random: &mut Rng) {
    let names = acknowledged(history);
    let name = names[random.usize(..names.len())].clone();
    let listener = ClientNo(1);
    match kind {
        Kind::Lost => history.truth.stored.messages.retain(|row| row.message_id != name),
        Kind::Moved => match random.u8(..3) {
            0 => history.messages.get_mut(&name).unwrap().acks[0].seq += 1,
            1 => history.messages.get_mut(&name).unwrap().acks[0].id = Uuid::max(),
            _ => {
                let acks = &mut history.messages.get_mut(&name).unwrap().acks;
                let other = Ack { rev: acks[0].rev + 1, ..acks[0].clone() };
                acks.push(other);
            }
        },
        Kind::Doubled => {
            let again = Row { id: Uuid::max(), seq: 1_000, ..row(history, &name).clone() };
            history.truth.stored.messages.push(again);
        }
        Kind::Gap => match random.u8(..5) {
            0 => history.truth.stored.heads[0].1 += 1,
            1 => row(history, &name).seq += 100,
            2 => history.truth.stored.heads[0].2 += 1,
            3 => {
                // Rising all the same.
                let rows = history.truth.stored.messages.iter_mut().filter(|row| row.conversation == uuid(2, 0));
                rows.for_each(|row| row.rev += 1);
                history.truth.stored.heads[0].2 += 1;
            }
            _ => row(history, &name).rev += 100,
        },
        Kind::Phantom => match random.u8(..3) {
            0 => row(history, &name).message_id = "nobody's".into(),
            1 => row(history, &name).sender = uuid(1, 2),
            _ => history.messages.get_mut(&name).unwrap().acks[0].c = LISTENER,
        },
        Kind::Altered => drop(row(history, &name).content.pop()),
        Kind::RefusedYetStored => {
            let name = names.iter().find(|name| history.messages[*name].attempts.len() == 1).unwrap().clone();
            let sending = history.messages.get_mut(&name).unwrap();
            let (c, r, at) = (sending.client, sending.room, Moment(1));
            sending.refused.push(Refused { c, r, m: name, code: "not_a_member".into(), good: true, sent: at, at });
        }
        Kind::Stuck => {
            let name = names.iter().find(|name| name.starts_with("c0-")).unwrap();
            history.messages.get_mut(name).unwrap().acks.clear();
        }
        Kind::SenderOrder | Kind::RealTimeOrder => {
            let own = kind == Kind::SenderOrder;
            let seq = |name: &String| (history.messages[name].room, history.messages[name].acks[0].seq);
            let pairs = names.iter().flat_map(|one| names.iter().map(move |other| (one, other)));
            let (before, behind) = pairs
                .filter(|(one, other)| seq(one).0 == seq(other).0 && seq(one).1 < seq(other).1)
                .find(|(one, other)| (one.as_bytes()[1] == other.as_bytes()[1]) == own)
                .map(|(one, other)| (one.clone(), other.clone()))
                .unwrap();
            let late = history.messages[&behind].acks[0].at.after(Duration::from_micros(1));
            let sending = history.messages.get_mut(&before).unwrap();
            sending.attempts[0] = late;
            sending.acks[0].at = late.after(Duration::from_micros(1));
        }
        Kind::Order => match random.u8(..3) {
            0 => history.truth.shelves[0].rows[0].id = Uuid::max(),
            1 => drop(history.truth.shelves[0].rows.pop()),
            _ => {
                let Told::Heard(heard) = &mut history.told.get_mut(&listener).unwrap()[0] else { unreachable!() };
                heard.n = None;
            }
        },
        Kind::Stale => {
            let page = &mut history.pages[0];
            let (last, _) = page.rows.pop().unwrap();
            // Whether its answer came or not in the perfect history.
            let (name, sending) = history
                .messages
                .iter_mut()
                .find(|(name, sending)| {
                    let stored = history.truth.stored.messages.iter().find(|row| row.message_id == **name);
                    sending.room == ROOM && stored.is_some_and(|row| row.seq == last)
                })
                .unwrap();
            let stored = history.truth.stored.messages.iter().find(|row| row.message_id == *name).unwrap();
            let (c, r, m) = (sending.client, ROOM, name.clone());
            let at = sending.attempts[0];
            sending.acks = vec![Ack { c, r, m, id: stored.id, seq: last, rev: stored.rev, dup: false, at }];
        }
        Kind::Unstored => {
            let told = history.told.get_mut(&listener).unwrap();
            let Told::Heard(last) = told[*of_room(told).last().unwrap()].clone() else { unreachable!() };
            told.push(Told::Heard(Heard { seq: last.seq + 1, rev: last.rev + 1, m: "c0-x".into(), ..last }));
        }
        Kind::Skipped => {
            let told = history.told.get_mut(&listener).unwrap();
            let places = of_room(told);
            told.remove(places[random.usize(1..places.len() - 1)]);
        }
        Kind::Disordered => {
            let told = history.told.get_mut(&listener).unwrap();
            let places = of_room(told);
            told.swap(places[0], places[1]);
        }
        Kind::LiveHole => {
            history.holes.push(Hole { client: LISTENER, room: RoomNo(1), cursor: 3, rev: 5, at: Moment(1) });
        }
        Kind::Unheard => {
            let told = history.told.get_mut(&listener).unwrap();
            told.remove(*of_room(told).last().unwrap());
        }
        Kind::Trespass => match random.u8(..5) {
            0 => {
                let told = history.told[&listener].clone();
                let Told::Heard(heard) = told[of_room(&told)[0]].clone() else { unreachable!() };
                history.told.get_mut(&LISTENER).unwrap().push(Told::Heard(Heard { c: LISTENER, ..heard }));
            }
            1 => history.shown.push(Shown { client: LISTENER, room: ROOM, asked: Moment(1), at: Moment(2) }),
            2 => history.overheard.push(Overheard { client: LISTENER, room: ROOM, message: name, at: Moment(1) }),
            3 => {
                let (from, to) = (Moment(1), Moment(2));
                history.pages.push(Page { person: STRANGER, room: ROOM, after: 0, limit: 0, rows: Vec::new(), from, to });
            }
            _ => history.truth.lists[STRANGER.0].lines[0].conversation = uuid(2, 0),
        },
        Kind::Unlisted => match random.bool() {
            true => drop(history.truth.lists[0].lines.remove(0)),
            false => history.truth.lists[STRANGER.0].lines.clear(),
        },
        Kind::Unread => match random.u8(..3) {
            0 => history.truth.lists[0].lines[0].unread += 1,
            1 => history.truth.stored.marks[0].2 = 0,
            _ => history.marks[0].stands += 1,
        },
        Kind::ServerError => match random.u8(..4) {
            0 => trouble(history, status(500, false)),
            1 => trouble(history, status(503, false)),
            2 => trouble(history, Answer::Close { code: 1011, by_ticket: false }),
            _ => trouble(history, Answer::Frame { code: "internal".into() }),
        },
        Kind::WronglyRefused => match random.u8(..4) {
            0 => trouble(history, status(401, false)),
            1 => trouble(history, status(429, true)),
            2 => trouble(history, Answer::Close { code: 1008, by_ticket: true }),
            _ => {
                let sending = history.messages.get_mut(&name).unwrap();
                let (c, r, at) = (sending.client, sending.room, Moment(1));
                sending.refused.push(Refused { c, r, m: name, code: "not_a_member".into(), good: true, sent: at, at });
            }
        },
        Kind::RefusedInPeace => match random.bool() {
            true => trouble(history, status(503, true)),
            false => trouble(history, Answer::Frame { code: "busy".into() }),
        },
        Kind::SilentInPeace => {
            // Clients' own troubles excuse nothing.
            history.faults.push(fault(fault::Kind::Slow, 0, Some(10)));
            trouble(history, Answer::Silence { how: "refused".into() });
        }
        Kind::CutInPeace => {
            // Of a connection that began later.
            history.faults.push(fault(fault::Kind::Halfopen, 0, Some(10)));
            cut(history, 500, 600);
        }
        Kind::BrokenFrame => trouble(history, Answer::Broken { how: "what".into() }),
        Kind::Died => trouble(history, Answer::Died { how: "by itself".into() }),
        Kind::Panicked => history.truth.farewell.panics.push("panicked".into()),
        Kind::SlowRecovery => {
            let back = random.bool().then_some(100 + 2_000_001);
            history.faults.push(fault(fault::Kind::Database, 100, back));
        }
        Kind::Undead => history.calm.as_mut().unwrap().left = 1,
        Kind::BadGoodbye => history.truth.farewell.status = [None, Some(1), Some(-1)][random.usize(..3)],
        Kind::Flawed => history.truth.stored.flaws.push("row 7 missing from index".into()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_perfect_history_is_clean(seed: u64) {
        let violations = check(&perfect(seed));
        prop_assert!(violations.is_empty(), "{:?}", violations);
    }

    #[test]
    fn what_is_spoilt_is_found_by_its_name(seed: u64, choice: u64) {
        for kind in Kind::ALL {
            let mut history = perfect(seed);
            spoil(kind, &mut history, &mut Rng::with_seed(choice));
            let found = check(&history);
            prop_assert!(found.iter().any(|violation| violation.kind == kind), "{}: {:?}", kind.name(), found);
        }
    }
}

/// What faults bring with them is no violation.
#[test]
fn a_fault_excuses_what_it_brings() {
    for kind in [fault::Kind::Kill, fault::Kind::Stop, fault::Kind::Database, fault::Kind::Disk] {
        let mut history = perfect(1);
        history.faults.push(fault(kind, 100, Some(200)));
        for answer in [status(503, true), Answer::Frame { code: "unavailable".into() }, Answer::Silence { how: "cut".into() }] {
            trouble(&mut history, answer);
        }
        cut(&mut history, 500, 600);
        assert_eq!(check(&history), []);
        // But not for ever: for a second after it was back.
        let move_to = |history: &mut History, at: u64| {
            for trouble in &mut history.troubles {
                (trouble.sent, trouble.at) = (Moment(at), Moment(at + 1));
            }
            (history.cuts[0].since, history.cuts[0].at) = (Moment(at), Moment(at + 1));
        };
        move_to(&mut history, 1_000_200);
        assert_eq!(check(&history), []);
        move_to(&mut history, 1_000_201);
        assert_eq!(check(&history).len(), 4);
        history.lenience = 3.0;
        assert_eq!(check(&history), []);
        move_to(&mut history, 3_000_201);
        assert_eq!(check(&history).len(), 4);
    }
}

/// Connections that were made silent, and devices that didn't read, excuse the ends of the connections that there were.
#[test]
fn a_fault_of_the_clients_excuses_their_connections() {
    for kind in [fault::Kind::Slow, fault::Kind::Halfopen] {
        let mut history = perfect(1);
        history.faults.push(fault(kind, 450, Some(460)));
        cut(&mut history, 20_000_000, 20_000_001);
        trouble(&mut history, Answer::Silence { how: "no handshake in time".into() });
        history.troubles[0].what = SOCKET.into();
        (history.troubles[0].sent, history.troubles[0].at) = (Moment(455), Moment(5_000_000));
        assert_eq!(check(&history), []);
        history.cuts[0].opened = Moment(461);
        history.troubles[0].sent = Moment(461);
        assert_eq!(check(&history).len(), 2);
    }
}

/// What a device wanted itself is no fault of the server's.
#[test]
fn whoever_leaves_isn_t_cut_off() {
    let mut history = perfect(1);
    cut(&mut history, 500, 600);
    history.cuts[0].own = true;
    assert_eq!(check(&history), []);
}

/// A member who is put out and taken in again is one between these moments for sure, isn't one between those for sure, and in
/// between nobody knows.
#[test]
fn whoever_comes_and_goes_is_judged_by_when() {
    let perfect = || {
        let mut history = perfect(1);
        let (room, person) = (RoomNo(1), STRANGER);
        history.rooms[room.0].revolving = Some(person);
        let change = |(stage, at)| Change { room, person, stage, at: Moment(at) };
        let (out, back) =
            ([(Stage::Removing, 10_000), (Stage::Removed, 10_100)], [(Stage::Adding, 10_200), (Stage::Added, 10_300)]);
        history.members = out.into_iter().chain(back).map(change).collect();
        history
    };
    assert_eq!(check(&perfect()), []);
    for (asked, at, is_trespass) in [
        (9_000, 9_999, false),
        (9_999, 10_050, false),
        (10_050, 10_150, false),
        (10_100, 10_100, true),
        (10_110, 10_190, true),
        (10_190, 10_201, false),
        (10_301, 10_400, false),
    ] {
        let (asked, at, room) = (Moment(asked), Moment(at), RoomNo(1));
        let kinds = |history: &History| check(history).into_iter().map(|violation| violation.kind).collect::<Vec<_>>();
        let expected = if is_trespass { vec![Kind::Trespass] } else { Vec::new() };
        let mut history = perfect();
        history.shown.push(Shown { client: LISTENER, room, asked, at });
        assert_eq!(kinds(&history), expected, "shown, {asked} to {at}");
        let mut history = perfect();
        let page = Page { person: STRANGER, room, after: 0, limit: 0, rows: Vec::new(), from: asked, to: at };
        history.pages.push(page);
        assert_eq!(kinds(&history), expected, "read, {asked} to {at}");
    }
    // Whoever is out in the end has neither to be told nor to be shown anything.
    let mut history = perfect();
    history.members.truncate(2);
    assert_eq!(check(&history).iter().map(|violation| violation.kind).collect::<Vec<_>>(), [Kind::Trespass], "it is listed");
    history.truth.lists[STRANGER.0].lines.clear();
    history.told.get_mut(&LISTENER).unwrap().pop();
    assert_eq!(check(&history), []);
}

/// A run that was killed itself has no calm: what wasn't settled then isn't held against the server.
#[test]
fn a_run_that_was_broken_off_can_be_checked() {
    let mut history = perfect(1);
    for kind in [Kind::Stuck, Kind::Unheard, Kind::Undead, Kind::BadGoodbye] {
        spoil(kind, &mut history, &mut Rng::with_seed(1));
    }
    history.calm = None;
    assert_eq!(check(&history), []);
    spoil(Kind::Panicked, &mut history, &mut Rng::with_seed(1));
    assert_eq!(check(&history).len(), 1, "a panic is one whenever it was");
    history.truth.farewell.panics.clear();
    trouble(&mut history, status(503, true));
    assert_eq!(check(&history).len(), 1);
    history.open_fault = Some(Moment(400));
    assert_eq!(check(&history), [], "it was in the midst of a fault");
}
