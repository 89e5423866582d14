//! What happens on one node is heard on all.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    cluster::Cluster,
    eventually,
    live::{Live, V2},
    person::PASSWORD,
    socket::Socket,
};

/// Within this everything takes effect everywhere, and some more for a machine that is shared.
const BOUND: Duration = Duration::from_secs(2);

/// Messages both ways, typing, read marks, names, coming and going of members.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_on_one_is_heard_on_all() {
    let cluster = Cluster::start(3, &[]).await;
    let [ann, bob, cyd] = cluster.nodes[0].people(["ann", "bob", "cyd"]).await;
    let (bob, cyd) = (cluster.at(&bob, 1), cluster.at(&cyd, 2));
    let mut at_ann = Live::of(&ann).await;
    let mut at_bob = Live::of(&bob).await;
    let mut plain = Socket::open(cluster.nodes[2].address, &bob.access).await;
    let room = ann.conversation_with(&[&bob]).await;
    for live in [&mut at_ann, &mut at_bob] {
        assert_eq!(live.until("conversation").await["conversation"]["id"], room.as_str());
    }
    for number in 0..20 {
        let (there, text) = (if number % 2 == 0 { &ann } else { &bob }, format!("message {number}"));
        there.say(&room, &text).await;
        for live in [&mut at_ann, &mut at_bob] {
            assert_eq!(live.until("message").await["message"]["content"], text);
        }
        assert_eq!(plain.next_message().await["content"], text);
    }
    at_bob.send(json!({ "type": "typing", "conversation_id": room, "is_typing": true })).await;
    assert_eq!(at_ann.until("typing").await["user_id"], bob.id.as_str());
    at_ann.send(json!({ "type": "read", "conversation_id": room, "seq": 20 })).await;
    assert_eq!(at_bob.until("read").await["seq"], 20);
    ann.rename(&room, "a new name").await;
    assert_eq!(at_bob.until("conversation").await["conversation"]["title"], "a new name");

    let mut at_cyd = Live::of(&cyd).await;
    let group = ann.conversation_with(&[&bob, &cyd]).await;
    assert_eq!(at_cyd.until("conversation").await["conversation"]["id"], group.as_str());
    let since = Instant::now();
    ann.remove(&group, &cyd).await;
    assert_eq!(at_cyd.until("conversation_removed").await["conversation_id"], group.as_str());
    assert!(since.elapsed() < BOUND, "{:?}", since.elapsed());
    assert_eq!(cyd.get(&format!("/conversations/{group}/messages")).await.0, StatusCode::FORBIDDEN);
    bob.say(&group, "without cyd").await;
    assert_eq!(at_cyd.heard().await, [] as [Value; 0]);
    ann.add(&group, &cyd).await;
    assert_eq!(at_cyd.until("conversation").await["conversation"]["id"], group.as_str());
    for live in [at_ann, at_bob, at_cyd] {
        live.close().await;
    }
    plain.close().await;
    cluster.finish().await;
}

/// Thousands of messages from all sides: every device hears all of them, in one order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_order_for_all() {
    const EACH: usize = 200;
    let cluster = Cluster::start(3, &[]).await;
    let people = cluster.nodes[0].people(["ann", "bob", "cyd"]).await;
    let room = people[0].conversation_with(&[&people[1], &people[2]]).await;
    let mut sockets = Vec::new();
    for (node, person) in people.iter().enumerate() {
        sockets.push(Socket::open(cluster.nodes[node].address, &person.access).await);
    }
    let writers = people.iter().enumerate().map(|(node, person)| {
        let (person, room) = (cluster.at(person, node), room.clone());
        tokio::spawn(async move {
            for number in 0..EACH {
                person.say(&room, &number.to_string()).await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut heard: Vec<Vec<(i64, String)>> = Vec::new();
    for socket in &mut sockets {
        let mut all = Vec::new();
        while all.len() < 3 * EACH {
            let message = socket.next_message().await;
            all.push((message["seq"].as_i64().unwrap(), message["id"].as_str().unwrap().to_owned()));
        }
        heard.push(all);
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(heard[0].iter().map(|(seq, _)| *seq).eq(1..=3 * EACH as i64), "each once, in order");
    assert!(heard.iter().all(|all| *all == heard[0]));
    for socket in sockets {
        socket.close().await;
    }
    cluster.finish().await;
}

/// A login that is ended, and a password that is changed, end sockets on every node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_ends_everywhere() {
    let cluster = Cluster::start(2, &[]).await;
    let ann = cluster.nodes[0].person("ann").await;
    let (phone, tablet) = (cluster.at(&ann.log_in().await, 1), cluster.at(&ann.log_in().await, 1));
    let (mut at_phone, mut at_tablet) = (phone.socket().await, tablet.socket().await);
    let sessions = phone.get("/auth/sessions").await.1;
    let current = sessions["sessions"].as_array().unwrap().iter().find(|session| session["current"] == true).unwrap().clone();
    let since = Instant::now();
    let path = format!("/auth/sessions/{}", current["id"].as_str().unwrap());
    assert_eq!(ann.delete(&path).await.0, StatusCode::NO_CONTENT);
    assert_eq!(at_phone.closed().await, 4401);
    eventually("its token is refused", async || phone.get("/auth/me").await.0 == StatusCode::UNAUTHORIZED).await;
    assert!(since.elapsed() < BOUND * 2, "{:?}", since.elapsed());
    assert_eq!(tablet.get("/auth/me").await.0, StatusCode::OK, "the other login is untouched");
    let change = json!({ "current_password": PASSWORD, "new_password": "another horse" });
    assert!(ann.post("/auth/password", change).await.0.is_success());
    assert_eq!(at_tablet.closed().await, 4401);
    drop((at_phone, at_tablet));
    cluster.finish().await;
}

/// A ticket opens one socket, on whichever node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_is_good_once() {
    let cluster = Cluster::start(2, &[]).await;
    let ann = cluster.nodes[0].person("ann").await;
    let ticket = ann.post("/auth/ws-ticket", json!({})).await.1["ticket"].as_str().unwrap().to_owned();
    let path = format!("/ws?ticket={ticket}");
    let mut first = Socket::open_with(cluster.nodes[0].address, &path, &[V2]).await.unwrap();
    assert_eq!(first.next().await["type"], "ready");
    let mut second = Socket::open_with(cluster.nodes[1].address, &path, &[V2]).await.unwrap();
    assert_eq!(second.closed().await, 1008);
    first.close().await;
    cluster.finish().await;
}
