//! A device that carries out its plan.

use std::{net::SocketAddr, sync::Mutex};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::plan::{Action, PLACES, ROOMS, Step, maker};
use crate::support::{
    client::{
        device::{Cut, Device},
        held::parse,
    },
    person::{Person, read},
};

/// The people, and the rooms that there are by now.
pub struct Scene {
    pub people: Vec<Person>,
    /// The nodes.
    pub sites: Vec<SocketAddr>,
    pub rooms: Mutex<[Option<String>; PLACES]>,
}

impl Scene {
    pub fn room(&self, place: usize) -> Option<String> {
        self.rooms.lock().unwrap()[place].clone()
    }

    /// A device that begins with any of the nodes.
    pub fn device(&self, name: &str, person: Person) -> Device {
        let mut device = Device::new(name, person);
        device.sites.clone_from(&self.sites);
        let first = name.len() + usize::from(name.as_bytes()[0]) + usize::from(name.as_bytes()[name.len() - 1]);
        device.sites.rotate_left(first % self.sites.len());
        device
    }

    /// Every room, with somebody who belongs to it.
    pub fn made(&self) -> Vec<(String, Person)> {
        let made = (0..PLACES).filter_map(|place| Some((self.room(place)?, self.people[maker(place)].clone())));
        made.collect()
    }

    /// A report with names in place of ids, and with no more of a long frame than shows what it is.
    pub fn named(&self, report: &str) -> String {
        let mut report = report.to_owned();
        for person in &self.people {
            report = report.replace(&person.id, &person.name);
        }
        for place in 0..PLACES {
            if let Some(id) = self.room(place) {
                report = report.replace(&id, &format!("room {place}"));
            }
        }
        let lines = report.lines().map(|line| line.chars().take(600).collect::<String>());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Makes the room of a place, which may turn out to be a 1-on-1 that is there.
    pub async fn make(&self, place: usize, members: &[usize]) -> Result<(), String> {
        let members: Vec<&str> = members.iter().map(|person| self.people[*person].id.as_str()).collect();
        let ask = json!({ "title": format!("room {place}"), "member_ids": members });
        let (status, body) = self.people[maker(place)].post("/conversations", ask).await;
        if permitted(status, &body)? {
            // Two devices of one person may make it at the same time: only the first is spoken of.
            self.rooms.lock().unwrap()[place].get_or_insert(parse(&body["id"])?);
        }
        Ok(())
    }
}

/// Carries out the plan; the device comes back connected.
pub async fn act(mut device: Device, person: usize, plan: Vec<Step>, scene: &Scene) -> Result<Device, String> {
    for (number, step) in plan.into_iter().enumerate() {
        device.listen(step.pause).await?;
        let told = format!("step {number}, {:?}", step.action);
        let name = format!("{} {number}", device.name);
        perform(&mut device, person, step.action, name, scene).await.map_err(|how| format!("{how}\n    in {told}"))?;
    }
    Ok(device)
}

async fn perform(device: &mut Device, person: usize, action: Action, name: String, scene: &Scene) -> Result<(), String> {
    let last_seq = |room: &str, before_last: i64| (device.state.last_seq(room) - before_last).max(0);
    let room = match &action {
        Action::Post { room, .. }
        | Action::PostByRest { room, .. }
        | Action::PostHalf { room, .. }
        | Action::Read { room, .. }
        | Action::ReadByRest { room, .. }
        | Action::Typing { room, .. }
        | Action::Add { room, .. }
        | Action::Remove { room, .. }
        | Action::Leave { room }
        | Action::Rename { room, .. } => scene.room(*room).map(|id| (*room, id)),
        Action::Resume | Action::Stall(_) | Action::HangUp { .. } | Action::Group { .. } => Some((0, String::new())),
    };
    // Nobody has made it yet.
    let Some((place, room)) = room else { return Ok(()) };
    let path = format!("/conversations/{room}");
    match action {
        Action::Post { content, .. } => device.state.post(&room, &name, content),
        Action::PostHalf { content, away, .. } => {
            device.state.post(&room, &name, content);
            device.hang_up(Cut::MidFrame).await?;
            device.listen(away).await?;
            device.connect().await?;
        }
        Action::PostByRest { content, .. } => {
            let body = json!({ "message_id": name, "conversation_id": room, "content": content });
            let (status, body) = device.person.post("/messages", body).await;
            if permitted(status, &body)? {
                device.state.acknowledged.push(parse(&body)?);
            }
        }
        Action::Read { before_last, .. } => {
            let seq = last_seq(&room, before_last);
            device.state.read(&room, seq);
        }
        Action::ReadByRest { before_last, .. } => {
            let seq = last_seq(&room, before_last);
            let (status, body) = device.person.put(&format!("{path}/read"), json!({ "seq": seq })).await;
            permitted(status, &body)?;
        }
        Action::Typing { is_typing, .. } => device.state.typing(&room, is_typing),
        Action::Resume => device.state.resume(),
        Action::Stall(time) => tokio::time::sleep(time).await,
        Action::HangUp { how, away } => {
            device.hang_up(how).await?;
            device.listen(away).await?;
            device.connect().await?;
        }
        Action::Add { person, .. } => {
            let ask = json!({ "user_ids": [scene.people[person].id] });
            let (status, body) = device.person.post(&format!("{path}/members"), ask).await;
            permitted(status, &body)?;
        }
        // Whoever made a room stays: what becomes of one without owners is nobody's business here.
        Action::Remove { person: other, .. } if other == person && maker(place) == person => {}
        Action::Leave { .. } if maker(place) == person => {}
        Action::Remove { person: other, .. } => remove(device, &path, &scene.people[other]).await?,
        Action::Leave { .. } => remove(device, &path, &scene.people[person]).await?,
        Action::Rename { title, .. } => {
            let (status, body) = read(device.person.request(Method::PATCH, &path).json(&json!({ "title": title }))).await;
            permitted(status, &body)?;
        }
        Action::Group { people } => {
            let place = ROOMS.len() + person;
            if scene.room(place).is_none() {
                scene.make(place, &people).await?;
            }
        }
    }
    Ok(())
}

async fn remove(device: &Device, path: &str, person: &Person) -> Result<(), String> {
    let (status, body) = device.person.delete(&format!("{path}/members/{}", person.id)).await;
    permitted(status, &body).map(drop)
}

/// Whether it was done; a refusal is one that a member, a stranger or an overtaken one has to expect.
fn permitted(status: StatusCode, body: &Value) -> Result<bool, String> {
    match status.as_u16() {
        200 | 201 | 204 => Ok(true),
        403 | 404 | 409 | 503 => Ok(false),
        _ => Err(format!("{status} {body}")),
    }
}
