//! SIGTERM: everyone gets a close frame, what was accepted is stored, who was here was last seen then, exit 0.

use std::time::Instant;

use chrono::Utc;
use futures_util::future::join_all;
use sea_orm::EntityTrait;
use serde_json::json;

use crate::support::{
    database::{Database, Kind},
    live::Live,
    person::Person,
    process::{Process, settings},
};

async fn two_hundred_sockets(kind: Kind) {
    let database = Database::fresh(kind).await;
    let settings = settings(&database);
    let mut server = Process::start(database.folder.path(), &settings);
    let http = crate::support::http_client();
    let ann = Person::sign_up(&http, server.address, "ann").await;
    let bob = Person::sign_up(&http, server.address, "bob").await;
    let conversation = ann.conversation_with(&[&bob]).await;
    let sockets = join_all((0..200).map(|_| bob.socket())).await;
    let waiting: Vec<_> = sockets.into_iter().map(|mut socket| tokio::spawn(async move { socket.closed().await })).collect();
    // Posts are under way when the signal comes; each either is acknowledged or isn't.
    let posting = tokio::spawn({
        let (ann, conversation) = (ann.clone(), conversation.clone());
        async move {
            let mut acknowledged = Vec::new();
            for i in 0.. {
                let id = i.to_string();
                let body = json!({ "message_id": id, "conversation_id": conversation, "content": "x" });
                match ann.request(reqwest::Method::POST, "/messages").json(&body).send().await {
                    Ok(answer) if answer.status().is_success() => acknowledged.push(id),
                    _ => break,
                }
            }
            acknowledged
        }
    });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let start = Instant::now();
    server.signal("-TERM");
    for socket in waiting {
        assert_eq!(socket.await.unwrap(), 1012);
    }
    let status = tokio::task::spawn_blocking(move || server.wait()).await.unwrap();
    let took = start.elapsed();
    assert_eq!(status.code(), Some(0));
    assert!(took.as_secs() < 25, "{took:?}");
    eprintln!("{kind:?}: 200 closed and the process ended in {took:?}");
    let acknowledged = posting.await.unwrap();

    let server = Process::start(database.folder.path(), &settings);
    let ann = Person { address: server.address, ..ann };
    let stored: Vec<String> =
        ann.history(&conversation).await.iter().map(|message| message["message_id"].as_str().unwrap().to_owned()).collect();
    assert!(!acknowledged.is_empty() && acknowledged.iter().all(|id| stored.contains(id)));
    drop(server);
    database.drop().await;
}

/// Whichever way they were here, and although they might have come back in a moment.
async fn last_seen(kind: Kind) {
    let database = Database::fresh(kind).await;
    let mut server = Process::start(database.folder.path(), &settings(&database));
    let http = crate::support::http_client();
    let mut people = Vec::new();
    for name in ["by v2", "by v1", "just gone", "by REST", "never"] {
        people.push(Person::sign_up(&http, server.address, &name.replace(' ', "-")).await);
    }
    let [by_v2, by_v1, just_gone, by_rest, never] = people.as_slice() else { unreachable!() };
    let start = Utc::now();
    let (mut device, mut plain) = (Live::of(by_v2).await, by_v1.socket().await);
    just_gone.socket().await.close().await;
    assert_eq!(by_rest.post("/presence/heartbeat", json!({ "display_name": "x" })).await.0, 200);
    server.signal("-TERM");
    assert_eq!((device.socket.closed().await, plain.closed().await), (1012, 1012));
    let status = tokio::task::spawn_blocking(move || server.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    let connection = database.connect().await;
    for row in entity::user::Entity::find().all(&connection).await.unwrap() {
        let seen = row.last_seen_at;
        assert_eq!(seen.is_some_and(|at| (start..=Utc::now()).contains(&at)), row.id.to_string() != never.id, "{row:?}");
    }
    connection.close().await.unwrap();
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    two_hundred_sockets(Kind::Sqlite).await;
    last_seen(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    two_hundred_sockets(Kind::Postgres).await;
    last_seen(Kind::Postgres).await;
}
