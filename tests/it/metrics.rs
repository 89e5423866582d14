//! What Prometheus is told, and how.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    process::{Command, Stdio},
    rc::Rc,
    sync::Arc,
};

use bytes::BytesMut;
use pneumatic::{
    actors::{
        hub::{Hub, Push},
        vital::Vital,
    },
    domain::{clock::Clock, ids::UserId},
    metrics::Metrics,
    wire::{dialect::Dialect, frame},
};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{
    bucket::Bucket,
    eventually,
    figures::Figures,
    person::Person,
    socket::{RawSocket, Socket},
    world::World,
};

const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0";

async fn scrape(world: &World, accept: &str) -> String {
    let answer = world.http.get(world.url("/metrics")).header("accept", accept).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.unwrap()
}

async fn figures(world: &World) -> Figures {
    Figures::of(&scrape(world, "*/*").await)
}

/// Of every sort something: posts over both doors, repeats, refusals, good and bad frames, logins that go well and
/// don't, answers of many statuses.
async fn traffic(world: &World) -> [Person; 2] {
    let [ann, bob] = world.people(["ann", "bob"]).await;
    let conversation = ann.conversation_with(&[&bob]).await;
    let (mut one, mut two) = (ann.socket().await, bob.socket().await);
    for i in 0..5 {
        ann.say_as(&conversation, "äx", &format!("m{i}")).await;
    }
    for _ in 0..3 {
        assert_eq!(ann.say_as(&conversation, "again", "m0").await.0, StatusCode::OK);
    }
    one.say(&conversation, "six").await;
    two.say(&conversation, "seven").await;
    for _ in 0..7 {
        one.next_message().await;
        two.next_message().await;
    }
    two.say("00000000-0000-4000-8000-000000000000", "to nobody").await;
    assert_eq!(two.next().await["code"], "unknown_conversation");
    two.send_text("{").await;
    assert_eq!(two.next().await["code"], "malformed");
    two.settle(&conversation).await;
    let carol = world.person("carol").await;
    let (status, _) =
        carol.post("/messages", json!({ "message_id": "m", "conversation_id": conversation, "content": "let me in" })).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let wrong = json!({ "username": "ann", "password": "not it, not it" });
    for _ in 0..2 {
        assert_eq!(ann.post("/auth/login", wrong.clone()).await.0, StatusCode::UNAUTHORIZED);
    }
    let (status, pair) = carol.post("/auth/refresh", json!({ "refresh_token": carol.refresh })).await;
    assert_eq!(status, StatusCode::OK, "{pair}");
    let (status, _) = carol.post("/auth/refresh", json!({ "refresh_token": carol.refresh })).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "used again");
    let (status, _) = carol.post("/auth/refresh", json!({ "refresh_token": "x" })).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    one.close().await;
    // The server ends the second one itself.
    assert_eq!(bob.post("/auth/logout", json!({})).await.0, StatusCode::NO_CONTENT);
    assert_eq!(two.closed().await, 4401);
    drop(two);
    eventually("both have gone", async || world.services.metrics.active() == 0).await;
    [ann, bob]
}

both! {
    async fn the_figures_of_a_known_scene(world) {
        traffic(world).await;
        eventually("what hubs and writer count by themselves is told", async || {
            let figures = figures(world).await;
            // Seven messages to two devices, two errors, one `joined`, two close frames.
            figures.get("pneumatic_websocket_frames_sent_total") >= 7.0 * 2.0 + 2.0 + 1.0 + 2.0
                && figures.get("pneumatic_database_connections_open{pool=\"reading\"}") >= 1.0
                && figures.get("pneumatic_delivery_duration_seconds_count") == 7.0
        })
        .await;
        let figures = figures(world).await;
        for (series, value) in [
            ("pneumatic_messages_sent_total", 7.0),
            ("pneumatic_messages_repeated_total", 3.0),
            ("pneumatic_posts_refused_total{code=\"not_a_member\"}", 1.0),
            ("pneumatic_posts_refused_total{code=\"unknown_conversation\"}", 1.0),
            ("pneumatic_refusals_total{door=\"websocket\",code=\"unknown_conversation\"}", 1.0),
            ("pneumatic_refusals_total{door=\"websocket\",code=\"malformed\"}", 1.0),
            ("pneumatic_refusals_total{door=\"http\",code=\"not_a_member\"}", 1.0),
            ("pneumatic_refusals_total{door=\"http\",code=\"bad_credentials\"}", 2.0),
            ("pneumatic_websocket_connections_total", 2.0),
            ("pneumatic_websocket_connections_active", 0.0),
            ("pneumatic_websocket_connections_by_dialect{dialect=\"v1\"}", 0.0),
            ("pneumatic_websocket_frames_received_total{kind=\"message\"}", 3.0),
            ("pneumatic_websocket_frames_received_total{kind=\"join\"}", 1.0),
            ("pneumatic_websocket_frames_received_total{kind=\"invalid\"}", 1.0),
            ("pneumatic_websocket_closes_total{code=\"1000\",reason=\"bye\"}", 1.0),
            ("pneumatic_websocket_closes_total{code=\"4401\",reason=\"login ended\"}", 1.0),
            ("pneumatic_websocket_closes_total{code=\"4503\",reason=\"too slow\"}", 0.0),
            ("pneumatic_logins_total{outcome=\"success\"}", 3.0),
            ("pneumatic_logins_total{outcome=\"failed\"}", 2.0),
            ("pneumatic_logins_total{outcome=\"refreshed\"}", 1.0),
            ("pneumatic_logins_total{outcome=\"reused\"}", 1.0),
            ("pneumatic_logins_total{outcome=\"rejected\"}", 1.0),
            ("pneumatic_logins_total{outcome=\"ended\"}", 1.0),
            ("pneumatic_sign_ups_total", 3.0),
            ("pneumatic_writer_pending", 0.0),
            ("pneumatic_writer_wait_duration_seconds_count", 12.0),
            ("pneumatic_writer_batch_posts_sum", 12.0),
            ("pneumatic_users_online", 0.0),
            ("pneumatic_rooms", 0.0),
            ("pneumatic_websocket_outbox_bytes", 0.0),
        ] {
            assert_eq!(figures.get(series), value, "{series}");
        }
        let batches = figures.get("pneumatic_writer_batch_posts_count");
        assert!((1.0..=12.0).contains(&batches));
        assert_eq!(figures.get("pneumatic_writer_commit_duration_seconds_count"), batches);
        let answered = "pneumatic_http_request_duration_seconds_count";
        let posts = |status| figures.sum(answered, &[("method", "POST"), ("route", "/messages"), ("status", status)]);
        assert_eq!((posts("201"), posts("200"), posts("403")), (5.0, 3.0, 1.0));
        assert_eq!(figures.sum(answered, &[("route", "/ws"), ("status", "101")]), 2.0);
        assert_eq!(figures.get(&format!("pneumatic_build_info{{version=\"{}\",commit=\"unknown\"}}", env!("CARGO_PKG_VERSION"))), 1.0);
        // About 7 · 2 · 200 bytes went out, and no more than was written.
        assert!((1_000.0..100_000.0).contains(&figures.get("pneumatic_websocket_sent_bytes_total")));
        let started = figures.get("process_start_time_seconds");
        assert!((started - chrono::Utc::now().timestamp() as f64).abs() < 3_600.0, "{started}");
        for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds", "process_threads"] {
            assert!(figures.get(name) > 0.0, "{name}");
        }
    }
}

both! {
    async fn while_devices_are_here(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let (one, two, three) = (ann.socket().await, ann.socket().await, bob.socket().await);
        eventually("presence has heard of all", async || figures(world).await.get("pneumatic_users_online") == 2.0).await;
        let now = figures(world).await;
        assert_eq!(now.get("pneumatic_websocket_connections_by_dialect{dialect=\"v1\"}"), 3.0);
        assert_eq!(now.get("pneumatic_rooms"), 1.0);
        // One that ends without a word.
        drop(three);
        eventually("it is missed", async || {
            figures(world).await.get("pneumatic_websocket_closes_total{code=\"1006\",reason=\"connection lost\"}") == 1.0
        })
        .await;
        // One without a token.
        let mut stranger = Socket::open(world.address, "no-token").await;
        assert_eq!(stranger.closed().await, 1008);
        assert_eq!(figures(world).await.get("pneumatic_websocket_closes_total{code=\"1008\",reason=\"not authenticated\"}"), 1.0);
        // One that doesn't read.
        drop((one, two));
        let deaf = RawSocket::open(world.address, &bob.access).await;
        let long = "x".repeat(10_000);
        eventually("it is closed for being too slow", async || {
            for _ in 0..30 {
                ann.say(&conversation, &long).await;
            }
            figures(world).await.get("pneumatic_websocket_closes_total{code=\"4503\",reason=\"too slow\"}") == 1.0
        })
        .await;
        drop(deaf);
    }
}

#[actix_web::test]
async fn what_waits_for_a_device() {
    let metrics = Metrics::new(Clock::system());
    let figures = || Figures::of(&metrics.prometheus_text());
    let (vital, _broken) = Vital::signs();
    let hub = Hub::start_here(0, Arc::clone(&metrics), vital("hub"));
    let (bucket, outbox) = Bucket::with_outbox();
    bucket.shut();
    let device = hub.outboxes.borrow_mut().register(Rc::clone(&outbox), UserId::fresh(), Dialect::V1);
    let mut frames = BytesMut::new();
    frame::append_text(&mut frames, &[b'x'; 1_000]);
    frame::append_text(&mut frames, &[b'y'; 1_000]);
    let frames = frames.freeze();
    hub.hub.do_send(Push { device, frames: frames.clone() });
    let waiting = "pneumatic_websocket_outbox_bytes";
    eventually("they are seen waiting", async || figures().get(waiting) == frames.len() as f64).await;
    assert_eq!(figures().get("pneumatic_websocket_frames_sent_total"), 2.0);
    assert_eq!(figures().get("pneumatic_websocket_sent_bytes_total"), 0.0);
    bucket.open(&outbox);
    eventually("they have been taken", async || figures().get(waiting) == 0.0).await;
    assert_eq!(figures().get("pneumatic_websocket_sent_bytes_total"), frames.len() as f64);
    bucket.shut();
    hub.hub.do_send(Push { device, frames });
    eventually("more waits", async || figures().get(waiting) > 0.0).await;
    hub.outboxes.borrow_mut().remove(device);
    eventually("the device has gone, and its queue with it", async || figures().get(waiting) == 0.0).await;
}

/// Prometheus' own checker has nothing to say, and OpenMetrics keeps its rules
/// (<https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md>).
mod formats {
    use super::*;

    both! {
        async fn keep_their_rules(world) {
            traffic(world).await;
            let odd = reqwest::Method::from_bytes(b"ODD").unwrap();
            drop(world.http.request(odd, world.url("/\"quoted\\path\n")).send().await.unwrap());
            world.services.metrics.limited("post_per_minute");
            check_with_promtool(&scrape(world, "text/plain").await);
            check_open_metrics(&scrape(world, OPEN_METRICS).await);
        }
    }

    fn check_with_promtool(text: &str) {
        let mut tool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("promtool: run the tests with `make test`");
        tool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = tool.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}\n{text}");
    }

    fn check_open_metrics(text: &str) {
        assert!(text.ends_with("\n# EOF\n") && text.matches("# EOF").count() == 1);
        Figures::of(text);
        let mut kinds: BTreeMap<&str, &str> = BTreeMap::new();
        let mut family = "";
        for line in text.lines() {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            match words[..] {
                ["#", "HELP", name, help] => {
                    assert!(!kinds.contains_key(name), "{name} isn't in one piece");
                    assert!(!help.is_empty());
                    family = name;
                }
                ["#", "TYPE", name, kind] => {
                    assert_eq!(name, family);
                    kinds.insert(name, kind);
                }
                ["#", "UNIT", name, unit] => assert!(name == family && name.ends_with(&format!("_{unit}")), "{line}"),
                ["#", "EOF"] => {}
                _ => {
                    let series = line.split(['{', ' ']).next().unwrap();
                    let suffix = series.strip_prefix(family).unwrap_or_else(|| panic!("{line} isn't of {family}"));
                    let allowed: &[&str] = match kinds[family] {
                        "counter" => &["_total"],
                        "gauge" => &[""],
                        "histogram" => &["_bucket", "_sum", "_count"],
                        kind => panic!("{family} is a {kind}"),
                    };
                    assert!(allowed.contains(&suffix), "{line}");
                }
            }
        }
    }
}

both! {
    async fn what_is_over_a_limit(world, ["RATE_LIMIT_PER_MINUTE" = 5, "WS_MESSAGES_PER_MINUTE" = 1]) {
        let ann = world.person("ann").await;
        let mut socket = ann.socket().await;
        for _ in 0..3 {
            socket.say(&uuid::Uuid::nil().to_string(), "x").await;
            socket.next().await;
        }
        let refused = async || ann.get("/users").await.0 == StatusCode::TOO_MANY_REQUESTS;
        eventually("the bucket is empty", refused).await;
        let figures = figures(world).await;
        assert_eq!(figures.get("pneumatic_limited_total{limit=\"minute\"}"), 1.0);
        assert_eq!(figures.get("pneumatic_limited_total{limit=\"socket_messages\"}"), 2.0);
        assert_eq!(figures.get("pneumatic_refusals_total{door=\"websocket\",code=\"rate_limited\"}"), 2.0);
        assert_eq!(figures.get("pneumatic_refusals_total{door=\"http\",code=\"rate_limited\"}"), 1.0);
        socket.close().await;
    }
}

both! {
    async fn nobody_can_make_series_without_end(world) {
        let ann = world.person("ann").await;
        let label_values = async |label: &str| -> BTreeSet<String> {
            let text = scrape(world, "*/*").await;
            let start = format!("{label}=\"");
            let values = text.lines().filter(|line| line.starts_with("pneumatic_http")).filter_map(|line| line.split_once(&start));
            values.map(|(_, rest)| rest.split('"').next().unwrap().to_owned()).collect()
        };
        for i in 0..500 {
            let method = Method::from_bytes(format!("M{}", i % 100).as_bytes()).unwrap();
            let path = match i % 6 {
                0 => format!("/nothing/{i}"),
                1 => format!("/conversations/{}/messages?limit={i}", uuid::Uuid::new_v4()),
                2 => format!("/metrics/user/{i}"),
                3 => format!("/static-{i}.css"),
                4 => format!("/api/v1/nothing/{i}/at-all"),
                _ => format!("/conversations/%22{i}/read"),
            };
            let method = if i % 2 == 0 { method } else { Method::GET };
            drop(ann.request(method, &path).send().await.unwrap());
        }
        let methods = label_values("method").await;
        assert!(methods.contains("other") && methods.iter().all(|method| ["GET", "POST", "other"].contains(&method.as_str())), "{methods:?}");
        let routes = label_values("route").await;
        assert!(routes.contains("unmatched") && routes.contains("/conversations/{id}/messages"), "{routes:?}");
        assert!(routes.len() < 12, "{routes:?}");
        let statuses = label_values("status").await;
        assert!(statuses.len() < 12, "{statuses:?}");
    }
}

both! {
    async fn the_documentation_names_every_figure(world) {
        traffic(world).await;
        world.services.metrics.limited("post_per_minute");
        eventually("the pools were looked at", async || {
            figures(world).await.get("pneumatic_database_connections_open{pool=\"reading\"}") >= 1.0
        })
        .await;
        let text = scrape(world, "*/*").await;
        let mut live: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
        for line in text.lines() {
            if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
                live.insert(name.into(), (kind.into(), BTreeSet::new()));
            } else if !line.starts_with('#') {
                let series = line.rsplit_once(' ').unwrap().0;
                let (name, labels) = series.split_once('{').unwrap_or((series, ""));
                let family = live.keys().filter(|family| name.starts_with(family.as_str())).max_by_key(|family| family.len());
                let family = family.unwrap().clone();
                let names = labels.split("\",").filter_map(|label| label.split_once('=')).map(|(label, _)| label.to_owned());
                live.get_mut(&family).unwrap().1.extend(names.filter(|label| label != "le"));
            }
        }
        let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md")).unwrap();
        let mut told = BTreeMap::new();
        for row in page.lines().filter(|line| line.starts_with("| `p")) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let labels = cells[3].split(',').map(|label| label.trim().trim_matches('`').to_owned()).filter(|label| !label.is_empty());
            told.insert(cells[1].trim_matches('`').to_owned(), (cells[2].to_owned(), labels.collect::<BTreeSet<_>>()));
            assert!(!cells[4].is_empty(), "{row}");
        }
        assert_eq!(told, live);
    }
}
