//! All nodes are replaced one after the other while people talk.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reqwest::{Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

use crate::support::{
    PATIENCE,
    client::device::{Cut, Device},
    database::{Database, Kind},
    eventually,
    person::Person,
    process::{Process, node_settings},
    redis::Redis,
};

const NODES: usize = 3;

/// Where the nodes are.
type Sites = Arc<Mutex<Vec<SocketAddr>>>;

/// Sends over and over, to the next node after a refusal or a lost connection; no message may need more than one further try.
async fn talk(person: Person, room: String, sites: Sites, over: Arc<AtomicBool>) -> Vec<String> {
    let mut sent = Vec::new();
    let mut turn = 0;
    while !over.load(Ordering::Relaxed) {
        let id = Uuid::new_v4().to_string();
        let body = json!({ "message_id": id, "conversation_id": room, "content": "x" });
        let mut tries = 0;
        loop {
            let site = { sites.lock().unwrap()[turn % NODES] };
            let there = Person { address: site, ..person.clone() };
            let answer = there.request(Method::POST, "/messages").json(&body).send().await;
            match answer.map(|answer| answer.status()) {
                Ok(StatusCode::CREATED | StatusCode::OK) => break,
                Ok(StatusCode::SERVICE_UNAVAILABLE) | Err(_) => {
                    tries += 1;
                    turn += 1;
                }
                Ok(status) => panic!("{status}"),
            }
            assert!(tries <= 1, "after one further try");
        }
        sent.push(id);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    sent
}

/// Stays connected, wherever that is, and hears everything.
async fn listen(mut device: Device, sites: Sites, over: Arc<AtomicBool>) -> Device {
    device.sites = sites.lock().unwrap().clone();
    device.connect().await.unwrap();
    while !over.load(Ordering::Relaxed) {
        device.sites = sites.lock().unwrap().clone();
        device.listen(Duration::from_millis(100)).await.unwrap();
    }
    device
}

/// Twice around, under load: no send fails after at most one further try, nothing is lost, nothing is there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_is_not_noticed() {
    let (database, redis) = (Database::fresh(Kind::Postgres).await, Redis::start().await);
    let settings = node_settings(&database, &redis);
    let folders: Vec<_> = (0..NODES).map(|_| tempfile::tempdir().unwrap()).collect();
    let mut nodes: Vec<Process> = folders.iter().map(|folder| Process::start(folder.path(), &settings)).collect();
    let sites = Arc::new(Mutex::new(nodes.iter().map(|node| node.address).collect::<Vec<_>>()));
    let http = crate::support::http_client();
    let ann = Person::sign_up(&http, nodes[0].address, "ann").await;
    let bob = Person::sign_up(&http, nodes[0].address, "bob").await;
    let room = ann.conversation_with(&[&bob]).await;
    let over = Arc::new(AtomicBool::new(false));
    let listeners: Vec<_> = [&ann, &bob, &bob]
        .map(|who| Device::new(who.name.clone(), who.clone()))
        .map(|device| tokio::spawn(listen(device, Arc::clone(&sites), Arc::clone(&over))))
        .into();
    let talkers: Vec<_> = (0..6)
        .map(|talker| {
            let who = if talker % 2 == 0 { &ann } else { &bob };
            tokio::spawn(talk(who.clone(), room.clone(), Arc::clone(&sites), Arc::clone(&over)))
        })
        .collect();
    for round in 0..2 * NODES {
        let node = round % NODES;
        // As a balancer does that looks at /ready: the new one is there before the old one stops.
        let mut old = std::mem::replace(&mut nodes[node], Process::start(folders[node].path(), &settings));
        sites.lock().unwrap()[node] = nodes[node].address;
        old.signal("-TERM");
        let ended = tokio::task::spawn_blocking(move || old.wait());
        assert!(tokio::time::timeout(PATIENCE * 2, ended).await.unwrap().unwrap().success());
    }
    over.store(true, Ordering::Relaxed);
    let mut sent = HashSet::new();
    for talker in talkers {
        sent.extend(talker.await.unwrap());
    }
    let ann = Person { address: nodes[0].address, ..ann };
    let stored: Vec<String> =
        ann.history(&room).await.iter().map(|message| message["message_id"].as_str().unwrap().to_owned()).collect();
    let unique: HashSet<String> = stored.iter().cloned().collect();
    assert_eq!(unique.len(), stored.len(), "nothing twice");
    assert!(sent.is_subset(&unique), "nothing lost");
    assert!(sent.len() > 20, "there was load: {}", sent.len());
    for listener in listeners {
        let mut device = listener.await.unwrap();
        eventually("everything was heard", async || {
            device.listen(Duration::from_millis(100)).await.unwrap();
            device.state.messages(&room).is_some_and(|heard| heard.len() == stored.len())
        })
        .await;
        let heard: Vec<&String> = device.state.messages(&room).unwrap().values().map(|message| &message.message_id).collect();
        assert!(heard.into_iter().eq(&stored), "in one order");
        device.hang_up(Cut::Bye).await.unwrap();
    }
    drop((nodes, redis));
    database.drop().await;
}
