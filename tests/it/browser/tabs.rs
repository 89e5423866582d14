//! Several tabs of one person.

use super::{Browser, page::address};
use crate::support::{database::Kind, world::World};

/// Two tabs are one person: each shows what the other does, nothing is sent or shown twice, and both end together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_are_one_person() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let [ann, bob] = world.people(["ann", "bob"]).await;
    let conversation = bob.conversation_with(&[&ann]).await;
    let browser = Browser::desktop().await;
    let page = address(&world, &conversation);
    browser.log_in(&page, &ann).await;
    let first = browser.client.window().await.unwrap();
    browser.new_tab().await;
    let second = browser.client.window().await.unwrap();
    browser.client.goto(&page).await.unwrap();
    browser.online().await;

    bob.say(&conversation, "to both").await;
    browser.shows(&["to both"]).await;
    browser.say("from the second").await;
    browser.state_is("from the second", "stored").await;
    browser.drive(first.clone()).await;
    browser.shows(&["to both", "from the second"]).await;
    browser.say("from the first").await;
    browser.state_is("from the first", "stored").await;
    browser.drive(second).await;
    let all = ["to both", "from the second", "from the first"];
    browser.shows(&all).await;
    let stored = bob.history(&conversation).await;
    let stored: Vec<&str> = stored.iter().map(|message| message["content"].as_str().unwrap()).collect();
    assert_eq!(stored, all);

    // The other tab learns it from the server, which refuses it, or from this one.
    browser.announce(&["status of 401", "WebSocket connection to"]);
    browser.click("#settings").await;
    browser.click("#logout").await;
    browser.shown("#login-form").await;
    browser.drive(first).await;
    browser.shown("#login-form").await;
    browser.finish().await;
    world.finish().await;
}
