//! Without a mouse.

use fantoccini::key::Key;

use super::Browser;
use crate::support::{database::Kind, person::PASSWORD, world::World};

/// Everything can be done with the keyboard alone, and the focus is never lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keyboard_is_enough() {
    let world = World::start(Kind::Sqlite, &[]).await;
    world.people(["bob", "cleo"]).await;
    let browser = Browser::desktop().await;
    browser.visit(&world.url("/")).await;
    browser.has_focus("#login-username").await;
    browser.chord(&[Key::Shift], Key::Tab.into()).await;
    browser.has_focus("#tab-login").await;
    browser.key(Key::Right).await;
    browser.shown("#signup-form").await;
    browser.tab_to("#signup-username").await;
    browser.keys("ann").await;
    browser.tab_to("#signup-password").await;
    browser.keys(PASSWORD).await;
    browser.tab_to("#signup-repeat").await;
    browser.keys(PASSWORD).await;
    browser.key(Key::Enter).await;
    browser.online().await;

    browser.shown("[data-username=bob]").await;
    browser.chord(&[Key::Control], 'k').await;
    browser.has_focus("#search").await;
    browser.keys("bob").await;
    browser.key(Key::Enter).await;
    browser.says("#conversation-title", "bob").await;
    browser.has_focus("#composer-input").await;
    browser.keys("two").await;
    browser.chord(&[Key::Shift], Key::Enter.into()).await;
    browser.keys("lines").await;
    browser.key(Key::Enter).await;
    browser.state_is("two\nlines", "stored").await;
    browser.has_focus("#composer-input").await;
    browser.keys("more").await;
    browser.key(Key::Enter).await;
    browser.state_is("more", "stored").await;
    browser.tab_to("#messages [data-message-id]").await;
    browser.key(Key::Up).await;
    browser.has_focus("#messages [data-seq='1']").await;
    browser.key(Key::Escape).await;
    browser.has_focus(".entry").await;

    browser.keys("?").await;
    browser.shown("dialog.shortcuts").await;
    browser.key(Key::Escape).await;
    browser.hidden("dialog.shortcuts").await;
    browser.has_focus(".entry").await;

    browser.tab_to("#new-group").await;
    browser.key(Key::Enter).await;
    browser.has_focus("#group-title").await;
    browser.keys("Typed").await;
    browser.tab_to(".new-group [role=combobox]").await;
    for name in ["bob", "cleo"] {
        browser.keys(name).await;
        browser.shown(".new-group .picker-option.is-active").await;
        browser.key(Key::Enter).await;
    }
    browser.says(".new-group .panel-actions", "2 people chosen").await;
    browser.tab_to(".new-group [type=submit]").await;
    browser.key(Key::Enter).await;
    browser.says("#conversation-title", "Typed").await;
    browser.has_focus("#composer-input").await;
    browser.chord(&[Key::Alt], Key::Down.into()).await;
    browser.says("#conversation-title", "bob").await;
    browser.chord(&[Key::Alt], Key::Up.into()).await;
    browser.says("#conversation-title", "Typed").await;

    browser.tab_to("#settings").await;
    browser.key(Key::Enter).await;
    browser.shown("dialog.settings").await;
    browser.tab_to("#settings-full_name").await;
    browser.key(Key::Escape).await;
    browser.hidden("dialog.settings").await;
    browser.has_focus("#settings").await;
    browser.finish().await;
    world.finish().await;
}
