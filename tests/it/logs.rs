//! The log as programs read it: every line an object, and nobody's words in it.

use std::{fs, net::SocketAddr};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    eventually, http_client,
    logs::{lines, logging},
    person::{PASSWORD, Person},
    process::{self, command},
};

/// Somebody signs up, logs in, fails to, talks over REST and over a socket, and leaves. Returns what must be nowhere.
pub async fn everything(address: SocketAddr) -> Vec<String> {
    let http = http_client();
    let url = |path: &str| format!("http://{address}{path}");
    let (full_name, title, content) = ("Annabel Featherstone", "plans for saturday", "the owl flies at midnight");
    let body = json!({ "username": "annabel_f", "password": PASSWORD, "full_name": full_name });
    assert_eq!(http.post(url("/auth/signup")).json(&body).send().await.unwrap().status(), 201);
    assert_eq!(http.post(url("/auth/signup")).json(&body).send().await.unwrap().status(), 400);
    let wrong = json!({ "username": "annabel_f", "password": "wrong horse" });
    assert_eq!(http.post(url("/auth/login")).json(&wrong).send().await.unwrap().status(), 401);
    let bob = Person::sign_up(&http, address, "bobolink").await;
    let ann = Person {
        id: String::new(),
        name: "annabel_f".into(),
        access: String::new(),
        refresh: String::new(),
        address,
        http: http.clone(),
    };
    let ann = ann.log_in().await;
    assert_eq!(ann.get("/users?q=bobolink").await.0, 200);
    let (status, made) = ann.post("/conversations", json!({ "title": title, "member_ids": [bob.id, bob.id] })).await;
    assert!(status.is_success());
    let conversation = made["id"].as_str().unwrap();
    let mut device = bob.socket().await;
    let mut socket = ann.socket().await;
    ann.say(conversation, content).await;
    ann.say_as(conversation, content, "a name of my own").await;
    ann.say_as(conversation, content, "a name of my own").await;
    socket.say(conversation, content).await;
    socket.send_text(&format!("{{\"type\": \"{content}\"}}")).await;
    socket.send_text(content).await;
    for _ in 0..3 {
        assert_eq!(device.next_message().await["content"], content);
    }
    socket.settle(conversation).await;
    let refreshed = ann.post("/auth/refresh", json!({ "refresh_token": ann.refresh })).await;
    assert_eq!(refreshed.0, 200);
    let reused = ann.post("/auth/refresh", json!({ "refresh_token": ann.refresh })).await;
    assert_eq!(reused.0, 401);
    assert_eq!(socket.closed().await, 4401);
    device.close().await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (access, refresh) = (text(&refreshed.1["access_token"]), text(&refreshed.1["refresh_token"]));
    let words = ["annabel_f", full_name, "bobolink", title, content, "a name of my own", PASSWORD, "wrong horse", "token="];
    let mut secrets: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    secrets.extend([ann.access, ann.refresh, bob.access, bob.refresh, access, refresh]);
    secrets
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_name_word_or_token_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = logging(folder.path(), &[("PORT", "0".into()), ("RUST_LOG", "trace".into())]);
    let secrets = everything(server.address).await;
    server.signal("-TERM");
    assert_eq!(tokio::task::spawn_blocking(move || server.wait()).await.unwrap().code(), Some(0));
    let said: Vec<String> =
        lines(folder.path()).iter().map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect();
    for message in ["request.answered", "session.started", "room.delivered", "login.refresh_token_reused", "shutdown.finished"] {
        assert!(said.iter().any(|line| line == message), "{message} isn't there: the log isn't what it should be");
    }
    let text = fs::read_to_string(folder.path().join("log")).unwrap();
    for secret in secrets {
        let line = text.lines().find(|line| line.contains(&secret));
        assert!(line.is_none(), "{secret}: {line:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_is_an_object() {
    let folder = tempfile::tempdir().unwrap();
    let server = logging(folder.path(), &[("PORT", "0".into()), ("RUST_LOG", "pneumatic=debug".into())]);
    let request = http_client().request(Method::GET, format!("http://{}/auth/me?token=x", server.address));
    let answer = request.header("x-request-id", "mine").send().await.unwrap();
    assert!(!answer.headers().contains_key("traceresponse"));
    let of_request = || lines(folder.path()).into_iter().find(|line| line["span"]["request_id"] == "mine");
    eventually("the request is logged", async || of_request().is_some()).await;
    let line = of_request().unwrap();
    assert_eq!((&line["level"], &line["message"]), (&"DEBUG".into(), &"request.answered".into()));
    assert_eq!(line["target"], "pneumatic::http::middleware");
    assert_eq!(line["module"], "pneumatic::http::middleware");
    assert!(line["line"].is_u64() && line["fields"]["micros"].is_u64(), "{line}");
    assert_eq!(line["fields"]["status"], 401);
    assert_eq!((&line["span"]["method"], &line["span"]["path"]), (&"GET".into(), &"/auth/me".into()));
    assert!(line.get("trace_id").is_none() && line["span"].get("otel.kind").is_none(), "{line}");
    let time = line["timestamp"].as_str().unwrap();
    assert!(time.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{time}");
}

/// Where a program reads the log, it reads there why the server didn't start.
#[test]
fn why_it_ended_is_a_line_too() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("LOG_FORMAT", "json".to_owned()), ("DATA_DIR", "/proc/nothing".to_owned())];
    let output = process::output(command(folder.path(), &settings));
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let line: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert!(said.lines().count() == 1 && line["fields"]["reason"].as_str().unwrap().contains("DATA_DIR"), "{said}");
    // The log's own settings can't be told by it.
    let settings = [("LOG_FORMAT", "json".to_owned()), ("RUST_LOG", "a=b=c".to_owned())];
    let output = process::output(command(folder.path(), &settings));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("pneumatic: RUST_LOG"));
}
