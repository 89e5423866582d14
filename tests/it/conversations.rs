//! Starting, finding and listing conversations.

use std::collections::HashSet;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::person::read;

both! {
    async fn a_one_on_one_exists_once(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let asks = (0..24).map(|i| {
            let (from, to) = if i % 2 == 0 { (&ann, &bob) } else { (&bob, &ann) };
            from.post("/conversations", json!({ "member_ids": [to.id] }))
        });
        let answers = join_all(asks).await;
        let ids: HashSet<&str> = answers.iter().map(|(_, body)| body["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 1);
        assert_eq!(answers.iter().filter(|(status, _)| *status == StatusCode::CREATED).count(), 1);
        assert!(answers.iter().all(|(status, _)| status.is_success()));
        // However it is asked for.
        let (status, again) = ann.post("/conversations", json!({ "member_ids": [bob.id, ann.id, bob.id], "title": "x" })).await;
        assert_eq!((status, again["id"].as_str()), (StatusCode::OK, ids.into_iter().next()));
        assert_eq!((again["direct"].as_bool(), again["members"].as_array().unwrap().len()), (Some(true), 2));
    }
}

both! {
    async fn groups_are_made_each_time(world) {
        let [ann, bob, cyd] = world.people(["ann", "bob", "cyd"]).await;
        let ask = json!({ "title": "  Lunch  ", "member_ids": [bob.id, cyd.id] });
        let (status, first) = ann.post("/conversations", ask.clone()).await;
        assert_eq!((status, first["title"].as_str()), (StatusCode::CREATED, Some("Lunch")));
        let (_, second) = ann.post("/conversations", ask.clone()).await;
        assert_ne!(first["id"], second["id"]);

        let keyed = async |key: &str, who: &crate::support::person::Person| {
            read(who.request(Method::POST, "/conversations").header("idempotency-key", key).json(&ask)).await
        };
        let answers = join_all((0..8).map(|_| keyed("k", &ann))).await;
        let ids: HashSet<&str> = answers.iter().map(|(_, body)| body["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 1, "one key, one group");
        assert_ne!(keyed("other", &ann).await.1["id"], answers[0].1["id"]);
        assert_ne!(keyed("k", &bob).await.1["id"], answers[0].1["id"], "a key is its caller's own");
        world.advance(24 * 3600 + 1);
        let ann = ann.log_in().await;
        assert_ne!(keyed("k", &ann).await.1["id"], answers[0].1["id"], "a key lives for a day");
    }
}

both! {
    async fn members_must_exist(world) {
        let ann = world.person("ann").await;
        let (status, problem) = ann.post("/conversations", json!({ "member_ids": [Uuid::new_v4()] })).await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::BAD_REQUEST, Some("unknown_member")));
        let many: Vec<Uuid> = (0..5_001).map(|_| Uuid::new_v4()).collect();
        let (status, problem) = ann.post("/conversations", json!({ "member_ids": many })).await;
        assert_eq!((status, problem["errors"][0]["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("member_ids")));
        assert_eq!(ann.get("/conversations").await.1["conversations"], json!([]));
    }
}

both! {
    async fn the_list_shows_the_most_recently_active_first(world) {
        let [ann, bob, cyd] = world.people(["ann", "bob", "cyd"]).await;
        let with_bob = ann.conversation_with(&[&bob]).await;
        let with_cyd = ann.conversation_with(&[&cyd]).await;
        let listed = async |who: &crate::support::person::Person| -> Vec<Value> {
            who.get("/conversations").await.1["conversations"].as_array().unwrap().clone()
        };
        let ids = |list: &[Value]| list.iter().map(|c| c["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(ids(&listed(&ann).await), [with_cyd.clone(), with_bob.clone()]);
        bob.say(&with_bob, "one").await;
        bob.say(&with_bob, "two").await;
        let list = listed(&ann).await;
        assert_eq!(ids(&list), [with_bob.clone(), with_cyd]);
        assert_eq!(list[0]["last_message"]["content"], "two");
        assert_eq!((list[0]["last_seq"].as_i64(), list[0]["last_read_seq"].as_i64(), list[0]["rev"].as_i64()), (Some(2), Some(0), Some(3)));
        assert_eq!(listed(&bob).await[0]["last_read_seq"], 2, "one's own messages are read");
        assert!(listed(&cyd).await.iter().all(|c| c["id"] != with_bob.as_str()));
    }
}

both! {
    async fn read_marks_only_go_forward(world) {
        let [ann, bob, eve] = world.people(["ann", "bob", "eve"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        for i in 0..3 {
            bob.say(&conversation, &i.to_string()).await;
        }
        let path = format!("/conversations/{conversation}/read");
        let mark = async |seq: i64| ann.put(&path, json!({ "seq": seq })).await.1["last_read_seq"].as_i64().unwrap();
        assert_eq!(mark(2).await, 2);
        assert_eq!(mark(1).await, 2);
        assert_eq!(mark(99).await, 3, "never past the last message");
        assert_eq!(ann.get("/conversations").await.1["conversations"][0]["last_read_seq"], 3);
        assert_eq!(eve.put(&path, json!({ "seq": 1 })).await.0, StatusCode::FORBIDDEN);
        assert_eq!(ann.put(&path, json!({ "seq": -1 })).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
}
