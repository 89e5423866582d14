//! How far each has read: one mark a member, whichever way it is moved, and all members' devices hear where it stands.

use entity::{conversation, conversation_member, user};
use futures_util::future::join_all;
use reqwest::StatusCode;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    DatabaseConnection, EntityTrait, IntoActiveModel,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{live::Live, person::Person};

fn read(conversation: &str, seq: i64) -> Value {
    json!({ "type": "read", "conversation_id": conversation, "seq": seq })
}

async fn hears(device: &mut Live, who: &Person, conversation: &str, seq: i64) {
    let heard = device.hear("read").await;
    assert_eq!(heard, json!({ "type": "read", "conversation_id": conversation, "user_id": who.id, "seq": seq }));
}

/// Where the list has the mark, and what is unread.
async fn listed(person: &Person) -> (i64, i64) {
    let (status, list) = person.get("/conversations").await;
    assert_eq!(status, StatusCode::OK);
    let conversation = &list["conversations"][0];
    let number = |name: &str| conversation[name].as_i64().unwrap_or_else(|| panic!("no {name} in {conversation}"));
    assert_eq!(number("unread_count"), number("last_seq") - number("last_read_seq"));
    (number("last_read_seq"), number("unread_count"))
}

async fn put(person: &Person, conversation: &str, seq: i64) -> i64 {
    let (status, body) = person.put(&format!("/conversations/{conversation}/read"), json!({ "seq": seq })).await;
    assert_eq!((status, &body["conversation_id"]), (StatusCode::OK, &json!(conversation)));
    body["last_read_seq"].as_i64().unwrap()
}

/// A conversation of two, in which the second has said this much.
async fn with_messages(ann: &Person, bob: &Person, count: i64) -> String {
    let conversation = ann.conversation_with(&[bob]).await;
    for i in 0..count {
        bob.say(&conversation, &i.to_string()).await;
    }
    conversation
}

both! {
    async fn either_way_all_devices_hear_it(world) {
        let [ann, bob, eve] = world.people(["ann", "bob", "eve"]).await;
        let conversation = with_messages(&ann, &bob, 4).await;
        let (mut laptop, mut phone, mut at_bob) = (Live::of(&ann).await, Live::of(&ann).await, Live::of(&bob).await);
        let (mut at_eve, mut plain) = (Live::of(&eve).await, bob.socket().await);
        assert_eq!(listed(&ann).await, (0, 4));
        assert_eq!(put(&ann, &conversation, 2).await, 2);
        for device in [&mut laptop, &mut phone, &mut at_bob] {
            hears(device, &ann, &conversation, 2).await;
        }
        assert_eq!(listed(&ann).await, (2, 2));
        laptop.send(read(&conversation, 3)).await;
        for device in [&mut laptop, &mut phone, &mut at_bob] {
            hears(device, &ann, &conversation, 3).await;
        }
        assert_eq!(listed(&ann).await, (3, 1), "who hears of it can read it");
        let answer = phone.ask(read(&conversation, 4)).await;
        assert_eq!((&answer["type"], &answer["conversation_id"], &answer["seq"]), (&json!("read"), &json!(conversation), &json!(4)));
        for device in [&mut laptop, &mut phone, &mut at_bob] {
            hears(device, &ann, &conversation, 4).await;
        }
        assert_eq!(listed(&ann).await, (4, 0));
        assert_eq!(at_eve.heard().await, [] as [Value; 0], "strangers hear nothing");
        assert_eq!(plain.settle(&conversation).await, [] as [Value; 0], "nor does v1");
        for device in [laptop, phone, at_bob, at_eve] {
            device.close().await;
        }
        plain.close().await;
    }
}

both! {
    async fn a_mark_goes_neither_back_nor_past_the_end(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = with_messages(&ann, &bob, 3).await;
        let (mut at_ann, mut at_bob) = (Live::of(&ann).await, Live::of(&bob).await);
        assert_eq!(at_ann.ask(read(&conversation, 2)).await["seq"], 2);
        hears(&mut at_bob, &ann, &conversation, 2).await;
        for seq in [1, 2] {
            assert_eq!(at_ann.ask(read(&conversation, seq)).await["seq"], 2, "where it stands");
            assert_eq!(put(&ann, &conversation, seq).await, 2);
        }
        assert_eq!(at_bob.heard().await, [] as [Value; 0], "nothing has moved");
        assert_eq!(at_ann.ask(read(&conversation, 99)).await["seq"], 3);
        hears(&mut at_bob, &ann, &conversation, 3).await;
        assert_eq!(put(&ann, &conversation, i64::MAX).await, 3);
        assert_eq!(listed(&ann).await, (3, 0));
        bob.say(&conversation, "one more").await;
        assert_eq!(listed(&ann).await, (3, 1), "what is new isn't read");
        at_ann.close().await;
        at_bob.close().await;
    }
}

both! {
    async fn what_is_refused(world) {
        let [ann, bob, eve] = world.people(["ann", "bob", "eve"]).await;
        let conversation = with_messages(&ann, &bob, 2).await;
        let (mut at_ann, mut at_bob, mut at_eve) = (Live::of(&ann).await, Live::of(&bob).await, Live::of(&eve).await);
        at_eve.is_refused(read(&conversation, 1), "not_a_member").await;
        at_eve.is_refused(read(&Uuid::new_v4().to_string(), 1), "unknown_conversation").await;
        at_ann.is_refused(read(&conversation, -1), "invalid").await;
        for mut frame in [
            json!({ "seq": 1 }),
            json!({ "conversation_id": conversation }),
            json!({ "conversation_id": conversation, "seq": "1" }),
        ] {
            frame["type"] = json!("read");
            at_ann.is_refused(frame, "invalid").await;
        }
        let mut plain = ann.socket().await;
        plain.send(read(&conversation, 1)).await;
        assert_eq!(plain.next().await["code"], "unknown_type", "v1 has no such frame");
        assert_eq!(at_bob.heard().await, [] as [Value; 0]);
        assert_eq!(listed(&ann).await, (0, 2));
        plain.close().await;
        for device in [at_ann, at_bob, at_eve] {
            device.close().await;
        }
    }
}

both! {
    /// Without a frame of its own: the message says it.
    async fn posting_is_reading(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = with_messages(&ann, &bob, 3).await;
        assert_eq!(listed(&bob).await, (3, 0));
        let (mut at_ann, mut at_bob) = (Live::of(&ann).await, Live::of(&bob).await);
        at_ann.say(&conversation, "I have seen it").await;
        assert_eq!(at_bob.hear("message").await["message"]["seq"], 4);
        assert_eq!((at_bob.heard().await, at_ann.heard().await), (vec![], vec![]));
        assert_eq!(listed(&ann).await, (4, 0));
        assert_eq!(at_ann.ask(read(&conversation, 3)).await["seq"], 4);
        at_ann.close().await;
        at_bob.close().await;
    }
}

both! {
    /// Many devices at once, by both ways: whoever listens hears it only grow, up to the highest.
    async fn in_a_race_the_highest_wins(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = with_messages(&ann, &bob, 40).await;
        let mut at_bob = Live::of(&bob).await;
        let mut devices = join_all((0..4).map(|_| Live::of(&ann))).await;
        let by_socket = join_all(devices.iter_mut().enumerate().map(async |(i, device)| {
            for seq in 1..=40 {
                device.send(read(&conversation, (seq * 7 + i as i64 * 11) % 40 + 1)).await;
            }
            device.settle().await;
        }));
        let by_rest = join_all((0..40).map(|i| put(&ann, &conversation, i * 13 % 40 + 1)));
        tokio::join!(by_socket, by_rest);
        let mut last = 0;
        while last < 40 {
            let seq = at_bob.hear("read").await["seq"].as_i64().unwrap();
            assert!(seq > last, "{last}, then {seq}");
            last = seq;
        }
        assert_eq!(at_bob.heard().await, [] as [Value; 0]);
        assert_eq!(listed(&ann).await, (40, 0));
        for device in devices {
            device.close().await;
        }
        at_bob.close().await;
    }
}

both! {
    /// Whoever was away learns where the marks are.
    async fn a_resume_brings_the_marks(world) {
        let [ann, bob, cyd] = world.people(["ann", "bob", "cyd"]).await;
        let conversation = ann.conversation_with(&[&bob, &cyd]).await;
        for i in 0..3 {
            bob.say(&conversation, &i.to_string()).await;
        }
        put(&ann, &conversation, 2).await;
        let mut at_cyd = Live::of(&cyd).await;
        let mut resume = json!({ "type": "resume", "epoch": at_cyd.ready["epoch"], "cursors": {} });
        let (first, marks, made) = resumed(&mut at_cyd, resume.clone()).await;
        assert_eq!(first["reads"][&conversation], 0, "one's own");
        assert!(marks.contains(&(ann.id.clone(), 2)) && marks.contains(&(bob.id.clone(), 3)), "{marks:?}");
        assert_eq!(made["conversation"]["reads"], json!({ &ann.id: 2, &bob.id: 3 }), "who has read nothing isn't in it");
        put(&ann, &conversation, 3).await;
        put(&cyd, &conversation, 1).await;
        resume["reads_since"] = first["time"].clone();
        let (second, marks, _) = resumed(&mut at_cyd, resume).await;
        assert_eq!(second["reads"][&conversation], 1);
        assert!(marks.contains(&(ann.id, 3)) && marks.iter().all(|(who, _)| *who != cyd.id), "{marks:?}");
        at_cyd.close().await;
    }
}

both! {
    /// A conversation's row notes that marks move twice a minute at most; whoever comes back misses none for that.
    async fn what_is_noted_seldom_is_missed_by_nobody(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = with_messages(&ann, &bob, 3).await;
        let id = Uuid::parse_str(&conversation).unwrap();
        let connection = world.database.connect().await;
        let noted = async || {
            let row = entity::conversation::Entity::find_by_id(id).one(&connection).await.unwrap().unwrap();
            row.marked_at
        };
        assert_eq!(noted().await, None, "posting is no mark");
        put(&ann, &conversation, 1).await;
        let first = noted().await;
        assert!(first.is_some());
        world.advance(15);
        put(&ann, &conversation, 2).await;
        assert_eq!(noted().await, first);
        let mut at_bob = Live::of(&bob).await;
        let since = async |device: &mut Live, time: &Value| {
            let cursors = json!({ &conversation: 4 });
            let frame = json!({ "type": "resume", "epoch": device.ready["epoch"], "cursors": cursors, "reads_since": time });
            resumed(device, frame).await
        };
        world.advance(50);
        let (end, ..) = since(&mut at_bob, &Value::Null).await;
        let (_, marks, _) = since(&mut at_bob, &end["time"]).await;
        assert_eq!(marks, [(ann.id.clone(), 2)], "not yet a minute ago");
        world.advance(40);
        let (end, marks, _) = since(&mut at_bob, &end["time"]).await;
        assert_eq!(marks, [(ann.id.clone(), 2)]);
        let (_, marks, _) = since(&mut at_bob, &end["time"]).await;
        assert_eq!(marks, []);
        put(&ann, &conversation, 3).await;
        assert!(noted().await > first);
        let (_, marks, _) = since(&mut at_bob, &end["time"]).await;
        assert_eq!(marks, [(ann.id.clone(), 3)]);
        at_bob.close().await;
        connection.close().await.unwrap();
    }
}

both! {
    /// Page by page, and the pages end in the midst of a conversation.
    async fn many_marks_come_each_once(world) {
        const READERS: usize = 600;
        let [ann, bob, cyd] = world.people(["ann", "bob", "cyd"]).await;
        let mut expected = Vec::new();
        let connection = world.database.connect().await;
        for _ in 0..2 {
            let group = ann.conversation_with(&[&bob, &cyd]).await;
            bob.say(&group, "x").await;
            expected.push((bob.id.clone(), 1));
            let readers: Vec<Uuid> = (0..READERS).map(|_| Uuid::new_v4()).collect();
            expected.extend(readers.iter().map(|id| (id.to_string(), 1)));
            strangers(&connection, &readers, Uuid::parse_str(&group).unwrap()).await;
        }
        connection.close().await.unwrap();
        let mut at_ann = Live::of(&ann).await;
        let cursors: Value = listed_ids(&ann).await.into_iter().map(|id| (id, json!(2))).collect();
        let (_, mut marks, _) = resumed(&mut at_ann, json!({ "type": "resume", "cursors": cursors })).await;
        marks.sort();
        expected.sort();
        assert!(marks == expected, "{} marks instead of {}", marks.len(), expected.len());
        // Since the last time all have moved that weren't moved by posting.
        let since = json!({ "type": "resume", "cursors": cursors, "reads_since": "2020-01-01T00:00:00Z" });
        let (_, mut marks, _) = resumed(&mut at_ann, since).await;
        marks.sort();
        expected.retain(|(who, _)| *who != bob.id);
        assert!(marks == expected, "{} marks instead of {}", marks.len(), expected.len());
        at_ann.close().await;
    }
}

/// Has people join who don't come, and who have read a message.
async fn strangers(connection: &DatabaseConnection, ids: &[Uuid], conversation_id: Uuid) {
    let now = chrono::Utc::now();
    let users = ids.iter().map(|id| {
        let user = user::Model {
            id: *id,
            username: id.to_string(),
            username_key: id.to_string(),
            full_name: None,
            full_name_key: None,
            password_hash: None,
            kind: "member".into(),
            is_admin: false,
            created_at: now,
            disabled_at: None,
            last_seen_at: None,
        };
        user.into_active_model().reset_all()
    });
    user::Entity::insert_many(users).exec_without_returning(connection).await.unwrap();
    let members = ids.iter().map(|id| {
        let member = conversation_member::Model {
            conversation_id,
            user_id: *id,
            role: "member".into(),
            joined_at: now,
            last_read_seq: 1,
            read_at: Some(now),
        };
        member.into_active_model().reset_all()
    });
    conversation_member::Entity::insert_many(members).exec_without_returning(connection).await.unwrap();
    let noted = conversation::ActiveModel { id: Unchanged(conversation_id), marked_at: Set(Some(now)), ..Default::default() };
    noted.update(connection).await.unwrap();
}

async fn listed_ids(person: &Person) -> Vec<String> {
    let (_, list) = person.get("/conversations").await;
    list["conversations"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

/// The end of a resume, the marks that it brought, and the last `conversation`.
async fn resumed(device: &mut Live, frame: Value) -> (Value, Vec<(String, i64)>, Value) {
    device.settle().await;
    let end = device.ask(frame).await;
    assert_eq!(end["type"], "resumed", "{end}");
    let mut frames = device.settle().await;
    frames.retain(|frame| frame["resumed"] == true);
    let marks = frames.iter().filter(|frame| frame["type"] == "read");
    let marks = marks.map(|mark| (mark["user_id"].as_str().unwrap().to_owned(), mark["seq"].as_i64().unwrap())).collect();
    let made = frames.iter().rfind(|frame| frame["type"] == "conversation").cloned().unwrap_or_default();
    (end, marks, made)
}
