//! Who is there, as v2 tells it: to people who share a conversation, gathered, and with patience for reloads.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    guest::{Guest, Shape},
    live::Live,
    person::{Person, read},
    socket::{RawSocket, Socket},
};

/// What a frame says of somebody.
fn of<'a>(frame: &'a Value, who: &Person) -> Option<&'a Value> {
    assert!(frame["users"].is_array(), "{frame}");
    frame["users"].as_array()?.iter().find(|user| user["user_id"] == who.id.as_str())
}

/// The next that a device is told of somebody.
async fn told(device: &mut Live, who: &Person) -> Value {
    loop {
        let frame = device.hear("presence").await;
        if let Some(user) = of(&frame, who) {
            return user.clone();
        }
    }
}

fn online(frame: &Value) -> HashSet<&str> {
    let users = frame["users"].as_array().unwrap().iter();
    users.filter(|user| user["online"] == true).map(|user| user["user_id"].as_str().unwrap()).collect()
}

both! {
    async fn people_of_ones_conversations_come_and_go(world, ["PRESENCE_GRACE" = 1]) {
        let [ann, bob, cyd, eve] = world.people(["ann", "bob", "cyd", "eve"]).await;
        let direct = ann.conversation_with(&[&bob]).await;
        let group = ann.conversation_with(&[&bob, &cyd]).await;
        eve.conversation_with(&[]).await;
        let (mut at_ann, mut at_eve, mut plain) = (Live::of(&ann).await, Live::of(&eve).await, cyd.socket().await);
        assert_eq!(told(&mut at_ann, &cyd).await["online"], true);
        let at_bob = bob.socket().await;
        let came = told(&mut at_ann, &bob).await;
        assert_eq!(came["online"], true, "whichever way he is there");
        let leaving = (Instant::now(), Utc::now());
        at_bob.close().await;
        let left = told(&mut at_ann, &bob).await;
        assert_eq!(left["online"], false);
        assert!(leaving.0.elapsed() >= Duration::from_secs(1), "not before the grace is over");
        let seen: DateTime<Utc> = left["last_seen"].as_str().unwrap().parse().unwrap();
        assert!((leaving.1 - Duration::from_secs(1)..=Utc::now()).contains(&seen), "{left}");
        assert!(left["last_seen"].as_str().unwrap().ends_with('Z'));

        assert_eq!(at_eve.settle().await, [] as [Value; 0], "strangers are told nothing");
        assert_eq!(plain.settle(&group).await, [] as [Value; 0], "nor is v1");
        let now_and_then = at_ann.ask(json!({ "type": "presence", "user_ids": [bob.id] })).await;
        assert_eq!(of(&now_and_then, &bob), Some(&left), "asked later, it is the same");
        assert_eq!(ann.history(&direct).await, [] as [Value; 0], "none of it is stored as a message");
        at_ann.close().await;
        at_eve.close().await;
        plain.close().await;
    }
}

both! {
    /// A page that is loaded again, a train in a tunnel, one device of several: that isn't going.
    async fn a_reload_is_no_absence(world, ["PRESENCE_GRACE" = 2]) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        ann.conversation_with(&[&bob]).await;
        let mut at_ann = Live::of(&ann).await;
        for _ in 0..10 {
            bob.socket().await.close().await;
        }
        let (laptop, phone) = (bob.socket().await, bob.socket().await);
        laptop.close().await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let frames = at_ann.settle().await;
        let states: Vec<&Value> = frames.iter().filter_map(|frame| of(frame, &bob)).map(|user| &user["online"]).collect();
        assert_eq!(states, [&json!(true)], "he came, once");
        let leaving = Instant::now();
        phone.close().await;
        assert_eq!(told(&mut at_ann, &bob).await["online"], false);
        assert!(leaving.elapsed() >= Duration::from_secs(2), "{:?}", leaving.elapsed());
        at_ann.close().await;
    }
}

both! {
    async fn who_vanishes_without_a_word_has_gone_too(world, ["PRESENCE_GRACE" = 1, "HEARTBEAT_TIMEOUT" = 2]) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        ann.conversation_with(&[&bob]).await;
        let mut at_ann = Live::of(&ann).await;
        let silent = RawSocket::open(world.address, &bob.access).await;
        assert_eq!(told(&mut at_ann, &bob).await["online"], true);
        assert_eq!(told(&mut at_ann, &bob).await["online"], false);
        drop(silent);
        at_ann.close().await;
    }
}

both! {
    async fn one_may_ask(world, ["PRESENCE_GRACE" = 1]) {
        let [ann, bob, cyd, eve] = world.people(["ann", "bob", "cyd", "eve"]).await;
        ann.conversation_with(&[&bob, &cyd]).await;
        let (mut at_ann, at_bob, mut at_eve) = (Live::of(&ann).await, bob.socket().await, Live::of(&eve).await);
        told(&mut at_ann, &bob).await;
        let all = at_ann.ask(json!({ "type": "presence" })).await;
        assert_eq!(all["type"], "presence");
        assert!(of(&all, &cyd).is_none(), "only those who are there: {all}");
        assert!(online(&all).contains(bob.id.as_str()) && !online(&all).contains(eve.id.as_str()), "{all}");

        let these = at_ann.ask(json!({ "type": "presence", "user_ids": [cyd.id, bob.id] })).await;
        assert_eq!(these["users"].as_array().unwrap().len(), 2, "{these}");
        assert_eq!(of(&these, &bob).unwrap()["online"], true);
        let absent = of(&these, &cyd).unwrap();
        assert_eq!((&absent["online"], &absent["last_seen"]), (&json!(false), &Value::Null), "never seen");
        let none = at_ann.ask(json!({ "type": "presence", "user_ids": [] })).await;
        assert_eq!(none["users"], json!([]));

        let nosy = at_eve.ask(json!({ "type": "presence", "user_ids": [ann.id, bob.id, Uuid::new_v4()] })).await;
        let is_silent = |user: &Value| user["online"] == false && user["last_seen"].is_null();
        assert!(nosy["users"].as_array().unwrap().iter().all(is_silent), "a stranger learns nothing: {nosy}");
        let many: Vec<Uuid> = (0..501).map(|_| Uuid::new_v4()).collect();
        assert_eq!(at_ann.ask(json!({ "type": "presence", "user_ids": many[1..] })).await["type"], "presence");
        for ids in [json!(many), json!(["x"]), json!(7)] {
            at_ann.is_refused(json!({ "type": "presence", "user_ids": ids }), "invalid").await;
        }
        at_bob.close().await;
        at_ann.close().await;
        at_eve.close().await;
    }
}

both! {
    /// Many at once are few frames.
    async fn what_happens_at_once_is_told_at_once(world, ["PRESENCE_GRACE" = 1]) {
        const MANY: usize = 20;
        let ann = world.person("ann").await;
        let mut people = Vec::new();
        for i in 0..MANY {
            people.push(world.person(&format!("p{i}")).await);
        }
        ann.conversation_with(&people.iter().collect::<Vec<_>>()).await;
        let mut at_ann = Live::of(&ann).await;
        let mut sockets = join_all(people.iter().map(Person::socket)).await;
        for is_online in [true, false] {
            let (mut frames, mut known) = (0, HashSet::new());
            while known.len() < MANY {
                let frame = at_ann.hear("presence").await;
                frames += 1;
                for user in frame["users"].as_array().unwrap().iter().filter(|user| user["online"] == is_online) {
                    known.insert(user["user_id"].as_str().unwrap().to_owned());
                }
            }
            assert!(frames <= MANY / 2, "{frames} frames");
            join_all(sockets.drain(..).map(Socket::close)).await;
        }
        at_ann.close().await;
    }
}

/// Id and name of those whom the list has for somebody.
async fn listed(who: &Person, query: &str) -> HashSet<(String, String)> {
    let (status, body) = who.get(&format!("/presence/online{query}")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let users = body["users"].as_array().unwrap();
    assert_eq!(body["count"], users.len());
    for user in users {
        assert!(user["id"].is_string() && user["last_seen"].is_string() && user["status"] == "online", "{user}");
    }
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    users.iter().map(|user| (text(&user["user_id"]), text(&user["display_name"]))).collect()
}

both! {
    async fn the_list_by_rest(world, ["PRESENCE_GRACE" = 1, "ALLOW_GUESTS" = "true"]) {
        let [ann, bob, cyd, eve] = world.people(["ann", "bob", "cyd", "eve"]).await;
        ann.conversation_with(&[&bob, &cyd]).await;
        let sockets = [ann.socket().await, bob.socket().await, eve.socket().await];
        let gil = Guest::arrive(world, Shape::Flat, "gil").await;
        let named = |id: &str, name: &str| (id.to_owned(), name.to_owned());
        let (bob_there, gil_there) = (named(&bob.id, "bob"), named(&gil.id, "gil"));
        assert_eq!(listed(&ann, "").await, HashSet::from([bob_there, gil_there.clone()]), "neither the absent nor strangers");
        assert_eq!(listed(&eve, "").await, HashSet::from([gil_there.clone()]));
        assert_eq!(listed(&ann, &format!("?exclude_user_id={}", bob.id)).await, HashSet::from([gil_there]));
        let (status, _) = read(world.http.get(world.url("/presence/online")).bearer_auth("x")).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "a bad token is no stranger's");
        for socket in sockets {
            socket.close().await;
        }
        gil.close().await;
    }
}
