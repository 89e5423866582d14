//! Two people in two real browsers.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{database::Kind, eventually, proxy::Proxy, world::World};

/// Taken down with the browser that it drives, also when a test fails.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.0.id().to_string()).status());
        drop(self.0.wait());
    }
}

struct Browser {
    client: Client,
    driver: Driver,
    url: String,
    _profile: TempDir,
}

impl Browser {
    async fn open() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver must be installed: run the tests with `make test`");
        let driver = Driver(driver);
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,800",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let capabilities = capabilities.as_object().unwrap().clone();
        let url = format!("http://127.0.0.1:{port}");
        let mut client = None;
        eventually("the browser starts", async || {
            client = ClientBuilder::new(HttpConnector::new()).capabilities(capabilities.clone()).connect(&url).await.ok();
            client.is_some()
        })
        .await;
        Self { client: client.unwrap(), driver, url, _profile: profile }
    }

    async fn find(&self, css: &str) -> Element {
        self.client
            .wait()
            .at_most(Duration::from_secs(60))
            .for_element(Locator::Css(css))
            .await
            .unwrap_or_else(|e| panic!("{css}: {e}"))
    }

    async fn sign_up(&self, site: &str, name: &str) {
        self.client.goto(site).await.unwrap();
        let form = self.find("#signup-form").await;
        // A click before the page's script has run is heard by nobody.
        eventually("the form shows", async || {
            self.find("#tab-signup").await.click().await.unwrap();
            form.is_displayed().await.unwrap()
        })
        .await;
        self.find("#signup-form [name=username]").await.send_keys(name).await.unwrap();
        self.find("#signup-form [name=password]").await.send_keys("correct horse").await.unwrap();
        self.find("#signup-form [type=submit]").await.click().await.unwrap();
        self.online().await;
        assert!(self.find("#me").await.text().await.unwrap().contains(name));
    }

    async fn online(&self) {
        self.find("#connection[data-state=online]").await;
    }

    async fn say(&self, text: &str) {
        self.find("#composer-input").await.send_keys(&format!("{text}\n")).await.unwrap();
    }

    /// What the timeline shows, in its order.
    async fn messages(&self) -> Vec<String> {
        let script = "return [...document.querySelectorAll('#messages [data-message-id]')].map(m => \
             m.dataset.state === 'pending' ? 'pending' : m.querySelector('.content').textContent)";
        serde_json::from_value(self.client.execute(script, vec![]).await.unwrap()).unwrap()
    }

    async fn shows(&self, expected: &[&str]) {
        let mut shown = Vec::new();
        eventually("the timeline shows what was said", async || {
            shown = self.messages().await;
            shown == expected || {
                if std::env::var_os("BROWSER_TEST_VERBOSE").is_some() {
                    eprintln!("{shown:?}");
                }
                false
            }
        })
        .await;
    }

    /// Keeps a picture for whoever wants to see: `SCREENSHOTS=/tmp`.
    async fn look(&self, name: &str) {
        let Some(folder) = std::env::var_os("SCREENSHOTS") else { return };
        for (device, width, height) in [("desktop", 1280, 800), ("phone", 390, 844)] {
            self.client.set_window_size(width, height).await.unwrap();
            tokio::time::sleep(Duration::from_millis(500)).await;
            let picture = self.client.screenshot().await.unwrap();
            std::fs::write(std::path::Path::new(&folder).join(format!("{name}-{device}.png")), picture).unwrap();
        }
        self.client.set_window_size(1280, 800).await.unwrap();
    }

    /// What the console was told since this was last asked: level and text.
    async fn console(&self) -> Vec<(String, String)> {
        let session = self.client.session_id().await.unwrap().unwrap();
        let ask = crate::support::http_client()
            .post(format!("{}/session/{session}/se/log", self.url))
            .json(&json!({ "type": "browser" }));
        let log: Value = ask.send().await.unwrap().json().await.unwrap();
        let text = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
        log["value"]
            .as_array()
            .expect("the browser's log")
            .iter()
            .map(|line| (text(line, "level"), text(line, "message")))
            .collect()
    }

    /// Nothing broke the policy, and nothing threw.
    async fn finish(self) {
        for (_, text) in self.console().await {
            let broken = ["Content Security Policy", "Trusted", "Uncaught", "Refused to"].iter().any(|word| text.contains(word));
            assert!(!broken, "{text}");
        }
        self.client.close().await.unwrap();
        drop(self.driver);
    }
}

/// Two people sign up and chat both ways; one goes offline and comes back: nothing is missing, nothing is there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_chat() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let way = Proxy::to(world.address).await;
    let (ann, bob) = (Browser::open().await, Browser::open().await);
    ann.sign_up(&world.url("/"), "ann").await;
    bob.sign_up(&format!("http://{}/", way.address), "bob").await;

    // Ann came first; the page finds Bob when it looks again.
    ann.client.refresh().await.unwrap();
    ann.online().await;
    ann.find("[data-username=bob]").await.click().await.unwrap();
    let evil = "<img src=x onerror=\"document.title='broken'\"> & <b>bold</b>";
    ann.say(evil).await;
    ann.shows(&[evil]).await;
    bob.find("[data-conversation-id] .unread").await;
    bob.find("[data-conversation-id]").await.click().await.unwrap();
    bob.shows(&[evil]).await;
    assert!(bob.client.find_all(Locator::Css("#messages img, #messages b")).await.unwrap().is_empty(), "text is text");
    bob.say("hello ann").await;
    ann.shows(&[evil, "hello ann"]).await;

    way.cut();
    bob.find("#connection:not([data-state=online])").await;
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
    bob.client.refresh().await.unwrap();
    bob.online().await;
    bob.shows(&all).await;
    assert!(!ann.client.title().await.unwrap().contains("broken"));

    ann.find("#logout").await.click().await.unwrap();
    ann.find("#login-form").await;
    ann.finish().await;
    bob.finish().await;
    drop(way);
    world.finish().await;
}

/// The API's description, wherever it is mounted: its operations are there, one opens, and can be tried.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_description_can_be_tried() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let browser = Browser::open().await;
    for page in ["/docs", "/api/v1/docs"] {
        browser.client.goto(&world.url(page)).await.unwrap();
        browser.find("#operations-operations-health .opblock-summary").await;
        let shown = browser.client.find_all(Locator::Css(".opblock")).await.unwrap().len();
        assert_eq!(shown, pneumatic::http::TABLE.len(), "every operation is there");
        browser.look("docs").await;
        for css in [".opblock-summary-control", ".try-out__btn", ".execute"] {
            let css = format!("#operations-operations-health {css}");
            browser.find(&css).await.click().await.unwrap();
        }
        let answer = browser.find("#operations-operations-health .live-responses-table tbody .response-col_description").await;
        eventually("the answer is shown", async || answer.text().await.unwrap().contains("\"healthy\"")).await;
        let asked = browser.find("#operations-operations-health .request-url").await.text().await.unwrap();
        assert!(asked.contains(&world.url(&page.replace("docs", "health"))), "{asked}");
        browser.find("#operations-conversations-send_message .opblock-summary-control").await.click().await.unwrap();
        browser.find("#operations-conversations-send_message .opblock-section-request-body .highlight-code").await;
        browser.look("docs-open").await;
    }
    let errors: Vec<_> = browser.console().await.into_iter().filter(|(level, _)| level == "SEVERE").collect();
    assert!(errors.is_empty(), "{errors:?}");
    browser.finish().await;
    world.finish().await;
}
