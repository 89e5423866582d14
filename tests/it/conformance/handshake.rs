//! Section 4.2: the handshake as a client's bytes, and what may follow it at once.

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    case::naming,
    frames::{CLOSE, FIN, PING, PONG, TEXT, frame, next},
};
use crate::support::{PATIENCE, database::Kind, person::Person, world::World};

/// The example of section 1.3.
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=";
const UPGRADE: [&str; 3] = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"];

/// Sends a request with these headers, and right behind it these bytes; the answer's head, in small letters.
async fn ask(world: &World, ann: &Person, method: &str, headers: &[&str], behind: &[u8]) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let host = format!("Host: {}", world.address);
    let lines = [&[host.as_str()], headers].concat().join("\r\n");
    let request = format!("{method} /ws?token={} HTTP/1.1\r\n{lines}\r\n\r\n", ann.access);
    stream.write_all(&[request.as_bytes(), behind].concat()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.expect("an answer in time").unwrap());
    }
    (stream, String::from_utf8(head).unwrap().to_ascii_lowercase())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let ann = world.person("ann").await;
    let [upgrade, connection, version] = UPGRADE;
    for (what, headers) in [
        ("4.2.2 as usual", vec![upgrade, connection, version, KEY]),
        ("4.2.1 in other letters", vec!["upgrade: WebSocket", "connection: keep-alive, UPGRADE", version, KEY]),
        ("9.1 no extension is taken up", vec![upgrade, connection, version, KEY, "Sec-WebSocket-Extensions: permessage-deflate"]),
        ("1.9 nor a subprotocol that isn't known", vec![upgrade, connection, version, KEY, "Sec-WebSocket-Protocol: mqtt"]),
    ] {
        let (mut stream, head) = ask(&world, &ann, "GET", &headers, &frame(CLOSE, "")).await;
        assert!(head.starts_with("http/1.1 101 "), "{what}: {head}");
        for line in [ACCEPT, "upgrade: websocket", "connection: upgrade"] {
            assert!(head.contains(line), "{what}: {head}");
        }
        assert!(!head.contains("extensions") && !head.contains("protocol:"), "{what}: {head}");
        assert_eq!(next(&mut stream).await.unwrap().unwrap().0, FIN | CLOSE, "{what}");
    }
    for (what, method, headers, statuses) in [
        ("4.2.1 without a key", "GET", vec![upgrade, connection, version], [400, 400]),
        ("4.2.1 without a version", "GET", vec![upgrade, connection, KEY], [400, 400]),
        ("4.4 of another version", "GET", vec![upgrade, connection, "Sec-WebSocket-Version: 99", KEY], [426, 426]),
        ("4.2.1 without an upgrade", "GET", vec![connection, version, KEY], [400, 400]),
        ("4.2.1 by another method", "POST", vec![upgrade, connection, version, KEY, "Content-Length: 0"], [404, 405]),
    ] {
        let (_, head) = ask(&world, &ann, method, &headers, b"").await;
        assert!(statuses.iter().any(|status| head.starts_with(&format!("http/1.1 {status} "))), "{what}: {head}");
        assert!(statuses[0] != 426 || head.contains("sec-websocket-version: 13"), "{what}: {head}");
    }
    world.finish().await;
}

/// Section 4.1 has a client wait for the answer; what comes in the same packet is heard all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_behind_the_handshake() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let ann = world.person("ann").await;
    let headers = [&UPGRADE[..], &[KEY]].concat();
    let frames = [frame(PING, "1"), frame(TEXT, naming("early")), frame(CLOSE, "")].concat();
    let cuts = (0..=frames.len()).map(async |cut| {
        let (now, later) = frames.split_at(cut);
        let (mut stream, head) = ask(&world, &ann, "GET", &headers, now).await;
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        stream.write_all(later).await.unwrap();
        let mut said = Vec::new();
        while let Some((first, payload)) = timeout(PATIENCE, next(&mut stream)).await.expect("a frame in time").unwrap() {
            said.push((first, String::from_utf8_lossy(&payload).into_owned()));
        }
        let kinds: Vec<u8> = said.iter().map(|(first, _)| *first).collect();
        assert_eq!(kinds, [FIN | PONG, FIN | TEXT, FIN | CLOSE], "cut at {cut}: {said:?}");
        assert!(said[1].1.contains("early"), "cut at {cut}: {said:?}");
    });
    join_all(cuts).await;
    world.finish().await;
}
