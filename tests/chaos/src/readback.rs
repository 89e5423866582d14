//! What everybody finds when it is over: their lists of conversations, and each history from the first message to the last.

use reqwest::Method;
use serde::Deserialize;

use crate::{
    Outcome,
    history::{List, Listed, Row, Shelf},
    journal::numbers::{PersonNo, RoomNo},
    load::{PATIENCE, Reply, Scene},
};

/// Most messages in a page.
const PAGE: usize = 200;

#[derive(Deserialize)]
struct Page {
    messages: Vec<Row>,
}

#[derive(Deserialize)]
struct Lines {
    conversations: Vec<Listed>,
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
        rows.extend(page);
        // A page that doesn't go on would be read for ever.
        if length < PAGE || rows.last().is_none_or(|row| row.seq <= after) {
            break;
        }
    }
    Ok(Shelf { person, room, rows })
}

/// Everybody's list, but for those who are refused theirs, which is written down.
///
/// # Errors
/// When the journal can't be written, or an answer can't be read.
pub async fn lists(scene: &Scene) -> Outcome<Vec<List>> {
    let mut lists = Vec::new();
    for person in (0..scene.people.len()).map(PersonNo) {
        let reply = scene.call(None, person, (Method::GET, "/conversations"), None, &[]).await?;
        let Reply::Done(_, body) = reply else { continue };
        lists.push(List { person, lines: Lines::deserialize(body)?.conversations });
    }
    Ok(lists)
}

/// Connections that the server counts as open (`GET /metrics`); none if it doesn't tell.
pub async fn connections(scene: &Scene) -> Option<u64> {
    let asked = scene.http.get(format!("http://{}/metrics", scene.address)).timeout(scene.patience(PATIENCE));
    let answer = asked.send().await.ok()?;
    let text = answer.text().await.ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("pneumatic_websocket_connections_active "))?;
    line.trim().parse::<f64>().ok().map(|count| count as u64)
}
