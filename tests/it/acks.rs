//! Posting over v2: whoever sent it is told by one `ack`, in its place among all else; everybody else by a `message`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::live::Live;

fn post(conversation: &str, name: &str) -> Value {
    json!({ "type": "message", "ref": name, "message_id": name, "conversation_id": conversation, "content": "x" })
}

async fn close(devices: impl IntoIterator<Item = Live>) {
    for device in devices {
        device.close().await;
    }
}

/// Conversation and `rev` of a frame that has them.
fn change(frame: &Value) -> Option<(String, i64)> {
    let (of, id) = match frame["type"].as_str()? {
        "message" => (&frame["message"], "conversation_id"),
        "conversation" => (&frame["conversation"], "id"),
        "ack" => (frame, "conversation_id"),
        _ => return None,
    };
    Some((of[id].as_str()?.to_owned(), of["rev"].as_i64()?))
}

both! {
    async fn the_sender_is_acknowledged_and_the_others_are_told(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let [mut laptop, mut phone, mut at_bob] = [Live::of(&ann).await, Live::of(&ann).await, Live::of(&bob).await];
        let ack = laptop.ask(post(&conversation, "one")).await;
        let told = phone.hear("message").await;
        assert_eq!(at_bob.hear("message").await, told);
        let message = &told["message"];
        assert_eq!((&message["sender_id"], &message["content"]), (&json!(ann.id), &json!("x")));
        for field in ["id", "message_id", "conversation_id", "seq", "rev", "created_at"] {
            assert_eq!(ack[field], message[field], "{field} of {ack}");
        }
        assert_eq!((&ack["type"], &ack["duplicate"], ack.as_object().unwrap().len()), (&json!("ack"), &json!(false), 9), "{ack}");
        assert_eq!(ann.history(&conversation).await, std::slice::from_ref(message));
        for device in [&mut laptop, &mut phone, &mut at_bob] {
            assert_eq!(device.heard().await, [] as [Value; 0]);
        }
        close([laptop, phone, at_bob]).await;
    }
}

both! {
    /// Whichever device repeats it, whatever it says by now.
    async fn a_repeat_is_acknowledged_to_its_device_alone(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let [mut laptop, mut phone, mut at_bob] = [Live::of(&ann).await, Live::of(&ann).await, Live::of(&bob).await];
        let mut first = laptop.ask(post(&conversation, "one")).await;
        for device in [&mut phone, &mut at_bob] {
            device.hear("message").await;
        }
        first["duplicate"] = json!(true);
        for device in [&mut laptop, &mut phone] {
            let mut repeat = post(&conversation, "one");
            repeat["content"] = json!("another text");
            let mut again = device.ask(repeat).await;
            again["ref"] = first["ref"].clone();
            assert_eq!(again, first);
        }
        let own = at_bob.ask(post(&conversation, "one")).await;
        assert_eq!((&own["duplicate"], &own["seq"]), (&json!(false), &json!(2)), "a name is its sender's own");
        for device in [&mut laptop, &mut phone] {
            assert_eq!(device.hear("message").await["message"]["seq"], 2);
        }
        for device in [&mut laptop, &mut phone, &mut at_bob] {
            assert_eq!(device.heard().await, [] as [Value; 0]);
        }
        close([laptop, phone, at_bob]).await;
    }
}

both! {
    /// And it takes no number, nor its neighbours with it.
    async fn what_is_refused_says_which_it_was(world) {
        let [ann, bob, eve] = world.people(["ann", "bob", "eve"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let (foreign, nowhere) = (bob.conversation_with(&[&eve]).await, Uuid::new_v4().to_string());
        let mut device = Live::of(&ann).await;
        let cases = [
            (post(&conversation, "good 1"), ""),
            (post(&foreign, "foreign"), "not_a_member"),
            (post(&nowhere, "nowhere"), "unknown_conversation"),
            (json!({ "content": "" }), "invalid"),
            (post(&conversation, "good 2"), ""),
            (json!({ "content": "é".repeat(10_001) }), "invalid"),
            (post(&conversation, "good 3"), ""),
        ];
        let mut sent = BTreeMap::new();
        for (number, (mut frame, code)) in cases.into_iter().enumerate() {
            if frame["type"].is_null() {
                let content = frame["content"].take();
                frame = post(&conversation, &format!("bad {number}"));
                frame["content"] = content;
            }
            device.send(frame.clone()).await;
            sent.insert(frame["ref"].as_str().unwrap().to_owned(), (frame["conversation_id"].take(), code));
        }
        let mut revs = Vec::new();
        while !sent.is_empty() {
            let answer = device.next().await;
            let Some((of, code)) = answer["ref"].as_str().and_then(|name| sent.remove(name)) else { continue };
            assert_eq!((&answer["message_id"], &answer["conversation_id"]), (&answer["ref"], &of), "{answer}");
            if code.is_empty() {
                revs.push(answer["rev"].as_i64());
            } else {
                assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!(code)), "{answer}");
            }
        }
        assert_eq!(revs, [Some(2), Some(3), Some(4)]);
        device.close().await;
    }
}

/// Posts of one device to each of two conversations.
const POSTS: usize = 40;

both! {
    /// Acks of a device's own and messages of all others are one ascending sequence without a hole, for each conversation.
    async fn all_devices_are_told_in_one_order(world) {
        let people = world.people(["ann", "bob", "cyd"]).await;
        let [ann, bob, cyd] = &people;
        let rooms = [ann.conversation_with(&[bob, cyd]).await, bob.conversation_with(&[ann, cyd]).await];
        let mut devices = join_all(people.iter().flat_map(|person| [person, person]).map(Live::of)).await;
        let all = devices.len() * POSTS + POSTS;
        let talks = devices.iter_mut().enumerate().map(async |(number, device)| {
            let name = |room: usize, i: usize| format!("{number} {room} {i:02}");
            for i in 0..POSTS {
                for (room, id) in rooms.iter().enumerate() {
                    device.send(post(id, &name(room, i))).await;
                }
            }
            let (mut revs, mut own) = (HashMap::<String, Vec<i64>>::new(), HashMap::<String, Vec<String>>::new());
            while revs.len() < rooms.len() || revs.values().any(|revs| revs.len() < all) {
                let frame = device.next().await;
                let Some((room, rev)) = change(&frame) else { continue };
                revs.entry(room.clone()).or_default().push(rev);
                if frame["type"] == "ack" {
                    assert_eq!((&frame["ref"], &frame["duplicate"]), (&frame["message_id"], &json!(false)), "{frame}");
                    own.entry(room).or_default().push(frame["message_id"].as_str().unwrap().to_owned());
                }
            }
            for (room, id) in rooms.iter().enumerate() {
                assert_eq!(revs[id], (2..all as i64 + 2).collect::<Vec<_>>(), "device {number}, room {room}");
                assert_eq!(own[id], (0..POSTS).map(|i| name(room, i)).collect::<Vec<_>>(), "one's own keep their order");
            }
        });
        let by_rest = async {
            for i in 0..POSTS {
                for room in &rooms {
                    cyd.say(room, &i.to_string()).await;
                }
            }
        };
        tokio::join!(join_all(talks), by_rest);
        for device in &mut devices {
            assert_eq!(device.heard().await, [] as [Value; 0]);
        }
        close(devices).await;
    }
}

/// What a device has been told.
#[derive(Default)]
struct Told {
    frames: Vec<Value>,
    /// By conversation.
    revs: BTreeMap<String, BTreeSet<i64>>,
}

impl Told {
    /// Listens until all changes of so many conversations have been told.
    async fn all(&mut self, device: &mut Live, conversations: usize, changes: i64) {
        while self.revs.len() < conversations || self.revs.values().any(|revs| !revs.iter().copied().eq(1..=changes)) {
            let frame = device.next().await;
            if let Some((room, rev)) = change(&frame) {
                self.revs.entry(room).or_default().insert(rev);
            }
            self.frames.push(frame);
        }
    }

    /// Nothing more comes; each post has been acknowledged once.
    async fn acknowledged(mut self, mut device: Live, posts: impl IntoIterator<Item = String>) {
        self.frames.extend(device.settle().await);
        let mut acks = BTreeMap::<&str, usize>::new();
        for ack in self.frames.iter().filter(|frame| frame["type"] == "ack") {
            assert_eq!((&ack["ref"], &ack["duplicate"]), (&ack["message_id"], &json!(false)), "{ack}");
            *acks.entry(ack["message_id"].as_str().unwrap()).or_default() += 1;
        }
        let posts: BTreeSet<String> = posts.into_iter().collect();
        assert!(acks.iter().map(|(name, times)| (*name, *times)).eq(posts.iter().map(|name| (name.as_str(), 1))), "{acks:?}");
        device.close().await;
    }
}

/// Conversations that are made while somebody is about to post to them.
const ROUNDS: usize = 50;

both! {
    /// Nothing gives the devices time to join what was only just made: they are told of it and of all that follows, and whoever
    /// posts is acknowledged once.
    async fn whoever_posts_at_once_is_acknowledged_once(world) {
        let [ann, bob, cyd] = world.people(["ann", "bob", "cyd"]).await;
        let mut devices = join_all([&ann, &ann, &bob].map(Live::of)).await;
        let name = |round: usize, number: usize, i: usize| format!("{round} {number} {i}");
        for round in 0..ROUNDS {
            let conversation = ann.conversation_with(&[&bob, &cyd]).await;
            for (number, device) in devices.iter_mut().enumerate() {
                for i in 0..2 {
                    device.send(post(&conversation, &name(round, number, i))).await;
                }
            }
        }
        join_all(devices.into_iter().enumerate().map(async |(number, mut device)| {
            let mut told = Told::default();
            told.all(&mut device, ROUNDS, 7).await;
            let posts = (0..ROUNDS * 2).map(|i| name(i / 2, number, i % 2));
            told.acknowledged(device, posts).await;
        })).await;
    }
}

both! {
    /// The same for a device that comes while it is made.
    async fn whoever_comes_meanwhile_is_acknowledged_once(world) {
        let [ann, bob, cyd] = world.people(["ann", "bob", "cyd"]).await;
        for round in 0..ROUNDS {
            let making = async { ann.conversation_with(&[&bob, &cyd]).await };
            let (conversation, mut device) = tokio::join!(making, Live::of(&bob));
            let posts = [0, 1, 2].map(|i| format!("{round} {i}"));
            for name in &posts {
                device.send(post(&conversation, name)).await;
            }
            let mut waiting = posts.clone().to_vec();
            let mut told = Told::default();
            while !waiting.is_empty() {
                let frame = device.next().await;
                waiting.retain(|name| frame["ref"] != name.as_str());
                told.frames.push(frame);
            }
            told.acknowledged(device, posts).await;
        }
    }
}
