//! Guests among themselves: who hears whom, and who may be whom.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    eventually,
    guest::{Guest, Shape},
    world::World,
};

async fn three(world: &World) -> [Guest; 3] {
    let [gil, hal, ida] = ["gil", "hal", "ida"].map(|name| Guest::arrive(world, Shape::Flat, name));
    [gil.await, hal.await, ida.await]
}

async fn all_leave<const N: usize>(guests: [Guest; N]) {
    for guest in guests {
        guest.close().await;
    }
}

both! {
    /// A third who opens a chat with somebody doesn't become the one they are talking to.
    async fn a_message_goes_to_whom_the_chat_was_opened_with(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let [mut gil, mut hal, mut ida] = three(world).await;
        let with_gil = gil.open_chat(&mut hal).await;
        gil.say(json!({ "content": "between us" })).await;
        let heard = hal.hear("MSG").await;
        assert_eq!((&heard["content"], &heard["from"], &heard["chat_id"]), (&json!("between us"), &json!(gil.id), &json!(with_gil)));
        assert_eq!(ida.heard().await, [] as [Value; 0], "nobody else hears it");

        let with_ida = ida.open_chat(&mut hal).await;
        hal.say(json!({ "content": "as before" })).await;
        assert_eq!(gil.hear("MSG").await["content"], "as before");
        for (is_for_ida, fields) in [
            (true, json!({ "content": "to ida", "to": ida.id })),
            (true, json!({ "content": "in ida's", "chat_id": with_ida })),
            (true, json!({ "content": "both agree", "chat_id": with_ida, "to": ida.id })),
            (false, json!({ "content": "in gil's", "chat_id": with_gil })),
            (false, json!({ "content": "to gil", "to": gil.id })),
            (false, json!({ "content": "as ever" })),
        ] {
            let (hearer, other) = if is_for_ida { (&mut ida, &mut gil) } else { (&mut gil, &mut ida) };
            hal.say(fields.clone()).await;
            let heard = hearer.hear("MSG").await;
            assert_eq!((&heard["content"], &heard["to"]), (&fields["content"], &json!(hearer.id)));
            assert_eq!(other.heard().await, [] as [Value; 0], "{fields}");
        }
        // Whoever opens one themselves, means that one.
        assert_eq!(hal.open_chat(&mut ida).await, with_ida, "of two people there is one chat");
        hal.say(json!({ "content": "and now ida" })).await;
        assert_eq!(ida.hear("MSG").await["content"], "and now ida");
        assert_eq!(gil.heard().await, [] as [Value; 0]);
        hal.send("TYPING", json!({ "is_typing": true, "chat_id": with_gil })).await;
        let typing = gil.hear("TYPING").await;
        assert_eq!((&typing["user_id"], &typing["chat_id"]), (&json!(hal.id), &json!(with_gil)));
        assert_eq!(ida.heard().await, [] as [Value; 0]);
        all_leave([gil, hal, ida]).await;
    }
}

both! {
    async fn a_repeat_is_acknowledged_again_and_delivered_once(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let [mut gil, mut hal, ida] = three(world).await;
        gil.open_chat(&mut hal).await;
        let first = gil.say(json!({ "content": "one", "message_id": "m" })).await;
        let again = gil.say(json!({ "content": "two", "message_id": "m" })).await;
        assert_eq!((&first["message_id"], &again["message_id"]), (&json!("m"), &json!("m")));
        assert_eq!(hal.hear("MSG").await["content"], "one");
        assert_eq!(hal.heard().await, [] as [Value; 0]);
        assert_eq!(gil.heard().await, [] as [Value; 0], "one's own message doesn't come back");
        all_leave([gil, hal, ida]).await;
    }
}

both! {
    /// The original said "delivered" of what nobody received.
    async fn only_what_was_delivered_is_called_so(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let [mut gil, mut hal, ida] = three(world).await;
        gil.open_chat(&mut hal).await;
        assert_eq!(gil.say(json!({ "content": "x" })).await["status"], "delivered");
        hal.close().await;
        let goodbye = json!({ "content": "x" });
        eventually("it is known that he has gone", async || gil.say(goodbye.clone()).await["status"] == "pending").await;
        all_leave([gil, ida]).await;
    }
}

both! {
    async fn any_text_is_an_id(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let hello = |id: &str| json!({ "display_name": "gil", "user_id": id, "session_id": "s" });
        let first = Guest::arrive_as(world, Shape::Enveloped, hello("test-123")).await;
        let second = Guest::arrive_as(world, Shape::Enveloped, hello("test-123")).await;
        let other = Guest::arrive_as(world, Shape::Enveloped, hello("test-124")).await;
        let id = Uuid::new_v4().to_string();
        let own = Guest::arrive_as(world, Shape::Enveloped, hello(&id)).await;
        assert_eq!((&first.id, &own.id), (&second.id, &id));
        assert_ne!(first.id, other.id);
        all_leave([first, second, other, own]).await;
    }
}

both! {
    /// Ids are no secret: knowing one isn't being that person.
    async fn nobody_takes_another_s_place(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let ann = world.person("ann").await;
        let mut hal = Guest::arrive(world, Shape::Flat, "hal").await;
        let hello = json!({ "display_name": "gil", "user_id": Uuid::new_v4(), "session_id": "gil's own" });
        let mut gil = Guest::arrive_as(world, Shape::Flat, hello.clone()).await;
        hal.presence("connect").await;
        gil.open_chat(&mut hal).await;
        for (id, session) in [
            (&gil.id, json!({ "session_id": "another" })),
            (&gil.id, json!({})),
            (&hal.id, json!({ "session_id": "any" })),
            (&hal.id, json!({})),
            (&ann.id, json!({ "session_id": "any" })),
            (&ann.id, json!({})),
        ] {
            for shape in Shape::BOTH {
                let mut claim = session.clone();
                claim["display_name"] = json!("eve");
                claim["user_id"] = json!(id);
                let mut eve = Guest::connect(world.address, shape).await;
                eve.send("HELLO", claim).await;
                eve.refused("UNAUTHORIZED").await;
                assert_eq!(eve.socket.closed().await, 1008);
            }
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(hal.settle().await, [] as [Value; 0], "nobody came or went");
        hal.say(json!({ "content": "still you?" })).await;
        assert_eq!(gil.hear("MSG").await["content"], "still you?");
        gil.say(json!({ "content": "still me" })).await;
        let heard = hal.hear("MSG").await;
        assert_eq!((&heard["content"], &heard["sender_name"]), (&json!("still me"), &json!("gil")));

        // Once they have gone, their browser may come back under a new session.
        gil.close().await;
        hal.presence("disconnect").await;
        let mut again = hello;
        again["session_id"] = json!("after a restart");
        let gil = Guest::arrive_as(world, Shape::Flat, again).await;
        assert_eq!(hal.presence("connect").await["users"][0]["user_id"], gil.id.as_str());
        all_leave([gil, hal]).await;
    }
}

both! {
    /// In the original a closed old tab took the new one with it.
    async fn a_second_tab_is_welcome_and_the_first_may_go(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let mut hal = Guest::arrive(world, Shape::Flat, "hal").await;
        let hello = json!({ "display_name": "gil", "user_id": Uuid::new_v4(), "session_id": "gil's own" });
        let mut old = Guest::arrive_as(world, Shape::Flat, hello.clone()).await;
        hal.presence("connect").await;
        let chat = old.open_chat(&mut hal).await;
        let mut new = Guest::arrive_as(world, Shape::Enveloped, hello).await;
        assert_eq!(new.id, old.id);
        hal.say(json!({ "content": "to each tab" })).await;
        for tab in [&mut old, &mut new] {
            assert_eq!(tab.hear("MSG").await["content"], "to each tab");
        }
        old.say(json!({ "content": "from one tab" })).await;
        assert_eq!(hal.hear("MSG").await["content"], "from one tab");
        assert_eq!(new.heard().await, [] as [Value; 0], "one's own message comes to no tab");

        old.close().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(hal.settle().await, [] as [Value; 0], "gil is still there");
        assert_eq!(hal.say(json!({ "content": "and now?" })).await["status"], "delivered");
        assert_eq!(new.hear("MSG").await["content"], "and now?");
        new.say(json!({ "content": "here", "chat_id": chat })).await;
        assert_eq!(hal.hear("MSG").await["content"], "here");
        new.close().await;
        let gone = hal.presence("disconnect").await;
        assert_eq!((&gone["users"][0]["display_name"], &gone["users"][0]["online"]), (&json!("gil"), &json!(false)));
        hal.close().await;
    }
}

both! {
    /// A second HELLO is acknowledged and changes nothing for others.
    async fn hello_twice(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let [mut gil, mut hal, ida] = three(world).await;
        // Who came last is told of last.
        while !hal.presence("connect").await["users"].to_string().contains(&ida.id) {}
        gil.open_chat(&mut hal).await;
        gil.settle().await;
        hal.settle().await;
        gil.send("HELLO", json!({ "display_name": "gil", "user_id": gil.id })).await;
        assert_eq!(gil.hear("HELLO_ACK").await["user_id"], gil.id.as_str());
        gil.say(json!({ "content": "in the chat of before" })).await;
        assert_eq!(hal.next().await["content"], "in the chat of before");
        all_leave([gil, hal, ida]).await;
    }
}
