//! What was said long ago.

use serde::Deserialize;
use serde_json::json;

use super::{Browser, page::address};
use crate::support::{database::Kind, world::World};

const LONG: i64 = 10_000;

/// Puts the reader near the top, and tells of the message in view there.
const CLIMB: &str = "
    const box = document.querySelector('#timeline');
    box.scrollTop = Math.min(300, box.scrollHeight);
    const top = box.getBoundingClientRect().top;
    const rows = [...document.querySelectorAll('#messages [data-seq]')];
    const row = rows.find((one) => one.getBoundingClientRect().bottom > top);
    return { seq: Number(row.dataset.seq), top: row.getBoundingClientRect().top, first: Number(rows[0].dataset.seq) };";

const HAS_EARLIER: &str = "return Number(document.querySelector('#messages [data-seq]').dataset.seq) < arguments[0]";

/// Where a message stands in the next picture that the reader gets: this observer is told at the very end of a frame's work, when
/// others have put right what has changed its size.
const TOP_OF: &str = "
    const [seq, done] = arguments;
    const row = document.querySelector(`#messages [data-seq='${seq}']`);
    if (!row) return done(null);
    new IntersectionObserver(([seen], observer) => {
      observer.disconnect();
      done(seen.boundingClientRect.top);
    }).observe(row);";

#[derive(Deserialize)]
struct Place {
    seq: i64,
    top: f64,
    first: i64,
}

impl Place {
    async fn is_kept(&self, browser: &Browser) {
        let top = browser.client.execute_async(TOP_OF, vec![json!(self.seq)]).await.unwrap();
        let moved = top.as_f64().expect("what is read stays on the page") - self.top;
        assert!(moved.abs() < 2.0, "message {} moved by {moved} px", self.seq);
    }
}

/// Ten thousand messages can be read from the last to the first: what is read never moves, and the page never holds
/// more than a part of them. What comes meanwhile is counted and doesn't move it either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_history_is_read_without_a_jump() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let [ann, bob] = world.people(["ann", "bob"]).await;
    let conversation = bob.conversation_with(&[&ann]).await;
    world.database.write_past(std::slice::from_ref(&conversation), &bob, LONG, "There is much to tell.").await;
    let browser = Browser::phone().await;
    browser.log_in(&address(&world, &conversation), &ann).await;
    browser.shown(&format!("#messages [data-seq='{LONG}']")).await;
    let mut most = 0;
    loop {
        let place: Place = browser.js(CLIMB, &[]).await;
        if place.first == 1 {
            break;
        }
        browser.until("earlier messages come", HAS_EARLIER, &[json!(place.first)]).await;
        place.is_kept(&browser).await;
        most = most.max(browser.count("*").await);
    }
    assert!(most < 1_500, "{most} nodes");
    browser.screen("history-first").await;

    let place: Place = browser.js(CLIMB, &[]).await;
    bob.say(&conversation, "and more").await;
    browser.says("#jump", "1 new").await;
    place.is_kept(&browser).await;
    browser.picture("history-new-below").await;
    browser.click("#jump").await;
    browser.shown(&format!("#messages [data-seq='{}']", LONG + 1)).await;
    browser.hidden("#jump").await;
    browser.finish().await;
    world.finish().await;
}
