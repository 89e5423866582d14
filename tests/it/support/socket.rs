//! Sockets: a whole one, and one that writes bytes as it pleases.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};
use uuid::Uuid;

use super::PATIENCE;

pub struct Socket(pub WebSocketStream<TcpStream>);

impl Socket {
    pub async fn open(address: SocketAddr, token: &str) -> Self {
        Self::open_with(address, &format!("/ws?token={token}"), &[]).await.unwrap()
    }

    pub async fn open_with(
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, tokio_tungstenite::tungstenite::Error> {
        use tokio_tungstenite::tungstenite::client::IntoClientRequest;
        let stream = TcpStream::connect(address).await?;
        let mut request = format!("ws://{address}{path}").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        Ok(Self(client_async(request, stream).await?.0))
    }

    pub async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// Sends a message under a fresh name, which is returned.
    pub async fn say(&mut self, conversation: &str, content: &str) -> String {
        let id = Uuid::new_v4().to_string();
        self.send(json!({ "type": "message", "message_id": id, "conversation_id": conversation, "content": content })).await;
        id
    }

    /// The next text frame, whatever it is.
    pub async fn next(&mut self) -> Value {
        let text = async {
            loop {
                match self.0.next().await.expect("an open socket").unwrap() {
                    Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                    Message::Ping(_) | Message::Pong(_) => {}
                    other => panic!("a frame that isn't text: {other:?}"),
                }
            }
        };
        timeout(PATIENCE, text).await.expect("a text frame in time")
    }

    /// The next frame, which must be a `message`; its message.
    pub async fn next_message(&mut self) -> Value {
        let mut frame = self.next().await;
        assert_eq!(frame["type"], "message", "{frame}");
        frame["message"].take()
    }

    /// Reads until the close frame; its code.
    pub async fn closed(&mut self) -> u16 {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("a close in time") {
                Some(Ok(Message::Close(frame))) => return frame.map_or(1005, |frame| frame.code.into()),
                Some(Ok(_)) => {}
                other => panic!("no close frame: {other:?}"),
            }
        }
    }

    /// Waits for the answer to a frame of one's own: until then everything that was under way has come.
    pub async fn settle(&mut self, conversation: &str) -> Vec<Value> {
        self.send(json!({ "type": "join", "conversation_id": conversation })).await;
        let mut before = Vec::new();
        loop {
            let frame = self.next().await;
            if frame["type"] == "joined" {
                return before;
            }
            before.push(frame);
        }
    }

    /// Says goodbye, and waits for the answer.
    pub async fn close(mut self) {
        self.0.close(None).await.unwrap();
        self.closed().await;
    }
}

/// A frame with a mask of nought, so that the payload goes as it is.
pub fn masked(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first_byte];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// A socket without a client: writes what it is told, reads what it wants.
pub struct RawSocket(pub TcpStream);

impl RawSocket {
    pub async fn open(address: SocketAddr, token: &str) -> Self {
        Self::open_with(address, &format!("/ws?token={token}"), &[]).await
    }

    pub async fn open_with(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
        Self(stream)
    }

    pub async fn send(&mut self, first_byte: u8, payload: &[u8]) {
        // The server may have closed already; the test reads why.
        drop(self.0.write_all(&masked(first_byte, payload)).await);
    }

    /// The next frame: its first byte and payload.
    pub async fn next(&mut self) -> (u8, Vec<u8>) {
        timeout(PATIENCE, async {
            let first = self.0.read_u8().await.unwrap();
            let length = match self.0.read_u8().await.unwrap() {
                126 => self.0.read_u16().await.unwrap() as usize,
                127 => self.0.read_u64().await.unwrap() as usize,
                short => short as usize,
            };
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).await.unwrap();
            (first, payload)
        })
        .await
        .expect("a frame in time")
    }

    /// Skips everything up to the close frame; its code.
    pub async fn closed(&mut self) -> u16 {
        loop {
            let (first, payload) = self.next().await;
            if first == 0x88 {
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
    }

    /// Reads until the connection has ended.
    pub async fn ended(&mut self) {
        let mut sink = vec![0; 65_536];
        let end = async { while matches!(self.0.read(&mut sink).await, Ok(1..)) {} };
        timeout(PATIENCE, end).await.expect("the connection's end in time");
    }
}
