//! A room of members with sockets who talk at a steady pace, whatever else happens. They have a thread of their own, so that it
//! is the server they wait for and not the rest of the load.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{runtime, task::JoinSet, time};
use uuid::Uuid;

use crate::{
    Outcome,
    mark::Mark,
    people::{Person, Room},
    socket::Socket,
    speech::Speech,
    spread::Spread,
};

/// What they hear.
#[derive(Clone, Debug)]
pub struct Bystanders {
    start: Instant,
    /// When something was heard, and how long after it was sent, in microseconds since `start`.
    heard: Arc<Mutex<Vec<(u64, u64)>>>,
}

/// How they are to talk.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Messages a second, of all of them.
    pub rate: f64,
    /// Bytes of a message.
    pub size: usize,
}

impl Bystanders {
    /// Has the room's members connect and talk, each in turn, for ever.
    pub fn start(server: String, room: Room, pace: Pace) -> Outcome<Self> {
        let bystanders = Self { start: Instant::now(), heard: Arc::default() };
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let all = bystanders.clone();
        std::thread::spawn(move || {
            if let Err(error) = runtime.block_on(all.meet(&server, room, pace)) {
                eprintln!("a bystander is lost: {error}");
                std::process::exit(1);
            }
        });
        Ok(bystanders)
    }

    async fn meet(self, server: &str, room: Room, pace: Pace) -> Outcome<()> {
        let turn = Duration::from_secs_f64(1.0 / pace.rate);
        let count = room.members.len() as u32;
        let mut members = JoinSet::new();
        for (place, Person { token, .. }) in room.members.into_iter().enumerate() {
            let socket = Socket::connect(server, &token, Speech::V1).await?;
            let talk = time::interval_at(time::Instant::now() + turn * place as u32, turn * count);
            members.spawn(self.clone().attend(socket, room.id.clone(), talk, pace.size));
        }
        match members.join_next().await {
            Some(ended) => ended?,
            None => Ok(()),
        }
    }

    async fn attend(self, mut socket: Socket, room: String, mut talk: time::Interval, size: usize) -> Outcome<()> {
        let mut number = 0;
        loop {
            tokio::select! {
                frame = socket.next() => {
                    let now = self.micros();
                    if let Some(Mark { sent, .. }) = Mark::find(frame?) {
                        self.heard.lock().unwrap_or_else(PoisonError::into_inner).push((now, now.saturating_sub(sent)));
                    }
                }
                _ = talk.tick() => {
                    let (id, content) = (Uuid::new_v4(), Mark { number, sent: self.micros() }.content(size));
                    socket.send(&format!(
                        r#"{{"type":"message","message_id":"{id}","conversation_id":"{room}","content":"{content}"}}"#
                    )).await?;
                    number += 1;
                }
            }
        }
    }

    fn micros(&self) -> u64 {
        self.start.elapsed().as_micros() as u64
    }

    /// Of what was sent from one moment to another and has been heard: how many deliveries, and how long they took.
    pub fn between(&self, from: Instant, to: Instant) -> (usize, Spread) {
        let micros = |moment: Instant| (moment - self.start).as_micros() as u64;
        let (from, to) = (micros(from), micros(to));
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let took: Vec<u64> = heard.iter().filter(|(at, took)| (from..to).contains(&(at - took))).map(|(_, took)| *took).collect();
        (took.len(), Spread::of(took))
    }
}
