//! Devices that don't read hold up nobody, cost a bounded amount of memory, and are sent away.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{
    PATIENCE,
    database::{Database, Kind},
    eventually,
    person::Person,
    process::Process,
    socket::RawSocket,
};

both! {
    /// One member who doesn't read froze everyone in the original.
    async fn one_who_does_not_read_freezes_nobody(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let stuck = RawSocket::open(world.address, &bob.access).await;
        let mut listener = bob.socket().await;
        let content = "x".repeat(10_000);
        let mut heard = 0;
        let start = Instant::now();
        while world.services.metrics.active() == 2 {
            for _ in 0..20 {
                ann.say(&conversation, &content).await;
                heard += 1;
                assert_eq!(listener.next_message().await["seq"], heard);
            }
            assert!(start.elapsed() < PATIENCE * 3, "the one that doesn't read is still there");
        }
        let said = ann.say(&conversation, "after").await;
        assert_eq!(listener.next_message().await, said);
        listener.close().await;
        drop(stuck);
    }
}

both! {
    /// The kernel would take megabytes for a device that takes nothing, before we notice.
    async fn what_the_kernel_takes_is_bounded(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let stuck = RawSocket::open(world.address, &bob.access).await;
        let port = stuck.0.local_addr().unwrap().port();
        let content = "x".repeat(10_000);
        let (mut most, start) = (0, Instant::now());
        while let Some(waits) = unacknowledged(world.address.port(), port) {
            most = most.max(waits);
            ann.say(&conversation, &content).await;
            assert!(start.elapsed() < PATIENCE * 3, "the one that doesn't read is still there");
            if world.services.metrics.active() == 0 {
                break;
            }
        }
        // What the peer's window has taken counts as well, until its program reads it.
        assert!((20_000..400_000).contains(&most), "{most} bytes");
        drop(stuck);
    }
}

/// Bytes that the kernel holds for a connection: sent and not acknowledged, or not sent (man 5 proc, `net/tcp`: `tx_queue`).
fn unacknowledged(from: u16, to: u16) -> Option<u64> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let (from, to) = (format!(":{from:04X}"), format!(":{to:04X}"));
    let mut rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| row[1].ends_with(&from) && row[2].ends_with(&to))?;
    Some(u64::from_str_radix(row[4].split(':').next().unwrap(), 16).unwrap())
}

/// Fifty that never read in a room with fifty that do, at 1 MB/s. `SLOW_READER_SECONDS` sets how long (a minute
/// shows more than the few seconds that a usual run has).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_among_a_hundred() {
    let seconds: u64 = std::env::var("SLOW_READER_SECONDS").map_or(8, |value| value.parse().unwrap());
    let database = Database::fresh(Kind::Sqlite).await;
    let settings = [("PORT", "0".to_owned()), ("DATA_DIR", database.folder.path().display().to_string())];
    let server = Process::start(database.folder.path(), &settings);
    let http = crate::support::http_client();
    let ann = Person::sign_up(&http, server.address, "ann").await;
    let bob = Person::sign_up(&http, server.address, "bob").await;
    let conversation = ann.conversation_with(&[&bob]).await;
    let active = async || -> u64 {
        let text = http.get(format!("http://{}/metrics", server.address)).send().await.unwrap().text().await.unwrap();
        let line = text.lines().find(|line| line.starts_with("pneumatic_websocket_connections_active ")).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let stuck = join_all((0..50).map(|_| RawSocket::open(server.address, &bob.access))).await;
    let readers = join_all((0..50).map(|_| bob.socket())).await;
    eventually("all are connected", async || active().await == 100).await;
    let before = server.memory();

    let (size, pause) = (10_000, Duration::from_millis(10));
    let messages = seconds * 1_000_000 / size as u64;
    let listening = readers.into_iter().map(|mut reader| {
        tokio::spawn(async move {
            for seq in 1..=messages {
                assert_eq!(reader.next_message().await["seq"], seq);
            }
            reader
        })
    });
    let listening: Vec<_> = listening.collect();
    let content = "x".repeat(size);
    let mut most = before;
    let mut beat = tokio::time::interval(pause);
    for _ in 0..messages {
        beat.tick().await;
        ann.say(&conversation, &content).await;
        most = most.max(server.memory());
    }
    let mut readers = Vec::new();
    for reader in listening {
        readers.push(reader.await.expect("a reader misses nothing"));
    }
    eventually("those that don't read are gone", async || active().await == 50).await;
    let grown = most.saturating_sub(before) >> 20;
    assert!(grown < 150, "memory grew by {grown} MiB");
    eprintln!("{seconds} s, {messages} messages of {size} bytes: memory grew by {grown} MiB at most");
    // What the kernel still holds for them is theirs to read; the close frame can only come behind it.
    for mut socket in stuck {
        socket.ended().await;
    }
    readers[0].send(json!({ "type": "join", "conversation_id": conversation })).await;
    assert_eq!(readers[0].next().await["type"], "joined");
    for reader in readers {
        reader.close().await;
    }
    eventually("every session is gone", async || active().await == 0).await;
    database.drop().await;
}
