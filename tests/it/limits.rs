//! How much a client may ask, and how it is told.

use std::time::{Duration, Instant};

use futures_util::SinkExt;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    database::{Database, Kind},
    http_client,
    person::{PASSWORD, Person, read},
    process::Process,
    socket::Socket,
};

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).unwrap_or_else(|| panic!("no {name} in {:?}", answer.headers())).to_str().unwrap().to_owned()
}

fn number(answer: &Response, name: &str) -> i64 {
    header(answer, name).parse().unwrap()
}

async fn get(person: &Person, path: &str) -> Response {
    person.request(Method::GET, path).send().await.unwrap()
}

both! {
    async fn a_user_is_limited_wherever_the_calls_come_from(world, ["RATE_LIMIT_PER_MINUTE" = 20, "RATE_LIMIT_PER_HOUR" = 50]) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let first = get(&ann, "/users").await;
        assert_eq!((number(&first, "x-ratelimit-limit"), number(&first, "x-ratelimit-remaining")), (20, 19));
        let reset = number(&first, "x-ratelimit-reset") - chrono::Utc::now().timestamp();
        assert!((0..=4).contains(&reset), "{reset}");
        assert_eq!(header(&first, "ratelimit-policy"), "\"minute\";q=20;w=60, \"hour\";q=50;w=3600");
        assert!(header(&first, "ratelimit").starts_with("\"minute\";r=19;t="), "{}", header(&first, "ratelimit"));
        let missing = get(&ann, "/nowhere").await;
        assert_eq!((missing.status(), number(&missing, "x-ratelimit-remaining")), (StatusCode::NOT_FOUND, 18));
        let versioned = get(&ann, "/api/v1/users").await;
        assert!(number(&versioned, "x-ratelimit-remaining") <= 18, "one bucket, by whichever path");
        let refused = loop {
            let answer = get(&ann, "/users").await;
            if answer.status() != StatusCode::OK {
                break answer;
            }
        };
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(number(&refused, "x-ratelimit-remaining"), 0);
        assert!((1..=3).contains(&number(&refused, "retry-after")));
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["code"], "rate_limited");
        assert_eq!(get(&bob, "/users").await.status(), StatusCode::OK, "another user has a bucket of his own");
        let phone = Person { access: ann.access.clone(), http: http_client(), ..ann.clone() };
        assert_eq!(get(&phone, "/users").await.status(), StatusCode::TOO_MANY_REQUESTS, "another connection of hers hasn't");
        for path in ["/health", "/ready", "/metrics", "/", "/js/main.js"] {
            let answer = get(&ann, path).await;
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            assert!(!answer.headers().contains_key("x-ratelimit-limit"), "{path}");
        }
        world.advance(61);
        assert_eq!(get(&ann, "/users").await.status(), StatusCode::OK);
        for _ in 0..19 {
            get(&ann, "/users").await;
        }
        world.advance(61);
        let mut last = get(&ann, "/users").await;
        while last.status() == StatusCode::OK {
            last = get(&ann, "/users").await;
        }
        let wait = number(&last, "retry-after");
        assert!(wait > 10, "the hour's bucket is empty: {wait}");
    }
}

both! {
    async fn what_the_proxy_says_counts_and_what_the_client_says_does_not(world, ["RATE_LIMIT_PER_MINUTE" = 5]) {
        let from = async |address: &str| {
            let ask = world.http.get(world.url("/users")).header("x-forwarded-for", address).header("forwarded", format!("for={address}"));
            number(&ask.send().await.unwrap(), "x-ratelimit-remaining")
        };
        let left = [from("203.0.113.1").await, from("203.0.113.2").await, from("198.51.100.7, 203.0.113.3").await];
        assert_eq!(left, [4, 3, 2], "nobody is trusted: all of that is one address");
    }
}

both! {
    async fn behind_a_trusted_proxy_clients_are_told_apart(world, ["RATE_LIMIT_PER_MINUTE" = 5, "TRUSTED_PROXIES" = "127.0.0.0/8,10.0.0.0/8"]) {
        let from = async |addresses: &str| {
            let ask = world.http.get(world.url("/users")).header("x-forwarded-for", addresses);
            number(&ask.send().await.unwrap(), "x-ratelimit-remaining")
        };
        assert_eq!(from("203.0.113.1").await, 4);
        assert_eq!(from("203.0.113.2").await, 4);
        assert_eq!(from("198.51.100.1, 203.0.113.2").await, 3, "what stands before the proxy's own word is the client's invention");
        assert_eq!(from("198.51.100.2, 203.0.113.2, 10.0.0.3").await, 2, "a chain of proxies");
        assert_eq!(from("2001:db8::1").await, 4);
        assert_eq!(from("2001:db8::2").await, 3, "a subscriber has a whole network");
        let login = json!({ "username": "ann", "password": PASSWORD });
        read(world.http.post(world.url("/auth/signup")).header("x-forwarded-for", "203.0.113.9").json(&login)).await;
        let ask = world.http.post(world.url("/auth/login")).header("x-forwarded-for", "203.0.113.9").json(&login);
        let (_, pair) = read(ask).await;
        let ask = world.http.get(world.url("/auth/sessions")).bearer_auth(pair["access_token"].as_str().unwrap());
        assert_eq!(read(ask).await.1["sessions"][0]["address"], "203.0.113.9");
    }
}

both! {
    async fn logging_in_has_a_limit_of_its_own(world, ["RATE_LIMIT_AUTH_PER_MINUTE" = 4, "RATE_LIMIT_PER_MINUTE" = 60]) {
        let attempt = async |i: u32| {
            let body = json!({ "username": format!("nobody{i}"), "password": "not the password" });
            world.http.post(world.url("/auth/login")).json(&body).send().await.unwrap()
        };
        for i in 0..4 {
            let answer = attempt(i).await;
            assert_eq!((answer.status(), number(&answer, "x-ratelimit-limit")), (StatusCode::UNAUTHORIZED, 4));
        }
        let refused = attempt(4).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(number(&refused, "retry-after") <= 15);
        assert!(header(&refused, "ratelimit-policy").contains("\"auth\";q=4;w=60"));
        let other = world.http.get(world.url("/users")).send().await.unwrap();
        assert_eq!(other.status(), StatusCode::UNAUTHORIZED, "the rest goes on");
        for path in ["/%61uth/login", "/api/v1/auth/login", "/api/v1/%61uth/log%69n"] {
            let answer = world.http.post(world.url(path)).json(&json!({})).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS, "{path} is no way round");
        }
    }
}

both! {
    /// Or each account that one makes would be good for as many guesses again.
    async fn a_token_buys_no_guesses(world, ["RATE_LIMIT_AUTH_PER_MINUTE" = 5]) {
        let ann = world.person("ann").await;
        let guess = json!({ "username": "bob", "password": "not the password" });
        for expected in [401, 401, 401, 429] {
            assert_eq!(ann.post("/auth/login", guess.clone()).await.0.as_u16(), expected);
        }
        assert_eq!(ann.get("/auth/me").await.0, StatusCode::OK, "what she does as herself has a bucket of its own");
    }
}

both! {
    /// Each wrong password makes the next try wait longer; the owner comes in all the same.
    async fn guessing_is_slow_and_locks_nobody_out(world, ["RATE_LIMIT_AUTH_PER_MINUTE" = 1_000]) {
        world.person("ann").await;
        let attempt = async |password: &str| {
            let start = Instant::now();
            let body = json!({ "username": "ann", "password": password });
            let (status, _) = read(world.http.post(world.url("/auth/login")).json(&body)).await;
            (status, start.elapsed())
        };
        for _ in 0..5 {
            assert_eq!(attempt("not the password").await.0, StatusCode::UNAUTHORIZED);
        }
        let (status, took) = attempt("not the password").await;
        assert!(status == StatusCode::UNAUTHORIZED && took >= Duration::from_secs(1), "{took:?}");
        let strangers = (0..6).map(|_| attempt("not the password"));
        let answers = futures_util::future::join_all(strangers).await;
        let refused = answers.iter().filter(|(status, _)| *status == StatusCode::TOO_MANY_REQUESTS).count();
        assert_eq!(refused, 4, "two of one address wait, the others are sent away");
        let (status, took) = attempt(PASSWORD).await;
        assert!(status == StatusCode::OK && took < Duration::from_secs(30), "{status} {took:?}");
        assert!(attempt(PASSWORD).await.1 < took, "all is forgotten");
    }
}

async fn say(socket: &mut Socket, conversation: &str) -> Value {
    socket.say(conversation, "x").await;
    socket.next().await
}

both! {
    /// The buckets are the user's: neither another device nor coming back fills them.
    async fn sockets_are_limited(world, ["WS_MESSAGES_PER_MINUTE" = 6, "WS_PINGS_PER_MINUTE" = 3]) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let mut socket = ann.socket().await;
        for _ in 0..5 {
            assert_eq!(say(&mut socket, &conversation).await["type"], "message");
        }
        socket.close().await;
        let mut socket = ann.log_in().await.socket().await;
        assert_eq!(say(&mut socket, &conversation).await["type"], "message");
        let id = socket.say(&conversation, "x").await;
        let refused = socket.next().await;
        assert_eq!((refused["code"].as_str(), refused["message_id"].as_str()), (Some("rate_limited"), Some(id.as_str())));
        assert!(refused["reason"].as_str().unwrap().contains("try again in"), "{refused}");
        socket.settle(&conversation).await;
        let mut other = bob.socket().await;
        assert_eq!(say(&mut other, &conversation).await["type"], "message");
        world.advance(60);
        socket.settle(&conversation).await;
        assert_eq!(say(&mut socket, &conversation).await["type"], "message");
        for _ in 0..4 {
            socket.0.send(tokio_tungstenite::tungstenite::Message::Ping(vec![1].into())).await.unwrap();
        }
        assert_eq!(socket.next().await["code"], "rate_limited", "after three pongs");
        socket.close().await;
        other.close().await;
    }
}

both! {
    async fn whoever_heeds_nothing_is_sent_away(world, ["WS_MESSAGES_PER_MINUTE" = 1]) {
        let ann = world.person("ann").await;
        let mut socket = ann.socket().await;
        for _ in 0..150 {
            socket.send_text("nonsense").await;
        }
        assert_eq!(socket.closed().await, 4429);
    }
}

both! {
    async fn connections_are_limited_by_address(world, ["MAX_CONNECTIONS_PER_ADDRESS" = 8]) {
        let ann = world.person("ann").await;
        let mut sockets = Vec::new();
        let refused = loop {
            match Socket::open_with(world.address, &format!("/ws?token={}", ann.access), &[]).await {
                Ok(socket) => sockets.push(socket),
                Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => break answer.status(),
                Err(other) => panic!("{other}"),
            }
            assert!(sockets.len() <= 8);
        };
        assert_eq!(refused, 429);
        let ask = http_client().get(world.url("/users")).send().await.unwrap();
        assert_eq!(ask.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(ask.json::<Value>().await.unwrap()["code"], "too_many_connections");
        assert_eq!(http_client().get(world.url("/health")).send().await.unwrap().status(), StatusCode::OK, "probes come through");
        for socket in sockets {
            socket.close().await;
        }
        crate::support::eventually("there is room again", async || {
            http_client().get(world.url("/users")).send().await.unwrap().status() == StatusCode::UNAUTHORIZED
        })
        .await;
    }
}

both! {
    /// Behind a proxy all connections come from there: what counts is who has how many sockets.
    async fn sockets_are_limited_by_client(world, ["MAX_CONNECTIONS_PER_ADDRESS" = 2, "TRUSTED_PROXIES" = "127.0.0.1"]) {
        let ann = world.person("ann").await;
        let path = format!("/ws?token={}", ann.access);
        let from = async |address: &str| Socket::open_with(world.address, &path, &[("x-forwarded-for", address)]).await;
        let sockets = [from("203.0.113.1").await.unwrap(), from("203.0.113.1").await.unwrap(), from("203.0.113.2").await.unwrap()];
        let Err(tokio_tungstenite::tungstenite::Error::Http(refused)) = from("203.0.113.1").await else { panic!("a third") };
        assert_eq!(refused.status(), 429);
        for socket in sockets {
            socket.close().await;
        }
        crate::support::eventually("there is room again", async || match from("203.0.113.1").await {
            Ok(socket) => {
                socket.close().await;
                true
            }
            Err(_) => false,
        })
        .await;
    }
}

both! {
    async fn opening_a_socket_counts_as_a_request(world, ["RATE_LIMIT_PER_MINUTE" = 4]) {
        let ann = world.person("ann").await;
        let ticket = ann.post("/auth/ws-ticket", json!({})).await.1["ticket"].as_str().unwrap().to_owned();
        for _ in 0..3 {
            ann.socket().await.close().await;
        }
        let open = async || Socket::open_with(world.address, &format!("/ws?ticket={ticket}"), &[]).await;
        let Err(tokio_tungstenite::tungstenite::Error::Http(refused)) = open().await else { panic!("a fifth") };
        assert_eq!((refused.status().as_u16(), refused.headers()["x-ratelimit-remaining"].to_str().unwrap()), (429, "0"));
        world.advance(20);
        let mut socket = open().await.unwrap();
        world.advance(20);
        socket.settle(&ann.conversation_with(&[]).await).await;
        socket.close().await;
    }
}

/// A flood of made-up clients behind a proxy takes no more memory than there are buckets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_addresses_leaves_memory_bounded() {
    let flood: u32 = std::env::var("FLOOD_ADDRESSES").ok().and_then(|n| n.parse().ok()).unwrap_or(30_000);
    let database = Database::fresh(Kind::Sqlite).await;
    let settings = [
        ("PORT", "0".to_owned()),
        ("DATA_DIR", database.folder.path().display().to_string()),
        ("TRUSTED_PROXIES", "127.0.0.1".to_owned()),
        ("RUST_LOG", "off".to_owned()),
    ];
    let server = Process::limited(database.folder.path(), &settings);
    let before = server.memory();
    const CLIENTS: u32 = 16;
    let floods = (0..CLIENTS).map(|client| {
        let address = server.address;
        tokio::spawn(async move {
            let http = http_client();
            for i in 0..flood / CLIENTS {
                let made_up = std::net::Ipv4Addr::from(client << 24 | 1 << 23 | i);
                let ask = http.get(format!("http://{address}/users")).header("x-forwarded-for", made_up.to_string());
                assert_eq!(ask.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
            }
        })
    });
    for flood in futures_util::future::join_all(floods).await {
        flood.unwrap();
    }
    let grown = server.memory().saturating_sub(before) >> 20;
    eprintln!("{flood} addresses: {grown} MiB more");
    assert!(grown < 64, "{grown} MiB");
    drop(server);
    database.drop().await;
}

#[tokio::test]
async fn by_default_there_are_limits() {
    let database = Database::fresh(Kind::Sqlite).await;
    let server = Process::limited(database.folder.path(), &[("PORT", "0".to_owned())]);
    let answer = http_client().get(format!("http://{}/users", server.address)).send().await.unwrap();
    assert_eq!((number(&answer, "x-ratelimit-limit"), number(&answer, "x-ratelimit-remaining")), (60, 59));
    let answer = http_client().post(format!("http://{}/auth/login", server.address)).json(&json!({})).send().await.unwrap();
    assert_eq!(number(&answer, "x-ratelimit-limit"), 30);
    drop(server);
    database.drop().await;
}
