//! v2 but for its order: who is spoken to in it, whose `ref` comes back, what is wrong, and what v1 hears of it all.

use std::collections::HashSet;

use futures_util::SinkExt;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::support::{eventually, live::Live, person::Person, world::World};

/// The subprotocol that the handshake chooses, of those in these headers.
async fn chosen(world: &World, person: &Person, offers: &[&str]) -> Option<String> {
    let mut handshake = world.http.get(world.url("/ws")).bearer_auth(&person.access);
    for (name, value) in [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        handshake = handshake.header(name, value);
    }
    for offer in offers {
        handshake = handshake.header("sec-websocket-protocol", *offer);
    }
    let answer = handshake.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
    answer.headers().get("sec-websocket-protocol").map(|protocol| protocol.to_str().unwrap().to_owned())
}

/// What comes next with this `ref`.
async fn answer_to(device: &mut Live, reference: &Value) -> Value {
    loop {
        let frame = device.next().await;
        if frame["ref"] == *reference {
            return frame;
        }
    }
}

both! {
    async fn whoever_offers_it_is_spoken_to_in_it(world) {
        let ann = world.person("ann").await;
        let v2 = Some("pneumatic.v2".to_owned());
        for offers in [&["pneumatic.v2"] as &[&str], &["chat, pneumatic.v2"], &["chat", "pneumatic.v2 ,x"]] {
            assert_eq!(chosen(world, &ann, offers).await, v2, "{offers:?}");
        }
        for offers in [&[] as &[&str], &["chat"], &["pneumatic.v20, pneumatic"]] {
            assert_eq!(chosen(world, &ann, offers).await, None, "{offers:?}");
        }
        let mut plain = ann.socket().await;
        let own = ann.conversation_with(&[]).await;
        assert_eq!(plain.settle(&own).await, [] as [Value; 0], "v1 isn't greeted");
        plain.close().await;
    }
}

both! {
    /// Whatever is going on meanwhile.
    async fn the_greeting_comes_first_and_says_who_and_where(world, ["PRESENCE_GRACE" = 0]) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let talk = async {
            for i in 0..120 {
                ann.say(&conversation, &i.to_string()).await;
            }
        };
        let come_and_go = async {
            let mut greetings = Vec::new();
            for _ in 0..20 {
                let device = Live::of(&bob).await;
                greetings.push(device.ready.clone());
                device.close().await;
            }
            greetings
        };
        let (greetings, ()) = tokio::join!(come_and_go, talk);
        let sessions: HashSet<&str> = greetings.iter().map(|ready| ready["session_id"].as_str().unwrap()).collect();
        assert_eq!(sessions.len(), greetings.len(), "each connection has a name of its own");
        for ready in &greetings {
            assert_eq!(ready["user"], json!({ "id": bob.id, "username": "bob", "full_name": null }));
            assert_eq!(ready["epoch"], greetings[0]["epoch"], "one database");
            assert!(ready["epoch"].as_str().unwrap().parse::<Uuid>().is_ok() && ready["time"].as_str().unwrap().ends_with('Z'));
        }
    }
}

both! {
    async fn a_ref_comes_back(world) {
        let [ann, bob, eve] = world.people(["ann", "bob", "eve"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let foreign = bob.conversation_with(&[&eve]).await;
        let mut device = Live::of(&ann).await;
        let long = "é".repeat(255);
        let message = |of: &str| json!({ "type": "message", "message_id": Uuid::new_v4(), "conversation_id": of, "content": "x" });
        for reference in [json!("mine"), json!(""), json!(long), json!(0), json!(-7), json!(i64::MAX)] {
            for (mut frame, kind) in [
                (message(&conversation), "ack"),
                (json!({ "type": "join", "conversation_id": conversation }), "joined"),
                (json!({ "type": "ping" }), "pong"),
                (json!({ "type": "presence" }), "presence"),
                (json!({ "type": "read", "conversation_id": conversation, "seq": 0 }), "read"),
                (json!({ "type": "resume", "cursors": { &conversation: 1_000 } }), "reset"),
                (message(&foreign), "error"),
                (json!({ "type": "join", "conversation_id": foreign }), "error"),
                (json!({ "type": "typing", "conversation_id": foreign, "is_typing": true }), "error"),
                (json!({ "type": "read", "conversation_id": foreign, "seq": 0 }), "error"),
                (json!({ "type": "resume" }), "error"),
                (json!({ "type": "no such type" }), "error"),
                (json!({ "type": 7 }), "error"),
                (json!({}), "error"),
            ] {
                frame["ref"] = reference.clone();
                device.send(frame.clone()).await;
                let answer = answer_to(&mut device, &reference).await;
                assert_eq!(answer["type"], kind, "{frame}: {answer}");
                if kind == "reset" {
                    assert_eq!(answer_to(&mut device, &reference).await["type"], "resumed");
                }
            }
            assert!(device.settle().await.iter().all(|frame| frame.get("ref").is_none()), "one answer each");
        }
        device.send(json!({ "type": "ping" })).await;
        let pong = device.hear("pong").await;
        assert!(pong.get("ref").is_none() && pong["time"].as_str().unwrap().ends_with('Z'), "{pong}");
        for reference in [json!(1.5), json!(true), json!([1]), json!({}), json!(u64::MAX), json!("x".repeat(256))] {
            device.send(json!({ "type": "ping", "ref": reference })).await;
            let error = device.hear("error").await;
            assert_eq!(error["code"], "invalid", "{reference}");
            assert!(error["reason"].as_str().unwrap().contains("ref"), "{error}");
        }
        device.close().await;
    }
}

both! {
    /// Clients that exist read frame by frame, and know of no more.
    async fn v1_hears_messages_and_nothing_else(world, ["PRESENCE_GRACE" = 0]) {
        let [ann, bob, cyd] = world.people(["ann", "bob", "cyd"]).await;
        let own = cyd.conversation_with(&[]).await;
        let group = ann.conversation_with(&[&bob, &cyd]).await;
        let (mut at_ann, mut plain) = (Live::of(&ann).await, cyd.socket().await);
        let mut said = Vec::new();
        for round in 0..3 {
            let at_bob = Live::of(&bob).await;
            at_ann.send(json!({ "type": "typing", "conversation_id": group, "is_typing": true })).await;
            said.push(at_ann.say(&group, &round.to_string()).await["rev"].clone());
            let read = json!({ "type": "read", "conversation_id": group, "seq": 1_000 });
            assert_eq!(at_ann.ask(read).await["type"], "read");
            assert_eq!(at_ann.ask(json!({ "type": "resume", "cursors": {} })).await["type"], "resumed");
            ann.rename(&group, &format!("round {round}")).await;
            ann.remove(&group, &bob).await;
            ann.add(&group, &bob).await;
            ann.conversation_with(&[&cyd]).await;
            at_bob.close().await;
            at_ann.settle().await;
        }
        let heard = plain.settle(&own).await;
        let revs: Vec<Value> = heard.iter().map(|frame| frame["message"]["rev"].clone()).collect();
        assert_eq!(revs, said, "{heard:?}");
        ann.remove(&group, &cyd).await;
        at_ann.say(&group, "without her").await;
        assert_eq!(plain.settle(&own).await, [] as [Value; 0]);
        plain.close().await;
        at_ann.close().await;
    }
}

both! {
    async fn what_is_wrong_is_told_by_name(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let mut device = Live::of(&ann).await;
        let message = |id: Value, content: Value| {
            json!({ "type": "message", "message_id": id, "conversation_id": conversation, "content": content })
        };
        for (frame, field) in [
            (message(json!(7), json!("x")), "message_id"),
            (message(json!("x".repeat(256)), json!("x")), "message_id"),
            (message(json!("m"), json!("")), "content"),
            (message(json!("m"), json!("a\0b")), "content"),
            (message(json!("m"), json!("é".repeat(10_001))), "content"),
            (json!({ "type": "message", "message_id": "m", "content": "x" }), "conversation_id"),
            (json!({ "type": "join", "conversation_id": "x" }), "conversation_id"),
            (json!({ "type": "typing", "conversation_id": conversation }), "is_typing"),
            (json!({ "type": "read", "conversation_id": conversation, "seq": 1.5 }), "seq"),
            (json!({ "type": "presence", "user_ids": "all" }), "user_ids"),
            (json!({ "type": "resume" }), "cursors"),
            (json!({ "type": "resume", "cursors": { &conversation: "1" } }), "cursors"),
            (json!({ "type": "resume", "cursors": {}, "epoch": 1 }), "epoch"),
            (json!({ "type": "resume", "cursors": {}, "reads_since": "now" }), "reads_since"),
        ] {
            let error = device.ask(frame.clone()).await;
            assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("invalid")), "{frame}");
            assert!(error["reason"].as_str().unwrap().contains(field), "{field}: {error}");
        }
        let all = device.ask(json!({ "type": "message" })).await;
        for field in ["message_id", "conversation_id", "content"] {
            assert!(all["reason"].as_str().unwrap().contains(field), "all at once: {all}");
        }
        device.is_refused(json!({ "type": "HELLO" }), "unknown_type").await;
        for text in ["", "{", "[]", "\"message\"", "null"] {
            device.socket.send_text(text).await;
            assert_eq!(device.hear("error").await["code"], "malformed", "{text:?}");
        }
        let binary = json!({ "type": "ping" }).to_string();
        device.socket.0.send(Message::binary(binary)).await.unwrap();
        assert_eq!(device.hear("error").await["code"], "malformed", "what isn't text");
        device.say(&conversation, "the socket stays open").await;
        assert_eq!(ann.history(&conversation).await.len(), 1);
        device.close().await;
    }
}

both! {
    /// Telling of every key isn't heeding nothing: that alone sends nobody away.
    async fn who_floods_is_sent_away_and_who_types_fast_is_not(world, ["WS_TYPING_PER_MINUTE" = 10, "WS_MESSAGES_PER_MINUTE" = 60]) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let (mut at_ann, mut at_bob) = (Live::of(&ann).await, Live::of(&bob).await);
        for i in 0..300 {
            at_ann.send(json!({ "type": "typing", "conversation_id": conversation, "is_typing": i % 2 == 0 })).await;
        }
        let refused = at_ann.heard().await;
        assert!((280..=290).contains(&refused.len()), "{}", refused.len());
        assert!(refused.iter().all(|frame| frame["code"] == "rate_limited"), "{refused:?}");
        at_ann.say(&conversation, "still here").await;
        for i in 0..300 {
            at_bob.send(json!({ "type": "message", "message_id": i.to_string(), "conversation_id": conversation, "content": "x" })).await;
        }
        assert_eq!(at_bob.socket.closed().await, 4429);
        let posted = async || ann.history(&conversation).await.len();
        eventually("what was allowed is stored", async || posted().await > 60).await;
        assert!(posted().await <= 71, "{}", posted().await);
        at_ann.close().await;
    }
}
