//! What members' devices hear when a conversation is made and changed, and when somebody comes or goes while all talk.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicBool, Ordering},
};

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{eventually, live::Live, person::Person, socket::Socket};

async fn close(devices: impl IntoIterator<Item = Live>) {
    for device in devices {
        device.close().await;
    }
}

fn rev(frame: &Value) -> i64 {
    let revs = [&frame["rev"], &frame["message"]["rev"], &frame["conversation"]["rev"]];
    revs.into_iter().find_map(Value::as_i64).unwrap_or_else(|| panic!("no rev: {frame}"))
}

both! {
    async fn all_members_devices_are_told_of_a_conversation(world, ["PRESENCE_GRACE" = 1]) {
        let [ann, bob, cyd, eve] = world.people(["ann", "bob", "cyd", "eve"]).await;
        let mut devices = join_all([&ann, &ann, &bob, &bob].map(Live::of)).await;
        let (mut at_cyd, mut at_eve) = (Live::of(&cyd).await, Live::of(&eve).await);
        let hear = async |devices: &mut [Live], state: &Value| {
            for device in devices {
                let frame = device.hear("conversation").await;
                let told = frame["conversation"].as_object().unwrap();
                assert!(frame.get("resumed").is_none(), "{frame}");
                for field in ["id", "title", "direct", "members", "owners", "reads", "last_seq", "rev", "created_at", "last_message_at"] {
                    assert_eq!(told[field], state[field], "{field} of {frame}");
                }
                assert_eq!(told.len(), 10, "{frame}");
            }
        };
        let (status, made) = ann.post("/conversations", json!({ "title": "lunch", "member_ids": [bob.id, eve.id] })).await;
        assert_eq!((status, &made["rev"]), (StatusCode::CREATED, &json!(1)));
        hear(&mut devices, &made).await;
        hear(std::slice::from_mut(&mut at_eve), &made).await;
        let group = made["id"].as_str().unwrap();
        bob.say(group, "hello").await;
        for device in devices.iter_mut().chain([&mut at_eve]) {
            assert_eq!(device.hear("message").await["message"]["rev"], 2);
        }
        let state = ann.rename(group, "dinner").await;
        assert_eq!((&state["rev"], &state["reads"]), (&json!(3), &json!({ &bob.id: 1 })));
        hear(&mut devices, &state).await;
        hear(std::slice::from_mut(&mut at_eve), &state).await;
        let state = ann.add(group, &cyd).await;
        assert_eq!(state["rev"], 4);
        hear(&mut devices, &state).await;
        hear(std::slice::from_mut(&mut at_eve), &state).await;
        hear(std::slice::from_mut(&mut at_cyd), &state).await;
        ann.remove(group, &eve).await;
        let removed = json!({ "type": "conversation_removed", "conversation_id": group, "rev": 5 });
        assert_eq!(at_eve.hear("conversation_removed").await, removed);
        let state = ann.view(group).await;
        hear(&mut devices, &state).await;
        hear(std::slice::from_mut(&mut at_cyd), &state).await;

        let (status, direct) = ann.post("/conversations", json!({ "member_ids": [bob.id] })).await;
        assert_eq!(status, StatusCode::CREATED);
        hear(&mut devices, &direct).await;
        assert_eq!(bob.post("/conversations", json!({ "member_ids": [ann.id] })).await.0, StatusCode::OK);
        for device in devices.iter_mut().chain([&mut at_cyd, &mut at_eve]) {
            assert_eq!(device.heard().await, [] as [Value; 0], "what is found wasn't made, and the rest is nobody else's");
        }
        close(devices.into_iter().chain([at_cyd, at_eve])).await;
    }
}

both! {
    /// A newcomer's devices are told of the conversation as it is by that, then of everything, although all talk meanwhile.
    async fn a_newcomer_hears_it_from_the_first_change_on(world) {
        let [ann, bob, cyd] = world.people(["ann", "bob", "cyd"]).await;
        let conversation = ann.conversation_with(&[&bob, &ann, &world.person("dan").await]).await;
        let mut devices = join_all([&cyd, &cyd].map(Live::of)).await;
        let talk = async {
            for i in 0..150 {
                bob.say(&conversation, &i.to_string()).await;
            }
        };
        let (state, ()) = tokio::join!(async {
            eventually("they are talking", async || bob.history(&conversation).await.len() > 20).await;
            ann.add(&conversation, &cyd).await
        }, talk);
        let head = ann.view(&conversation).await["rev"].as_i64().unwrap();
        for device in &mut devices {
            let told = device.hear("conversation").await;
            let joined = told["conversation"]["rev"].as_i64().unwrap();
            assert!(joined <= state["rev"].as_i64().unwrap() && told["conversation"]["members"].as_array().unwrap().contains(&json!(cyd.id)));
            for rev in joined + 1..=head {
                assert_eq!(device.hear("message").await["message"]["rev"], rev);
            }
            assert_eq!(device.heard().await, [] as [Value; 0]);
        }
        close(devices).await;
    }
}

/// Times that somebody is removed and added again.
const TIMES: usize = 20;

/// Removes somebody and adds them again, as fast as it goes.
async fn toggle(owner: &Person, conversation: &str, who: &Person) {
    for _ in 0..TIMES {
        owner.remove(conversation, who).await;
        owner.add(conversation, who).await;
    }
}

/// What a device was told of a conversation, in order: by which `rev`, and what kind of frame.
type Story = Vec<(i64, String)>;

/// Listens until a message says that it is the end.
async fn listen(device: &mut Live) -> (Story, Vec<Value>) {
    let (mut story, mut states) = (Story::new(), Vec::new());
    loop {
        let mut frame = device.next().await;
        let kind = frame["type"].as_str().unwrap().to_owned();
        match kind.as_str() {
            "message" | "conversation_removed" => story.push((rev(&frame), kind)),
            "conversation" => {
                story.push((rev(&frame), kind));
                states.push(frame["conversation"].take());
            }
            _ => {}
        }
        if frame["message"]["content"] == "the end" {
            return (story, states);
        }
    }
}

/// What somebody has to be told who comes and goes, of a conversation of which this is the whole story, with its states: a
/// part for each time that they are a member, up to their removal.
fn told_to(who: &Person, whole: &Story, states: &[Value]) -> Vec<Story> {
    let is_member = |state: &Value| state["members"].as_array().unwrap().contains(&json!(who.id));
    let mut states = states.iter();
    let (mut member, mut parts) = (true, vec![Story::new()]);
    for (rev, kind) in whole {
        let was_member = member;
        if kind == "conversation" {
            member = is_member(states.next().unwrap());
        }
        let part = parts.last_mut().unwrap();
        match (was_member, member) {
            (_, true) => part.push((*rev, kind.clone())),
            (true, false) => {
                part.push((*rev, "conversation_removed".into()));
                parts.push(Story::new());
            }
            (false, false) => {}
        }
    }
    parts
}

/// The device has heard all of the first part and of the last one. Of one between it has heard nothing, or some of it without a
/// hole and how it ended, if it hadn't caught up yet when they were removed.
fn agrees(mut story: &[(i64, String)], parts: &[Story]) {
    for (number, part) in parts.iter().enumerate() {
        let heard = story.iter().take_while(|told| part.contains(told)).count();
        let (mut heard, rest) = story.split_at(heard);
        story = rest;
        let shown = format!("{heard:?} of {part:?}");
        if !(1..parts.len() - 1).contains(&number) {
            assert!(heard == part, "{shown}");
        } else if let Some((last, body)) = heard.split_last() {
            if let Some(farewell) = part.last().filter(|(_, kind)| kind == "conversation_removed") {
                assert_eq!(last, farewell, "{shown}");
                heard = body;
            }
            assert!(heard.is_empty() || part.windows(heard.len()).any(|run| run == heard), "{shown}");
        }
    }
    assert_eq!(story, []);
}

async fn listen_plain(socket: &mut Socket) -> Story {
    let mut story = Story::new();
    loop {
        let message = socket.next_message().await;
        story.push((message["rev"].as_i64().unwrap(), "message".into()));
        if message["content"] == "the end" {
            return story;
        }
    }
}

both! {
    /// From a removal up to the next adding no device of theirs hears anything, from there on everything, in order.
    async fn nobody_hears_what_is_said_without_them(world) {
        let [ann, bob, cyd, dan] = world.people(["ann", "bob", "cyd", "dan"]).await;
        let conversation = ann.conversation_with(&[&bob, &cyd, &dan]).await;
        let mut watching = Live::of(&ann).await;
        let mut talking = join_all([&ann, &bob, &dan].map(Live::of)).await;
        let (mut devices, mut plain) = (join_all([&cyd, &cyd].map(Live::of)).await, cyd.socket().await);
        let over = AtomicBool::new(false);
        let talk = talking.iter_mut().map(async |device| {
            while !over.load(Ordering::Relaxed) {
                device.say(&conversation, "on and on").await;
            }
        });
        let scene = async {
            let (_, ()) = tokio::join!(join_all(talk), async {
                toggle(&ann, &conversation, &cyd).await;
                over.store(true, Ordering::Relaxed);
            });
            bob.say(&conversation, "the end").await;
        };
        let by_v2 = join_all(devices.iter_mut().map(listen));
        let ((), (whole, states), told, by_v1) = tokio::join!(scene, listen(&mut watching), by_v2, listen_plain(&mut plain));
        assert!(whole.iter().map(|(rev, _)| *rev).eq(2..whole.len() as i64 + 2), "{whole:?}");
        assert!(whole.len() > 6 * TIMES, "they talked: {}", whole.len());
        let mut parts = told_to(&cyd, &whole, &states);
        assert_eq!(parts.len(), TIMES + 1);
        for (story, _) in told {
            agrees(&story, &parts);
        }
        parts.iter_mut().for_each(|part| part.retain(|(_, kind)| kind == "message"));
        agrees(&by_v1, &parts);
        assert_eq!(ann.view(&conversation).await["rev"], whole.len() + 1);
        plain.close().await;
        close(devices.into_iter().chain(talking).chain([watching])).await;
    }
}

both! {
    /// Whoever is removed while they post is told of each post, once, what became of it; none slips past a removal.
    async fn who_comes_and_goes_is_answered_once(world) {
        let [ann, bob, cyd] = world.people(["ann", "bob", "cyd"]).await;
        let conversation = ann.conversation_with(&[&bob, &cyd]).await;
        let (mut watching, mut device) = (Live::of(&ann).await, Live::of(&cyd).await);
        let over = AtomicBool::new(false);
        let talk = async {
            let (mut answers, mut number) = (HashMap::<String, Vec<Value>>::new(), 0);
            let mut waiting = HashSet::new();
            while !over.load(Ordering::Relaxed) {
                for _ in 0..8 {
                    let name = number.to_string();
                    number += 1;
                    device.send(json!({
                        "type": "message", "ref": name, "message_id": name, "conversation_id": conversation, "content": "x",
                    })).await;
                    waiting.insert(name);
                }
                while !waiting.is_empty() {
                    let frame = device.next().await;
                    if let Some(name) = frame["ref"].as_str() {
                        waiting.remove(name);
                        answers.entry(name.to_owned()).or_default().push(frame);
                    }
                }
            }
            for frame in device.settle().await {
                assert!(frame.get("ref").is_none(), "one more answer: {frame}");
            }
            answers
        };
        let scene = async {
            let (answers, ()) = tokio::join!(talk, async {
                toggle(&ann, &conversation, &cyd).await;
                over.store(true, Ordering::Relaxed);
            });
            bob.say(&conversation, "the end").await;
            answers
        };
        let (answers, (whole, states)) = tokio::join!(scene, listen(&mut watching));
        let told: HashSet<i64> = told_to(&cyd, &whole, &states).concat().into_iter().map(|(rev, _)| rev).collect();
        let (mut stored, mut refused) = (0, 0);
        for answers in answers.values() {
            match answers.as_slice() {
                [ack] if ack["type"] == "ack" => {
                    assert!(told.contains(&rev(ack)), "it slipped past a removal: {ack}");
                    stored += 1;
                }
                [error] => {
                    assert_eq!(error["code"], "not_a_member", "{error}");
                    refused += 1;
                }
                more => panic!("{more:?}"),
            }
        }
        assert_eq!(stored + 1, whole.iter().filter(|(_, kind)| kind == "message").count());
        assert!(stored > 0 && refused > 0, "{stored} {refused}");
        close([watching, device]).await;
    }
}
