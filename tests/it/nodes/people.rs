//! Who is here, on whichever node.

use std::{collections::HashSet, time::Duration};

use serde_json::{Value, json};

use crate::support::{
    client::device::{Cut, Device},
    cluster::Cluster,
    database::{Database, Kind},
    eventually,
    guest::{Guest, Shape},
    live::Live,
    person::Person,
    process::{Process, node_settings},
    redis::Redis,
};

/// Whether a device is told that somebody is online.
async fn is_online(at: &mut Live, who: &Person) -> bool {
    let answer = at.ask(json!({ "type": "presence", "user_ids": [who.id] })).await;
    answer["users"].as_array().unwrap().iter().any(|user| user["user_id"] == who.id.as_str() && user["online"] == true)
}

/// The next that a device is told of somebody, unasked.
async fn told(at: &mut Live, who: &Person) -> Value {
    loop {
        let frame = at.until("presence").await;
        if let Some(user) = frame["users"].as_array().unwrap().iter().find(|user| user["user_id"] == who.id.as_str()) {
            return user.clone();
        }
    }
}

/// Devices of one person on two nodes are one presence; a third node's people are told of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_is_one_presence() {
    let cluster = Cluster::start(3, &[("PRESENCE_GRACE", "1".to_owned())]).await;
    let [ann, bob] = cluster.nodes[0].people(["ann", "bob"]).await;
    ann.conversation_with(&[&bob]).await;
    let mut at_ann = Live::of(&ann).await;
    assert!(!is_online(&mut at_ann, &bob).await);
    let laptop = Live::of(&cluster.at(&bob, 1)).await;
    assert_eq!(told(&mut at_ann, &bob).await["online"], true);
    let phone = Live::of(&cluster.at(&bob, 2)).await;
    eventually("all nodes know of both", async || {
        cluster.nodes.iter().all(|node| node.services.online.contains(bob.id.parse().unwrap()))
    })
    .await;
    laptop.close().await;
    // Longer than the grace.
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    let since = at_ann.settle().await;
    let of_bob = |frame: &&Value| frame["type"] == "presence" && frame.to_string().contains(&bob.id);
    assert_eq!(since.iter().filter(of_bob).count(), 0, "he is still there: {since:?}");
    let online = ann.get("/presence/online").await.1;
    assert!(online["users"].as_array().unwrap().iter().any(|user| user["user_id"] == bob.id.as_str()), "{online}");
    phone.close().await;
    let gone = told(&mut at_ann, &bob).await;
    assert!(gone["online"] == false && gone["last_seen"].is_string(), "{gone}");
    at_ann.close().await;
    cluster.finish().await;
}

/// A node that comes later knows who is on the others; one that was cut off learns what it has missed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_late_knows_as_well() {
    let mut cluster = Cluster::start(2, &[("PRESENCE_GRACE", "0".to_owned())]).await;
    let [ann, bob, cyd] = cluster.nodes[0].people(["ann", "bob", "cyd"]).await;
    ann.conversation_with(&[&bob, &cyd]).await;
    let at_bob = Live::of(&bob).await;
    cluster.add(&[]).await;
    let mut at_ann = Live::of(&cluster.at(&ann, 2)).await;
    eventually("the new node knows of bob", async || is_online(&mut at_ann, &bob).await).await;
    cluster.ways[2].cut();
    cluster.is_down(2).await;
    at_bob.close().await;
    let at_cyd = Live::of(&cluster.at(&cyd, 1)).await;
    cluster.ways[2].mend();
    eventually("bob has gone, and cyd has come", async || {
        !is_online(&mut at_ann, &bob).await && is_online(&mut at_ann, &cyd).await
    })
    .await;
    at_ann.close().await;
    at_cyd.close().await;
    cluster.finish().await;
}

/// Posts until the node is gone; what was acknowledged.
async fn write(person: Person, room: String) -> Vec<String> {
    let mut acknowledged = Vec::new();
    loop {
        let id = uuid::Uuid::new_v4().to_string();
        let body = json!({ "message_id": id, "conversation_id": room, "content": "x" });
        match person.request(reqwest::Method::POST, "/messages").json(&body).send().await {
            Ok(answer) if answer.status() == reqwest::StatusCode::CREATED => acknowledged.push(id),
            _ => return acknowledged,
        }
    }
}

/// A node that is killed under load takes its people with it, within its time to live; its clients resume on another, and what was
/// acknowledged is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_node_is_survived() {
    let (database, redis) = (Database::fresh(Kind::Postgres).await, Redis::start().await);
    let settings = node_settings(&database, &redis);
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [mut doomed, stays] = folders.each_ref().map(|folder| Process::start(folder.path(), &settings));
    let http = crate::support::http_client();
    let ann = Person::sign_up(&http, stays.address, "ann").await;
    let bob = Person::sign_up(&http, stays.address, "bob").await;
    let room = ann.conversation_with(&[&bob]).await;
    let there = Person { address: doomed.address, ..bob.clone() };
    let mut at_ann = Live::of(&ann).await;
    let at_bob = Live::of(&there).await;
    eventually("bob is online", async || is_online(&mut at_ann, &bob).await).await;
    let mut device = Device::new("bob's", bob.clone());
    device.sites = vec![doomed.address, stays.address];
    device.connect().await.unwrap();
    device.listen(Duration::from_millis(300)).await.unwrap();
    let writers: Vec<_> = (0..4).map(|_| tokio::spawn(write(there.clone(), room.clone()))).collect();
    device.listen(Duration::from_millis(700)).await.unwrap();
    doomed.child.kill().unwrap();
    doomed.wait();
    drop(at_bob);
    let mut acknowledged = HashSet::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    let stored: Vec<String> =
        ann.history(&room).await.iter().map(|message| message["message_id"].as_str().unwrap().to_owned()).collect();
    let unique: HashSet<String> = stored.iter().cloned().collect();
    assert!(unique.len() == stored.len() && acknowledged.is_subset(&unique) && !acknowledged.is_empty(), "0 lost, 0 doubled");
    eventually("its clients resume on the other", async || {
        device.listen(Duration::from_millis(100)).await.unwrap();
        device.state.messages(&room).is_some_and(|heard| heard.len() == stored.len())
    })
    .await;
    device.hang_up(Cut::Bye).await.unwrap();
    eventually("bob's node is taken to be dead", async || !is_online(&mut at_ann, &bob).await).await;
    let mut again = Live::of(&bob).await;
    eventually("bob is back", async || is_online(&mut at_ann, &bob).await).await;
    ann.say(&room, "welcome back").await;
    again.until("message").await;
    at_ann.close().await;
    again.close().await;
    drop((stays, redis));
    database.drop().await;
}

/// A live guest's id belongs to their session on every node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guests_id_is_guarded_everywhere() {
    let cluster = Cluster::start(2, &[("ALLOW_GUESTS", "true".to_owned()), ("PRESENCE_GRACE", "1".to_owned())]).await;
    let hello = |session: &str, id: &str| json!({ "display_name": "gil", "user_id": id, "session_id": session });
    let id = uuid::Uuid::new_v4().to_string();
    let first = Guest::arrive_as(&cluster.nodes[0], Shape::Flat, hello("mine", &id)).await;
    eventually("the other node knows", async || {
        cluster.nodes[1].services.online.is_taken_elsewhere(first.id.parse().unwrap(), None)
    })
    .await;
    let mut stranger = Guest::connect(cluster.nodes[1].address, Shape::Flat).await;
    stranger.send("HELLO", hello("not mine", &first.id)).await;
    assert_eq!(stranger.next().await["type"], "ERROR");
    stranger.socket.closed().await;
    let second = Guest::arrive_as(&cluster.nodes[1], Shape::Flat, hello("mine", &id)).await;
    assert_eq!(second.id, first.id, "a second tab, or a reload");
    first.socket.close().await;
    second.socket.close().await;
    cluster.finish().await;
}
