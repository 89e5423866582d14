//! Who is writing just now: told to the others, for as long as it is true, and never stored.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    guest::{Guest, Shape},
    live::Live,
    person::Person,
};

/// How long a sign holds unless it is given again, and some less for clocks.
const HOLDS: Duration = Duration::from_millis(5_900);

fn sign(conversation: &str, is_typing: bool) -> Value {
    json!({ "type": "typing", "conversation_id": conversation, "is_typing": is_typing })
}

async fn hears(device: &mut Live, who: &Person, conversation: &str, is_typing: bool) {
    let heard = device.hear("typing").await;
    let expected = json!({ "type": "typing", "conversation_id": conversation, "user_id": who.id, "is_typing": is_typing });
    assert_eq!(heard, expected);
}

both! {
    async fn the_others_are_told(world) {
        let [ann, bob, cyd, eve] = world.people(["ann", "bob", "cyd", "eve"]).await;
        let group = ann.conversation_with(&[&bob, &cyd]).await;
        let others = eve.conversation_with(&[&ann]).await;
        let (mut laptop, mut phone) = (Live::of(&ann).await, Live::of(&ann).await);
        let (mut at_bob, mut at_eve, mut plain) = (Live::of(&bob).await, Live::of(&eve).await, cyd.socket().await);
        for is_typing in [true, false] {
            laptop.send(sign(&group, is_typing)).await;
            hears(&mut at_bob, &ann, &group, is_typing).await;
        }
        for device in [&mut laptop, &mut phone, &mut at_eve] {
            assert_eq!(device.heard().await, [] as [Value; 0], "neither she herself nor a stranger");
        }
        assert_eq!(plain.settle(&group).await, [] as [Value; 0], "v1 knows nothing of it");
        laptop.send(sign(&others, true)).await;
        hears(&mut at_eve, &ann, &others, true).await;
        assert_eq!(at_bob.heard().await, [] as [Value; 0]);
        assert_eq!(ann.get("/conversations").await.1["conversations"][0]["rev"], 1, "it is no change");
        for device in [laptop, phone, at_bob, at_eve] {
            device.close().await;
        }
        plain.close().await;
    }
}

both! {
    /// Also when the device has gone meanwhile.
    async fn a_sign_ends_by_itself(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let (mut at_ann, mut at_bob) = (Live::of(&ann).await, Live::of(&bob).await);
        let start = Instant::now();
        at_ann.send(sign(&conversation, true)).await;
        hears(&mut at_bob, &ann, &conversation, true).await;
        hears(&mut at_bob, &ann, &conversation, false).await;
        assert!((HOLDS..HOLDS * 3).contains(&start.elapsed()), "{:?}", start.elapsed());

        let start = Instant::now();
        at_ann.send(sign(&conversation, true)).await;
        hears(&mut at_bob, &ann, &conversation, true).await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        at_ann.send(sign(&conversation, true)).await;
        at_ann.settle().await;
        at_ann.close().await;
        // Whether the renewal is told again is the server's business.
        while at_bob.hear("typing").await["is_typing"] == true {}
        assert!(start.elapsed() >= HOLDS + Duration::from_secs(4), "it was renewed: {:?}", start.elapsed());
        assert_eq!(at_bob.heard().await, [] as [Value; 0]);
        at_bob.close().await;
    }
}

both! {
    async fn what_was_ended_does_not_end_again(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let (mut at_ann, mut at_bob) = (Live::of(&ann).await, Live::of(&bob).await);
        for is_typing in [true, false] {
            at_ann.send(sign(&conversation, is_typing)).await;
            hears(&mut at_bob, &ann, &conversation, is_typing).await;
        }
        tokio::time::sleep(Duration::from_secs(7)).await;
        assert_eq!(at_bob.heard().await, [] as [Value; 0]);
        at_ann.close().await;
        at_bob.close().await;
    }
}

both! {
    async fn what_is_refused(world) {
        let [ann, bob, eve] = world.people(["ann", "bob", "eve"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let (mut at_bob, mut at_eve) = (Live::of(&bob).await, Live::of(&eve).await);
        at_eve.is_refused(sign(&conversation, true), "not_a_member").await;
        at_eve.is_refused(sign(&Uuid::new_v4().to_string(), true), "unknown_conversation").await;
        for mut frame in [
            json!({}),
            json!({ "is_typing": true }),
            json!({ "conversation_id": conversation }),
            json!({ "conversation_id": conversation, "is_typing": "yes" }),
        ] {
            frame["type"] = json!("typing");
            at_bob.is_refused(frame, "invalid").await;
        }
        let mut plain = ann.socket().await;
        plain.send(sign(&conversation, true)).await;
        assert_eq!(plain.next().await["code"], "unknown_type", "v1 has no such frame");
        assert_eq!(at_bob.heard().await, [] as [Value; 0]);
        plain.close().await;
        at_bob.close().await;
        at_eve.close().await;
    }
}

both! {
    async fn it_has_a_limit_that_coming_back_does_not_lift(world, ["WS_TYPING_PER_MINUTE" = 3]) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let (mut at_ann, mut at_bob) = (Live::of(&ann).await, Live::of(&bob).await);
        for is_typing in [true, false, true] {
            at_ann.send(sign(&conversation, is_typing)).await;
            hears(&mut at_bob, &ann, &conversation, is_typing).await;
        }
        at_ann.is_refused(sign(&conversation, false), "rate_limited").await;
        at_ann.close().await;
        let mut at_ann = Live::of(&ann.log_in().await).await;
        at_ann.is_refused(sign(&conversation, false), "rate_limited").await;
        at_ann.say(&conversation, "the rest goes on").await;
        at_ann.close().await;
        at_bob.close().await;
    }
}

both! {
    async fn across_dialects(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let ann = world.person("ann").await;
        let mut gil = Guest::arrive(world, Shape::Flat, "gil").await;
        let (_, made) = ann.post("/conversations", json!({ "member_ids": [gil.id] })).await;
        let conversation = made["id"].as_str().unwrap();
        gil.hear("CHAT_OPENED").await;
        let mut at_ann = Live::of(&ann).await;
        gil.send("TYPING", json!({ "is_typing": true })).await;
        let start = Instant::now();
        at_ann.send(sign(conversation, true)).await;
        for is_typing in [true, false] {
            let expected = json!({ "type": "typing", "conversation_id": conversation, "user_id": gil.id, "is_typing": is_typing });
            assert_eq!(at_ann.hear("typing").await, expected);
            let expected = json!({ "type": "TYPING", "chat_id": conversation, "user_id": ann.id, "is_typing": is_typing });
            assert_eq!(gil.hear("TYPING").await, expected);
        }
        assert!(start.elapsed() >= HOLDS - Duration::from_secs(1), "{:?}", start.elapsed());
        gil.close().await;
        at_ann.close().await;
    }
}
