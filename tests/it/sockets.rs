//! The v1 dialect, as clients that exist speak it, and the protocol below it.

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    person::Person,
    socket::{RawSocket, Socket},
};

both! {
    /// A client that reads frame by frame.
    async fn joined_and_then_message(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let (mut at_ann, mut at_bob) = (ann.socket().await, bob.socket().await);
        at_ann.send(json!({ "type": "join", "conversation_id": conversation })).await;
        assert_eq!(at_ann.next().await, json!({ "type": "joined", "conversation_id": conversation }));
        let name = at_ann.say(&conversation, "hello").await;
        let echo = at_ann.next_message().await;
        assert_eq!((echo["message_id"].as_str(), echo["content"].as_str()), (Some(name.as_str()), Some("hello")));
        assert_eq!(at_bob.next_message().await, echo, "without having joined");
        assert_eq!(ann.history(&conversation).await, [echo]);
        at_ann.close().await;
        at_bob.close().await;
    }
}

both! {
    async fn every_device_of_every_member_hears_it(world) {
        let [ann, bob, eve] = world.people(["ann", "bob", "eve"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let eves = eve.conversation_with(&[&ann]).await;
        let mut devices = join_all((0..3).map(|_| ann.socket())).await;
        devices.extend(join_all((0..3).map(|_| bob.socket())).await);
        let mut stranger = eve.socket().await;
        let by_rest = ann.say(&conversation, "by REST").await;
        for device in &mut devices {
            assert_eq!(device.next_message().await, by_rest);
        }
        // A device that has gone leaves the others as they were.
        devices.remove(0).close().await;
        devices[0].say(&conversation, "by socket").await;
        for device in &mut devices {
            assert_eq!(device.next_message().await["content"], "by socket");
        }
        assert!(stranger.settle(&eves).await.is_empty(), "who isn't a member hears nothing");
        for device in devices {
            device.close().await;
        }
        stranger.close().await;
    }
}

both! {
    async fn a_conversation_made_later_is_heard_too(world) {
        let [ann, bob, cyd] = world.people(["ann", "bob", "cyd"]).await;
        let (mut at_bob, mut at_cyd) = (bob.socket().await, cyd.socket().await);
        for round in 0..20 {
            let conversation = ann.conversation_with(&[&bob, &cyd]).await;
            // At once, by somebody who isn't connected: nothing gives the devices time to join.
            ann.say(&conversation, &round.to_string()).await;
            for device in [&mut at_bob, &mut at_cyd] {
                let message = device.next_message().await;
                assert_eq!((&message["conversation_id"], &message["content"]), (&json!(conversation), &json!(round.to_string())));
            }
        }
        at_bob.close().await;
        at_cyd.close().await;
    }
}

both! {
    /// Whatever is posted while a device connects is either in the history that it reads then, or comes live.
    async fn connecting_misses_nothing(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let poster = tokio::spawn({
            let (ann, conversation) = (ann.clone(), conversation.clone());
            async move {
                for i in 0..150 {
                    ann.say(&conversation, &i.to_string()).await;
                }
            }
        });
        while !poster.is_finished() {
            let mut device = bob.socket().await;
            device.settle(&conversation).await;
            let known = bob.history(&conversation).await.len() as i64;
            // The next live one follows what the history holds, or is in it.
            let text = Uuid::new_v4().to_string();
            bob.say(&conversation, &text).await;
            let mut last = None;
            loop {
                let message = device.next_message().await;
                let seq = message["seq"].as_i64().unwrap();
                assert!(last.map_or(seq <= known + 1, |last| seq == last + 1), "{last:?} then {seq}, history {known}");
                last = Some(seq);
                if message["content"] == text.as_str() {
                    break;
                }
            }
            device.close().await;
        }
        poster.await.unwrap();
    }
}

both! {
    async fn three_at_once_see_one_order(world) {
        let people = world.people(["ann", "bob", "cyd"]).await;
        let conversation = people[0].conversation_with(&[&people[1], &people[2]]).await;
        let talk = async |person: &Person, mut socket: Socket| -> Vec<Value> {
            let mut names = Vec::new();
            for i in 0..60 {
                names.push(socket.say(&conversation, &format!("{} {i}", person.name)).await);
            }
            let mut heard = Vec::new();
            while heard.len() < 180 {
                heard.push(socket.next_message().await);
            }
            let own: Vec<&str> = heard.iter().filter(|m| m["sender_id"] == person.id.as_str()).map(|m| m["message_id"].as_str().unwrap()).collect();
            assert_eq!(own, names, "one's own come in the order in which they were sent");
            socket.close().await;
            heard
        };
        // All are connected before anybody talks; three of them only listen.
        let waiting = join_all(people.iter().map(Person::socket)).await;
        let [a, b, c] = &people;
        let (at_a, at_b, at_c) = (a.socket().await, b.socket().await, c.socket().await);
        let (a, b, c) = tokio::join!(talk(a, at_a), talk(b, at_b), talk(c, at_c));
        let history = people[0].history(&conversation).await;
        for heard in [a, b, c] {
            let order = |list: &[Value]| list.iter().map(|m| m["seq"].as_i64().unwrap()).collect::<Vec<_>>();
            assert_eq!(order(&heard), order(&history));
            assert_eq!(heard, history);
        }
        for mut socket in waiting {
            for message in &history {
                assert_eq!(socket.next_message().await, *message);
            }
            socket.close().await;
        }
    }
}

both! {
    async fn a_repeat_is_answered_to_its_sender_alone(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let (mut at_ann, mut at_bob) = (ann.socket().await, bob.socket().await);
        let send = |content: &str| json!({ "type": "message", "message_id": "n", "conversation_id": conversation, "content": content });
        at_ann.send(send("one")).await;
        let first = at_ann.next_message().await;
        at_ann.send(send("two")).await;
        assert_eq!(at_ann.next_message().await, first);
        assert_eq!(at_bob.next_message().await, first);
        assert!(at_bob.settle(&conversation).await.is_empty());
        at_ann.close().await;
        at_bob.close().await;
    }
}

both! {
    async fn what_is_wrong_is_answered_and_the_socket_stays(world) {
        let [ann, bob, eve] = world.people(["ann", "bob", "eve"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let mut socket = eve.socket().await;
        let message = |conversation: &str, id: Value, content: Value| {
            json!({ "type": "message", "message_id": id, "conversation_id": conversation, "content": content }).to_string()
        };
        let unknown = Uuid::new_v4().to_string();
        for (text, code, field) in [
            ("{".to_owned(), "malformed", ""),
            ("[1]".to_owned(), "malformed", ""),
            ("{}".to_owned(), "invalid", "type"),
            (json!({ "type": "typing" }).to_string(), "unknown_type", ""),
            (json!({ "type": "join" }).to_string(), "invalid", "conversation_id"),
            (json!({ "type": "join", "conversation_id": unknown }).to_string(), "unknown_conversation", ""),
            (json!({ "type": "join", "conversation_id": conversation }).to_string(), "not_a_member", ""),
            (message(&conversation, json!("m"), json!("x")), "not_a_member", ""),
            (message(&unknown, json!("m"), json!("x")), "unknown_conversation", ""),
            (message("x", json!("m"), json!("x")), "invalid", "conversation_id"),
            (message(&conversation, json!(7), json!("x")), "invalid", "message_id"),
            (message(&conversation, json!("m"), json!("")), "invalid", "content"),
            (message(&conversation, json!("m"), json!("a\0b")), "invalid", "content"),
            (message(&conversation, json!("m"), json!("x".repeat(10_001))), "invalid", "content"),
            (message(&conversation, json!("m".repeat(256)), json!("x")), "invalid", "message_id"),
        ] {
            socket.send_text(&text).await;
            let frame = socket.next().await;
            let shown = &text[..text.len().min(100)];
            assert_eq!((&frame["type"], &frame["code"]), (&json!("error"), &json!(code)), "{shown}: {frame}");
            assert!(frame["reason"].as_str().unwrap().contains(field), "{shown}: {frame}");
        }
        let own = eve.conversation_with(&[&ann]).await;
        let name = socket.say(&own, "still here").await;
        assert_eq!(socket.next_message().await["message_id"], name.as_str());
        assert!(ann.history(&conversation).await.is_empty());
        socket.close().await;
    }
}

both! {
    async fn a_bad_token_is_told_after_the_upgrade(world) {
        let ann = world.person("ann").await;
        for path in ["/ws", "/ws?token=", "/ws?token=x", &format!("/ws?token={}", ann.refresh)] {
            let mut socket = Socket::open_with(world.address, path, &[]).await.unwrap();
            assert_eq!(socket.closed().await, 1008, "{path}");
        }
        let bearer = format!("Bearer {}", ann.access);
        let socket = Socket::open_with(world.address, "/ws", &[("authorization", &bearer)]).await.unwrap();
        socket.close().await;
    }
}

both! {
    async fn a_page_of_a_foreign_origin_gets_no_socket(world, ["ALLOWED_ORIGINS" = "https://chat.example"]) {
        let ann = world.person("ann").await;
        let path = format!("/ws?token={}", ann.access);
        let open = async |origin: &str| Socket::open_with(world.address, &path, &[("origin", origin)]).await;
        for origin in ["https://evil.example", "null", "http://127.0.0.1", "https://chat.example.evil"] {
            match open(origin).await {
                Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 403),
                other => panic!("{origin}: {:?}", other.map(|_| ())),
            }
        }
        for origin in [world.url(""), "https://chat.example".to_owned()] {
            open(&origin).await.unwrap().close().await;
        }
    }
}

both! {
    async fn logging_out_closes_the_logins_sockets(world) {
        let ann = world.person("ann").await;
        let phone = ann.log_in().await;
        let (mut here, mut there) = (ann.socket().await, phone.socket().await);
        assert_eq!(ann.post("/auth/logout", json!({})).await.0, StatusCode::NO_CONTENT);
        assert_eq!(here.closed().await, 4401);
        there.send_text("{}").await;
        assert_eq!(there.next().await["type"], "error");
        let mut again = ann.socket().await;
        assert_eq!(again.closed().await, 1008);
        there.close().await;
    }
}

both! {
    /// RFC 6455: fragments, pings between them, and what must end the connection, with its code.
    async fn the_protocol(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let mut socket = RawSocket::open(world.address, &ann.access).await;
        let join = json!({ "type": "join", "conversation_id": conversation }).to_string();
        let (start, end) = join.as_bytes().split_at(10);
        socket.send(0x01, start).await;
        socket.send(0x89, b"are you there").await;
        socket.send(0x00, &[]).await;
        socket.send(0x80, end).await;
        assert_eq!(socket.next().await, (0x8a, b"are you there".to_vec()));
        let (first, answer) = socket.next().await;
        assert_eq!((first, serde_json::from_slice::<Value>(&answer).unwrap()["type"].as_str()), (0x81, Some("joined")));
        socket.send(0x82, b"binary").await;
        assert!(String::from_utf8(socket.next().await.1).unwrap().contains("malformed"));
        socket.send(0x88, &1000_u16.to_be_bytes()).await;
        assert_eq!(socket.closed().await, 1000);
        socket.ended().await;

        let half = vec![b'x'; 40_000];
        type Frame<'a> = (u8, &'a [u8]);
        let cases: &[(&[Frame<'_>], u16)] = &[
            (&[(0x81, b"\xc3\x28")], 1007),
            (&[(0x01, b"\xe2\x82"), (0x80, b"x")], 1007),
            (&[(0x81, &[b'x'; 65_537])], 1009),
            (&[(0x01, &half), (0x80, &half)], 1009),
            (&[(0x80, b"no beginning")], 1002),
            (&[(0x01, b"a"), (0x81, b"b")], 1002),
            (&[(0xc1, b"a reserved bit")], 1002),
            (&[(0x83, b"an unknown opcode")], 1002),
            (&[(0x89, &[0; 126])], 1002),
            (&[(0x09, b"a fragmented ping")], 1002),
        ];
        for (frames, code) in cases {
            let mut socket = RawSocket::open(world.address, &ann.access).await;
            for (first_byte, payload) in *frames {
                socket.send(*first_byte, payload).await;
            }
            assert_eq!(socket.closed().await, *code, "{:?}", frames[0].0);
        }
        let mut unmasked = RawSocket::open(world.address, &ann.access).await;
        tokio::io::AsyncWriteExt::write_all(&mut unmasked.0, b"\x81\x02hi").await.unwrap();
        assert_eq!(unmasked.closed().await, 1002);
    }
}
