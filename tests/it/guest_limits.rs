//! How much a guest may send.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::guest::{Guest, Shape};

fn hello(name: &str) -> Value {
    json!({ "display_name": name, "user_id": Uuid::new_v4(), "session_id": name })
}

both! {
    /// The buckets are the guest's: neither another tab nor coming back fills them.
    async fn messages(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1, "WS_MESSAGES_PER_MINUTE" = 3]) {
        let (one, two) = (hello("gil"), hello("hal"));
        let mut gil = Guest::arrive_as(world, Shape::Flat, one.clone()).await;
        let mut hal = Guest::arrive_as(world, Shape::Enveloped, two).await;
        let chat = gil.open_chat(&mut hal).await;
        let over = json!({ "content": "over", "chat_id": chat });
        for i in 0..3 {
            gil.say(json!({ "content": i.to_string() })).await;
            assert_eq!(hal.hear("MSG").await["content"], i.to_string());
        }
        gil.send("MSG", over.clone()).await;
        gil.refused("RATE_LIMITED").await;
        let mut tab = Guest::arrive_as(world, Shape::Flat, one.clone()).await;
        tab.send("MSG", over.clone()).await;
        tab.refused("RATE_LIMITED").await;
        gil.close().await;
        tab.close().await;
        let mut gil = Guest::arrive_as(world, Shape::Flat, one).await;
        gil.send("MSG", over).await;
        gil.refused("RATE_LIMITED").await;
        assert_eq!(hal.heard().await, [] as [Value; 0]);
        hal.say(json!({ "content": "mine is full" })).await;
        assert_eq!(gil.hear("MSG").await["content"], "mine is full");
        world.advance(21);
        gil.say(json!({ "content": "after a while", "chat_id": chat })).await;
        assert_eq!(hal.hear("MSG").await["content"], "after a while");
        gil.close().await;
        hal.close().await;
    }
}

both! {
    async fn signs_of_typing_and_pings(world, [
        "ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1, "WS_TYPING_PER_MINUTE" = 2, "WS_PINGS_PER_MINUTE" = 2
    ]) {
        let mut gil = Guest::arrive(world, Shape::Flat, "gil").await;
        let mut hal = Guest::arrive(world, Shape::Flat, "hal").await;
        gil.open_chat(&mut hal).await;
        for is_typing in [true, false] {
            gil.send("TYPING", json!({ "is_typing": is_typing })).await;
            assert_eq!(hal.hear("TYPING").await["is_typing"], is_typing);
        }
        gil.send("TYPING", json!({ "is_typing": true })).await;
        gil.refused("RATE_LIMITED").await;
        for _ in 0..2 {
            gil.send("PING", json!({})).await;
            gil.hear("PONG").await;
        }
        gil.send("PING", json!({})).await;
        gil.refused("RATE_LIMITED").await;
        gil.say(json!({ "content": "messages have a bucket of their own" })).await;
        hal.hear("MSG").await;
        assert_eq!(hal.heard().await, [] as [Value; 0]);
        gil.close().await;
        hal.close().await;
    }
}

both! {
    /// FastChat's page sends TYPING at every key, and takes no notice of RATE_LIMITED: its visitors must not be sent
    /// away for writing a long message.
    async fn a_fast_typist_stays(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1, "WS_TYPING_PER_MINUTE" = 10]) {
        let mut gil = Guest::arrive(world, Shape::Flat, "gil").await;
        let mut hal = Guest::arrive(world, Shape::Flat, "hal").await;
        gil.open_chat(&mut hal).await;
        let text = "as long as it takes to say what one means ".repeat(8);
        for _ in text.chars() {
            gil.send("TYPING", json!({ "is_typing": true })).await;
        }
        gil.send("MSG", json!({ "content": text })).await;
        let mut frame = gil.next().await;
        while frame["type"] != "MSG_ACK" {
            assert!(frame["type"] == "PRESENCE" || frame["code"] == "RATE_LIMITED", "{frame}");
            frame = gil.next().await;
        }
        gil.close().await;
        hal.close().await;
    }
}
