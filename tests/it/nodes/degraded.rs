//! While Redis is away, or swallows what it is told.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{cluster::Cluster, eventually, faulty::Faults, live::Live, person::Person};

async fn readiness(person: &Person) -> (StatusCode, Value) {
    person.get("/ready").await
}

/// The content of the next message.
async fn hears(live: &mut Live) -> Value {
    live.until("message").await["message"]["content"].take()
}

/// Each node serves its own devices and stores everything; what others did is found in the database; on Redis's return
/// everything is as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis() {
    let mut cluster = Cluster::start(2, &[]).await;
    let [ann, bob, cyd] = cluster.nodes[0].people(["ann", "bob", "cyd"]).await;
    let far = cluster.at(&bob, 1);
    let room = ann.conversation_with(&[&bob]).await;
    let (mut at_ann, mut at_bob) = (Live::of(&ann).await, Live::of(&far).await);
    assert_eq!(readiness(&ann).await, (StatusCode::OK, json!({ "status": "ready" })));
    for way in ["stopped", "frozen", "cut off", "stalled"] {
        match way {
            "stopped" => cluster.redis.stop(),
            "frozen" => cluster.redis.freeze(),
            "cut off" => cluster.ways.iter().for_each(|way| way.cut()),
            _ => cluster.ways.iter().for_each(|way| way.stall()),
        }
        cluster.is_down(0).await;
        cluster.is_down(1).await;
        let (status, body) = readiness(&ann).await;
        assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("degraded")));
        assert!(body["error"].as_str().unwrap().contains("Redis"), "{body}");
        for number in 0..2 {
            let content = format!("{way} {number}");
            far.say(&room, &content).await;
            assert_eq!(hears(&mut at_bob).await, content, "its own devices hear it");
            assert_eq!(hears(&mut at_ann).await, content, "the others a little later");
        }
        // Who becomes a member meanwhile is found as well.
        let group = far.conversation_with(&[&ann, &cyd]).await;
        far.say(&group, way).await;
        assert_eq!(hears(&mut at_bob).await, way);
        assert_eq!(hears(&mut at_ann).await, way);
        match way {
            "stopped" => cluster.redis.begin_again().await,
            "frozen" => cluster.redis.thaw(),
            "cut off" => cluster.ways.iter().for_each(|way| way.mend()),
            _ => cluster.ways.iter().for_each(|way| way.flow()),
        }
        cluster.is_up(0).await;
        cluster.is_up(1).await;
        assert_eq!(readiness(&ann).await.1, json!({ "status": "ready" }));
        far.say(&room, "together again").await;
        assert_eq!(hears(&mut at_ann).await, "together again");
        assert_eq!(hears(&mut at_bob).await, "together again");
    }
    let figures = cluster.nodes[0].services.metrics.prometheus_text();
    assert!(figures.contains("pneumatic_backplane_interruptions_total 4"), "{figures}");
    at_ann.close().await;
    at_bob.close().await;
    cluster.finish().await;
}

/// Everything that is told gets lost: it is found by comparing with the database. Nothing is heard twice, whatever is doubled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_gets_lost_is_found() {
    let cluster = Cluster::start(2, &[]).await;
    let [ann, bob, cyd] = cluster.nodes[0].people(["ann", "bob", "cyd"]).await;
    let far = cluster.at(&bob, 1);
    let room = ann.conversation_with(&[&bob]).await;
    let (mut at_ann, mut plain) = (Live::of(&ann).await, ann.socket().await);
    for (place, faults) in [
        Faults { drop: 1.0, ..Faults::NONE },
        Faults { double: 1.0, ..Faults::NONE },
        Faults { delay: 1.0, longest: Duration::from_millis(100), ..Faults::NONE },
        Faults { drop: 0.3, double: 0.3, delay: 0.5, longest: Duration::from_millis(50) },
    ]
    .into_iter()
    .enumerate()
    {
        cluster.set(faults);
        for number in 0..20 {
            far.say(&room, &format!("{place} {number}")).await;
        }
        for number in 0..20 {
            assert_eq!(hears(&mut at_ann).await, format!("{place} {number}"));
        }
        // v1 has no way to tell that it hears something twice: of a group that is new to it neither.
        let group = far.conversation_with(&[&ann, &cyd]).await;
        for number in 0..3 {
            far.say(&group, &format!("{place} group {number}")).await;
        }
        let expected =
            (0..20).map(|number| format!("{place} {number}")).chain((0..3).map(|number| format!("{place} group {number}")));
        let mut heard: Vec<String> = Vec::new();
        for _ in 0..23 {
            heard.push(plain.next_message().await["content"].as_str().unwrap().to_owned());
        }
        // By conversation; each in its order.
        heard.sort_by_key(|content| content.contains("group"));
        assert!(heard.iter().eq(expected.collect::<Vec<_>>().iter()), "{heard:?}");
        for number in 0..3 {
            assert_eq!(hears(&mut at_ann).await, format!("{place} group {number}"));
        }
    }
    cluster.set(Faults::NONE);
    assert_eq!(plain.settle(&room).await, [] as [Value; 0], "nothing came twice");
    let ways = &cluster.ways[0];
    assert!(ways.dropped() > 0 && ways.doubled() > 0 && ways.delayed() > 0);
    // A mark has no successor that would reveal its loss.
    ann.say(&room, "read this").await;
    cluster.set(Faults { drop: 1.0, ..Faults::NONE });
    let mut at_bob = Live::of(&far).await;
    at_bob.ask(json!({ "type": "read", "conversation_id": room, "seq": 81 })).await;
    cluster.set(Faults::NONE);
    eventually("the mark is told", async || {
        let frame = at_ann.next().await;
        frame["type"] == "read" && frame["seq"] == 81
    })
    .await;
    at_ann.close().await;
    at_bob.close().await;
    plain.close().await;
    cluster.finish().await;
}

/// Who was removed and made a member again while nothing was told hears everything again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_removed_and_came_back_hears_again() {
    let cluster = Cluster::start(2, &[]).await;
    let [ann, bob, cyd] = cluster.nodes[0].people(["ann", "bob", "cyd"]).await;
    let room = ann.conversation_with(&[&bob, &cyd]).await;
    let mut at_bob = Live::of(&cluster.at(&bob, 1)).await;
    ann.say(&room, "before").await;
    assert_eq!(hears(&mut at_bob).await, "before");
    cluster.set(Faults { drop: 1.0, ..Faults::NONE });
    ann.remove(&room, &bob).await;
    at_bob.until("conversation_removed").await;
    ann.add(&room, &bob).await;
    ann.say(&room, "after").await;
    assert_eq!(hears(&mut at_bob).await, "after");
    at_bob.close().await;
    cluster.finish().await;
}
