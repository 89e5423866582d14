//! The people and rooms of a run.

use std::{net::SocketAddr, time::Duration};

use fastrand::Rng;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    Amount, Reply,
    scene::{Person, Phase, Room, Scene, SlowOrder},
};
use crate::{
    Outcome,
    journal::{
        Journal,
        entry::Entry,
        numbers::{PersonNo, RoomNo},
    },
};

/// How much slower than usual everything may be in the preparation: signing up twice isn't the same as once, so nothing of it is
/// tried again.
const UNHURRIED: f64 = 12.0;

/// Everybody's.
pub const PASSWORD: &str = "correct horse";

/// Signs everybody up, makes the rooms, and writes both down. Nothing strikes yet: everything has to succeed.
///
/// # Errors
/// What the server refused.
pub async fn prepare(
    journal: Journal,
    (address, way): (SocketAddr, SocketAddr),
    (phase, slow): (watch::Receiver<Phase>, watch::Receiver<Option<SlowOrder>>),
    amount: &Amount,
    (seed, lenience): (u64, f64),
) -> Outcome<Scene> {
    // An idle connection is forgotten well before the server would close it.
    let http = reqwest::Client::builder().no_proxy().pool_idle_timeout(Duration::from_secs(5)).build()?;
    let mut scene = Scene::empty(journal, address, way, http, phase, slow, lenience.max(UNHURRIED));
    for number in 0..amount.people {
        let name = format!("person-{number}");
        let body = json!({ "username": name, "password": PASSWORD });
        let id = id(&done(scene.call(None, PersonNo(number), (Method::POST, "/auth/signup"), Some(&body), &[]).await?)?)?;
        let pair = done(scene.call(None, PersonNo(number), (Method::POST, "/auth/login"), Some(&body), &[]).await?)?;
        let token = pair["access_token"].as_str().ok_or("a login without a token")?.to_owned();
        scene.names.people.insert(id, PersonNo(number));
        scene.people.push(Person { id, token });
        scene.journal.note(&Entry::Person { id, name }).await?;
    }
    for (number, (members, revolving)) in draw(amount, seed).into_iter().enumerate() {
        let ids: Vec<Uuid> = members[1..].iter().map(|person| scene.people[person.0].id).collect();
        let body = json!({ "title": format!("room {number}"), "member_ids": ids });
        let id = id(&done(scene.call(None, members[0], (Method::POST, "/conversations"), Some(&body), &[]).await?)?)?;
        scene.names.rooms.insert(id, RoomNo(number));
        scene.journal.keep(&Entry::Room { id, members: members.clone(), revolving }).await?;
        scene.rooms.push(Room { id, members, revolving });
    }
    scene.lenience = lenience;
    Ok(scene)
}

/// Who is in which room: all but the last person; a 1-on-1 with that one; one that they are put out of and taken into
/// again; and others as the seed has it.
fn draw(amount: &Amount, seed: u64) -> Vec<(Vec<PersonNo>, Option<PersonNo>)> {
    let everybody: Vec<_> = (0..amount.people).map(PersonNo).collect();
    let last = PersonNo(amount.people - 1);
    let mut random = Rng::with_seed(seed);
    let mut rooms = vec![
        (everybody[..amount.people - 1].to_vec(), None),
        (vec![PersonNo(0), last], None),
        (vec![PersonNo(0), PersonNo(1), PersonNo(2), last], Some(last)),
    ];
    while rooms.len() < amount.rooms {
        let size = random.usize(3..=amount.people - 1);
        rooms.push((random.choose_multiple(everybody.iter().copied(), size), None));
    }
    rooms
}

fn done(reply: Reply) -> Outcome<Value> {
    match reply {
        Reply::Done(_, body) => Ok(body),
        other => Err(format!("the run can't be prepared: {other:?}").into()),
    }
}

fn id(body: &Value) -> Outcome<Uuid> {
    Ok(body["id"].as_str().ok_or("an answer without an id")?.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_room_and_most_rooms_have_a_stranger() {
        for seed in 0..50 {
            let amount = Amount { people: 8, rooms: 6, senders: 12, rate: 0.0 };
            let rooms = draw(&amount, seed);
            assert_eq!(rooms, draw(&amount, seed));
            assert!((0..8).all(|person| {
                rooms
                    .iter()
                    .any(|(members, revolving)| members.contains(&PersonNo(person)) && *revolving != Some(PersonNo(person)))
            }));
            assert!(rooms.iter().all(|(members, _)| members.len() < 8));
            let mut pairs: Vec<_> = rooms.iter().map(|(members, _)| members).filter(|members| members.len() == 2).collect();
            pairs.dedup();
            assert_eq!(pairs.len(), 1, "a second one would be the first");
        }
    }
}
