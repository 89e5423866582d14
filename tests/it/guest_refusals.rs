//! What FastChat's clients are told when something is wrong.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    PATIENCE,
    guest::{Guest, Shape},
    live::V2,
    socket::Socket,
};

both! {
    async fn hello_comes_first(world, ["ALLOW_GUESTS" = "true"]) {
        for shape in Shape::BOTH {
            for (kind, fields) in [("PING", json!({})), ("MSG", json!({ "content": "x" })), ("DANCE", json!({}))] {
                let mut guest = Guest::connect(world.address, shape).await;
                guest.send(kind, fields).await;
                guest.refused("HELLO_REQUIRED").await;
                assert_eq!(guest.socket.closed().await, 1008, "{kind}");
            }
        }
        let mut guest = Guest::connect(world.address, Shape::Flat).await;
        guest.socket.send_text("{\"type\":").await;
        guest.refused("INVALID_JSON").await;
        assert_eq!(guest.socket.closed().await, 1008);
    }
}

both! {
    /// A HELLO that isn't good may be said again, but buys no time.
    async fn who_says_nothing_is_sent_away(world, ["ALLOW_GUESTS" = "true"]) {
        let start = Instant::now();
        let mut silent = Guest::connect(world.address, Shape::Flat).await;
        let mut clumsy = Guest::connect(world.address, Shape::Flat).await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        clumsy.send("HELLO", json!({ "display_name": "" })).await;
        clumsy.refused_for("display_name").await;
        silent.refused("HELLO_TIMEOUT").await;
        assert_eq!(silent.socket.closed().await, 1008);
        assert!((Duration::from_secs(5)..PATIENCE).contains(&start.elapsed()), "{:?}", start.elapsed());
        clumsy.refused("HELLO_TIMEOUT").await;
        assert_eq!(clumsy.socket.closed().await, 1008);
        assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    }
}

both! {
    async fn hello_has_its_rules(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        for shape in Shape::BOTH {
            let mut guest = Guest::connect(world.address, shape).await;
            for (hello, field) in [
                (json!({}), "display_name"),
                (json!({ "display_name": "" }), "display_name"),
                (json!({ "display_name": 7 }), "display_name"),
                (json!({ "display_name": "x".repeat(101) }), "display_name"),
                (json!({ "display_name": "a\0b" }), "display_name"),
                (json!({ "display_name": "gil", "user_id": 7 }), "user_id"),
                (json!({ "display_name": "gil", "session_id": 7 }), "session_id"),
            ] {
                guest.send("HELLO", hello).await;
                guest.refused_for(field).await;
            }
            guest.greet(json!({ "display_name": "é".repeat(100) })).await;
            guest.close().await;
        }
    }
}

both! {
    /// A token that isn't good makes nobody a guest, and v2 isn't for guests.
    async fn a_bad_token_is_no_guest(world, ["ALLOW_GUESTS" = "true"]) {
        for (path, headers) in [
            ("/ws?token=x", vec![]),
            ("/ws?ticket=x", vec![]),
            ("/ws", vec![("authorization", "Bearer x")]),
            ("/ws", vec![V2]),
        ] {
            let start = Instant::now();
            let mut socket = Socket::open_with(world.address, path, &headers).await.unwrap();
            assert_eq!(socket.closed().await, 1008, "{path} {headers:?}");
            assert!(start.elapsed() < Duration::from_secs(4), "{path} {headers:?}: at once");
        }
    }
}

both! {
    async fn what_is_wrong_is_told_and_the_socket_stays(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        for shape in Shape::BOTH {
            let mut gil = Guest::arrive(world, shape, "gil").await;
            let mut hal = Guest::arrive(world, shape, "hal").await;
            let mut ida = Guest::arrive(world, shape, "ida").await;
            let nobody = Uuid::new_v4();
            for mut fields in [json!({}), json!({ "to": hal.id }), json!({ "to": nobody }), json!({ "chat_id": nobody })] {
                fields["content"] = json!("x");
                gil.send("MSG", fields).await;
                gil.refused("CHAT_NOT_OPENED").await;
            }
            let open = |id: &str| json!({ "target_user_id": id, "target_display_name": "x" });
            gil.send("OPEN_CHAT", open(&nobody.to_string())).await;
            gil.refused("USER_NOT_FOUND").await;
            gil.send("OPEN_CHAT", open(&gil.id)).await;
            gil.refused("VALIDATION").await;
            gil.send("OPEN_CHAT", json!({ "target_display_name": "x" })).await;
            gil.refused_for("target_user_id").await;

            let with_hal = gil.open_chat(&mut hal).await;
            let with_ida = gil.open_chat(&mut ida).await;
            let foreign = hal.open_chat(&mut ida).await;
            gil.send("MSG", json!({ "content": "x", "chat_id": foreign })).await;
            gil.refused("NOT_IN_CHAT").await;
            gil.send("MSG", json!({ "content": "x", "chat_id": nobody })).await;
            gil.refused("CHAT_NOT_OPENED").await;
            for (chat, to) in [(&with_hal, &ida.id), (&with_ida, &hal.id)] {
                gil.send("MSG", json!({ "content": "x", "chat_id": chat, "to": to })).await;
                gil.refused("VALIDATION").await;
            }
            for (fields, field) in [
                (json!({}), "content"),
                (json!({ "content": "" }), "content"),
                (json!({ "content": 7 }), "content"),
                (json!({ "content": "x".repeat(1_001) }), "content"),
                (json!({ "content": "a\0b" }), "content"),
                (json!({ "content": "x", "message_id": "m".repeat(256) }), "message_id"),
                (json!({ "content": "x", "message_id": 7 }), "message_id"),
            ] {
                gil.send("MSG", fields).await;
                gil.refused_for(field).await;
            }
            gil.send("TYPING", json!({})).await;
            gil.refused_for("is_typing").await;
            gil.send("DANCE", json!({})).await;
            gil.refused("UNKNOWN_MESSAGE_TYPE").await;
            gil.socket.send_text("{\"type\":").await;
            gil.refused("INVALID_JSON").await;
            for kind in ["PONG", "MSG_ACK"] {
                gil.send(kind, json!({ "message_id": "m" })).await;
            }
            assert_eq!(gil.heard().await, [] as [Value; 0], "these aren't answered");
            for guest in [&mut hal, &mut ida] {
                assert_eq!(guest.heard().await, [] as [Value; 0], "none of that reached anybody");
            }
            gil.say(json!({ "content": "😀".repeat(1_000) })).await;
            assert_eq!(ida.hear("MSG").await["chat_id"], with_ida.as_str());
            for guest in [gil, hal, ida] {
                guest.close().await;
            }
        }
    }
}
