//! Bad input: a clear answer that names the field, on both databases alike, and never a 5xx.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{PATIENCE, person::read};

both! {
    async fn fields_are_named(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let nul = "a\0b";
        let long = |n: usize| "x".repeat(n);
        let signup = |username: &str, password: &str, full_name: &str| json!({ "username": username, "password": password, "full_name": full_name });
        let message = |id: &str, content: &str| json!({ "message_id": id, "conversation_id": conversation, "content": content });
        for (path, body, field) in [
            ("/auth/signup", signup(nul, "password", ""), "username"),
            ("/auth/signup", signup(&long(151), "password", ""), "username"),
            ("/auth/signup", signup("a b", "password", ""), "username"),
            ("/auth/signup", signup("new", "short", ""), "password"),
            ("/auth/signup", signup("new", &long(257), ""), "password"),
            ("/auth/signup", signup("new", "pass\0word", ""), "password"),
            ("/auth/signup", signup("new", "password", nul), "full_name"),
            ("/auth/signup", signup("new", "password", &long(201)), "full_name"),
            ("/auth/signup", json!({ "password": "password" }), "username"),
            ("/auth/signup", json!({ "username": 7, "password": "password" }), "username"),
            ("/auth/login", json!({ "username": "ann" }), "password"),
            ("/auth/refresh", json!({ "refresh_token": 7 }), "refresh_token"),
            ("/conversations", json!({ "title": nul, "member_ids": [] }), "title"),
            ("/conversations", json!({ "title": long(201), "member_ids": [] }), "title"),
            ("/conversations", json!({ "title": "x" }), "member_ids"),
            ("/conversations", json!({ "member_ids": ["x"] }), "member_ids[0]"),
            ("/messages", message(nul, "x"), "message_id"),
            ("/messages", message(&long(256), "x"), "message_id"),
            ("/messages", message("", "x"), "message_id"),
            ("/messages", message("m", nul), "content"),
            ("/messages", message("m", ""), "content"),
            ("/messages", message("m", &long(10_001)), "content"),
            ("/messages", json!({ "message_id": "m", "conversation_id": "x", "content": "x" }), "conversation_id"),
            ("/messages", json!({ "message_id": "m", "conversation_id": conversation, "content": "x", "sender_id": "x" }), "sender_id"),
        ] {
            let (status, problem) = ann.post(path, body).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {field}: {problem}");
            assert_eq!(problem["errors"][0]["field"], field, "{path}: {problem}");
            assert_eq!((problem["status"].as_i64(), problem["code"].as_str()), (Some(422), Some("invalid")));
        }
        let (status, problem) = ann.post("/auth/signup", signup("", "", &long(201))).await;
        assert_eq!((status, problem["errors"].as_array().unwrap().len()), (StatusCode::UNPROCESSABLE_ENTITY, 3), "all at once");
        for query in ["q=%00", "cursor=%00", "limit=-1", "limit=1e3"] {
            assert_eq!(ann.get(&format!("/users?{query}")).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        }
        let (status, _) = read(world.http.post(world.url("/auth/login")).json(&json!({ "username": nul, "password": long(100_000) }))).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "nobody has such a name or password");
        let (status, _) = ann.post("/messages", message(&"é".repeat(255), &"😀".repeat(10_000))).await;
        assert_eq!(status, StatusCode::CREATED, "the bounds count characters");
    }
}

both! {
    async fn bodies_are_checked(world) {
        let ann = world.person("ann").await;
        let post = async |kind: &str, body: Vec<u8>| {
            let ask = ann.request(Method::POST, "/messages").header("content-type", kind).body(body);
            let answer = ask.send().await.unwrap();
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
            let status = answer.status();
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["request_id"], id.as_str());
            (status.as_u16(), problem["code"].as_str().unwrap().to_owned())
        };
        let code = |status: u16, code: &str| (status, code.to_owned());
        assert_eq!(post("application/json", b"{".to_vec()).await, code(400, "malformed"));
        assert_eq!(post("application/json", b"[]".to_vec()).await, code(400, "malformed"));
        assert_eq!(post("application/json", vec![]).await, code(400, "malformed"));
        assert_eq!(post("application/json", b"{\"message_id\":\"\xff\"}".to_vec()).await, code(400, "malformed"));
        assert_eq!(post("application/json", "[".repeat(50_000).into()).await, code(400, "malformed"));
        assert_eq!(post("application/json", format!("{{\"a\":{}", "[".repeat(50_000)).into()).await, code(400, "malformed"));
        assert_eq!(post("text/plain", b"{}".to_vec()).await, code(415, "unsupported_media_type"));
        assert_eq!(post("application/json", vec![b' '; 300_000]).await, code(413, "too_large"));
    }
}

both! {
    async fn paths_and_methods_are_checked(world) {
        let ann = world.person("ann").await;
        let (status, problem) = ann.get("/nowhere").await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::NOT_FOUND, Some("not_found")));
        let (status, problem) = read(ann.request(Method::DELETE, "/messages")).await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::METHOD_NOT_ALLOWED, Some("method_not_allowed")));
        assert_eq!(read(ann.request(Method::POST, "/chat.html")).await.0, StatusCode::METHOD_NOT_ALLOWED);
        for path in ["/../Cargo.toml", "/%2e%2e/Cargo.toml", "/js/../../Cargo.toml", "//etc/passwd"] {
            assert_eq!(ann.get(path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(ann.get("/ws").await.0, StatusCode::BAD_REQUEST);
    }
}

both! {
    /// A body that never ends is given up, and its connection with it.
    async fn a_half_sent_body_is_given_up(world) {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        let head = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(PATIENCE + Duration::from_secs(30), stream.read_to_end(&mut answer)).await.expect("an end").unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&answer));
    }
}

both! {
    async fn pages_are_served_under_a_strict_policy(world) {
        for path in ["/", "/index.html", "/chat.html"] {
            let page = world.http.get(world.url(path)).send().await.unwrap();
            assert_eq!(page.status(), StatusCode::OK, "{path}");
            let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
            assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
            assert_eq!(page.headers()["x-content-type-options"], "nosniff");
            let tag = page.headers()["etag"].clone();
            let again = world.http.get(world.url(path)).header("if-none-match", tag).send().await.unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        }
        let script = world.http.get(world.url("/js/main.js")).send().await.unwrap();
        assert!(script.headers()["content-type"].to_str().unwrap().contains("javascript"));
    }
}
