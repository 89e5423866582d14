//! Limits that hold over all nodes.

use std::time::Instant;

use futures_util::future::join_all;
use reqwest::StatusCode;

use crate::support::{cluster::Cluster, eventually};

/// How often a node has counted for itself.
const ALONE: &str = "pneumatic_rate_limits_alone_total";

/// So many a minute for one user, wherever the calls go; and while Redis is away, each node's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_limit_for_all_nodes() {
    let mut cluster = Cluster::start(3, &[("RATE_LIMIT_PER_MINUTE", "60".to_owned())]).await;
    let [ann, bob] = cluster.nodes[0].people(["ann", "bob"]).await;
    for node in 0..3 {
        let (at_bob, metrics) = (cluster.at(&bob, node), &cluster.nodes[node].services.metrics);
        let alone = || metrics.prometheus_text().lines().find(|line| line.starts_with(ALONE)).map(str::to_owned);
        eventually("the node shares its limits", async || {
            let before = alone();
            at_bob.get("/auth/me").await;
            alone() == before
        })
        .await;
    }
    let since = Instant::now();
    let calls = (0..150).map(|call| {
        let there = cluster.at(&ann, call % 3);
        async move { there.get("/auth/me").await.0 }
    });
    let answers = join_all(calls).await;
    let passed = answers.iter().filter(|status| **status == StatusCode::OK).count();
    let refused = answers.iter().filter(|status| **status == StatusCode::TOO_MANY_REQUESTS).count();
    assert_eq!(passed + refused, 150, "{answers:?}");
    let refilled = since.elapsed().as_secs() as usize + 1;
    assert!((60..=60 + refilled).contains(&passed), "{passed} passed, {refilled} were refilled");

    cluster.redis.stop();
    for node in 0..3 {
        let status = cluster.at(&ann, node).get("/auth/me").await.0;
        assert_eq!(status, StatusCode::OK, "each node counts for itself");
    }
    let there = cluster.at(&ann, 1);
    let mut alone = 1;
    while there.get("/auth/me").await.0 == StatusCode::OK {
        alone += 1;
        assert!(alone < 200, "a node's own limit holds");
    }
    assert!(alone >= 60, "{alone}");
    cluster.redis.begin_again().await;
    cluster.finish().await;
}
