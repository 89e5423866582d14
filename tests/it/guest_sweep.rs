//! Guests who haven't been there for `GUEST_TTL` hours are cleaned away.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{
    eventually,
    guest::{Guest, Shape},
};

const HOUR: i64 = 3_600;

both! {
    /// What they said among themselves goes with them; what they said to a member stays hers.
    async fn guests_go_and_what_members_have_stays(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1, "GUEST_TTL" = 1]) {
        let ann = world.person("ann").await;
        let mut gil = Guest::arrive(world, Shape::Flat, "gil").await;
        let mut hal = Guest::arrive(world, Shape::Flat, "hal").await;
        let mut ida = Guest::arrive(world, Shape::Flat, "ida").await;
        let among_themselves = gil.open_chat(&mut hal).await;
        gil.say(json!({ "content": "between us" })).await;
        hal.hear("MSG").await;
        gil.send("OPEN_CHAT", json!({ "target_user_id": ann.id, "target_display_name": "ann" })).await;
        let with_ann: String = serde_json::from_value(gil.hear("CHAT_OPENED").await["chat_id"].take()).unwrap();
        gil.say(json!({ "content": "to ann" })).await;
        ann.say(&with_ann, "to gil").await;
        gil.hear("MSG").await;
        let (status, group) = ann.post("/conversations", json!({ "member_ids": [gil.id, hal.id] })).await;
        assert_eq!(status, StatusCode::CREATED);
        let before = ann.history(&with_ann).await;

        let ids = [gil.id.clone(), hal.id.clone()];
        gil.close().await;
        hal.close().await;
        eventually("they have gone", async || world.services.metrics.active() == 1).await;
        world.advance(HOUR / 2);
        assert_eq!(world.services.writer.sweep_guests().await.unwrap(), 0, "their time isn't up");
        world.advance(HOUR);
        assert_eq!(world.services.writer.sweep_guests().await.unwrap(), 2, "but for ida, who is still there");
        assert_eq!(world.services.writer.sweep_guests().await.unwrap(), 0, "each once");

        for id in ids {
            ida.send("OPEN_CHAT", json!({ "target_user_id": id, "target_display_name": "x" })).await;
            ida.refused("USER_NOT_FOUND").await;
        }
        ida.send("MSG", json!({ "content": "x", "chat_id": among_themselves })).await;
        ida.refused("CHAT_NOT_OPENED").await;
        ida.send("MSG", json!({ "content": "x", "chat_id": with_ann })).await;
        ida.refused("NOT_IN_CHAT").await;

        let ann = ann.log_in().await;
        assert_eq!(ann.history(&with_ann).await, before, "as it was");
        let (_, list) = ann.get("/conversations").await;
        let listed: Vec<&str> = list["conversations"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
        assert!(listed.len() == 2 && listed.contains(&with_ann.as_str()) && listed.contains(&group["id"].as_str().unwrap()));
        ann.say(&with_ann, "are you there?").await;
        ida.close().await;
    }
}

both! {
    /// Whoever comes back in time, be it for a heartbeat, stays who they are.
    async fn whoever_comes_back_stays(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1, "GUEST_TTL" = 1]) {
        let gil = Guest::arrive(world, Shape::Flat, "gil").await;
        let hal = Guest::arrive(world, Shape::Flat, "hal").await;
        let id = gil.id.clone();
        gil.close().await;
        hal.close().await;
        eventually("they have gone", async || world.services.metrics.active() == 0).await;
        world.advance(HOUR * 3 / 4);
        let beat = json!({ "display_name": "gil", "user_id": id });
        let answer = world.http.post(world.url("/presence/heartbeat")).json(&beat).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        world.advance(HOUR / 2);
        assert_eq!(world.services.writer.sweep_guests().await.unwrap(), 1, "hal alone");
        let mut ida = Guest::arrive(world, Shape::Flat, "ida").await;
        ida.send("OPEN_CHAT", json!({ "target_user_id": id, "target_display_name": "gil" })).await;
        assert_eq!(ida.hear("CHAT_OPENED").await["target_user_id"], id);
        ida.close().await;
    }
}
