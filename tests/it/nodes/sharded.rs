//! Nodes that hear each other through a Redis Cluster.

use pneumatic::backplane::Link;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{
    database::{Database, Kind},
    eventually,
    figures::Figures,
    live::{Live, V2},
    person::Person,
    redis_cluster::RedisCluster,
    socket::Socket,
    world::World,
};

/// Conversations enough for channels on all servers.
const GROUPS: usize = 30;

/// How much news a node has heard.
const HEARD: &str = "pneumatic_backplane_news_total{direction=\"heard\"}";

/// A series of a node.
fn figure(world: &World, series: &str) -> f64 {
    Figures::of(&world.services.metrics.prometheus_text()).get(series)
}

async fn link_is(nodes: &[&World], link: Link) {
    eventually(&format!("{link:?}"), async || nodes.iter().all(|node| node.services.backplane.link() == link)).await;
}

/// Something is said in each conversation, and heard on the other node, by way of Redis.
async fn talk(from: &Person, groups: &[String], at: &mut Live, there: &World) {
    let before = figure(there, HEARD);
    for group in groups {
        let content = uuid::Uuid::new_v4().to_string();
        from.say(group, &content).await;
        let message = at.until("message").await["message"].take();
        assert_eq!((&message["conversation_id"], &message["content"]), (&json!(group), &json!(content)));
    }
    eventually("all was heard", async || figure(there, HEARD) >= before + groups.len() as f64).await;
}

/// Conversations, tickets and limits are spread over the servers; channels may move, and a server may be lost and come back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_cluster_joins_nodes() {
    let mut redis = RedisCluster::start().await;
    let limited = ("RATE_LIMIT_PER_MINUTE", "100000".to_owned());
    let database = Database::fresh(Kind::Postgres).await;
    let shared = database.shared();
    let one = World::start_on(database, &[("REDIS_URL", redis.urls()), limited.clone()]).await;
    // Any one of them leads to the others.
    let other = World::start_on(shared, &[("REDIS_URL", redis.servers[1].url()), limited]).await;
    let nodes = [&one, &other];
    link_is(&nodes, Link::Up).await;
    let [ann, bob, cyd] = one.people(["ann", "bob", "cyd"]).await;
    let mut groups = Vec::new();
    for _ in 0..GROUPS {
        groups.push(ann.conversation_with(&[&bob, &cyd]).await);
    }
    let far = Person { address: other.address, ..bob.clone() };
    let mut at_bob = Live::of(&far).await;
    talk(&ann, &groups, &mut at_bob, &other).await;

    let ticket = ann.post("/auth/ws-ticket", json!({})).await.1["ticket"].as_str().unwrap().to_owned();
    let path = format!("/ws?ticket={ticket}");
    let mut first = Socket::open_with(one.address, &path, &[V2]).await.unwrap();
    assert_eq!(first.next().await["type"], "ready");
    let mut second = Socket::open_with(other.address, &path, &[V2]).await.unwrap();
    assert_eq!(second.closed().await, 1008);
    first.close().await;
    let alone = figure(&other, "pneumatic_rate_limits_alone_total");
    for _ in 0..10 {
        assert_eq!(far.get("/auth/me").await.0, StatusCode::OK);
    }
    assert_eq!(figure(&other, "pneumatic_rate_limits_alone_total"), alone, "limits are shared");

    redis.move_slots(0, 2);
    redis.is_well().await;
    link_is(&nodes, Link::Up).await;
    talk(&ann, &groups, &mut at_bob, &other).await;

    redis.servers[2].stop();
    link_is(&nodes, Link::Down).await;
    ann.say(&groups[0], "while a part is away").await;
    assert_eq!(at_bob.until("message").await["message"]["content"], "while a part is away");
    redis.servers[2].begin_again().await;
    redis.is_well().await;
    link_is(&nodes, Link::Up).await;
    talk(&ann, &groups, &mut at_bob, &other).await;
    at_bob.close().await;
    other.finish().await;
    one.finish().await;
}
