//! The edges: what is too large, too slow, from elsewhere, or over TLS.

use std::{
    fs,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use crate::support::{
    PATIENCE,
    database::{Database, Kind},
    eventually,
    process::{Process, command, output},
    socket::Socket,
};

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.expect("an answer in time").unwrap());
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

/// Writes a request as it is, and reads the head of the answer.
async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    read_head(stream).await
}

both! {
    async fn every_answer_is_safe_to_look_at(world) {
        for path in ["/users", "/nowhere", "/health", "/", "/openapi.json"] {
            let answer = world.http.get(world.url(path)).send().await.unwrap();
            let headers = answer.headers();
            assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
            assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
            let policy = headers["content-security-policy"].to_str().unwrap();
            assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
            assert!(headers.contains_key("cache-control"), "{path}");
            assert!(!headers.contains_key("strict-transport-security"), "only what came by TLS may ask for it");
        }
        assert_eq!(world.http.get(world.url("/users")).send().await.unwrap().headers()["cache-control"], "no-store");
    }
}

both! {
    async fn heads_are_bounded(world) {
        let status = async |path: &str, headers: &[(&str, usize)]| {
            let mut ask = world.http.get(world.url(path));
            for (name, length) in headers {
                ask = ask.header(*name, "x".repeat(*length));
            }
            let answer = ask.send().await.unwrap();
            let problem: Value = answer.json().await.unwrap();
            (problem["status"].as_u64().unwrap(), problem["code"].as_str().unwrap().to_owned())
        };
        assert_eq!(status("/users", &[("x-long", 40_000)]).await, (431, "headers_too_large".into()));
        assert_eq!(status("/users", &[("x-a", 20_000), ("x-b", 20_000)]).await, (431, "headers_too_large".into()));
        assert_eq!(status(&format!("/users?q={}", "x".repeat(9_000)), &[]).await, (414, "uri_too_long".into()));
        assert_eq!(status("/users", &[("x-long", 10_000)]).await.0, 401, "that much is usual");
    }
}

both! {
    async fn pages_of_allowed_origins_may_call(world, ["ALLOWED_ORIGINS" = "https://chat.example.org"]) {
        let ann = world.person("ann").await;
        let preflight = async |origin: &str| {
            let ask = world.http.request(Method::OPTIONS, world.url("/messages"));
            let ask = ask.header("origin", origin).header("access-control-request-method", "POST");
            ask.header("access-control-request-headers", "authorization,content-type").send().await.unwrap()
        };
        let answer = preflight("https://chat.example.org").await;
        assert!(answer.status().is_success());
        assert_eq!(answer.headers()["access-control-allow-origin"], "https://chat.example.org");
        let allowed = answer.headers()["access-control-allow-headers"].to_str().unwrap().to_ascii_lowercase();
        assert!(allowed.contains("authorization") && allowed.contains("content-type"), "{allowed}");
        assert!(!answer.headers().contains_key("access-control-allow-credentials"), "cookies are for our own pages");
        let answer = preflight("https://evil.example").await;
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
        for (origin, allowed) in [("https://chat.example.org", true), ("https://evil.example", false), ("null", false)] {
            for path in ["/users", "/nowhere"] {
                let answer = ann.request(Method::GET, path).header("origin", origin).send().await.unwrap();
                let told = answer.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap());
                assert_eq!(told, allowed.then_some("https://chat.example.org"), "{origin} {path}");
                assert!(answer.headers()["vary"].to_str().unwrap().to_ascii_lowercase().contains("origin"), "caches tell them apart");
            }
        }
        let shown = ann.request(Method::GET, "/users").header("origin", "https://chat.example.org").send().await.unwrap();
        let shown = shown.headers()["access-control-expose-headers"].to_str().unwrap().to_ascii_lowercase();
        assert!(shown.contains("retry-after") && shown.contains("x-request-id"), "{shown}");
        let path = format!("/ws?token={}", ann.access);
        assert!(Socket::open_with(world.address, &path, &[("origin", "https://evil.example")]).await.is_err());
        Socket::open_with(world.address, &path, &[("origin", "https://chat.example.org")]).await.unwrap().close().await;
    }
}

/// What each of the half-open connections does, and then no more.
const HALVES: [&str; 5] = [
    "",
    "GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"user",
    "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"us",
    "GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/1.1\r\nX-Second: ",
];

/// A client that says as little as keeps it alive: a byte now and then.
async fn trickle(address: SocketAddr, half: &'static str, drop_by_drop: bool) -> Duration {
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(half.as_bytes()).await.unwrap();
    let mut sink = [0; 4_096];
    loop {
        let pause = if drop_by_drop { Duration::from_millis(500) } else { PATIENCE * 4 };
        match timeout(pause, stream.read(&mut sink)).await {
            Ok(Ok(1..)) => {}
            Ok(_) => return start.elapsed(),
            Err(_) if drop_by_drop => drop(stream.write_all(b"x").await),
            Err(_) => panic!("still open after {pause:?}: {half:?}"),
        }
        assert!(start.elapsed() < PATIENCE * 4, "still open: {half:?}");
    }
}

/// 200 connections that don't get to the point, while others are served as ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_connections_are_given_up() {
    let world = crate::support::world::World::start(Kind::Sqlite, &[]).await;
    let [ann, bob] = world.people(["ann", "bob"]).await;
    let conversation = ann.conversation_with(&[&bob]).await;
    let slow: Vec<_> = (0..200).map(|i| tokio::spawn(trickle(world.address, HALVES[i % HALVES.len()], i >= 100))).collect();
    let mut slowest = Duration::ZERO;
    while slow.iter().any(|client| !client.is_finished()) {
        let start = Instant::now();
        ann.say(&conversation, "x").await;
        slowest = slowest.max(start.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut longest = Duration::ZERO;
    for client in slow {
        longest = longest.max(client.await.unwrap());
    }
    eprintln!("the last one was gone after {longest:?}; the slowest post took {slowest:?}");
    assert!(longest < Duration::from_secs(90), "{longest:?}");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    world.finish().await;
}

/// A certificate for `localhost`, and the client that trusts it alone.
fn certificate(folder: &std::path::Path) -> TlsConnector {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("cert.pem")).unwrap()).unwrap();
    let provider = tokio_rustls::rustls::crypto::ring::default_provider();
    let config = ClientConfig::builder_with_provider(provider.into()).with_safe_default_protocol_versions().unwrap();
    TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

async fn connect(connector: &TlsConnector, address: SocketAddr) -> TlsStream<TcpStream> {
    let name = ServerName::try_from("localhost").unwrap();
    connector.connect(name, TcpStream::connect(address).await.unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_without_a_proxy() {
    let database = Database::fresh(Kind::Sqlite).await;
    let folder = database.folder.path();
    let connector = certificate(folder);
    let settings = [
        ("PORT", "0".to_owned()),
        ("TLS_CERT", folder.join("cert.pem").display().to_string()),
        ("TLS_KEY", folder.join("key.pem").display().to_string()),
        ("MAX_CONNECTIONS_PER_ADDRESS", "4".to_owned()),
    ];
    let server = Process::start(folder, &settings);
    let mut stream = connect(&connector, server.address).await;
    let answer = ask(&mut stream, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(answer.starts_with("http/1.1 200 ") && answer.contains("strict-transport-security: max-age="), "{answer}");
    let upgrade = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: https://localhost\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut socket = connect(&connector, server.address).await;
    assert!(ask(&mut socket, upgrade).await.starts_with("http/1.1 101 "));

    // Connections are counted here too.
    let mut more = Vec::new();
    for _ in 0..4 {
        more.push(connect(&connector, server.address).await);
    }
    eventually("one is refused", async || {
        let mut last = connect(&connector, server.address).await;
        ask(&mut last, "GET /users HTTP/1.1\r\nHost: localhost\r\n\r\n").await.starts_with("http/1.1 429 ")
    })
    .await;
    drop(more);

    let check = [("PORT", server.address.port().to_string()), settings[1].clone(), settings[2].clone()];
    assert!(command(folder, &check).arg("healthcheck").status().unwrap().success(), "the probe speaks TLS as well");
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(b"GET /health HTTP/1.1\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    // Reset or closed: either way there is no answer.
    drop(timeout(PATIENCE, plain.read_to_end(&mut rest)).await.expect("an end"));
    assert!(!rest.starts_with(b"HTTP/"), "without TLS nobody is served");
    drop(server);

    fs::write(folder.join("key.pem"), "nonsense").unwrap();
    let output = output(command(folder, &settings));
    let said = String::from_utf8(output.stderr).unwrap();
    let last = said.lines().last().unwrap();
    assert!(!output.status.success() && last.contains("key.pem") && last.contains("TLS_KEY"), "{said}");
    database.drop().await;
}

both! {
    async fn behind_a_proxy_that_speaks_tls(world, ["TRUSTED_PROXIES" = "127.0.0.1"]) {
        let answer = world.http.get(world.url("/health")).header("x-forwarded-proto", "https").send().await.unwrap();
        assert!(answer.headers().contains_key("strict-transport-security"));
        world.person("ann").await;
        let login = serde_json::json!({ "username": "ann", "password": crate::support::person::PASSWORD, "cookie": true });
        let ask = world.http.post(world.url("/auth/login")).header("x-forwarded-proto", "https").json(&login);
        let answer = ask.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(answer.headers()["set-cookie"].to_str().unwrap().contains("Secure"));
    }
}
