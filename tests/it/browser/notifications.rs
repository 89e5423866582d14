//! What calls somebody who looks elsewhere.

use serde_json::json;

use super::Browser;
use crate::support::{database::Kind, world::World};

/// Stands in for the system, which shows nothing here: keeps what it is asked to show.
const SYSTEM: &str = "
    window.shownNotifications = [];
    const Real = window.Notification;
    window.Notification = class extends EventTarget {
      static permission = Real.permission;
      static requestPermission() { return Real.requestPermission(); }
      constructor(title, options) { super(); shownNotifications.push({ title, body: options?.body ?? '' }); }
      close() {}
    };
    ServiceWorkerRegistration.prototype.showNotification = async (title, options) => {
      shownNotifications.push({ title, body: options?.body ?? '' });
    };
    localStorage.setItem('pneumatic.preferences', JSON.stringify({ notifications: true }));";

/// A message that nobody sees is told by the system and counted in the title; one that is seen isn't, nor is one in a
/// muted conversation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_looks_elsewhere_is_called() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let [ann, bob] = world.people(["ann", "bob"]).await;
    let conversation = bob.conversation_with(&[&ann]).await;
    let browser = Browser::desktop().await;
    let permission = json!({ "permissions": ["notifications"], "origin": world.url("") });
    browser.devtools("Browser.grantPermissions", permission).await;
    browser.before_pages(SYSTEM).await;
    browser.log_in(&world.url(&format!("/chat.html#/c/{conversation}")), &ann).await;
    bob.say(&conversation, "seen").await;
    browser.shows(&["seen"]).await;
    browser.watch(false).await;
    bob.say(&conversation, "unseen").await;
    let is_told =
        "return JSON.stringify(shownNotifications.map(({ title, body }) => [title, body])) === JSON.stringify(arguments[0])";
    browser.until("it is told", is_told, &[json!([["bob", "unseen"]])]).await;
    browser.until("it is counted", "return document.title.startsWith('(1)')", &[]).await;
    browser.watch(true).await;
    browser.until("it is read", "return !document.title.startsWith('(')", &[]).await;

    browser.click("#conversation-details").await;
    browser.click(".details [role=switch]").await;
    browser.shown("[data-conversation-id] .entry-muted").await;
    browser.picture("list-muted").await;
    browser.watch(false).await;
    bob.say(&conversation, "muted").await;
    browser.shows(&["seen", "unseen", "muted"]).await;
    browser.until("nobody is called", "return !document.title.startsWith('(') && shownNotifications.length === 1", &[]).await;
    browser.watch(true).await;
    browser.finish().await;
    world.finish().await;
}
