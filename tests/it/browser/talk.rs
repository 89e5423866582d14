//! What one sees of the other while they talk.

use serde_json::json;

use super::{Browser, page::address};
use crate::support::{database::Kind, eventually, live::Live, world::World};

/// The list and the head tell who is here, who writes and what is unread; ticks tell how far one's own words have come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_sees_what_the_other_does() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let [ann, bob, cleo] = world.people(["ann", "bob", "cleo"]).await;
    let with_bob = bob.conversation_with(&[&ann]).await;
    let group = cleo.conversation_with(&[&ann, &bob]).await;
    cleo.say(&group, "welcome").await;
    for text in ["first", "second"] {
        bob.say(&with_bob, text).await;
    }
    let browser = Browser::desktop().await;
    browser.log_in(&world.url("/"), &ann).await;
    let entry = format!("[data-conversation-id='{with_bob}']");
    browser.says(&format!("{entry} .unread"), "2").await;
    assert!(browser.client.title().await.unwrap().starts_with("(3)"), "the title counts what is unread");
    browser.screen("list-unread").await;

    browser.click(&entry).await;
    browser.shows(&["first", "second"]).await;
    browser.hidden(&format!("{entry} .unread")).await;
    browser.until("the title counts less", "return document.title.startsWith('(1)')", &[]).await;
    let mut there = Live::of(&bob).await;
    browser.says(".conversation-head", "online").await;
    browser.shown(&format!("{entry} .is-online, {entry} .presence, {entry} .dot")).await;
    there.send(json!({ "type": "typing", "conversation_id": with_bob, "is_typing": true })).await;
    browser.says("#open", "bob is writing").await;
    browser.says(&entry, "typing").await;
    browser.screen("conversation-typing").await;
    browser.between_and_beyond("conversation-typing").await;

    browser.say("hello bob").await;
    assert_eq!(there.until("typing").await["is_typing"], true, "writing is told");
    browser.state_is("hello bob", "stored").await;
    let seq = there.until("message").await["message"]["seq"].clone();
    there.send(json!({ "type": "read", "conversation_id": with_bob, "seq": seq })).await;
    browser.state_is("hello bob", "read").await;
    browser.screen("conversation-read").await;
    there.close().await;
    browser
        .until("bob has gone", "return !document.querySelector('.conversation-head').textContent.includes('online')", &[])
        .await;
    browser.finish().await;
    world.finish().await;
}

/// Of several who write one is told by name, two are, and of more only that they do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_people_write() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let [ann, bob, cleo, dave] = world.people(["ann", "bob", "cleo", "dave"]).await;
    let group = bob.conversation_with(&[&ann, &cleo, &dave]).await;
    let browser = Browser::phone().await;
    browser.log_in(&address(&world, &group), &ann).await;
    browser.shown("#composer-input").await;
    let typing = json!({ "type": "typing", "conversation_id": group, "is_typing": true });
    let mut there = Vec::new();
    for (person, told) in [(&bob, "bob is writing"), (&cleo, "bob and cleo are writing"), (&dave, "Several people are writing")] {
        let mut live = Live::of(person).await;
        // Whoever has written for a while says so again, as their pages do: it is forgotten after some seconds.
        eventually(&format!("it says {told:?}"), async || {
            for earlier in &mut there {
                Live::send(earlier, typing.clone()).await;
            }
            live.send(typing.clone()).await;
            browser.text("#open").await.contains(told)
        })
        .await;
        there.push(live);
    }
    browser.screen("conversation-several-write").await;
    for live in there {
        live.close().await;
    }
    browser.finish().await;
    world.finish().await;
}

/// What is half written waits in its conversation; searching finds people and conversations, and Enter opens the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drafts_wait_and_searching_finds() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let [ann, bob, cleo] = world.people(["ann", "bob", "cleo"]).await;
    let with_bob = bob.conversation_with(&[&ann]).await;
    let group = cleo.conversation_with(&[&ann, &bob]).await;
    let browser = Browser::desktop().await;
    browser.log_in(&address(&world, &with_bob), &ann).await;
    browser.write("#composer-input", "half a thou").await;
    browser.open_conversation(&group).await;
    let entry = format!("[data-conversation-id='{with_bob}']");
    browser.says(&entry, "half a thou").await;
    browser.until("the other has none", "return document.querySelector('#composer-input').value === ''", &[]).await;
    browser.screen("list-draft").await;
    browser.reload().await;
    browser.click(&entry).await;
    let is_back = "return document.querySelector('#composer-input').value === 'half a thou'";
    browser.until("the draft is back, also after a reload", is_back, &[]).await;
    browser.write("#composer-input", "ght\n").await;
    browser.shows(&["half a thought"]).await;

    browser.rewrite("#search", "a roo").await;
    browser.hidden(&entry).await;
    browser.screen("list-search").await;
    browser.write("#search", "\n").await;
    browser.says("#conversation-title", "a room").await;
    browser.rewrite("#search", "cle").await;
    browser.shown("[data-username=cleo]").await;
    browser.rewrite("#search", "nobody of that name").await;
    browser.says(".lists", "Nothing found").await;
    browser.screen("list-nothing-found").await;
    browser.rewrite("#search", "cleo").await;
    browser.click("[data-username=cleo]").await;
    browser.says("#conversation-title", "cleo").await;
    browser.screen("conversation-empty").await;
    browser.finish().await;
    world.finish().await;
}
