//! Groups: made, changed and left.

use serde_json::json;

use super::Browser;
use crate::support::{database::Kind, live::Live, world::World};

/// A group is made of people who are picked, gets another name, more people and fewer, is muted, and is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_from_its_making_to_its_leaving() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let [ann, bob, _, _] = world.people(["ann", "bob", "cleo", "dora"]).await;
    let browser = Browser::desktop().await;
    browser.log_in(&world.url("/"), &ann).await;
    browser.screen("list-people").await;

    browser.click("#new-group").await;
    browser.has_focus("#group-title").await;
    browser.write("#group-title", "The team").await;
    browser.choose(".new-group .picker-list", "bob").await;
    browser.choose(".new-group", "Create group").await;
    browser.says(".new-group .form-error", "at least two people").await;
    browser.choose(".new-group .picker-list", "cleo").await;
    browser.says(".new-group .panel-actions", "2 people chosen").await;
    browser.screen("new-group").await;
    browser.choose(".new-group", "Create group").await;
    browser.says("#conversation-title", "The team").await;
    browser.says("#conversation-members", "3 members").await;

    browser.click("#conversation-details").await;
    browser.says(".details", "3 members").await;
    browser.screen("group-details").await;
    browser.choose(".details", "Rename").await;
    browser.rewrite(".details [name=title]", "The crew\n").await;
    browser.says("#conversation-title", "The crew").await;
    browser.choose(".details", "Add people").await;
    browser.choose(".details .picker-list", "dora").await;
    browser.choose(".details .new-members", "Add").await;
    browser.says(".details", "4 members").await;
    browser.choose(".details .member-list", "Remove cleo").await;
    browser.picture("group-remove").await;
    browser.choose(".details .question-answers:not([hidden])", "Remove").await;
    browser.says(".details", "3 members").await;
    browser.click(".details [role=switch]").await;
    browser.shown(".entry.is-muted").await;

    let id: String = browser.js("return document.querySelector('.entry').dataset.conversationId", &[]).await;
    let mut there = Live::of(&bob).await;
    browser.says("#conversation-members", "online").await;
    browser.say("welcome aboard").await;
    browser.state_is("welcome aboard", "stored").await;
    there.send(json!({ "type": "read", "conversation_id": id, "seq": 1 })).await;
    browser.click("[data-action=readers]").await;
    browser.says("body", "Read by").await;
    browser.screen("group-readers").await;
    browser.key(fantoccini::key::Key::Escape).await;
    there.close().await;
    let members = bob.view(&id).await;
    assert_eq!((&members["title"], members["members"].as_array().unwrap().len()), (&json!("The crew"), 3), "{members}");

    if !browser.is_shown(".details").await {
        browser.click("#conversation-details").await;
    }
    browser.choose(".details", "Leave group").await;
    browser.choose(".details .question-answers:not([hidden])", "Leave").await;
    browser.until("the group is gone", "return document.querySelectorAll('.entry').length === 0", &[]).await;
    assert_eq!(bob.view(&id).await["members"].as_array().unwrap().len(), 2);
    browser.finish().await;
    world.finish().await;
}
