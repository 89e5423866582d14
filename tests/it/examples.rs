//! The clients of `docs/examples`, run as a user would: whatever is said to them comes once and in order, through cuts too,
//! and what they say is stored once.

use std::{path::Path, process::Stdio};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    time::timeout,
};

use crate::support::{PATIENCE, database::Kind, eventually, person::PASSWORD, proxy::Proxy, world::World};

async fn loses_nothing(program: &str, file: &str) {
    let world = World::start(Kind::Sqlite, &[]).await;
    let [ann, bob] = world.people(["ann", "bob"]).await;
    let room = ann.conversation_with(&[&bob]).await;
    let proxy = Proxy::to(world.address).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples");
    let mut client = Command::new(program)
        .arg(folder.join(file))
        .args([&format!("http://{}", proxy.address), "ann", PASSWORD, "bob", "hello bob"])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    let mut heard =
        async || timeout(PATIENCE, lines.next_line()).await.expect("a line in time").unwrap().expect("a running client");

    // Whether it was acknowledged before the cut or not, it is stored once.
    eventually("the client is here", async || world.services.metrics.active() == 1).await;
    proxy.cut();
    bob.say(&room, "while you were away").await;
    proxy.mend();
    assert_eq!(heard().await, "bob: while you were away");
    let said = async || -> Vec<Value> {
        ann.history(&room).await.into_iter().filter(|message| message["sender_id"] == ann.id.as_str()).collect()
    };
    eventually("what it says is stored", async || !said().await.is_empty()).await;
    for round in 0..2 {
        for text in ["live", "live again"] {
            bob.say(&room, &format!("{text} {round}")).await;
            assert_eq!(heard().await, format!("bob: {text} {round}"));
        }
        proxy.cut();
        for text in ["missed", "missed too"] {
            bob.say(&room, &format!("{text} {round}")).await;
        }
        proxy.mend();
        for text in ["missed", "missed too"] {
            assert_eq!(heard().await, format!("bob: {text} {round}"));
        }
    }
    let said = said().await;
    assert!(said.len() == 1 && said[0]["content"] == "hello bob", "{said:?}");
    client.kill().await.unwrap();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_python() {
    loses_nothing("python3", "client.py").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_javascript() {
    loses_nothing("node", "client.mjs").await;
}
