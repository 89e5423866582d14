//! The load itself.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::{net::TcpStream, sync::Barrier};
use tokio_tungstenite::{client_async, tungstenite::Message};
use uuid::Uuid;

use crate::{
    Arguments, Outcome,
    people::{Room, Site},
    spread::Spread,
};

/// What has been counted.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    messages: Arc<AtomicU64>,
    deliveries: Arc<AtomicU64>,
    /// Microseconds from sending to hearing oneself (or to the answer).
    latencies: Arc<Mutex<Vec<u64>>>,
}

/// The counts, summed up.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Messages acknowledged.
    pub messages: u64,
    /// Frames that arrived.
    pub deliveries: u64,
    /// From sending to hearing oneself (or to the answer).
    pub latency: Spread,
}

impl Counts {
    fn acknowledged(&self, since: Instant) {
        self.messages.fetch_add(1, Ordering::Relaxed);
        let micros = since.elapsed().as_micros() as u64;
        self.latencies.lock().unwrap_or_else(PoisonError::into_inner).push(micros);
    }

    /// Forgets the warming up.
    pub fn reset(&self) {
        self.messages.store(0, Ordering::Relaxed);
        self.deliveries.store(0, Ordering::Relaxed);
        self.latencies.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What it came to.
    pub fn figures(&self) -> Figures {
        let latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Figures {
            messages: self.messages.load(Ordering::Relaxed),
            deliveries: self.deliveries.load(Ordering::Relaxed),
            latency: Spread::of(latencies),
        }
    }
}

fn frame(room: &str, content: &str) -> Message {
    let body = json!({ "type": "message", "message_id": Uuid::new_v4(), "conversation_id": room, "content": content });
    Message::text(body.to_string())
}

/// Connects everybody; the first of each room keeps `in_flight` messages under way.
pub async fn talk(arguments: &Arguments, rooms: Vec<Room>) -> Outcome<Counts> {
    let counts = Counts::default();
    let sockets: usize = rooms.iter().map(|room| room.members.len()).sum();
    let ready = Arc::new(Barrier::new(sockets + 1));
    let content = "x".repeat(arguments.size);
    let nodes: Vec<&String> = std::iter::once(&arguments.server).chain(&arguments.others).collect();
    for room in rooms {
        for (place, person) in room.members.iter().enumerate() {
            let node = nodes[place % nodes.len()];
            let stream = TcpStream::connect(node).await?;
            stream.set_nodelay(true)?;
            let url = format!("ws://{node}/ws?token={}", person.token);
            let (mut socket, _) = client_async(url, stream).await?;
            let (counts, ready) = (counts.clone(), Arc::clone(&ready));
            let (id, content) = (room.id.clone(), content.clone());
            let in_flight = if place == 0 { arguments.in_flight } else { 0 };
            tokio::spawn(async move {
                ready.wait().await;
                // One's own come back in order, so the oldest one sent is the one that is heard.
                let mut sent = std::collections::VecDeque::new();
                for _ in 0..in_flight {
                    sent.push_back(Instant::now());
                    socket.send(frame(&id, &content)).await?;
                }
                while let Some(message) = socket.next().await {
                    if !message?.is_text() {
                        continue;
                    }
                    counts.deliveries.fetch_add(1, Ordering::Relaxed);
                    if let Some(since) = sent.pop_front() {
                        counts.acknowledged(since);
                        sent.push_back(Instant::now());
                        socket.send(frame(&id, &content)).await?;
                    }
                }
                Ok::<(), tokio_tungstenite::tungstenite::Error>(())
            });
        }
    }
    ready.wait().await;
    Ok(counts)
}

/// Keeps `in_flight` connections posting, spread over the rooms.
pub fn post(arguments: &Arguments, site: &Site, rooms: &[Room]) -> Counts {
    let counts = Counts::default();
    for connection in 0..arguments.in_flight {
        let room = rooms[connection % rooms.len()].clone();
        let (counts, site, content) = (counts.clone(), site.clone(), "x".repeat(arguments.size));
        tokio::spawn(async move {
            loop {
                let body = json!({ "message_id": Uuid::new_v4(), "conversation_id": room.id, "content": content });
                let start = Instant::now();
                let ask = site.http.post(format!("{}/messages", site.url)).bearer_auth(&room.members[0].token).json(&body);
                match ask.send().await {
                    Ok(answer) if answer.status().is_success() => counts.acknowledged(start),
                    other => eprintln!("not stored: {other:?}"),
                }
            }
        });
    }
    counts
}
