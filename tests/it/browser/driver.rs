//! A browser of one's own, by chromedriver.

use std::{
    io::{self, BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use fantoccini::{Client, ClientBuilder, wd::WindowHandle};
use hyper_util::client::legacy::connect::HttpConnector;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::oneshot, time::timeout};

use super::see::{self, Device, Scheme};
use crate::support::{eventually, http_client};

/// How long a browser may take to start: several may at once, on a machine that is shared.
const START: Duration = Duration::from_secs(120);

/// Taken down with the browser that it drives, also when a test fails.
struct Driver(Child);

impl Driver {
    /// Starts it on a port that it chooses; and that port.
    async fn start() -> (Self, u16) {
        let child = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let mut driver = Self(child.expect("chromedriver must be installed: run the tests with `make test`"));
        let mut said = BufReader::new(driver.0.stdout.take().unwrap());
        let (tell, told) = oneshot::channel();
        thread::spawn(move || {
            let port = said.by_ref().lines().map_while(Result::ok).find_map(|line| {
                let (_, port) = line.split_once("started successfully on port ")?;
                port.trim_end_matches('.').parse().ok()
            });
            _ = tell.send(port);
            // What else it says is taken from it, or it would wait for that.
            drop(io::copy(&mut said, &mut io::sink()));
        });
        let port = timeout(START, told).await.expect("chromedriver starts in time").unwrap();
        (driver, port.expect("chromedriver names its port"))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Its whole group: the browser would outlive it.
        drop(Command::new("kill").args(["--", &format!("-{}", self.0.id())]).status());
        drop(self.0.wait());
    }
}

pub struct Browser {
    pub client: Client,
    pub device: Device,
    pub scheme: Scheme,
    driver: Driver,
    /// Where this session answers.
    session: String,
    http: reqwest::Client,
    /// Parts of what the console may be told.
    announced: Mutex<Vec<&'static str>>,
    faults: Mutex<Vec<String>>,
    /// Whether the tab that is driven is told that it is touched.
    is_touched: AtomicBool,
    _profile: TempDir,
}

/// What a page that can't reach its server makes the browser say.
pub const OFFLINE: [&str; 2] = ["net::ERR_", "WebSocket connection to"];

impl Browser {
    pub async fn open(device: Device, scheme: Scheme) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let (driver, port) = Driver::start().await;
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
            // With a mouse, which is a fine pointer that hovers.
            "--blink-settings=primaryPointerType=4,availablePointerTypes=4,primaryHoverType=2,availableHoverTypes=2",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
            // In milliseconds: axe takes its time for 500 conversations on a machine that is busy.
            "timeouts": { "script": 300_000 },
        });
        let capabilities = capabilities.as_object().unwrap().clone();
        let url = format!("http://127.0.0.1:{port}");
        let mut failure = None;
        let connecting = async {
            loop {
                match ClientBuilder::new(HttpConnector::new()).capabilities(capabilities.clone()).connect(&url).await {
                    Ok(client) => break client,
                    Err(error) => failure = Some(error),
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let started = timeout(START, connecting).await;
        let client = started.unwrap_or_else(|_| panic!("the browser didn't start: {failure:?}"));
        let session = format!("{url}/session/{}", client.session_id().await.unwrap().unwrap());
        let (announced, faults) = (Mutex::default(), Mutex::default());
        let browser = Self {
            client,
            device,
            scheme,
            driver,
            session,
            http: http_client(),
            announced,
            faults,
            is_touched: AtomicBool::new(false),
            _profile: profile,
        };
        browser.turn(device, scheme).await;
        browser
    }

    pub async fn desktop() -> Self {
        Self::open(Device::Desktop, Scheme::Light).await
    }

    pub async fn phone() -> Self {
        Self::open(Device::Phone, Scheme::Dark).await
    }

    /// Makes this tab one of such a device.
    pub async fn turn(&self, device: Device, scheme: Scheme) {
        let (width, height) = device.size();
        self.resize(width, height, device == Device::Phone).await;
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme.name() },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Who was touched has no mouse before the next page.
    pub async fn resize(&self, width: u32, height: u32, touched: bool) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": touched });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        if self.is_touched.swap(touched, Ordering::Relaxed) != touched {
            self.devtools("Emulation.setTouchEmulationEnabled", json!({ "enabled": touched })).await;
        }
    }

    /// The tab that is driven from now on is another, and knows nothing of devices.
    pub async fn drive(&self, tab: WindowHandle) {
        self.client.switch_to_window(tab).await.unwrap();
        self.is_touched.store(false, Ordering::Relaxed);
        self.turn(self.device, self.scheme).await;
    }

    /// A command of the DevTools protocol to this tab.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        let answer = self.http.post(format!("{}/goog/cdp/execute", self.session)).json(&body).send().await.unwrap();
        let mut answer: Value = answer.json().await.unwrap();
        assert!(answer["value"]["error"].is_null(), "{command}: {answer}");
        answer["value"].take()
    }

    /// What a script in the page returns.
    pub async fn js<T: DeserializeOwned>(&self, script: &str, arguments: &[Value]) -> T {
        let value = self.client.execute(script, arguments.to_vec()).await;
        serde_json::from_value(value.unwrap_or_else(|e| panic!("{script}: {e}"))).unwrap_or_else(|e| panic!("{script}: {e}"))
    }

    /// Waits until a script returns true. A page that is being left answers nothing, which counts as false.
    pub async fn until(&self, what: &str, script: &str, arguments: &[Value]) {
        eventually(what, async || {
            let answer = self.client.execute(script, arguments.to_vec()).await;
            answer.is_ok_and(|value| value == json!(true))
        })
        .await;
    }

    /// The console may be told these from now on.
    pub fn announce(&self, parts: &[&'static str]) {
        self.announced.lock().unwrap().extend(parts);
    }

    /// Notes what is wrong with a screen; `finish` tells all of it at once.
    pub fn blame(&self, fault: String) {
        self.faults.lock().unwrap().push(fault);
    }

    /// What the console was told since this was last asked: level and text.
    async fn console(&self) -> Vec<(String, String)> {
        let ask = self.http.post(format!("{}/se/log", self.session)).json(&json!({ "type": "browser" }));
        let log: Value = ask.send().await.unwrap().json().await.unwrap();
        let text = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
        log["value"]
            .as_array()
            .expect("the browser's log")
            .iter()
            .map(|line| (text(line, "level"), text(line, "message")))
            .collect()
    }

    /// Nothing broke the policy, nothing threw, no error was told but those that were announced, and every screen was
    /// faultless.
    pub async fn finish(self) {
        let announced = self.announced.lock().unwrap().clone();
        let mut told = self.console().await;
        told.retain(|(level, text)| {
            let broken = ["Content Security Policy", "Trusted", "Uncaught", "Refused to"].iter().any(|word| text.contains(word));
            broken || (level == "SEVERE" && !announced.iter().any(|part| text.contains(part)))
        });
        assert!(told.is_empty(), "the console was told: {told:#?}");
        let faults = std::mem::take(&mut *self.faults.lock().unwrap());
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        self.client.clone().close().await.unwrap();
    }
}

/// What a failing test had on its screen and in its console.
impl Drop for Browser {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        eprintln!("{}", self.faults.lock().unwrap().join("\n"));
        let (http, session, driver) = (http_client(), self.session.clone(), self.driver.0.id());
        let look = async move {
            let picture: Value = http.get(format!("{session}/screenshot")).send().await.ok()?.json().await.ok()?;
            let name = format!("failed-{}-{driver}.png", thread::current().name()?.replace("::", "-"));
            see::keep(&name, &see::decoded(picture["value"].as_str()?));
            let ask = http.post(format!("{session}/se/log")).json(&json!({ "type": "browser" }));
            let log: Value = ask.send().await.ok()?.json().await.ok()?;
            eprintln!("{name}: {:#}", log["value"]);
            Some(())
        };
        let name = thread::current().name().unwrap_or_default().to_owned();
        let thread = thread::Builder::new().name(name).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(look);
        });
        drop(thread.unwrap().join());
    }
}
