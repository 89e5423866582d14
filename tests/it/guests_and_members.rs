//! Guests and members with each other: what one says by FastChat the other hears by v1, v2 and REST, and back.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    guest::{Guest, Shape},
    live::Live,
};

both! {
    async fn a_guest_writes_to_a_member(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let ann = world.person("ann").await;
        let (mut live, mut plain) = (Live::of(&ann).await, ann.socket().await);
        let mut gil = Guest::arrive(world, Shape::Flat, "gil").await;
        gil.send("OPEN_CHAT", json!({ "target_user_id": ann.id, "target_display_name": "ann" })).await;
        let opened = gil.hear("CHAT_OPENED").await;
        assert_eq!((&opened["target_user_id"], &opened["target_display_name"]), (&json!(ann.id), &json!("ann")));
        let chat = opened["chat_id"].as_str().unwrap().to_owned();
        let made = live.hear("conversation").await["conversation"].take();
        assert_eq!((&made["id"], &made["direct"], &made["rev"]), (&json!(chat), &json!(true), &json!(1)));
        let members = made["members"].as_array().unwrap();
        assert!(members.len() == 2 && [&ann.id, &gil.id].iter().all(|id| members.contains(&json!(id))), "{made}");

        let ack = gil.say(json!({ "content": "hello", "message_id": "m" })).await;
        assert_eq!(ack["status"], "delivered");
        let message = live.hear("message").await["message"].take();
        assert_eq!(plain.next_message().await, message);
        assert_eq!((&message["content"], &message["sender_id"]), (&json!("hello"), &json!(gil.id)));
        assert_eq!(message["message_id"], "m");
        assert_eq!(message["created_at"], ack["timestamp"]);
        let (_, list) = ann.get("/conversations").await;
        assert_eq!((&list["conversations"][0]["id"], &list["conversations"][0]["last_message"]), (&json!(chat), &message));

        live.say(&chat, "by v2").await;
        plain.say(&chat, "by v1").await;
        plain.next_message().await;
        plain.next_message().await;
        ann.say(&chat, "by REST").await;
        ann.say(&chat, &"é".repeat(10_000)).await;
        for content in ["by v2", "by v1", "by REST", &"é".repeat(10_000)] {
            let heard = gil.hear("MSG").await;
            assert_eq!((&heard["content"], &heard["chat_id"], &heard["to"]), (&json!(content), &json!(chat), &json!(gil.id)));
            assert_eq!((&heard["from"], &heard["sender_id"], &heard["sender_name"]), (&json!(ann.id), &json!(ann.id), &json!("ann")));
        }
        assert_eq!(ann.history(&chat).await.len(), 5);
        gil.close().await;
        live.close().await;
        plain.close().await;
    }
}

both! {
    async fn a_member_writes_to_a_guest(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let ann = world.person("ann").await;
        let mut gil = Guest::arrive(world, Shape::Enveloped, "gil").await;
        let (_, online) = ann.get("/presence/online").await;
        assert_eq!(online["users"][0]["user_id"], gil.id.as_str(), "that is how she finds him");
        let (status, made) = ann.post("/conversations", json!({ "member_ids": [gil.id] })).await;
        assert_eq!((status, &made["direct"]), (StatusCode::CREATED, &json!(true)));
        let opened = gil.hear("CHAT_OPENED").await;
        assert_eq!((&opened["chat_id"], &opened["target_user_id"]), (&made["id"], &json!(ann.id)));
        assert_eq!(opened["target_display_name"], "ann");
        let chat = made["id"].as_str().unwrap();
        ann.say(chat, "hello").await;
        assert_eq!(gil.hear("MSG").await["content"], "hello");
        let status = gil.say(json!({ "content": "hello ann" })).await["status"].take();
        assert_eq!(status, "pending", "she has no device there");
        assert_eq!(ann.history(chat).await[1]["content"], "hello ann");

        gil.send("OPEN_CHAT", json!({ "target_user_id": ann.id, "target_display_name": "ann" })).await;
        assert_eq!(gil.hear("CHAT_OPENED").await["chat_id"], chat, "of two people there is one chat");
        gil.close().await;
    }
}

both! {
    async fn a_guest_in_a_group(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let (mut at_ann, mut at_bob) = (Live::of(&ann).await, bob.socket().await);
        let mut gil = Guest::arrive(world, Shape::Flat, "gil").await;
        let mut ida = Guest::arrive(world, Shape::Flat, "ida").await;
        let (_, group) = ann.post("/conversations", json!({ "title": "trip", "member_ids": [bob.id, gil.id] })).await;
        let id = group["id"].as_str().unwrap();
        let opened = gil.hear("CHAT_OPENED").await;
        assert_eq!((&opened["chat_id"], &opened["target_user_id"]), (&group["id"], &Value::Null));
        assert_eq!(opened["participants"].as_array().unwrap().len(), 3);
        at_ann.hear("conversation").await;

        gil.say(json!({ "content": "hi all", "chat_id": id })).await;
        assert_eq!(at_ann.hear("message").await["message"]["content"], "hi all");
        assert_eq!(at_bob.next_message().await["content"], "hi all");
        at_bob.say(id, "hi gil").await;
        let heard = gil.hear("MSG").await;
        assert_eq!((&heard["content"], &heard["chat_id"], &heard["to"]), (&json!("hi gil"), &group["id"], &Value::Null));
        assert_eq!((&heard["from"], &heard["sender_name"]), (&json!(bob.id), &json!("bob")));

        // Added later.
        let (status, body) = ann.post(&format!("/conversations/{id}/members"), json!({ "user_ids": [ida.id] })).await;
        assert!(status.is_success(), "{status} {body}");
        assert_eq!(ida.hear("CHAT_OPENED").await["chat_id"], group["id"]);
        ann.say(id, "welcome").await;
        for guest in [&mut gil, &mut ida] {
            assert_eq!(guest.hear("MSG").await["content"], "welcome");
        }
        let (status, body) = ann.delete(&format!("/conversations/{id}/members/{}", gil.id)).await;
        assert!(status.is_success(), "{status} {body}");
        gil.send("MSG", json!({ "content": "me too", "chat_id": id })).await;
        gil.refused("NOT_IN_CHAT").await;
        gil.send("TYPING", json!({ "is_typing": true, "chat_id": id })).await;
        gil.refused("NOT_IN_CHAT").await;
        ann.say(id, "without gil").await;
        assert_eq!(ida.hear("MSG").await["content"], "without gil");
        assert_eq!(gil.heard().await, [] as [Value; 0]);
        for guest in [gil, ida] {
            guest.close().await;
        }
        at_ann.close().await;
        at_bob.close().await;
    }
}

both! {
    /// Guests are told of guests; a member, of the guests with whom she shares a conversation.
    async fn who_is_told_who_is_there(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let mut gil = Guest::arrive(world, Shape::Flat, "gil").await;
        let (_, made) = ann.post("/conversations", json!({ "member_ids": [gil.id] })).await;
        assert!(made["id"].is_string(), "{made}");
        gil.hear("CHAT_OPENED").await;
        let (mut at_ann, mut at_bob) = (Live::of(&ann).await, Live::of(&bob).await);
        let ida = Guest::arrive(world, Shape::Flat, "ida").await;
        let news = gil.presence("connect").await;
        assert_eq!((&news["users"][0]["user_id"], news["users"].as_array().unwrap().len()), (&json!(ida.id), 1), "no member is in it");
        assert_eq!(gil.settle().await, [] as [Value; 0], "nor told of otherwise");

        let id = gil.id.clone();
        gil.close().await;
        let mut is_told = false;
        while !is_told {
            let told = at_ann.hear("presence").await;
            assert!(!told.to_string().contains(&ida.id), "she shares nothing with ida: {told}");
            let mut users = told["users"].as_array().unwrap().iter();
            is_told = users.any(|user| user["user_id"] == id.as_str() && user["online"] == false);
        }
        assert_eq!(at_bob.settle().await, [] as [Value; 0], "bob shares nothing with anybody");
        ida.close().await;
        at_ann.close().await;
        at_bob.close().await;
    }
}
