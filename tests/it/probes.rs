//! What operators and their tools see.

use reqwest::StatusCode;

use crate::support::{database::Kind, eventually, person::read, world::World};

fn figure(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("no {name} in {text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

both! {
    async fn the_four_figures(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let scrape = async || world.http.get(world.url("/metrics")).send().await.unwrap().text().await.unwrap();
        let (one, two) = (ann.socket().await, bob.socket().await);
        ann.say(&conversation, "x").await;
        ann.say_as(&conversation, "x", "n").await;
        ann.say_as(&conversation, "x", "n").await;
        let text = scrape().await;
        assert_eq!(figure(&text, "pneumatic_websocket_connections_active"), 2.0);
        assert_eq!(figure(&text, "pneumatic_messages_sent_total"), 2.0, "a repeat isn't sent again");
        assert!(figure(&text, "pneumatic_messages_per_second") > 0.0);
        one.close().await;
        two.close().await;
        eventually("the gauge is back at 0", async || figure(&scrape().await, "pneumatic_websocket_connections_active") == 0.0).await;
        assert_eq!(figure(&scrape().await, "pneumatic_websocket_connections_total"), 2.0);
    }
}

both! {
    async fn every_answer_has_its_request_id(world) {
        let id = async |given: &str| {
            let answer = world.http.get(world.url("/health")).header("x-request-id", given).send().await.unwrap();
            answer.headers()["x-request-id"].to_str().unwrap().to_owned()
        };
        assert_eq!(id("abc-1").await, "abc-1");
        assert_ne!(id("a b").await, "a b", "what could break a log line isn't taken over");
        assert_eq!(id(&"x".repeat(65)).await.len(), 32);
    }
}

both! {
    async fn healthy_and_ready(world) {
        let (status, body) = read(world.http.get(world.url("/health"))).await;
        assert_eq!((status, body["status"].as_str()), (StatusCode::OK, Some("healthy")));
        let (status, body) = read(world.http.get(world.url("/ready"))).await;
        assert_eq!((status, body["status"].as_str()), (StatusCode::OK, Some("ready")));
        for path in ["/health", "/ready"] {
            assert_eq!(world.http.head(world.url(path)).send().await.unwrap().status(), StatusCode::OK);
        }
    }
}

/// The database is taken away: not ready, no false acknowledgement, 503 and nothing else; and when it is back,
/// all goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_database_it_says_so() {
    use crate::support::{database::Database, proxy::Proxy};
    let database = Database::fresh(Kind::Postgres).await;
    let (head, name) = database.url.rsplit_once('/').unwrap();
    let (credentials, host) = head.rsplit_once('@').unwrap();
    let proxy = Proxy::to(host.parse().unwrap()).await;
    let url = format!("{credentials}@{}/{name}", proxy.address);
    let world = World::start(Kind::Sqlite, &[("DATABASE_URL", url)]).await;
    let [ann, bob] = world.people(["ann", "bob"]).await;
    let conversation = ann.conversation_with(&[&bob]).await;
    let mut listener = bob.socket().await;
    listener.settle(&conversation).await;

    proxy.cut();
    let (status, body) = read(world.http.get(world.url("/ready"))).await;
    assert_eq!((status, body["error"].as_str()), (StatusCode::SERVICE_UNAVAILABLE, Some("database unavailable")));
    let message = serde_json::json!({ "message_id": "m", "conversation_id": conversation, "content": "x" });
    let (status, problem) = ann.post("/messages", message.clone()).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::SERVICE_UNAVAILABLE, Some("unavailable")));

    proxy.mend();
    eventually("it is ready again", async || {
        world.http.get(world.url("/ready")).send().await.unwrap().status() == StatusCode::OK
    })
    .await;
    eventually("messages are stored again", async || ann.post("/messages", message.clone()).await.0.is_success()).await;
    assert_eq!(listener.next_message().await["message_id"], "m");
    assert_eq!(bob.history(&conversation).await.len(), 1);
    listener.close().await;
    world.finish().await;
    database.drop().await;
}
