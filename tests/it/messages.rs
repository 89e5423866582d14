//! Sending and reading over REST.

use std::collections::HashSet;

use futures_util::future::join_all;
use reqwest::StatusCode;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{database::Kind, person::Person, world::World};

fn seqs(body: &Value) -> Vec<i64> {
    body["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_i64().unwrap()).collect()
}

both! {
    /// The original returned the oldest fifty.
    async fn the_history_begins_with_the_latest_page(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        for i in 1..=60 {
            ann.say(&conversation, &format!("message {i}")).await;
        }
        let page = async |query: &str| {
            let (status, body) = bob.get(&format!("/conversations/{conversation}/messages{query}")).await;
            assert_eq!(status, StatusCode::OK, "{body}");
            body
        };
        let latest = page("").await;
        assert_eq!(seqs(&latest), (11..=60).collect::<Vec<_>>());
        assert_eq!(latest["messages"][49]["content"], "message 60");
        assert_eq!(seqs(&page("?before_seq=11").await), (1..=10).collect::<Vec<_>>());
        assert_eq!(seqs(&page("?before_seq=11&limit=3").await), [8, 9, 10]);
        assert_eq!(seqs(&page("?after_seq=55").await), [56, 57, 58, 59, 60]);
        assert_eq!(seqs(&page("?after_seq=3&limit=2").await), [4, 5]);
        assert_eq!(seqs(&page("?after_seq=60").await), [] as [i64; 0]);
        for (query, field) in [("?limit=0", "limit"), ("?limit=201", "limit"), ("?limit=x", "limit"), ("?before_seq=-1", "before_seq"),
            ("?after_seq=99999999999999999999", "after_seq"), ("?after_seq=1&before_seq=3", "after_seq")] {
            let (status, problem) = bob.get(&format!("/conversations/{conversation}/messages{query}")).await;
            assert_eq!((status, problem["errors"][0]["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(field)), "{query}");
        }
    }
}

both! {
    /// Pages are kept in memory; nobody may notice.
    async fn the_latest_page_holds_what_was_acknowledged_and_is_for_members_alone(world) {
        let [ann, bob, eve] = world.people(["ann", "bob", "eve"]).await;
        let group = ann.conversation_with(&[&bob, &eve]).await;
        let path = format!("/conversations/{group}/messages");
        let has = async |reader: &Person, said: &Value| {
            let (status, page) = reader.get(&path).await;
            assert_eq!(status, StatusCode::OK);
            assert!(page["messages"].as_array().unwrap().contains(said), "{said} is not in {page}");
        };
        join_all([&ann, &bob].map(async |speaker| {
            for i in 0..20 {
                let said = speaker.say(&group, &format!("message {i}")).await;
                join_all([has(&ann, &said), has(&bob, &said), has(&eve, &said)]).await;
            }
        }))
        .await;
        ann.remove(&group, &eve).await;
        let (status, problem) = eve.get(&path).await;
        assert_eq!((status, &problem["code"]), (StatusCode::FORBIDDEN, &json!("not_a_member")));
        let said = bob.say(&group, "is she gone?").await;
        assert_eq!(eve.get(&path).await.0, StatusCode::FORBIDDEN);
        ann.add(&group, &eve).await;
        has(&eve, &said).await;
        assert_eq!(seqs(&eve.get(&format!("{path}?limit=2")).await.1), [40, 41], "another length is another page");
    }
}

/// On PostgreSQL it is asked with each request how the conversation stands, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_read_once_for_as_long_as_its_conversation_stands() {
    let world = World::start(Kind::Postgres, &[]).await;
    let [ann, bob, eve] = world.people(["ann", "bob", "eve"]).await;
    let group = ann.conversation_with(&[&bob]).await;
    let said = ann.say(&group, "as it was said").await;
    let path = format!("/conversations/{group}/messages");
    let page = async |member: &Person| member.get(&path).await.1["messages"].clone();
    assert_eq!(page(&bob).await, json!([said]));
    let connection = world.database.connect().await;
    connection.execute_unprepared("UPDATE messages SET content = 'as nobody said it'").await.unwrap();
    for member in [&ann, &bob] {
        assert_eq!(page(member).await, json!([said]), "it wasn't read again");
    }
    assert_eq!(eve.get(&path).await.0, StatusCode::FORBIDDEN);
    let more = ann.say(&group, "more").await;
    let both = page(&bob).await;
    assert_eq!((&both[0]["content"], &both[1]), (&json!("as nobody said it"), &more));
    connection.execute_unprepared("DELETE FROM conversation_members").await.unwrap();
    assert_eq!(bob.get(&path).await.0, StatusCode::FORBIDDEN);
    connection.execute_unprepared("DELETE FROM messages; DELETE FROM conversations").await.unwrap();
    assert_eq!(bob.get(&path).await.0, StatusCode::NOT_FOUND);
    connection.close().await.unwrap();
    world.finish().await;
}

both! {
    async fn a_message_is_whole(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let body = json!({ "message_id": "m1", "conversation_id": conversation, "content": "<b>hi</b>", "sender_id": ann.id });
        let (status, message) = ann.post("/messages", body).await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!((message["message_id"].as_str(), message["content"].as_str()), (Some("m1"), Some("<b>hi</b>")));
        assert_eq!((message["seq"].as_i64(), message["rev"].as_i64()), (Some(1), Some(2)), "a conversation's making is its first change");
        assert_eq!((&message["sender_id"], &message["conversation_id"]), (&json!(ann.id), &json!(conversation)));
        assert!(message["created_at"].as_str().unwrap().ends_with('Z'), "{message}");
        assert_eq!(bob.history(&conversation).await, [message], "it is read as it was answered");
    }
}

both! {
    /// The original answered a repeat with whoever's message had that name.
    async fn a_repeat_is_answered_with_ones_own_message(world) {
        let [ann, bob, eve] = world.people(["ann", "bob", "eve"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let (status, first) = ann.say_as(&conversation, "first", "same name").await;
        assert_eq!(status, StatusCode::CREATED);
        let (status, again) = ann.say_as(&conversation, "another text", "same name").await;
        assert_eq!((status, again), (StatusCode::OK, first.clone()));
        let (status, other) = bob.say_as(&conversation, "mine", "same name").await;
        assert_eq!((status, other["content"].as_str()), (StatusCode::CREATED, Some("mine")));
        let elsewhere = ann.conversation_with(&[&eve]).await;
        assert_eq!(ann.say_as(&elsewhere, "elsewhere", "same name").await.0, StatusCode::CREATED);
        assert_eq!(bob.history(&conversation).await.len(), 2);
    }
}

both! {
    async fn of_sixty_four_equal_posts_one_is_stored(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let mut listener = bob.socket().await;
        let answers = join_all((0..64).map(|i| {
            let (ann, conversation) = (ann.clone(), conversation.clone());
            tokio::spawn(async move { ann.say_as(&conversation, &format!("text {i}"), "one name").await })
        })).await;
        let answers: Vec<(StatusCode, Value)> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers.iter().filter(|(status, _)| *status == StatusCode::CREATED).count(), 1);
        assert!(answers.iter().all(|(_, message)| *message == answers[0].1), "all are told of the same one");
        assert_eq!(bob.history(&conversation).await.len(), 1);
        assert_eq!(listener.settle(&conversation).await.len(), 1, "and it is delivered once");
        listener.close().await;
    }
}

both! {
    async fn strangers_are_refused(world) {
        let [ann, bob, eve] = world.people(["ann", "bob", "eve"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let post = |conversation: &str| json!({ "message_id": "m", "conversation_id": conversation, "content": "x" });
        let (status, problem) = eve.post("/messages", post(&conversation)).await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::FORBIDDEN, Some("not_a_member")));
        assert_eq!(problem["detail"], "You are not a member of this conversation");
        assert_eq!(eve.get(&format!("/conversations/{conversation}/messages")).await.0, StatusCode::FORBIDDEN);
        let unknown = Uuid::new_v4().to_string();
        assert_eq!(eve.post("/messages", post(&unknown)).await.0, StatusCode::NOT_FOUND);
        assert_eq!(eve.get(&format!("/conversations/{unknown}/messages")).await.0, StatusCode::NOT_FOUND);
        assert_eq!(eve.get("/conversations/not-an-id/messages").await.0, StatusCode::NOT_FOUND);
        let mut forged = post(&conversation);
        forged["sender_id"] = json!(ann.id);
        let (status, problem) = bob.post("/messages", forged).await;
        assert_eq!((status, problem["detail"].as_str()), (StatusCode::FORBIDDEN, Some("sender_id must match authenticated user")));
        assert!(ann.history(&conversation).await.is_empty());
    }
}

both! {
    /// Whoever posts how much at once: the numbers have no gap and the socket sees what the history says.
    async fn seq_and_rev_have_no_gap(world) {
        let [ann, bob, cyd] = world.people(["ann", "bob", "cyd"]).await;
        let conversation = ann.conversation_with(&[&bob, &cyd]).await;
        let mut listener = cyd.socket().await;
        let posts = (0..120).map(|i| {
            let who = if i % 2 == 0 { ann.clone() } else { bob.clone() };
            let conversation = conversation.clone();
            // Every third is a repeat of an earlier one.
            tokio::spawn(async move { who.say_as(&conversation, "x", &format!("{}", i - i % 3)).await })
        });
        for post in join_all(posts).await {
            post.unwrap();
        }
        let history = ann.history(&conversation).await;
        let names: HashSet<_> = history.iter().map(|m| (m["sender_id"].as_str().unwrap(), m["message_id"].as_str().unwrap())).collect();
        assert_eq!(names.len(), history.len(), "none twice");
        for (i, message) in history.iter().enumerate() {
            assert_eq!((message["seq"].as_i64(), message["rev"].as_i64()), (Some(i as i64 + 1), Some(i as i64 + 2)));
        }
        let delivered: Vec<Value> = listener.settle(&conversation).await.into_iter().map(|mut frame| frame["message"].take()).collect();
        assert_eq!(delivered, history);
        listener.close().await;
    }
}
