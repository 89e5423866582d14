//! One contract at every door: what holds for REST holds for v1, v2 and FastChat, said and heard across all of them.
//! The group of each test is made by somebody who stands at no door, and has somebody at every one.

use std::time::Instant;

use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use crate::support::{
    PATIENCE,
    door::{DOORS, Dialect, Door, Outcome, Said, Someone},
    guest::Shape,
    live::V2,
    person::Person,
    socket::RawSocket,
    world::World,
};

struct Scene {
    founder: Person,
    group: String,
    people: Vec<Someone>,
}

impl Scene {
    async fn set(world: &World) -> Self {
        let founder = world.person("founder").await;
        let people = one_at_every_door(world, "member").await;
        let ids = people.iter().map(|someone| someone.id.clone());
        let group = group(&founder, ids.collect()).await;
        Self { founder, group, people }
    }

    /// All who hear it hear this next, but for the one who said it.
    async fn all_hear(&mut self, said: &Said) {
        for someone in self.people.iter_mut().filter(|someone| someone.door.hears && someone.id != said.sender) {
            assert_eq!(someone.hear().await, *said, "at {}", someone.door.name);
        }
    }

    async fn founder_says(&self, content: &str) -> Said {
        let message = self.founder.say(&self.group, content).await;
        Said { sender: self.founder.id.clone(), name: message["message_id"].as_str().unwrap().into(), content: content.into() }
    }

    /// What is stored, in its order.
    async fn history(&self) -> Vec<Said> {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let messages = self.founder.history(&self.group).await;
        let said = messages.iter().map(|m| Said {
            sender: text(&m["sender_id"]),
            name: text(&m["message_id"]),
            content: text(&m["content"]),
        });
        said.collect()
    }

    /// Nobody is left with anything to hear.
    async fn end(mut self) {
        for someone in &mut self.people {
            assert_eq!(someone.settle().await, [], "at {}", someone.door.name);
        }
        close(self.people).await;
    }
}

async fn one_at_every_door(world: &World, name: &str) -> Vec<Someone> {
    let mut people = Vec::new();
    for door in &DOORS {
        people.push(Someone::at(world, door, &format!("{name}-{}", door.name)).await);
    }
    people
}

async fn group(founder: &Person, ids: Vec<String>) -> String {
    let (status, body) = founder.post("/conversations", json!({ "title": "everybody", "member_ids": ids })).await;
    assert!(status.is_success(), "{status} {body}");
    body["id"].as_str().unwrap().to_owned()
}

async fn close(people: Vec<Someone>) {
    for someone in people {
        someone.close().await;
    }
}

both! {
    async fn what_is_sent_is_heard_once_everywhere_else(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let mut scene = Scene::set(world).await;
        let mut all = Vec::new();
        for i in 0..scene.people.len() {
            let sender = &mut scene.people[i];
            let said = Said { sender: sender.id.clone(), name: format!("n{i}"), content: format!("from {}", sender.door.name) };
            match sender.send(&scene.group, &said.name, &said.content).await {
                Outcome::Stored { name, again: None | Some(false) } => assert_eq!(name, said.name, "{}", sender.door.name),
                other => panic!("{}: {other:?}", sender.door.name),
            }
            scene.all_hear(&said).await;
            all.push(said);
        }
        assert_eq!(scene.history().await, all);
        scene.end().await;
    }
}

both! {
    /// Whether the repeat comes after the answer or before it, whatever it says.
    async fn a_repeat_is_stored_and_heard_once(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let mut scene = Scene::set(world).await;
        let mut all = Vec::new();
        for i in 0..scene.people.len() {
            let sender = &mut scene.people[i];
            let name = sender.door.name;
            let said = Said { sender: sender.id.clone(), name: "one name".into(), content: format!("from {name}") };
            for _ in 0..2 {
                sender.post(&scene.group, &said.name, &said.content).await;
            }
            let mut answers = vec![sender.answer().await, sender.answer().await];
            answers.push(sender.send(&scene.group, &said.name, "another text").await);
            let again: Vec<Option<bool>> = answers.into_iter().map(|answer| match answer {
                Outcome::Stored { name, again } if name == said.name => again,
                other => panic!("{name}: {other:?}"),
            }).collect();
            if again[0].is_some() {
                let first = again.iter().filter(|again| **again == Some(false)).count();
                assert_eq!((first, again[2]), (1, Some(true)), "{name}: {again:?}");
            }
            scene.all_hear(&said).await;
            all.push(said);
        }
        assert_eq!(scene.history().await, all);
        scene.end().await;
    }
}

/// Messages that each has in flight at once; by REST one after the other, as requests have no order among them.
const IN_FLIGHT: usize = 60;

async fn talk(someone: &mut Someone, group: &str) {
    let own_name = |i: usize| format!("{i:02}");
    for i in 0..IN_FLIGHT {
        someone.post(group, &own_name(i), "x").await;
        if !someone.door.hears {
            assert!(matches!(someone.answer().await, Outcome::Stored { .. }));
        }
    }
    for i in (0..IN_FLIGHT).filter(|_| someone.door.hears) {
        match someone.answer().await {
            Outcome::Stored { name, .. } => assert_eq!(name, own_name(i), "{}: answers come in order", someone.door.name),
            other => panic!("{}: {other:?}", someone.door.name),
        }
    }
}

both! {
    async fn all_hear_one_order(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let mut scene = Scene::set(world).await;
        join_all(scene.people.iter_mut().map(|someone| talk(someone, &scene.group))).await;
        let history = scene.history().await;
        assert_eq!(history.len(), IN_FLIGHT * scene.people.len());
        for someone in &mut scene.people {
            let (own, others): (Vec<&Said>, Vec<&Said>) = history.iter().partition(|said| said.sender == someone.id);
            assert!(own.is_sorted_by_key(|said| &said.name), "{}: one's own keep their order: {own:?}", someone.door.name);
            for said in others.into_iter().filter(|_| someone.door.hears) {
                assert_eq!(someone.hear().await, *said, "at {}", someone.door.name);
            }
        }
        scene.end().await;
    }
}

both! {
    async fn who_is_no_member_is_refused(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let mut scene = Scene::set(world).await;
        let mut strangers = one_at_every_door(world, "stranger").await;
        let nowhere = Uuid::new_v4().to_string();
        for stranger in &mut strangers {
            let door = stranger.door;
            for (conversation, code) in [(&scene.group, door.not_a_member), (&nowhere, door.unknown_conversation)] {
                assert_eq!(stranger.send(conversation, "n", "x").await, Outcome::Refused(code.into()), "{}", door.name);
            }
        }
        let said = scene.founder_says("among us").await;
        scene.all_hear(&said).await;
        for stranger in &mut strangers {
            assert_eq!(stranger.settle().await, [], "{}", stranger.door.name);
        }
        assert_eq!(scene.history().await, [said]);
        close(strangers).await;
        scene.end().await;
    }
}

both! {
    async fn content_has_bounds(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let mut scene = Scene::set(world).await;
        let mut all = Vec::new();
        for i in 0..scene.people.len() {
            let sender = &mut scene.people[i];
            let door = sender.door;
            for content in ["é".repeat(door.longest + 1), String::new(), "a\0b".into()] {
                let outcome = sender.send(&scene.group, "n", &content).await;
                assert_eq!(outcome, Outcome::Refused(door.invalid.into()), "{}: {} bytes", door.name, content.len());
            }
            let said = Said { sender: sender.id.clone(), name: "n".into(), content: "é".repeat(door.longest) };
            let outcome = sender.send(&scene.group, &said.name, &said.content).await;
            assert!(matches!(outcome, Outcome::Stored { .. }), "{}: {outcome:?}", door.name);
            // Whole also where one couldn't have sent it.
            scene.all_hear(&said).await;
            all.push(said);
        }
        assert_eq!(scene.history().await, all);
        scene.end().await;
    }
}

/// A device that never reads, but for what it takes to be there; whose it is.
async fn deaf(world: &World, door: &Door) -> (String, RawSocket) {
    let name = format!("deaf-{}", door.name);
    if let Dialect::FastChat(shape) = door.dialect {
        let mut socket = RawSocket::open_with(world.address, "/ws", &[]).await;
        let hello = Shape::frame(shape, "HELLO", json!({ "display_name": name, "user_id": Uuid::new_v4() }));
        socket.send(0x81, hello.to_string().as_bytes()).await;
        let welcome: serde_json::Value = serde_json::from_slice(&socket.next().await.1).unwrap();
        let id = welcome.get("data").unwrap_or(&welcome)["user_id"].as_str().unwrap().to_owned();
        return (id, socket);
    }
    let person = world.person(&name).await;
    let headers: &[(&str, &str)] = if matches!(door.dialect, Dialect::V2) { &[V2] } else { &[] };
    let socket = RawSocket::open_with(world.address, &format!("/ws?token={}", person.access), headers).await;
    (person.id, socket)
}

both! {
    /// Those who don't read are sent away or cut; whoever reads misses nothing meanwhile.
    async fn slow_readers_hold_up_nobody(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let founder = world.person("founder").await;
        let people = one_at_every_door(world, "reader").await;
        let mut ids: Vec<String> = people.iter().map(|someone| someone.id.clone()).collect();
        let mut stuck = Vec::new();
        for door in DOORS.iter().filter(|door| door.hears) {
            let (id, socket) = deaf(world, door).await;
            ids.push(id);
            stuck.push(socket);
        }
        let group = group(&founder, ids).await;
        let reading = people.iter().filter(|someone| someone.door.hears).count() as i64;
        let mut scene = Scene { founder, group, people };
        let content = "x".repeat(10_000);
        let start = Instant::now();
        while world.services.metrics.active() > reading {
            for _ in 0..20 {
                let said = scene.founder_says(&content).await;
                scene.all_hear(&said).await;
            }
            assert!(start.elapsed() < PATIENCE * 4, "some that don't read are still there");
        }
        let said = scene.founder_says("after").await;
        scene.all_hear(&said).await;
        for mut socket in stuck {
            socket.ended().await;
        }
        scene.end().await;
    }
}

both! {
    async fn who_was_removed_sends_and_hears_no_more(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let mut scene = Scene::set(world).await;
        let mut removed: Vec<Someone> = Vec::new();
        while !scene.people.is_empty() {
            let mut one = scene.people.remove(0);
            let door = one.door;
            assert!(matches!(one.send(&scene.group, "before", "x").await, Outcome::Stored { .. }), "{}", door.name);
            scene.all_hear(&Said { sender: one.id.clone(), name: "before".into(), content: "x".into() }).await;
            let (status, body) = scene.founder.delete(&format!("/conversations/{}/members/{}", scene.group, one.id)).await;
            assert!(status.is_success(), "{}: {status} {body}", door.name);
            // The name of a message that was stored is no way in either.
            for name in ["before", "after"] {
                assert_eq!(one.send(&scene.group, name, "x").await, Outcome::Refused(door.not_a_member.into()), "{}", door.name);
            }
            removed.push(one);
            let said = scene.founder_says("without some of us").await;
            scene.all_hear(&said).await;
            for one in &mut removed {
                assert_eq!(one.settle().await, [], "{}", one.door.name);
            }
        }
        assert_eq!(scene.history().await.len(), 2 * DOORS.len());
        close(removed).await;
    }
}
