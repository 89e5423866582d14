//! What things cost as more is stored: pages and catching up, with a thousand messages and with a million.

use std::time::{Duration, Instant};

use serde_json::json;
use uuid::Uuid;

use crate::{
    Arguments, Outcome,
    calls::Calls,
    figures::series,
    people::{Person, Room, Site},
    process::cpu_seconds,
    socket::Socket,
    speech::Speech,
};

/// Members of each conversation, who are the same everywhere.
const MEMBERS: usize = 3;
/// Connections that fill the conversations, or ask.
const CONNECTIONS: usize = 32;
/// Changes of each conversation that a device has missed.
const MISSED: usize = 20;

/// Fills the conversations further and further, and measures each time.
pub async fn run(arguments: &Arguments, site: &Site) -> Outcome<()> {
    let people = site.people(MEMBERS).await?;
    let rooms = site.circles(&people, arguments.rooms, MEMBERS, false).await?;
    let (mut pages, mut resumes, mut stored) = (Vec::new(), Vec::new(), 0);
    for &past in &arguments.past {
        let each = past.div_ceil(rooms.len()).max(stored);
        fill(arguments, &rooms, each - stored)?;
        stored = each;
        let total = (stored * rooms.len()) as f64;
        let page = calls(arguments, &mut |call| page(arguments, &rooms[call % rooms.len()], stored)).measure(arguments.time())?;
        let resume = resume(arguments, &people[1], &rooms, stored).await?;
        println!("{total} messages: {page}  resumes_per_cpu_s {resume:.0}");
        pages.push((total, page.get("requests_per_cpu_s")));
        resumes.push((total, resume));
    }
    arguments.add(&series("growth-history", &arguments.peer, ("stored messages", "pages of 50 per CPU-second"), &pages))?;
    arguments.add(&series("growth-resume", &arguments.peer, ("stored messages", "resumes per CPU-second"), &resumes))
}

fn calls<'a>(arguments: &'a Arguments, request: &'a mut dyn FnMut(usize) -> String) -> Calls<'a> {
    Calls { server: &arguments.server, connections: CONNECTIONS, request, pids: &arguments.pid }
}

/// So many more messages in each room.
fn fill(arguments: &Arguments, rooms: &[Room], more: usize) -> Outcome<()> {
    let content = "x".repeat(arguments.size);
    let (mut next, all) = (0, more * rooms.len());
    let mut post = |_| {
        let Room { id, members } = &rooms[next % rooms.len()];
        next += 1;
        if next % 100_000 == 0 {
            eprintln!("{next} of {all} messages");
        }
        let message_id = Uuid::from_u128(fastrand::u128(..));
        let body = json!({ "message_id": message_id, "conversation_id": id, "content": content }).to_string();
        format!(
            "POST /messages HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            arguments.server,
            members[0].token,
            body.len()
        )
    };
    calls(arguments, &mut post).make(all)
}

/// The page before the newest message: the latest one would come from the server's memory.
fn page(arguments: &Arguments, room: &Room, stored: usize) -> String {
    let (server, token) = (&arguments.server, &room.members[0].token);
    let path = format!("/conversations/{}/messages?limit=50&before_seq={stored}", room.id);
    format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// How often a device that has missed a little everywhere is brought up to date, for a second of the server's CPU.
async fn resume(arguments: &Arguments, person: &Person, rooms: &[Room], stored: usize) -> Outcome<f64> {
    let mut socket = Socket::connect(&arguments.server, &person.token, Speech::V2).await?;
    // Making a conversation was its first change.
    let cursor = stored.saturating_sub(MISSED) + 1;
    let cursors: serde_json::Map<_, _> = rooms.iter().map(|room| (room.id.clone(), json!(cursor))).collect();
    let ask = json!({ "type": "resume", "cursors": cursors }).to_string();
    let (mut count, mut cpu, mut since) = (0, cpu_seconds(&arguments.pid), Instant::now());
    let warm = Instant::now() + Duration::from_secs(1);
    let mut is_warm = false;
    while !is_warm || since.elapsed() < arguments.time() {
        socket.send(&ask).await?;
        loop {
            let frame = socket.next().await?;
            if frame.starts_with(br#"{"type":"error""#) {
                return Err(String::from_utf8_lossy(frame).into());
            } else if frame.starts_with(br#"{"type":"resumed""#) {
                break;
            }
        }
        count += 1;
        if !is_warm && Instant::now() > warm {
            (is_warm, count, cpu, since) = (true, 0, cpu_seconds(&arguments.pid), Instant::now());
        }
    }
    Ok(f64::from(count) / (cpu_seconds(&arguments.pid) - cpu))
}
