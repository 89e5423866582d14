//! What REST says in the end, and how a device's knowledge differs from it.

use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};

use reqwest::StatusCode;

use super::{
    PATIENCE,
    client::{
        device::Device,
        held::{Message, View, parse},
    },
    person::Person,
};

/// Messages that a device is told of a conversation that is new to it.
const PAGE: i64 = 50;

/// Every message of every conversation, in order.
pub struct Histories(BTreeMap<String, Vec<Message>>);

impl Histories {
    /// Reads them as somebody who belongs to each. Numbers have no gap, and no message is there twice.
    pub async fn read(rooms: &[(String, Person)]) -> Result<Self, String> {
        let mut all = BTreeMap::new();
        for (room, member) in rooms {
            let history = member.history(room).await;
            let history: Vec<Message> = history.iter().map(parse).collect::<Result<_, String>>()?;
            let mut names = HashSet::new();
            for (message, seq) in history.iter().zip(1..) {
                if message.seq != seq || !names.insert((&message.sender_id, &message.message_id)) {
                    return Err(format!("the history of {room} has, as number {seq}, {message:?}"));
                }
            }
            all.insert(room.clone(), history);
        }
        Ok(Self(all))
    }

    pub fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// What was acknowledged is there, as it was acknowledged.
    pub fn hold(&self, acknowledged: &Message) -> Result<(), String> {
        let stored = self.at(&acknowledged.conversation_id, acknowledged.seq);
        if stored == Some(acknowledged) {
            return Ok(());
        }
        Err(format!("acknowledged {acknowledged:?}, stored {stored:?}"))
    }

    fn at(&self, room: &str, seq: i64) -> Option<&Message> {
        self.0.get(room)?.get(usize::try_from(seq - 1).ok()?)
    }

    /// What is wrong with the messages that a device holds of a room: it has to hold the latest page, and all since
    /// the oldest that it holds.
    fn differences(&self, room: &str, held: &BTreeMap<i64, Message>) -> Vec<String> {
        let last = self.0.get(room).map_or(0, |history| history.len() as i64);
        let lowest = held.keys().next().copied().unwrap_or(last + 1).min((last - PAGE + 1).max(1));
        let missing: Vec<i64> = (lowest..=last).filter(|seq| !held.contains_key(seq)).collect();
        let mut found = Vec::new();
        if !missing.is_empty() {
            found.push(format!("{room}: of {lowest}..={last} it misses {missing:?}"));
        }
        for (seq, message) in held {
            let stored = self.at(room, *seq);
            if stored != Some(message) {
                found.push(format!("{room}: it holds {message:?}, stored is {stored:?}"));
            }
        }
        found
    }
}

/// The person's conversations as REST tells them.
pub async fn views(person: &Person) -> Result<BTreeMap<String, View>, String> {
    let (status, body) = person.get("/conversations").await;
    if status != StatusCode::OK {
        return Err(format!("GET /conversations: {status} {body}"));
    }
    let mut views = BTreeMap::new();
    for conversation in body["conversations"].as_array().into_iter().flatten() {
        let broken = |how: &str| format!("{how}: {conversation}");
        let view = View::of(parse(conversation).map_err(|how| broken(&how))?, &person.id);
        let counted: (i64, i64) = (
            parse(&conversation["last_seq"]).map_err(|how| broken(&how))?,
            parse(&conversation["last_read_seq"]).map_err(|how| broken(&how))?,
        );
        if conversation["unread_count"] != view.unread || counted.0 - counted.1 != view.unread {
            return Err(broken("it contradicts itself about what is unread"));
        }
        views.insert(parse(&conversation["id"])?, view);
    }
    Ok(views)
}

/// Listens until the device waits for nothing and sees what REST says. Then its messages have to be right as well.
pub async fn agrees(device: &mut Device, histories: &Histories) -> Result<(), String> {
    let start = Instant::now();
    loop {
        device.listen(Duration::from_millis(20)).await?;
        let mut differ = device.state.waits_for();
        if differ.is_empty() {
            differ = differences(&device.state.views(), &views(&device.person).await?);
        }
        if differ.is_empty() {
            break;
        }
        if start.elapsed() > PATIENCE {
            return Err(device.says(&differ.join("\n    ")));
        }
    }
    let rooms: Vec<String> = device.state.views().into_keys().collect();
    let messages = |room: &String| device.state.messages(room).map(|held| histories.differences(room, held));
    let differ: Vec<String> = rooms.iter().filter_map(messages).flatten().collect();
    if differ.is_empty() { Ok(()) } else { Err(device.says(&differ.join("\n    "))) }
}

/// Listens until everything is answered that was asked.
pub async fn answered(device: &mut Device) -> Result<(), String> {
    let start = Instant::now();
    loop {
        device.listen(Duration::from_millis(20)).await?;
        let open = device.state.waits_for();
        if open.is_empty() {
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            return Err(device.says(&format!("it still waits for {open:?}")));
        }
    }
}

fn differences(seen: &BTreeMap<String, View>, truth: &BTreeMap<String, View>) -> Vec<String> {
    let mut found = Vec::new();
    for (id, view) in seen {
        match truth.get(id) {
            Some(true_view) => found.extend(view.differences(true_view).into_iter().map(|how| format!("{id}: {how}"))),
            None => found.push(format!("{id}: it isn't the user's any more")),
        }
    }
    found.extend(truth.keys().filter(|id| !seen.contains_key(*id)).map(|id| format!("{id}: the device doesn't know it")));
    found
}
