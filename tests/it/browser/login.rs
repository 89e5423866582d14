//! The first page.

use super::Browser;
use crate::support::{database::Kind, person::PASSWORD, world::World};

/// Whoever errs is told where, beside the field, and goes on from there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_are_told_beside_the_field() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let ann = world.person("ann").await;
    let browser = Browser::phone().await;
    browser.visit(&world.url("/")).await;
    assert!(!browser.is_shown("#guest").await);
    browser.screen("login").await;

    browser.click("#login-form [type=submit]").await;
    browser.says("#login-username-error", "username").await;
    browser.says("#login-password-error", "password").await;
    browser.screen("login-empty").await;
    browser.announce(&["/auth/login - Failed to load resource: the server responded with a status of 401"]);
    browser.write("#login-form [name=username]", &ann.name).await;
    browser.hidden("#login-username-error").await;
    browser.write("#login-form [name=password]", "wrong horse\n").await;
    browser.says("#login-form .form-error", "Incorrect username or password").await;
    browser.until("the password can be written again", "return document.activeElement.name === 'password'", &[]).await;
    browser.screen("login-refused").await;

    browser.click("#tab-signup").await;
    browser.fill_sign_up("two words", "short").await;
    browser.says("#signup-username-error", "spaces").await;
    browser.says("#signup-password-error", "8 characters").await;
    browser.screen("signup-mistakes").await;
    browser.rewrite("#signup-form [name=username]", &ann.name).await;
    browser.rewrite("#signup-form [name=password]", PASSWORD).await;
    browser.rewrite("#signup-form [name=repeat]", "correct house\n").await;
    browser.says("#signup-repeat-error", "differ").await;
    browser.screen("signup-mismatch").await;
    browser.announce(&["/auth/signup - Failed to load resource: the server responded with a status of 400"]);
    browser.fill_sign_up(&ann.name, PASSWORD).await;
    browser.says("#signup-username-error", "taken").await;
    browser.fill_sign_up("bob", PASSWORD).await;
    browser.online().await;
    browser.finish().await;
    world.finish().await;
}

/// Where guests are allowed, a name is enough; where they aren't, nobody is asked for one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_enter_with_a_name() {
    let world = World::start(Kind::Sqlite, &[("ALLOW_GUESTS", "true".to_owned())]).await;
    let browser = Browser::desktop().await;
    browser.visit(&world.url("/")).await;
    browser.shown("#guest-form").await;
    browser.click("#guest-form [type=submit]").await;
    browser.says("#guest-name-error", "name").await;
    browser.screen("login-guest").await;
    browser.write("#guest-form [name=display_name]", "Visitor\n").await;
    browser.online().await;
    browser.says("#me", "Visitor").await;
    browser.screen("guest").await;
    browser.finish().await;
    world.finish().await;
}
