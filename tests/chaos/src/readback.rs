//! What everybody finds when it is over: their lists of conversations, and each history from the first message to the last.

use reqwest::Method;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    Outcome,
    history::{Listed, Row, Shelf},
    journal::numbers::{PersonNo, RoomNo},
    load::{Reply, Scene},
};

/// Most messages in a page.
const PAGE: usize = 200;

#[derive(Deserialize)]
struct Page {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    id: Uuid,
    message_id: String,
    sender_id: Uuid,
    conversation_id: Uuid,
    content: String,
    seq: i64,
    rev: i64,
}

#[derive(Deserialize)]
struct List {
    conversations: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    id: Uuid,
    last_seq: i64,
    last_read_seq: i64,
    unread_count: i64,
}

/// Every history, as each of its members reads it. A page that is refused ends it early, and is written down.
///
/// # Errors
/// When the journal can't be written, or an answer can't be read.
pub async fn shelves(scene: &Scene) -> Outcome<Vec<Shelf>> {
    let mut shelves = Vec::new();
    for (number, room) in scene.rooms.iter().enumerate() {
        for person in &room.members {
            shelves.push(shelf(scene, *person, RoomNo(number)).await?);
        }
    }
    Ok(shelves)
}

async fn shelf(scene: &Scene, person: PersonNo, room: RoomNo) -> Outcome<Shelf> {
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let after = rows.last().map_or(0, |row| row.seq);
        let path = format!("/conversations/{}/messages?limit={PAGE}&after_seq={after}", scene.rooms[room.0].id);
        let Reply::Done(_, body) = scene.call(None, person, (Method::GET, &path), None, &[]).await? else { break };
        let page = Page::deserialize(body)?.messages;
        let length = page.len();
        rows.extend(page.into_iter().map(|message| {
            let Message { id, message_id, sender_id: sender, conversation_id: conversation, content, seq, rev } = message;
            Row { conversation, sender, id, message_id, seq, rev, content }
        }));
        // A page that doesn't go on would be read for ever.
        if length < PAGE || rows.last().is_none_or(|row| row.seq <= after) {
            break;
        }
    }
    Ok(Shelf { person, room, rows })
}

/// Everybody's list.
///
/// # Errors
/// When the journal can't be written, or an answer can't be read.
pub async fn lists(scene: &Scene) -> Outcome<Vec<Listed>> {
    let mut lists = Vec::new();
    for person in (0..scene.people.len()).map(PersonNo) {
        let reply = scene.call(None, person, (Method::GET, "/conversations"), None, &[]).await?;
        let Reply::Done(_, body) = reply else { continue };
        lists.extend(List::deserialize(body)?.conversations.into_iter().map(|line| {
            let Line { id: conversation, last_seq, last_read_seq, unread_count: unread } = line;
            Listed { person, conversation, last_seq, last_read_seq, unread }
        }));
    }
    Ok(lists)
}

/// Connections that the server counts as open (`GET /metrics`); none if it doesn't tell.
pub async fn connections(scene: &Scene) -> Option<u64> {
    let answer = scene.http.get(format!("http://{}/metrics", scene.address)).send().await.ok()?;
    let text = answer.text().await.ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("pneumatic_websocket_connections_active "))?;
    line.trim().parse::<f64>().ok().map(|count| count as u64)
}
