//! What the server refuses.

use super::{Browser, page::address};
use crate::support::{database::Kind, world::World};

/// Stands in for a fault between page and server: until it is mended, messages arrive empty, which the server refuses.
const FAULT: &str = "
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) {
      const isHit = !window.isMended && typeof data === 'string' && data.includes('\"type\":\"message\"');
      send.call(this, isHit ? JSON.stringify({ ...JSON.parse(data), content: '' }) : data);
    };";

/// A message that was refused says so and why, and can be sent again or thrown away; also after a reload.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_message_can_be_sent_again() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let [ann, bob] = world.people(["ann", "bob"]).await;
    let conversation = bob.conversation_with(&[&ann]).await;
    bob.say(&conversation, "well?").await;
    let browser = Browser::phone().await;
    browser.before_pages(FAULT).await;
    browser.log_in(&address(&world, &conversation), &ann).await;
    browser.shows(&["well?"]).await;
    for text in ["again", "never mind"] {
        browser.say(text).await;
        browser.state_is(text, "failed").await;
    }
    browser.says("[data-state=failed] .failure", "Not sent: ").await;
    browser.screen("conversation-failed").await;
    browser.reload().await;
    browser.shows(&["well?", "again", "never mind"]).await;

    // Still refused, it says so again.
    browser.choose("[data-state=failed]", "Try again").await;
    browser.state_is("again", "failed").await;
    browser.client.execute("window.isMended = true", vec![]).await.unwrap();
    let row = "return [...document.querySelectorAll('#messages [data-state=failed]')].findIndex(row => \
         row.querySelector('.content').textContent === 'again')";
    // What is tried again comes last.
    assert_eq!(browser.js::<i64>(row, &[]).await, 1);
    browser.choose("[data-state=failed]:last-child", "Try again").await;
    browser.state_is("again", "stored").await;
    browser.choose("[data-state=failed]", "Delete").await;
    browser.shows(&["well?", "again"]).await;
    assert_eq!(ann.history(&conversation).await.len(), 2);
    browser.finish().await;
    world.finish().await;
}
