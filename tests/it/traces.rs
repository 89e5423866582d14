//! A message's whole way in one trace, told to a real collector; and what happens where there is none.

use std::{
    io::BufRead,
    net::{SocketAddr, TcpListener},
    path::Path,
    time::Instant,
};

use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{client_async, tungstenite::client::IntoClientRequest};

use crate::support::{
    collector::{Collector, attribute, hex},
    eventually, http_client,
    logs::{lines, logging},
    person::{PASSWORD, Person},
    process::{Process, command, output},
    socket::Socket,
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

fn traceparent() -> String {
    format!("00-{TRACE}-{CALLER}-01")
}

/// A server whose spans leave soon, and which logs JSON to a file.
fn start(folder: &Path, settings: &[(&str, String)]) -> Process {
    let common = [("PORT", "0"), ("WORKERS", "2"), ("OTEL_BSP_SCHEDULE_DELAY", "100"), ("RUST_LOG", "warn,pneumatic=debug")];
    let common = common.iter().map(|(name, value)| (*name, (*value).to_owned()));
    logging(folder, &common.chain(settings.iter().cloned()).collect::<Vec<_>>())
}

async fn pair(address: SocketAddr) -> (Person, Person, String) {
    let http = http_client();
    let (ann, bob) = (Person::sign_up(&http, address, "ann").await, Person::sign_up(&http, address, "bob").await);
    let conversation = ann.conversation_with(&[&bob]).await;
    (ann, bob, conversation)
}

/// One after the other, all below the same span, which may have been answered before the last one ended.
fn assert_steps(parent: &Span, steps: [&Span; 3]) {
    let mut time = parent.start_time_unix_nano;
    for step in steps {
        assert_eq!(hex(&step.parent_span_id), hex(&parent.span_id), "{}", step.name);
        assert!(time <= step.start_time_unix_nano && step.start_time_unix_nano <= step.end_time_unix_nano, "{step:?}");
        time = step.end_time_unix_nano;
    }
    let took = time - parent.start_time_unix_nano;
    assert!(took < 60_000_000_000, "{took} ns");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_is_one_trace() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start().await;
    let server = start(folder.path(), &[collector.setting()]);
    let (ann, bob, conversation) = pair(server.address).await;
    let mut device = bob.socket().await;

    let body = json!({ "message_id": "1", "conversation_id": conversation, "content": "hello" });
    let request = ann.request(Method::POST, "/messages").header("traceparent", traceparent()).json(&body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let (request_id, response) = (header("x-request-id"), header("traceresponse"));
    device.next_message().await;

    let trace = collector.trace(TRACE, &["POST /messages", "writer.wait", "writer.commit", "fan_out"]).await;
    let request = trace.only("POST /messages");
    assert_eq!(hex(&request.parent_span_id), CALLER);
    assert_eq!(response, format!("00-{TRACE}-{}-01", hex(&request.span_id)));
    assert_eq!(request.kind, SpanKind::Server as i32);
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/messages"),
        ("url.path", "/messages"),
        ("http.response.status_code", "201"),
        ("request_id", &request_id),
    ] {
        assert_eq!(attribute(&request.attributes, key).as_deref(), Some(value), "{key}");
    }
    let commit = trace.only("writer.commit");
    assert_eq!(attribute(&commit.attributes, "batch").as_deref(), Some("1"));
    assert_steps(request, [trace.only("writer.wait"), commit, trace.only("fan_out")]);
    assert_eq!(trace.0.len(), 4, "{trace:?}");

    let of_request = |line: &Value| line["span"]["request_id"] == *request_id && line["trace_id"] == TRACE;
    let line = lines(folder.path()).into_iter().find(of_request).expect("a line of the request");
    assert_eq!(line["span_id"], hex(&request.span_id));
    let resource = collector.received().remove(0).resource.unwrap();
    assert_eq!(attribute(&resource.attributes, "service.name").as_deref(), Some("pneumatic"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_the_store_is_in_the_trace() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start().await;
    let service = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=chat,team=x".to_owned());
    let server = start(folder.path(), &[collector.setting(), service]);
    let (ann, _, conversation) = pair(server.address).await;
    let call = async |method: Method, path: &str, parent: &str| {
        let request = ann.request(method, path).header("traceparent", parent).json(&json!({ "seq": 1 }));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.headers()["traceresponse"].to_str().unwrap()[3..35].to_owned()
    };
    let path = format!("/conversations/{conversation}/messages");
    let trace = call(Method::GET, &path, &traceparent()).await;
    assert_eq!(trace, TRACE);
    let name = "GET /conversations/{id}/messages";
    let trace = collector.trace(&trace, &["store.read", name]).await;
    assert_eq!(trace.only("store.read").parent_span_id, trace.only(name).span_id);
    assert_eq!(attribute(&trace.only(name).attributes, "url.path"), Some(path));

    // What is no traceparent is passed over: the trace is a new one.
    let path = format!("/conversations/{conversation}/read");
    let trace = call(Method::PUT, &path, &format!("00-{TRACE}-1-01")).await;
    assert_ne!(trace, TRACE);
    let name = "PUT /conversations/{id}/read";
    let trace = collector.trace(&trace, &["store.write", name]).await;
    assert_eq!(trace.only("store.write").parent_span_id, trace.only(name).span_id);
    assert!(trace.only(name).parent_span_id.is_empty());
    let resource = collector.received().remove(0).resource.unwrap();
    assert_eq!(attribute(&resource.attributes, "service.name").as_deref(), Some("chat"));
    assert_eq!(attribute(&resource.attributes, "team").as_deref(), Some("x"));
    // What the server asks for itself, when it starts for example, is nobody's journey.
    let alone = |span: &Span| span.name.starts_with("store.") && span.parent_span_id.is_empty();
    assert!(!collector.spans().iter().any(alone));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_is_one_trace() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start().await;
    let server = start(folder.path(), &[collector.setting(), ("OTEL_SERVICE_NAME", "chat".into())]);
    let (ann, bob, conversation) = pair(server.address).await;

    // The handshake is a request like any other.
    let mut handshake = format!("ws://{}/ws?token={}", server.address, ann.access).into_client_request().unwrap();
    handshake.headers_mut().insert("traceparent", traceparent().parse().unwrap());
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (socket, answer) = client_async(handshake, stream).await.unwrap();
    let response = answer.headers()["traceresponse"].to_str().unwrap().to_owned();
    let trace = collector.trace(TRACE, &["GET /ws", "store.read"]).await;
    assert_eq!(response, format!("00-{TRACE}-{}-01", hex(&trace.only("GET /ws").span_id)));
    assert_eq!(trace.only("store.read").parent_span_id, trace.only("GET /ws").span_id);

    let mut socket = Socket(socket);
    let mut device = bob.socket().await;
    socket.say(&conversation, "hello").await;
    socket.next_message().await;
    device.next_message().await;
    let fan_outs = || collector.spans().into_iter().filter(|span| span.name == "fan_out").collect::<Vec<_>>();
    eventually("the fan-out came", async || fan_outs().len() == 1).await;
    let trace = hex(&fan_outs()[0].trace_id);
    assert_ne!(trace, TRACE);
    let trace = collector.trace(&trace, &["frame", "writer.wait", "writer.commit"]).await;
    let frame = trace.only("frame");
    assert!(frame.parent_span_id.is_empty() && frame.kind == SpanKind::Server as i32, "{frame:?}");
    assert_steps(frame, [trace.only("writer.wait"), trace.only("writer.commit"), trace.only("fan_out")]);

    // A question goes no further than the store.
    socket.send(json!({ "type": "join", "conversation_id": conversation })).await;
    socket.next().await;
    let is_join = |span: &Span| span.name == "store.read" && hex(&span.trace_id) != TRACE;
    let joins = || collector.spans().into_iter().filter(is_join).collect::<Vec<_>>();
    eventually("the join came", async || {
        joins().iter().any(|read| collector.spans().iter().any(|s| s.name == "frame" && s.span_id == read.parent_span_id))
    })
    .await;
    let resource = collector.received().remove(0).resource.unwrap();
    assert_eq!(attribute(&resource.attributes, "service.name").as_deref(), Some("chat"));
}

/// Whatever the collector does, the service answers, stores, says so once, and ends in time.
async fn without_help(endpoint: SocketAddr) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{endpoint}")),
        // Longer than anything here may take.
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "120000".into()),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "16".into()),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4".into()),
    ];
    let mut server = start(folder.path(), &settings);
    let (ann, bob, conversation) = pair(server.address).await;
    let mut device = bob.socket().await;
    for i in 0..50 {
        ann.say(&conversation, &i.to_string()).await;
        assert_eq!(device.next_message().await["seq"], i + 1);
    }
    let asked = Instant::now();
    server.signal("-TERM");
    assert_eq!(device.closed().await, 1012);
    let status = tokio::task::spawn_blocking(move || server.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    let took = asked.elapsed();
    assert!(took.as_secs() < 20, "{took:?}");
    lines(folder.path())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_not_there() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let lines = without_help(address).await;
    let told = lines.iter().filter(|line| line["message"] == "traces.export_failed").count();
    assert_eq!(told, 1, "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_never_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let taken = std::thread::spawn(move || silent.accept().unwrap());
    let lines = without_help(address).await;
    assert_eq!(lines.iter().filter(|line| line["message"] == "traces.not_flushed").count(), 1, "{lines:?}");
    drop(taken.join().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_sent_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start().await;
    let mut server = start(folder.path(), &[collector.setting(), ("OTEL_BSP_SCHEDULE_DELAY", "3600000".into())]);
    let url = format!("http://{}/health", server.address);
    assert_eq!(http_client().get(&url).send().await.unwrap().status(), 200);
    server.signal("-TERM");
    let status = tokio::task::spawn_blocking(move || server.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(collector.spans().iter().any(|span| span.name == "GET /health"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_on_the_console() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(folder.path(), &[("OTEL_TRACES_EXPORTER", "console".into())]);
    let url = format!("http://{}/health", server.address);
    assert!(http_client().get(&url).send().await.unwrap().headers().contains_key("traceresponse"));
    let shown = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        while !line.contains(": GET /health") {
            line.clear();
            assert_ne!(server.stdout.read_line(&mut line).unwrap(), 0);
        }
    });
    tokio::time::timeout(crate::support::PATIENCE, shown).await.expect("the span in time").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_can_be_switched_off() {
    let off = [("DISABLE_TRACING", "1"), ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_TRACES_SAMPLER", "always_off")];
    for (name, value) in off {
        let folder = tempfile::tempdir().unwrap();
        let collector = Collector::start().await;
        let mut server = start(folder.path(), &[collector.setting(), (name, value.to_owned())]);
        let (ann, _, conversation) = pair(server.address).await;
        ann.say(&conversation, "hello").await;
        let answer = ann.request(Method::GET, "/auth/me").header("traceparent", "00-nothing").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        match answer.headers().get("traceresponse") {
            // The trace goes on elsewhere; here nobody keeps it.
            Some(response) => assert!(name == "OTEL_TRACES_SAMPLER" && response.to_str().unwrap().ends_with("-00")),
            None => assert_ne!(name, "OTEL_TRACES_SAMPLER"),
        }
        server.signal("-TERM");
        assert_eq!(tokio::task::spawn_blocking(move || server.wait()).await.unwrap().code(), Some(0));
        assert!(collector.spans().is_empty(), "{name}");
        assert!(lines(folder.path()).iter().all(|line| line["message"] != "traces.export_failed"));
    }
}

#[test]
fn what_cant_be_done_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    for (settings, named) in [
        (vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318")], "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (vec![("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4318")], "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        (
            vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
            "OTEL_EXPORTER_OTLP_PROTOCOL",
        ),
        (vec![("OTEL_TRACES_EXPORTER", "jaeger")], "OTEL_TRACES_EXPORTER"),
        (vec![("DISABLE_TRACING", "maybe")], "DISABLE_TRACING"),
        (vec![("LOG_FORMAT", "xml")], "LOG_FORMAT"),
    ] {
        let settings: Vec<_> = settings.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        let output = output(command(folder.path(), &settings));
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.lines().count() == 1 && said.starts_with(&format!("pneumatic: {named} must be ")), "{said}");
    }
}

/// Nothing of what people say, are called, or prove themselves with is in a span.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_keep_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start().await;
    let mut server = start(folder.path(), &[collector.setting()]);
    let secrets = crate::logs::everything(server.address).await;
    server.signal("-TERM");
    assert_eq!(tokio::task::spawn_blocking(move || server.wait()).await.unwrap().code(), Some(0));
    let told = format!("{:?}", collector.received());
    assert!(told.contains("fan_out") && told.contains("GET /ws") && told.contains("POST /auth/login"));
    for secret in secrets.iter().map(String::as_str).chain([PASSWORD]) {
        assert!(!told.contains(secret), "{secret}");
    }
}
