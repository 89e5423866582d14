//! Two people talk.

use super::{Browser, Device, OFFLINE, Scheme};
use crate::support::{database::Kind, proxy::Proxy, world::World};

/// Two people sign up and chat both ways; one goes offline and comes back: nothing is missing, nothing is there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_chat() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let way = Proxy::to(world.address).await;
    let (ann, bob) = (Browser::desktop().await, Browser::open(Device::Desktop, Scheme::Dark).await);
    bob.announce(&OFFLINE);
    ann.sign_up(&world.url("/"), "ann").await;
    bob.sign_up(&format!("http://{}/", way.address), "bob").await;

    // Ann came first; the page finds Bob when it looks again.
    ann.reload().await;
    ann.click("[data-username=bob]").await;
    let evil = "<img src=x onerror=\"document.title='broken'\"> & <b>bold</b>";
    ann.say(evil).await;
    ann.shows(&[evil]).await;
    bob.find("[data-conversation-id] .unread").await;
    bob.click("[data-conversation-id]").await;
    bob.shows(&[evil]).await;
    assert_eq!(bob.count("#messages img, #messages b").await, 0, "text is text");
    bob.say("hello ann").await;
    ann.shows(&[evil, "hello ann"]).await;

    way.cut();
    bob.offline().await;
    for text in ["one", "two"] {
        ann.say(text).await;
    }
    ann.shows(&[evil, "hello ann", "one", "two"]).await;
    bob.say("written offline").await;
    bob.find("#messages [data-state=pending]").await;
    assert_eq!(bob.messages().await.len(), 3, "it is shown at once");

    way.mend();
    let all = [evil, "hello ann", "one", "two", "written offline"];
    bob.shows(&all).await;
    ann.shows(&all).await;
    bob.online().await;

    // A reload shows the same, and stays logged in.
    bob.reload().await;
    bob.shows(&all).await;
    assert!(!ann.client.title().await.unwrap().contains("broken"));

    ann.click("#settings").await;
    ann.click("#logout").await;
    ann.find("#login-form").await;
    ann.finish().await;
    bob.finish().await;
    drop(way);
    world.finish().await;
}
