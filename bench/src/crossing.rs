//! One talks, two listen, of whom one may be on another node: how long a message takes to either.

use std::{
    io,
    time::{Duration, Instant},
};

use tokio::time::timeout;
use uuid::Uuid;

use crate::{Arguments, Outcome, people::Site, socket::Socket, speech::Speech, spread::Spread};

/// What takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// Talks at a steady pace and prints both times. The second listener is on the first of the other nodes, if there is one.
pub async fn run(arguments: &Arguments, site: &Site) -> Outcome<()> {
    let room = site.rooms(1, 2).await?.remove(0);
    let far = arguments.others.first().unwrap_or(&arguments.server);
    let mut near = Socket::connect(&arguments.server, &room.members[0].token, Speech::V1).await?;
    let mut far = Socket::connect(far, &room.members[1].token, Speech::V1).await?;
    let (mut at_near, mut at_far) = (Vec::new(), Vec::new());
    let mut turn = tokio::time::interval(Duration::from_secs_f64(1.0 / arguments.rate()));
    let content = "x".repeat(arguments.size);
    for _ in 0..(arguments.seconds as f64 * arguments.rate()) as u64 {
        turn.tick().await;
        let start = Instant::now();
        let id = Uuid::new_v4();
        near.send(&format!(r#"{{"type":"message","message_id":"{id}","conversation_id":"{}","content":"{content}"}}"#, room.id))
            .await?;
        let micros = async |socket: &mut Socket| -> Outcome<u64> {
            let id = id.to_string();
            let heard = async {
                while memchr::memmem::find(socket.next().await?, id.as_bytes()).is_none() {}
                Ok::<_, io::Error>(())
            };
            timeout(PATIENCE, heard).await??;
            Ok(start.elapsed().as_micros() as u64)
        };
        let (one, other) = tokio::join!(micros(&mut near), micros(&mut far));
        at_near.push(one?);
        at_far.push(other?);
    }
    let (near, far) = (Spread::of(at_near), Spread::of(at_far));
    println!("latency ms to the sender {near}, to the other {far}, median difference {:.2}", far.p50 - near.p50);
    Ok(())
}
