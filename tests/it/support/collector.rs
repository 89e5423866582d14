//! An OTLP collector: takes `POST /v1/traces` (OTLP over HTTP, protobuf) and keeps what it is sent.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value},
    trace::v1::{ResourceSpans, Span},
};
use prost::Message;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::eventually;

/// Gone with the runtime of its test.
pub struct Collector {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<ResourceSpans>>>,
}

impl Collector {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received: Arc<Mutex<Vec<ResourceSpans>>> = Arc::default();
        let kept = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(take(connection, Arc::clone(&kept)));
            }
        });
        Self { address, received }
    }

    /// Where it is, as a setting.
    pub fn setting(&self) -> (&'static str, String) {
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", self.address))
    }

    pub fn received(&self) -> Vec<ResourceSpans> {
        self.received.lock().unwrap().clone()
    }

    pub fn spans(&self) -> Vec<Span> {
        self.received().into_iter().flat_map(|group| group.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    /// The spans of a trace, once those with these names are among them.
    pub async fn trace(&self, id: &str, names: &[&str]) -> Trace {
        let of_trace = || Trace(self.spans().into_iter().filter(|span| hex(&span.trace_id) == id).collect());
        eventually(&format!("{names:?} came"), async || names.iter().all(|name| of_trace().0.iter().any(|s| s.name == *name)))
            .await;
        of_trace()
    }
}

async fn take(connection: TcpStream, kept: Arc<Mutex<Vec<ResourceSpans>>>) -> Option<()> {
    let mut connection = BufReader::new(connection);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        connection.read_line(&mut first).await.ok()?;
        loop {
            let mut line = String::new();
            connection.read_line(&mut line).await.ok()?;
            match line.to_ascii_lowercase().split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        if first.is_empty() {
            return None;
        }
        assert!(first.starts_with("POST /v1/traces "), "{first}");
        let mut body = vec![0; length];
        connection.read_exact(&mut body).await.ok()?;
        let sent = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
        kept.lock().unwrap().extend(sent.resource_spans);
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        connection.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// The spans of one trace.
#[derive(Debug)]
pub struct Trace(pub Vec<Span>);

impl Trace {
    /// The one span of that name.
    pub fn only(&self, name: &str) -> &Span {
        let found: Vec<&Span> = self.0.iter().filter(|span| span.name == name).collect();
        assert_eq!(found.len(), 1, "{name} in {:?}", self.0);
        found[0]
    }
}

/// What an attribute says.
pub fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    let value = attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?;
    match value.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text.clone()),
        any_value::Value::IntValue(number) => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
