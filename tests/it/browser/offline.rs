//! Without a network.

use super::{Browser, OFFLINE};
use crate::support::{database::Kind, eventually, live::Live, proxy::Proxy, world::World};

const IS_KEPT: &str = "return navigator.serviceWorker.controller?.state === 'activated'";

/// Two messages are written offline, the tab is closed, another is opened, still offline: everything is there, and both
/// are delivered once and in order as soon as the network is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_offline_outlives_its_tab() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let way = Proxy::to(world.address).await;
    let [ann, bob] = world.people(["ann", "bob"]).await;
    let conversation = bob.conversation_with(&[&ann]).await;
    bob.say(&conversation, "are you there?").await;
    let mut there = Live::of(&bob).await;
    // A name, because that is what service workers are given to beside https.
    let page = format!("http://localhost:{}/chat.html#/c/{conversation}", way.address.port());
    let browser = Browser::phone().await;
    browser.announce(&OFFLINE);
    browser.log_in(&page, &ann).await;
    browser.shows(&["are you there?"]).await;
    browser.until("the page is kept for later", IS_KEPT, &[]).await;

    way.cut();
    browser.offline().await;
    for text in ["one", "two"] {
        browser.say(text).await;
    }
    browser.shows(&["are you there?", "pending", "pending"]).await;
    browser.says("#connection-bar", "2 messages").await;
    browser.screen("offline").await;

    let first = browser.client.window().await.unwrap();
    let second = browser.client.new_window(true).await.unwrap().handle;
    browser.client.switch_to_window(first).await.unwrap();
    browser.client.close_window().await.unwrap();
    browser.drive(second).await;
    browser.client.goto(&page).await.unwrap();
    browser.shows(&["are you there?", "pending", "pending"]).await;
    browser.click("#back").await;
    browser.shown(".entry").await;
    browser.says("#connection-bar", "2 messages").await;
    browser.screen("offline-reopened").await;

    way.mend();
    browser.online().await;
    for text in ["one", "two"] {
        let message = loop {
            let frame = there.next().await;
            if frame["type"] == "message" {
                break frame;
            }
        };
        assert_eq!(message["message"]["content"], text, "once, and in order");
    }
    browser.click(".entry").await;
    browser.shows(&["are you there?", "one", "two"]).await;
    eventually("everything is stored", async || ann.history(&conversation).await.len() == 3).await;
    let rest = there.settle().await;
    assert!(rest.iter().all(|frame| frame["type"] != "message"), "{rest:?}");
    there.close().await;
    browser.finish().await;
    drop(way);
    world.finish().await;
}
