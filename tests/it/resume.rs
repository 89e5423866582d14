//! Resuming over v2: what a device is told of what it missed, in which order, and no more than that.

use std::collections::BTreeMap;

use futures_util::SinkExt;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::support::{live::Live, person::Person};

/// What a resume brought.
struct Told {
    /// In order, without the end.
    frames: Vec<Value>,
    end: Value,
}

/// Resumes, with nothing else going on.
async fn resume(device: &mut Live, fields: Value) -> Told {
    let name = json!(Uuid::new_v4());
    let mut frame = fields;
    (frame["type"], frame["ref"]) = (json!("resume"), name.clone());
    device.send(frame).await;
    let mut frames = Vec::new();
    loop {
        let frame = device.next().await;
        match frame["type"].as_str().unwrap() {
            "presence" => {}
            "read" if frame.get("resumed").is_none() => {}
            "resumed" => {
                assert_eq!((&frame["ref"], &frame["epoch"]), (&name, &device.ready["epoch"]), "{frame}");
                return Told { frames, end: frame };
            }
            "reset" => {
                assert_eq!((&frame["ref"], &frame["epoch"]), (&name, &device.ready["epoch"]), "{frame}");
                frames.push(frame);
            }
            _ => {
                assert_eq!(frame["resumed"], true, "{frame}");
                frames.push(frame);
            }
        }
    }
}

impl Told {
    /// The frames of these kinds: kind and `rev`, or the conversation.
    fn of(&self, kinds: &[&str]) -> Vec<(&str, Value)> {
        let frames = self.frames.iter().map(|frame| (frame["type"].as_str().unwrap(), frame));
        let frames = frames.filter(|(kind, _)| kinds.contains(kind));
        frames
            .map(|(kind, frame)| match kind {
                "message" => (kind, frame["message"]["rev"].clone()),
                "conversation" => (kind, frame["conversation"]["rev"].clone()),
                _ => (kind, frame["conversation_id"].clone()),
            })
            .collect()
    }

    /// Kind and `rev` of what it told of one conversation.
    fn of_one(&self, conversation: &str) -> Vec<(&str, i64)> {
        let frames = self.frames.iter().filter_map(|frame| {
            let (kind, of, id) = match frame["type"].as_str()? {
                "message" => ("message", &frame["message"], "conversation_id"),
                "conversation" => ("conversation", &frame["conversation"], "id"),
                _ => return None,
            };
            (of[id] == conversation).then_some((kind, of["rev"].as_i64()?))
        });
        frames.collect()
    }
}

/// Somebody's device that knows up to where everything goes.
async fn at_head(person: &Person) -> (Live, Value) {
    let mut device = Live::of(person).await;
    let told = resume(&mut device, json!({ "cursors": {} })).await;
    (device, told.end["heads"].clone())
}

both! {
    /// From whichever change on: the messages that have changed since, and the conversation once, as it is, in its place.
    async fn what_changed_is_told_in_its_order(world) {
        let [ann, bob, cyd, dan] = world.people(["ann", "bob", "cyd", "dan"]).await;
        let group = ann.conversation_with(&[&bob, &cyd]).await;
        let quiet = ann.conversation_with(&[&bob]).await;
        for _ in 0..3 {
            ann.say(&group, "x").await;
        }
        ann.rename(&group, "one").await;
        bob.say(&group, "x").await;
        ann.add(&group, &dan).await;
        dan.say(&group, "x").await;
        ann.remove(&group, &cyd).await;
        let state = ann.rename(&group, "two").await;
        ann.say(&group, "x").await;
        let mut device = Live::of(&bob).await;
        for cursor in 0..=10 {
            let told = resume(&mut device, json!({ "cursors": { &group: cursor, &quiet: 1 } })).await;
            let all = [2, 3, 4, 6, 8, 11].map(|rev| ("message", rev)).into_iter().chain([("conversation", 10)]);
            let mut missed: Vec<(&str, i64)> = all.filter(|(_, rev)| *rev > cursor).collect();
            missed.sort_unstable_by_key(|(_, rev)| *rev);
            assert_eq!(told.of_one(&group), missed, "from {cursor}");
            assert!(told.of_one(&quiet).is_empty());
            assert_eq!(told.end["heads"], json!({ &group: 11, &quiet: 1 }));
            assert_eq!(told.end["reads"], json!({ &group: 4, &quiet: 0 }));
            if let Some(frame) = told.frames.iter().find(|frame| frame["type"] == "conversation") {
                let conversation = &frame["conversation"];
                assert_eq!((&conversation["title"], &conversation["members"]), (&json!("two"), &state["members"]));
                assert_eq!(conversation["reads"], json!({ &ann.id: 6, &bob.id: 4, &dan.id: 5 }));
            }
        }
        let epoch = device.ready["epoch"].clone();
        let told = resume(&mut device, json!({ "cursors": { &group: 11, &quiet: 1 }, "epoch": epoch })).await;
        assert!(told.of(&["reset", "conversation", "message", "conversation_removed"]).is_empty(), "{:?}", told.frames);
        let history = bob.history(&group).await;
        let told = resume(&mut device, json!({ "cursors": { &group: 0, &quiet: 1 } })).await;
        let messages: Vec<&Value> = told.frames.iter().filter(|frame| frame["type"] == "message").map(|frame| &frame["message"]).collect();
        assert_eq!(messages, history.iter().collect::<Vec<_>>(), "as the history has them");
        device.close().await;
    }
}

both! {
    async fn who_knows_nothing_is_told_the_latest_fifty_of_each(world) {
        let [ann, bob, eve] = world.people(["ann", "bob", "eve"]).await;
        let long = vec![ann.conversation_with(&[&bob]).await];
        let (short, empty) = (ann.conversation_with(&[]).await, ann.conversation_with(&[&eve]).await);
        eve.conversation_with(&[&bob]).await;
        world.database.write_past(&long, &bob, 60, "x").await;
        for _ in 0..50 {
            ann.say(&short, "x").await;
        }
        let mut device = Live::of(&ann).await;
        let told = resume(&mut device, json!({ "cursors": {} })).await;
        for (conversation, revs) in [(&long[0], 12..62), (&short, 2..52), (&empty, 0..0)] {
            let expected = [("conversation", 1)].into_iter().chain(revs.map(|rev| ("message", rev)));
            assert_eq!(told.of_one(conversation), expected.collect::<Vec<_>>());
        }
        assert_eq!(told.of(&["conversation", "message"]).len(), 3 + 50 + 50, "and of nothing else");
        assert_eq!(told.end["heads"], json!({ &long[0]: 61, &short: 51, &empty: 1 }));
        assert_eq!(told.end["reads"], json!({ &long[0]: 0, &short: 50, &empty: 0 }));
        // One that it has no cursor of, among those that it has.
        let told = resume(&mut device, json!({ "cursors": { &long[0]: 61, &empty: 1 } })).await;
        assert_eq!(told.of(&["conversation", "message"]).len(), 51);
        device.close().await;
    }
}

both! {
    async fn what_is_not_the_users_is_removed(world) {
        let [ann, bob, eve] = world.people(["ann", "bob", "eve"]).await;
        let (stays, goes) = (ann.conversation_with(&[&bob]).await, ann.conversation_with(&[&bob, &eve]).await);
        let (foreign, nowhere) = (ann.conversation_with(&[&eve]).await, Uuid::new_v4().to_string());
        let (mut device, heads) = at_head(&bob).await;
        assert_eq!(heads, json!({ &stays: 1, &goes: 1 }));
        ann.remove(&goes, &bob).await;
        device.hear("conversation_removed").await;
        // Above the head as well: of that nothing is told.
        let cursors = json!({ &stays: 1, &goes: 1, &foreign: 100, &nowhere: 7 });
        let told = resume(&mut device, json!({ "cursors": cursors })).await;
        let mut removed = told.of(&["conversation_removed"]);
        removed.sort_by_key(|(_, id)| id.to_string());
        let mut expected = [&goes, &foreign, &nowhere].map(|id| ("conversation_removed", json!(id)));
        expected.sort_by_key(|(_, id)| id.to_string());
        assert_eq!(removed, expected);
        assert!(told.frames.iter().all(|frame| frame.get("rev").is_none()), "{:?}", told.frames);
        assert!(told.of(&["reset", "conversation", "message"]).is_empty());
        assert_eq!(told.end["heads"], json!({ &stays: 1 }));
        ann.say(&goes, "without him").await;
        ann.add(&goes, &bob).await;
        assert_eq!(device.hear("conversation").await["conversation"]["rev"], 4);
        let told = resume(&mut device, json!({ "cursors": { &stays: 1 } })).await;
        assert_eq!(told.of_one(&goes), [("conversation", 4), ("message", 3)], "what was said meanwhile is his to read now");
        device.close().await;
    }
}

both! {
    async fn what_is_of_another_database_is_forgotten_first(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let long = vec![ann.conversation_with(&[&bob]).await];
        let short = ann.conversation_with(&[]).await;
        world.database.write_past(&long, &ann, 60, "x").await;
        let mut device = Live::of(&ann).await;
        let epoch = device.ready["epoch"].clone();
        let heads = json!({ &long[0]: 61, &short: 1 });
        for (epoch, cursors) in [
            (json!(Uuid::new_v4()), heads.clone()),
            (json!(Uuid::new_v4()), json!({})),
            (epoch.clone(), json!({ &long[0]: 62, &short: 1 })),
            (Value::Null, json!({ &long[0]: 61, &short: 2, Uuid::new_v4().to_string(): 1 })),
        ] {
            let told = resume(&mut device, json!({ "epoch": epoch, "cursors": cursors })).await;
            assert_eq!(told.frames[0]["type"], "reset", "{cursors}");
            assert_eq!(told.of(&["reset", "conversation_removed"]).len(), 1, "{cursors}");
            assert_eq!((told.of_one(&long[0]).len(), told.of_one(&short).len()), (51, 1), "everything, as without cursors");
            assert_eq!(told.end["heads"], heads);
        }
        for epoch in [epoch, Value::Null] {
            let told = resume(&mut device, json!({ "epoch": epoch, "cursors": heads })).await;
            assert!(told.of(&["reset", "conversation", "message"]).is_empty());
        }
        device.close().await;
    }
}

both! {
    async fn one_at_a_time(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let mut device = Live::of(&ann).await;
        let ask = |name: &str| json!({ "type": "resume", "ref": name, "cursors": {} }).to_string();
        // In one write, so that the second is there before the first can have been answered.
        for name in ["first", "second"] {
            device.socket.0.feed(Message::text(ask(name))).await.unwrap();
        }
        device.socket.0.flush().await.unwrap();
        let mut answers = BTreeMap::new();
        while answers.len() < 2 {
            let frame = device.next().await;
            if let Some(name) = frame["ref"].as_str() {
                let answer = if frame["type"] == "error" { &frame["code"] } else { &frame["type"] };
                assert!(answers.insert(name.to_owned(), answer.clone()).is_none(), "one answer each: {frame}");
            }
        }
        assert_eq!(json!(answers), json!({ "first": "resumed", "second": "busy" }));
        device.is_refused(json!({ "type": "resume", "cursors": 1 }), "invalid").await;
        let told = resume(&mut device, json!({ "cursors": {} })).await;
        assert_eq!(told.of_one(&conversation), [("conversation", 1)], "afterwards another one may come");
        device.close().await;
    }
}

both! {
    async fn cursors_are_bounded(world) {
        let ann = world.person("ann").await;
        let own = ann.conversation_with(&[]).await;
        let mut device = Live::of(&ann).await;
        let cursors = |count: usize| -> Value { (0..count).map(|_| (Uuid::new_v4().to_string(), json!(i64::MAX))).collect() };
        let told = resume(&mut device, json!({ "cursors": cursors(500) })).await;
        assert_eq!((told.of(&["conversation_removed"]).len(), told.of_one(&own).len()), (500, 1));
        device.is_refused(json!({ "type": "resume", "cursors": cursors(501) }), "invalid").await;
        device.close().await;
    }
}

both! {
    /// Those that have moved since the last time, and in the minute before it.
    async fn marks_are_told_since_the_last_time(world) {
        let [ann, bob, cyd, dan] = world.people(["ann", "bob", "cyd", "dan"]).await;
        let group = ann.conversation_with(&[&bob, &cyd, &dan]).await;
        for _ in 0..9 {
            ann.say(&group, "x").await;
        }
        let mark = async |who: &Person, seq: i64| {
            let path = format!("/conversations/{group}/read");
            assert_eq!(who.put(&path, json!({ "seq": seq })).await.1["last_read_seq"], seq);
        };
        let mut device = Live::of(&dan).await;
        mark(&bob, 4).await;
        mark(&dan, 1).await;
        world.advance(120);
        mark(&cyd, 5).await;
        let told = |told: &Told| -> BTreeMap<String, Value> {
            let marks = told.frames.iter().filter(|frame| frame["type"] == "read");
            marks.map(|mark| (mark["user_id"].as_str().unwrap().to_owned(), mark["seq"].clone())).collect()
        };
        let first = resume(&mut device, json!({ "cursors": { &group: 10 } })).await;
        assert_eq!(json!(told(&first)), json!({ &ann.id: 9, &bob.id: 4, &cyd.id: 5 }), "all but one's own");
        assert_eq!(first.end["reads"], json!({ &group: 1 }));
        let again = resume(&mut device, json!({ "cursors": { &group: 10 }, "reads_since": first.end["time"] })).await;
        assert_eq!(json!(told(&again)), json!({ &cyd.id: 5 }));
        world.advance(120);
        let later = resume(&mut device, json!({ "cursors": { &group: 10 }, "reads_since": again.end["time"] })).await;
        world.advance(120);
        mark(&bob, 6).await;
        let last = resume(&mut device, json!({ "cursors": { &group: 10 }, "reads_since": later.end["time"] })).await;
        assert_eq!(json!(told(&last)), json!({ &bob.id: 6 }));
        device.close().await;
    }
}

both! {
    /// What devices are told first of a conversation is kept in memory; nobody may notice.
    async fn what_is_told_first_is_read_once_and_never_old(world) {
        let [ann, bob, cyd, dan] = world.people(["ann", "bob", "cyd", "dan"]).await;
        let group = ann.conversation_with(&[&bob, &cyd]).await;
        ann.say(&group, "as it was said").await;
        let opened = async |person: &Person, since: Option<&Value>| {
            let mut device = Live::of(person).await;
            let told = resume(&mut device, json!({ "cursors": {}, "reads_since": since })).await;
            device.close().await;
            told
        };
        let first = opened(&ann, None).await;
        let connection = world.database.connect().await;
        connection.execute_unprepared("UPDATE messages SET content = 'as nobody said it'").await.unwrap();
        let again = opened(&bob, None).await;
        // Then they are told of others' marks.
        assert_eq!(again.frames[..2], first.frames[..2], "it wasn't read again");
        connection.close().await.unwrap();

        let state = |told: &Told| {
            let mut frames = told.frames.iter().filter(|frame| frame["conversation"]["id"] == group.as_str());
            let state = frames.next().map(|frame| frame["conversation"].clone());
            assert!(frames.next().is_none());
            state
        };
        ann.rename(&group, "ours").await;
        let told = opened(&bob, None).await;
        assert_eq!(state(&told).unwrap()["title"], "ours");
        assert!(told.frames.iter().any(|frame| frame["message"]["content"] == "as nobody said it"), "now it was");
        ann.add(&group, &dan).await;
        assert_eq!(state(&opened(&dan, None).await).unwrap()["members"].as_array().unwrap().len(), 4);
        ann.remove(&group, &cyd).await;
        assert!(state(&opened(&cyd, None).await).is_none());
        let told = opened(&bob, None).await;

        // A mark moves; and long afterwards somebody comes who asks for those alone that have moved since then.
        world.advance(120);
        bob.put(&format!("/conversations/{group}/read"), json!({ "seq": 1 })).await;
        world.advance(120);
        let now = opened(&dan, None).await.end["time"].clone();
        assert_eq!(state(&told).unwrap()["reads"], json!({ &ann.id: 1, &dan.id: 1 }));
        assert_eq!(state(&opened(&dan, Some(&now)).await).unwrap()["reads"], json!({ &ann.id: 1, &bob.id: 1, &dan.id: 1 }));
    }
}
