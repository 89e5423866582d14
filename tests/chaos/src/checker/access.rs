//! Nobody hears, reads or writes where they aren't a member.

use std::collections::BTreeSet;

use super::{Case, Found, Kind, case::Standing};
use crate::{history::Told, journal::numbers::Moment};

pub(super) fn check(case: &Case, found: &mut Found) {
    let history = case.history;
    for (device, told) in &history.told {
        let Some(person) = history.clients.get(device.0).map(|client| client.person) else { continue };
        for told in told {
            let Told::Heard(heard) = told else { continue };
            let sent = first_sent(case, &heard.m);
            // What was sent while they weren't in may be told once they are in again, not before.
            if case.standing(heard.r, person, sent, heard.at) == Standing::Outside {
                let (m, room, at) = (&heard.m, heard.r, heard.at);
                found.add(Kind::Trespass, format!("{device} of {person} was told of {m} in {room} at {at}"));
            }
        }
    }
    for overheard in &history.overheard {
        let Some(person) = history.clients.get(overheard.client.0).map(|client| client.person) else { continue };
        let (device, room, name, at) = (overheard.client, overheard.room, &overheard.message, overheard.at);
        if case.standing(room, person, first_sent(case, name), at) == Standing::Outside {
            found.add(Kind::Trespass, format!("{device} of {person} overheard {name} in {room} at {at}"));
        }
    }
    for shown in &history.shown {
        let Some(person) = history.clients.get(shown.client.0).map(|client| client.person) else { continue };
        let (device, room, at) = (shown.client, shown.room, shown.at);
        if case.standing(room, person, shown.asked, at) == Standing::Outside {
            found.add(Kind::Trespass, format!("{device} of {person} was shown {room} at {at}"));
        }
    }
    for page in &history.pages {
        if case.standing(page.room, page.person, page.from, page.to) == Standing::Outside {
            found.add(Kind::Trespass, format!("{} could read {} at {}", page.person, page.room, page.from));
        }
    }
    sends(case, found);
    lists(case, found);
}

fn first_sent(case: &Case, name: &str) -> Moment {
    case.history.messages.get(name).and_then(|sending| sending.attempts.first().copied()).unwrap_or_default()
}

/// Strangers' posts aren't taken; members' aren't refused.
fn sends(case: &Case, found: &mut Found) {
    for (name, sending) in &case.history.messages {
        let Some(person) = case.history.clients.get(sending.client.0).map(|client| client.person) else { continue };
        let sent = sending.attempts.first().copied().unwrap_or_default();
        let room = sending.room;
        for ack in &sending.acks {
            if case.standing(room, person, sent, ack.at) == Standing::Outside {
                found.add(Kind::Trespass, format!("{person} could post {name} in {room} at {}", ack.at));
            }
        }
        for refused in sending.refused.iter().filter(|refused| refused.good) {
            if case.standing(room, person, refused.sent, refused.at) == Standing::Inside {
                let (code, at) = (&refused.code, refused.at);
                found.add(Kind::WronglyRefused, format!("{person}, a member, couldn't post {name} in {room} at {at}: {code}"));
            }
        }
    }
}

/// Everybody's list holds their conversations and no others.
fn lists(case: &Case, found: &mut Found) {
    for list in &case.history.truth.lists {
        let person = list.person;
        let listed: BTreeSet<_> = list.lines.iter().filter_map(|line| case.room(line.conversation)).collect();
        for (room, _) in case.shelves() {
            let is_listed = listed.contains(&room);
            match case.standing_in_the_end(room, person) {
                Standing::Inside if !is_listed => found.add(Kind::Unlisted, format!("{room} isn't in the list of {person}")),
                Standing::Outside if is_listed => found.add(Kind::Trespass, format!("{room} is in the list of {person}")),
                _ => {}
            }
        }
    }
}
