//! What people write and how they are called can be long, and can run the other way.

use serde_json::json;

use super::{Browser, page::address};
use crate::support::{
    database::Kind,
    person::{PASSWORD, Person},
    world::World,
};

const LONG_NAME: &str = "Wilhelmina Alexandrovna Papadopoulos-Featherstonehaugh Smith";
const MANY: usize = 500;

async fn named(world: &World, username: &str, full_name: &str) -> Person {
    let body = json!({ "username": username, "password": PASSWORD, "full_name": full_name });
    let answer = world.http.post(world.url("/auth/signup")).json(&body).send().await.unwrap();
    let id = answer.json::<serde_json::Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    let (http, address) = (world.http.clone(), world.address);
    let person = Person { id, name: username.into(), access: String::new(), refresh: String::new(), address, http };
    person.log_in().await
}

/// Long names, long words, long texts, texts from right to left, code and many conversations: all have their room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_has_its_room() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let [ann, bob] = world.people(["ann", "bob"]).await;
    let long = named(&world, &"w".repeat(60), LONG_NAME).await;
    let noor = named(&world, "noor", "نور الهدى عبد الرحمن").await;
    assert_eq!(LONG_NAME.chars().count(), 60);
    for number in 1..=MANY {
        let body = json!({ "title": format!("Room {number}"), "member_ids": [bob.id, noor.id] });
        assert!(ann.post("/conversations", body).await.0.is_success());
    }
    let group = long.conversation_with(&[&ann, &bob, &noor]).await;
    long.rename(&group, "Sixty characters are quite a lot for the name of such a group").await;
    let with_long = long.conversation_with(&[&ann]).await;
    for number in 0..120 {
        bob.say(&group, &format!("Message {number}")).await;
    }
    long.say(&with_long, "hello").await;
    let right_to_left = "مرحبا! كيف حالك اليوم؟ هذا نص طويل يُكتب من اليمين إلى اليسار، وفيه كلمة English في وسطه.";
    noor.say(&group, right_to_left).await;
    long.say(&group, &"Donaudampfschifffahrt".repeat(15)[..300]).await;
    long.say(&group, &"All work and no play makes a dull day. ".repeat(52)[..2_000]).await;
    bob.say(
        &group,
        "```\nfn main() { println!(\"a line of code that is far too long for any phone, so that it must be scrolled\"); }\n```",
    )
    .await;
    bob.say(&group, &format!("https://example.org/{}", "path/".repeat(40))).await;

    let browser = Browser::desktop().await;
    browser.log_in(&world.url("/"), &ann).await;
    browser
        .until("all are listed", "return document.querySelectorAll('.entry').length === arguments[0]", &[json!(MANY + 2)])
        .await;
    browser.says(".unread", "1").await;
    browser.says(&format!("[data-conversation-id='{group}'] .unread"), "99+").await;
    browser.until("the title counts no further", "return document.title.startsWith('(99+)')", &[]).await;
    browser.screen("list-500").await;
    browser.client.goto(&address(&world, &group)).await.unwrap();
    browser.until("all is shown", "return document.querySelector('#messages')?.textContent.includes('example.org')", &[]).await;
    browser.screen("conversation-shapes").await;
    browser.between_and_beyond("conversation-shapes").await;
    let align = "const node = [...document.querySelectorAll('#messages .bubble')].find((one) => one.textContent.includes('مرحبا')); \
         return getComputedStyle(node).direction";
    assert_eq!(browser.js::<String>(align, &[]).await, "rtl");
    browser.client.execute("document.querySelector('#timeline').scrollTop -= 900", vec![]).await.unwrap();
    browser.picture("conversation-shapes-above").await;
    browser.open_conversation(&with_long).await;
    browser.says("#conversation-title", LONG_NAME).await;
    browser.screen("conversation-long-name").await;
    browser.finish().await;
    world.finish().await;
}
