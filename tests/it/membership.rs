//! Title and members over REST: who may change what, what becomes of it, and that each change takes one number.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use reqwest::StatusCode;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{eventually, live::Live, person::Person, world::World};

fn is_refused((status, problem): (StatusCode, Value), expected: u16, code: &str) {
    assert_eq!((status.as_u16(), &problem["code"]), (expected, &json!(code)), "{problem}");
}

fn is_invalid(answer: (StatusCode, Value), field: &str) {
    assert_eq!(answer.1["errors"][0]["field"], field, "{}", answer.1);
    is_refused(answer, 422, "invalid");
}

fn rev(conversation: &Value) -> i64 {
    conversation["rev"].as_i64().unwrap()
}

fn ids<'a>(people: impl IntoIterator<Item = &'a Person>) -> Vec<&'a str> {
    let mut ids: Vec<&str> = people.into_iter().map(|person| person.id.as_str()).collect();
    ids.sort_unstable();
    ids
}

/// The API makes one owner of a conversation; a database may have more.
async fn let_all_own_it(world: &World) {
    let connection = world.database.connect().await;
    connection.execute_unprepared("UPDATE conversation_members SET role = 'owner'").await.unwrap();
    connection.close().await.unwrap();
}

both! {
    async fn the_title(world) {
        let [ann, bob, eve] = world.people(["ann", "bob", "eve"]).await;
        let group = ann.conversation_with(&[&bob, &world.person("cyd").await]).await;
        let path = format!("/conversations/{group}");
        let patch = async |who: &Person, body: Value| who.patch(&path, body).await;
        let long = "é".repeat(200);
        for (title, shown) in [
            (json!("  Lunch "), json!("Lunch")),
            (json!(long), json!(long)),
            (Value::Null, Value::Null),
            (json!("<b>"), json!("<b>")),
            (json!("  "), Value::Null),
        ] {
            let before = rev(&ann.view(&group).await);
            for _ in 0..2 {
                let (status, state) = patch(&ann, json!({ "title": title })).await;
                assert_eq!((status, &state["title"], rev(&state)), (StatusCode::OK, &shown, before + 1), "{title}: once");
                assert_eq!(state, ann.view(&group).await);
            }
            assert_eq!(bob.view(&group).await["title"], shown);
        }
        let before = ann.view(&group).await;
        is_refused(patch(&bob, json!({ "title": "x" })).await, 403, "not_an_owner");
        is_refused(patch(&eve, json!({ "title": "x" })).await, 403, "not_a_member");
        for unknown in [Uuid::new_v4().to_string(), "x".to_owned()] {
            let path = format!("/conversations/{unknown}");
            is_refused(ann.patch(&path, json!({ "title": "x" })).await, 404, "unknown_conversation");
        }
        for body in [json!({}), json!({ "title": 7 }), json!({ "title": "é".repeat(201) }), json!({ "title": "a\0b" })] {
            is_invalid(patch(&ann, body).await, "title");
        }
        assert_eq!(ann.view(&group).await, before);

        let direct = ann.conversation_with(&[&bob]).await;
        for (number, who) in [&ann, &bob].into_iter().enumerate() {
            let state = who.rename(&direct, &who.name).await;
            assert_eq!((&state["title"], rev(&state)), (&json!(who.name), number as i64 + 2), "both of a 1-on-1 are alike");
        }
    }
}

both! {
    async fn newcomers(world) {
        let [ann, bob, cyd, dan, eve] = world.people(["ann", "bob", "cyd", "dan", "eve"]).await;
        let group = ann.conversation_with(&[]).await;
        for i in 0..5 {
            ann.say(&group, &i.to_string()).await;
        }
        let path = format!("/conversations/{group}/members");
        let add = async |who: &Person, people: &[&Person]| {
            who.post(&path, json!({ "user_ids": people.iter().map(|person| &person.id).collect::<Vec<_>>() })).await
        };
        let (status, state) = add(&ann, &[&cyd, &bob, &cyd]).await;
        assert_eq!((status, rev(&state), &state["owners"]), (StatusCode::OK, 7, &json!([ann.id])), "{state}");
        assert_eq!(state["members"], json!(ids([&ann, &bob, &cyd])));
        for newcomer in [&bob, &cyd] {
            let seen = newcomer.view(&group).await;
            assert_eq!((&seen["unread_count"], &seen["last_read_seq"], &seen["last_seq"]), (&json!(0), &json!(5), &json!(5)));
            assert_eq!(newcomer.history(&group).await.len(), 5, "and can read it");
        }
        ann.say(&group, "new").await;
        assert_eq!(bob.get("/conversations").await.1["conversations"][0]["unread_count"], 1);
        let (status, state) = add(&ann, &[&bob, &ann]).await;
        assert_eq!((status, rev(&state)), (StatusCode::OK, 8), "whoever is a member takes no number");
        let (_, state) = add(&ann, &[&bob, &dan]).await;
        assert_eq!((rev(&state), &state["members"]), (9, &json!(ids([&ann, &bob, &cyd, &dan]))));

        let before = ann.view(&group).await;
        is_refused(add(&bob, &[&eve]).await, 403, "not_an_owner");
        is_refused(add(&eve, &[&eve]).await, 403, "not_a_member");
        is_refused(ann.post(&path, json!({ "user_ids": [eve.id, Uuid::new_v4()] })).await, 400, "unknown_member");
        is_refused(ann.post("/conversations/x/members", json!({ "user_ids": [eve.id] })).await, 404, "unknown_conversation");
        let many: Vec<Uuid> = (0..5_001).map(|_| Uuid::new_v4()).collect();
        for body in [json!({}), json!({ "user_ids": [] }), json!({ "user_ids": many }), json!({ "user_ids": eve.id })] {
            is_invalid(ann.post(&path, body).await, "user_ids");
        }
        is_invalid(ann.post(&path, json!({ "user_ids": ["x"] })).await, "user_ids[0]");
        assert_eq!(ann.view(&group).await, before, "all or none");

        let direct = ann.conversation_with(&[&bob]).await;
        let ask = json!({ "user_ids": [cyd.id] });
        is_refused(ann.post(&format!("/conversations/{direct}/members"), ask).await, 409, "direct_conversation");
        is_refused(ann.delete(&format!("/conversations/{direct}/members/{}", ann.id)).await, 409, "direct_conversation");
        assert_eq!(rev(&ann.view(&direct).await), 1);
    }
}

both! {
    async fn those_who_go(world) {
        let [ann, bob, cyd, eve] = world.people(["ann", "bob", "cyd", "eve"]).await;
        let group = ann.conversation_with(&[&bob, &cyd]).await;
        bob.say_as(&group, "from him", "one").await;
        let member = |who: &str| format!("/conversations/{group}/members/{who}");
        is_refused(bob.delete(&member(&cyd.id)).await, 403, "not_an_owner");
        is_refused(eve.delete(&member(&cyd.id)).await, 403, "not_a_member");
        is_refused(eve.delete(&member(&eve.id)).await, 403, "not_a_member");
        for nobody in [&eve.id, &Uuid::new_v4().to_string(), "x"] {
            is_refused(ann.delete(&member(nobody)).await, 404, "no_such_member");
        }
        assert_eq!(rev(&ann.view(&group).await), 2);
        let (status, nothing) = ann.delete(&member(&bob.id)).await;
        assert_eq!((status, nothing), (StatusCode::NO_CONTENT, json!("")));
        is_refused(ann.delete(&member(&bob.id)).await, 404, "no_such_member");
        assert_eq!(cyd.delete(&member(&cyd.id)).await.0, StatusCode::NO_CONTENT, "everybody may leave");
        let state = ann.view(&group).await;
        assert_eq!((rev(&state), &state["members"], &state["reads"]), (4, &json!([ann.id]), &json!({})), "{state}");
        assert_eq!(ann.history(&group).await[0]["sender_id"], bob.id.as_str(), "what they said stays");

        let path = format!("/conversations/{group}");
        for gone in [&bob, &cyd] {
            is_refused(gone.get(&path).await, 403, "not_a_member");
            is_refused(gone.get(&format!("{path}/messages")).await, 403, "not_a_member");
            is_refused(gone.put(&format!("{path}/read"), json!({ "seq": 1 })).await, 403, "not_a_member");
            is_refused(gone.patch(&path, json!({ "title": "x" })).await, 403, "not_a_member");
            is_refused(gone.post(&format!("{path}/members"), json!({ "user_ids": [gone.id] })).await, 403, "not_a_member");
            is_refused(gone.delete(&member(&gone.id)).await, 403, "not_a_member");
            for name in ["one", "two"] {
                let post = json!({ "message_id": name, "conversation_id": group, "content": "x" });
                is_refused(gone.post("/messages", post).await, 403, "not_a_member");
            }
            assert_eq!(gone.get("/conversations").await.1["conversations"], json!([]));
        }
    }
}

both! {
    async fn somebody_always_owns_it(world) {
        let [ann, bob, cyd, dan] = world.people(["ann", "bob", "cyd", "dan"]).await;
        let group = ann.conversation_with(&[]).await;
        for newcomer in [&dan, &bob, &cyd] {
            ann.add(&group, newcomer).await;
        }
        ann.say(&group, "goodbye").await;
        let mut rest = vec![&dan, &bob, &cyd];
        let mut owner = &ann;
        let mut last = rev(&ann.view(&group).await);
        while !rest.is_empty() {
            owner.remove(&group, owner).await;
            owner = rest[0];
            let state = owner.view(&group).await;
            assert_eq!(state["owners"], json!([owner.id]), "whoever is there longest");
            assert_eq!((&state["members"], rev(&state)), (&json!(ids(rest.iter().copied())), last + 1), "one change");
            last += 1;
            rest.remove(0);
            for member in &rest {
                is_refused(member.patch(&format!("/conversations/{group}"), json!({ "title": "x" })).await, 403, "not_an_owner");
            }
        }
        owner.remove(&group, owner).await;
        for gone in [&ann, &bob, &cyd, &dan] {
            is_refused(gone.get(&format!("/conversations/{group}/messages")).await, 403, "not_a_member");
        }

        let both = ann.conversation_with(&[&bob, &cyd]).await;
        let_all_own_it(world).await;
        ann.remove(&both, &bob).await;
        cyd.remove(&both, &ann).await;
        assert_eq!(cyd.view(&both).await["owners"], json!([cyd.id]), "owners remove owners");
    }
}

both! {
    /// Whatever several owners and all who talk do at once: each change takes the next number, and whoever listens hears each.
    async fn changes_at_once_leave_no_gap(world) {
        const EDITS: usize = 12;
        let owners = world.people(["ann", "bob", "cyd"]).await;
        let guests = world.people(["dan", "eve", "fay"]).await;
        let [ann, bob, cyd] = &owners;
        let group = ann.conversation_with(&[bob, cyd]).await;
        let_all_own_it(world).await;
        let mut device = Live::of(ann).await;
        let edits = owners.iter().zip(&guests).map(async |(owner, guest)| {
            for i in 0..EDITS {
                owner.rename(&group, &format!("{} {i}", owner.name)).await;
                owner.add(&group, guest).await;
                owner.say(&group, "x").await;
                owner.remove(&group, guest).await;
            }
        });
        join_all(edits).await;
        let mut last = 1;
        let changes = (owners.len() * EDITS * 4) as i64;
        while last < changes + 1 {
            let frame = device.next().await;
            let told = [&frame["message"]["rev"], &frame["conversation"]["rev"]].into_iter().find_map(Value::as_i64);
            if let Some(rev) = told {
                assert_eq!(rev, last + 1, "{frame}");
                last = rev;
            }
        }
        assert_eq!(rev(&ann.view(&group).await), changes + 1);
        // All ask for the same: it is done once.
        let twelve = || (0..12).map(|i| &owners[i % owners.len()]);
        let answers = join_all(twelve().map(async |owner| owner.rename(&group, "at last").await)).await;
        assert!(answers.iter().all(|state| rev(state) == changes + 2), "{answers:?}");
        let answers = join_all(twelve().map(async |owner| owner.add(&group, &guests[0]).await)).await;
        assert!(answers.iter().all(|state| rev(state) == changes + 3), "{answers:?}");
        let path = format!("/conversations/{group}/members/{}", guests[0].id);
        let gone = join_all(twelve().map(async |owner| owner.delete(&path).await)).await;
        assert_eq!(gone.iter().filter(|(status, _)| *status == StatusCode::NO_CONTENT).count(), 1);
        assert_eq!(rev(&ann.view(&group).await), changes + 4);
        device.close().await;
    }
}

both! {
    /// Each post was accepted before the removal, or is refused.
    async fn no_post_slips_past_a_removal(world) {
        let [ann, bob, cyd] = world.people(["ann", "bob", "cyd"]).await;
        let group = ann.conversation_with(&[&bob, &cyd]).await;
        for _ in 0..10 {
            let removed = AtomicBool::new(false);
            let talks = (0..4).map(async |_| {
                let mut last = 0;
                loop {
                    let began_after = removed.load(Ordering::Acquire);
                    let post = json!({ "message_id": Uuid::new_v4(), "conversation_id": group, "content": "x" });
                    let (status, message) = cyd.post("/messages", post).await;
                    if status == StatusCode::FORBIDDEN {
                        return last;
                    }
                    assert_eq!((status, began_after), (StatusCode::CREATED, false), "{message}");
                    last = rev(&message);
                }
            });
            let removal = async {
                eventually("they talk", async || ann.view(&group).await["last_message"]["sender_id"] == cyd.id.as_str()).await;
                ann.remove(&group, &cyd).await;
                removed.store(true, Ordering::Release);
                let state = ann.view(&group).await;
                assert_eq!(state["members"], json!(ids([&ann, &bob])));
                rev(&state)
            };
            let (accepted, removal) = tokio::join!(join_all(talks), removal);
            assert_eq!(accepted.into_iter().max(), Some(removal - 1), "nothing came after it");
            ann.say(&group, "between").await;
            ann.add(&group, &cyd).await;
        }
    }
}
