//! PostgreSQL is stopped and started under load.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

use crate::support::{
    database::Kind,
    person::Person,
    postgres::{Postgres, Stop},
    world::World,
};

const WRITERS: usize = 8;
/// Seconds for which nobody waits.
const LONG: u64 = 17;

/// Posts until it is over; each post is acknowledged, or refused with 503 and a word on when to come back.
async fn write(person: Person, room: String, over: Arc<AtomicBool>) -> (HashSet<String>, usize) {
    let (mut acknowledged, mut refused) = (HashSet::new(), 0);
    while !over.load(Ordering::Relaxed) {
        let id = Uuid::new_v4().to_string();
        let body = json!({ "message_id": id, "conversation_id": room, "content": "x" });
        let answer = person.request(Method::POST, "/messages").json(&body).send().await.unwrap();
        match answer.status() {
            StatusCode::CREATED => drop(acknowledged.insert(id)),
            StatusCode::SERVICE_UNAVAILABLE => {
                assert!(answer.headers().contains_key("retry-after"));
                refused += 1;
            }
            status => panic!("{status}"),
        }
    }
    (acknowledged, refused)
}

/// A short restart is waited for; a longer absence is answered with 503 and nothing else. What was acknowledged is there, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_is_restarted() {
    let postgres = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
    let world = World::start(Kind::Sqlite, &[("DATABASE_URL", postgres.url())]).await;
    let [ann, bob] = world.people(["ann", "bob"]).await;
    let room = ann.conversation_with(&[&bob]).await;
    let over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS).map(|_| tokio::spawn(write(ann.clone(), room.clone(), Arc::clone(&over)))).collect();
    let postgres = Arc::new(postgres);
    for (how, away) in [(Stop::Fast, 0), (Stop::Immediate, 0), (Stop::Immediate, 4), (Stop::Fast, LONG)] {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let server = Arc::clone(&postgres);
        tokio::task::spawn_blocking(move || server.stop(how)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(away)).await;
        let server = Arc::clone(&postgres);
        tokio::task::spawn_blocking(move || server.begin()).await.unwrap();
        let since = Instant::now();
        while ann.get("/ready").await.0 != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let body = json!({ "message_id": Uuid::new_v4(), "conversation_id": room, "content": "back" });
        while ann.post("/messages", body.clone()).await.0 == StatusCode::SERVICE_UNAVAILABLE {}
        let back = since.elapsed();
        eprintln!("{how:?}, away for {away} s: back after {back:?}");
        // Two seconds, and some more for a machine that is shared.
        assert!(back < Duration::from_secs(10), "{back:?}");
    }
    over.store(true, Ordering::Relaxed);
    let (mut acknowledged, mut refused) = (HashSet::new(), 0);
    for writer in writers {
        let (ids, refusals) = writer.await.unwrap();
        acknowledged.extend(ids);
        refused += refusals;
    }
    let history = ann.history(&room).await;
    let stored: HashSet<&str> = history.iter().map(|message| message["message_id"].as_str().unwrap()).collect();
    assert_eq!(stored.len(), history.len(), "nothing twice");
    assert!(history.iter().enumerate().all(|(place, message)| message["seq"] == place as i64 + 1), "no gap");
    assert!(acknowledged.iter().all(|id| stored.contains(id.as_str())), "nothing lost");
    assert!(acknowledged.len() > 20 && refused > 0, "{} acknowledged, {refused} refused", acknowledged.len());
    world.finish().await;
}
