//! Settings.

use fantoccini::key::Key;
use reqwest::StatusCode;
use serde_json::json;

use super::Browser;
use crate::support::{database::Kind, person::PASSWORD, world::World};

/// One's name, the look of the page, one's devices and one's password are changed in one place, and stay changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_about_oneself_is_set_in_one_place() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let [ann, bob] = world.people(["ann", "bob"]).await;
    let browser = Browser::desktop().await;
    browser.log_in(&world.url("/"), &ann).await;
    browser.click("#settings").await;
    browser.shown(".settings .device").await;
    browser.screen("settings").await;

    browser.rewrite("#settings-full_name", "Ann Example\n").await;
    browser.says(".settings", "Saved.").await;
    let (_, users) = bob.get("/users").await;
    assert!(users.to_string().contains("Ann Example"), "{users}");

    browser.choose(".settings", "Dark").await;
    browser.until("it is dark", "return getComputedStyle(document.documentElement).colorScheme === 'dark'", &[]).await;
    let size = "return parseFloat(getComputedStyle(document.body).fontSize)";
    let normal: f64 = browser.js(size, &[]).await;
    browser.choose(".settings", "Larger").await;
    browser
        .until(
            "the text is larger",
            "return parseFloat(getComputedStyle(document.body).fontSize) > arguments[0]",
            &[json!(normal)],
        )
        .await;
    let larger: f64 = browser.js(size, &[]).await;
    browser.screen("settings-larger").await;

    let logins = browser.count(".settings .device").await;
    assert_eq!(logins, 2, "this page and the login of before");
    browser.choose(".settings .device:not(:first-child)", "Log out Unknown device").await;
    browser.choose(".settings .question-answers:not([hidden])", "Log out").await;
    browser.until("one device is left", "return document.querySelectorAll('.settings .device').length === 1", &[]).await;
    assert_eq!(ann.get("/auth/me").await.0, StatusCode::UNAUTHORIZED);

    browser.announce(&["/auth/password - Failed to load resource: the server responded with a status of 4"]);
    for (current, told) in [("wrong horse", "present password"), (PASSWORD, "is changed")] {
        browser.rewrite("#settings-current", current).await;
        browser.rewrite("#settings-password", "battery staple").await;
        browser.rewrite("#settings-repeat", "battery staple\n").await;
        browser.says(".settings", told).await;
    }
    browser.screen("settings-password").await;
    browser.key(Key::Escape).await;
    browser.hidden(".settings").await;
    browser.has_focus("#settings").await;
    browser.reload().await;
    browser.until("the look is kept", "return getComputedStyle(document.documentElement).colorScheme === 'dark'", &[]).await;
    let kept: f64 = browser.js(size, &[]).await;
    assert!((kept - larger).abs() < 0.1, "{kept}");
    browser.click("#help").await;
    browser.shown("dialog.shortcuts").await;
    browser.screen("shortcuts").await;
    browser.finish().await;
    world.finish().await;
}
