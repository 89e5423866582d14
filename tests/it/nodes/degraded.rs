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
    loop {
        let mut frame = live.next().await;
        if frame["type"] == "message" {
            return frame["message"]["content"].take();
        }
    }
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
        for number in 0..5 {
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
    let [ann, bob] = cluster.nodes[0].people(["ann", "bob"]).await;
    let far = cluster.at(&bob, 1);
    let room = ann.conversation_with(&[&bob]).await;
    let mut at_ann = Live::of(&ann).await;
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
    }
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
    cluster.finish().await;
}
