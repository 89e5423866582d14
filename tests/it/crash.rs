//! SIGKILL under load: nothing acknowledged is lost, nothing is there twice, the numbers have no gap.

use std::{collections::HashSet, time::Duration};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    database::{Database, Kind},
    person::Person,
    process::{Process, settings},
};

const WRITERS: usize = 8;

async fn twenty_kills(kind: Kind) {
    let kills: u32 = std::env::var("CRASH_KILLS").map_or(20, |value| value.parse().unwrap());
    let database = Database::fresh(kind).await;
    let settings = settings(&database);
    let mut server = Process::start(database.folder.path(), &settings);
    let http = crate::support::http_client();
    let mut ann = Person::sign_up(&http, server.address, "ann").await;
    let bob = Person::sign_up(&http, server.address, "bob").await;
    let cyd = Person::sign_up(&http, server.address, "cyd").await;
    let rooms = [ann.conversation_with(&[&bob]).await, ann.conversation_with(&[&bob, &cyd]).await];
    let mut acknowledged: HashSet<String> = HashSet::new();
    for kill in 0..kills {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (ann, room) = (ann.clone(), rooms[writer % rooms.len()].clone());
                tokio::spawn(async move {
                    let mut acknowledged = Vec::new();
                    loop {
                        let id = Uuid::new_v4().to_string();
                        let body = json!({ "message_id": id, "conversation_id": room, "content": "x" });
                        let ask = ann.request(reqwest::Method::POST, "/messages").json(&body);
                        match ask.send().await {
                            Ok(answer) if answer.status() == 201 => acknowledged.push(id),
                            _ => return acknowledged,
                        }
                    }
                })
            })
            .collect();
        // Moments spread over some hundred milliseconds, different each time.
        tokio::time::sleep(Duration::from_millis(100 + u64::from(kill * 37 % 150))).await;
        server.child.kill().unwrap();
        server.wait();
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
        server = Process::start(database.folder.path(), &settings);
        ann.address = server.address;
    }
    let mut stored = HashSet::new();
    for room in &rooms {
        for (i, message) in ann.history(room).await.iter().enumerate() {
            assert_eq!(message["seq"], json!(i + 1), "no gap");
            assert_eq!(message["rev"], json!(i + 2), "no gap");
            assert!(stored.insert(message["message_id"].as_str().unwrap().to_owned()), "twice: {message}");
        }
    }
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    assert!(acknowledged.len() > kills as usize, "there was load");
    eprintln!("{kind:?}: {kills} kills, {} acknowledged, {} stored", acknowledged.len(), stored.len());
    let (_, list): (_, Value) = ann.get("/conversations").await;
    assert_eq!(list["conversations"].as_array().unwrap().len(), rooms.len());
    drop(server);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    twenty_kills(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    twenty_kills(Kind::Postgres).await;
}
