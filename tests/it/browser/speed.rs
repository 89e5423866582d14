//! How soon a page is of use.

use serde_json::json;

use super::{Browser, page::address};
use crate::support::{database::Kind, world::World};

/// Notes when the composer can be written in for the first time, and what was said can be seen.
const STOPWATCH: &str = "
    const look = () => {
      const isThere = document.querySelector('#messages [data-message-id]') && document.querySelector('#composer-input:enabled');
      if (isThere) window.aliveAfter = performance.now();
      else requestAnimationFrame(look);
    };
    look();";

/// A chat is there soon, with nothing in the cache: everything that it needs is asked for at once. The figure is printed; a
/// busy machine is given ten times the second that it may take.
#[expect(clippy::print_stdout, reason = "the figure is for whoever measures")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cold_page_is_soon_of_use() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let [ann, bob] = world.people(["ann", "bob"]).await;
    let conversation = bob.conversation_with(&[&ann]).await;
    bob.say(&conversation, "hello").await;
    let browser = Browser::desktop().await;
    browser.log_in(&world.url("/"), &ann).await;
    browser.before_pages(STOPWATCH).await;
    let everything_but_the_login = json!({ "origin": world.url(""), "storageTypes": "cache_storage,service_workers,indexeddb" });
    browser.devtools("Storage.clearDataForOrigin", everything_but_the_login).await;
    browser.devtools("Network.clearBrowserCache", json!({})).await;
    browser.client.goto("about:blank").await.unwrap();
    browser.client.goto(&address(&world, &conversation)).await.unwrap();
    browser.shows(&["hello"]).await;
    browser.until("it is of use", "return window.aliveAfter > 0", &[]).await;
    let after: f64 = browser.js("return aliveAfter", &[]).await;
    println!("of use after {after:.0} ms");
    assert!(after < 10_000.0, "of use after {after} ms");
    browser.finish().await;
    world.finish().await;
}
