//! FastChat's page as it is: every request and every frame that it makes from loading to leaving, and what it reads
//! of the answers.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
use uuid::Uuid;

use crate::support::{
    eventually,
    guest::{Guest, Shape},
    person::read,
    socket::Socket,
    world::World,
};

/// Where the page is served.
const PAGE: &str = "http://localhost:3000";

/// A call as the browser lets the page make it: asked for before, and readable after.
async fn call(world: &World, method: Method, path: &str, body: Option<Value>) -> Value {
    let preflight = world.http.request(Method::OPTIONS, world.url(path)).header("origin", PAGE);
    let preflight = preflight.header("access-control-request-method", method.as_str());
    let answer = preflight.header("access-control-request-headers", "content-type").send().await.unwrap();
    assert!(answer.status().is_success(), "{method} {path}: {}", answer.status());
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_ascii_lowercase();
    assert_eq!(header("access-control-allow-origin"), PAGE);
    assert!(header("access-control-allow-headers").contains("content-type"), "{method} {path}");
    assert!(header("access-control-allow-methods").contains(&method.as_str().to_ascii_lowercase()), "{method} {path}");

    let ask = world.http.request(method, world.url(path)).header("origin", PAGE).header("content-type", "application/json");
    let ask = if let Some(body) = body { ask.body(body.to_string()) } else { ask };
    let answer = ask.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    assert_eq!(answer.headers()["access-control-allow-origin"], PAGE, "{path}");
    answer.json().await.unwrap()
}

fn ids(list: &Value) -> Vec<&str> {
    list["users"].as_array().unwrap().iter().map(|user| user["user_id"].as_str().unwrap()).collect()
}

fn is_entry(user: &Value, guest: &Guest, online: bool) -> bool {
    user["user_id"] == guest.id.as_str() && user["display_name"] == guest.name.as_str() && user["online"] == online
}

/// Loads the page; its visitor, and who was listed.
async fn load(world: &World, shape: Shape, name: &str) -> (Guest, Value) {
    let id = Uuid::new_v4().to_string();
    let listed = call(world, Method::GET, &format!("/presence/online?exclude_user_id={id}"), None).await;
    let heartbeat = json!({ "display_name": name, "user_id": id });
    let seen = call(world, Method::POST, "/presence/heartbeat", Some(heartbeat)).await;
    assert_eq!((&seen["user_id"], &seen["display_name"], &seen["status"]), (&json!(id), &json!(name), &json!("online")));
    assert!(seen["id"].is_string() && seen["last_seen"].as_str().unwrap().ends_with('Z'), "{seen}");
    let socket = Socket::open_with(world.address, "/ws", &[("origin", PAGE)]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut guest = Guest::through(socket, shape);
    let others = guest.greet(json!({ "display_name": name, "user_id": id, "session_id": Uuid::new_v4() })).await;
    assert_eq!(guest.id, id);
    let greeted: Vec<&str> = others.iter().map(|user| user["user_id"].as_str().unwrap()).collect();
    assert_eq!(greeted, ids(&listed), "the socket names those whom the list named");
    (guest, listed)
}

/// One types, sends and stops typing, as the page does; the other hears that, and the page there says that it has.
async fn chat(from: &mut Guest, to: &mut Guest, chat: &str, text: &str) {
    let typing = |is_typing: bool| json!({ "is_typing": is_typing });
    let heard = |frame: &Value, is_typing: bool| {
        assert_eq!((&frame["is_typing"], &frame["chat_id"]), (&json!(is_typing), &json!(chat)), "{frame}");
    };
    from.send("TYPING", typing(true)).await;
    let told = to.hear("TYPING").await;
    assert_eq!(told["user_id"], from.id.as_str());
    heard(&told, true);

    let ack = from.say(json!({ "content": text })).await;
    assert_eq!(ack["status"], "delivered");
    let message = to.hear("MSG").await;
    let expected = json!({
        "type": "MSG", "message_id": ack["message_id"], "content": text, "sender_id": from.id, "sender_name": from.name,
        "from": from.id, "to": to.id, "chat_id": chat, "timestamp": message["timestamp"],
    });
    assert_eq!(message, expected);
    assert!(message["timestamp"].as_str().unwrap().ends_with('Z'), "{message}");
    to.send("MSG_ACK", json!({ "message_id": message["message_id"] })).await;

    from.send("TYPING", typing(false)).await;
    heard(&to.hear("TYPING").await, false);
}

async fn two_people(world: &World, here: Shape, there: Shape) {
    let (mut gil, listed) = load(world, here, "SwiftPanda12").await;
    assert_eq!((ids(&listed).len(), &listed["count"]), (0, &json!(0)));
    let (mut hal, listed) = load(world, there, "BoldOwl7").await;
    assert_eq!((ids(&listed), &listed["count"]), (vec![gil.id.as_str()], &json!(1)));
    assert_eq!((&listed["users"][0]["display_name"], &listed["users"][0]["status"]), (&json!("SwiftPanda12"), &json!("online")));
    let news = gil.presence("connect").await;
    assert!(news["users"].as_array().unwrap().len() == 1 && is_entry(&news["users"][0], &hal, true), "{news}");

    for guest in [&mut gil, &mut hal] {
        guest.send("PING", json!({})).await;
        assert!(guest.hear("PONG").await["timestamp"].as_str().unwrap().ends_with('Z'));
    }
    // A click on the other's name; the page there shows it, and its visitor answers without a click.
    let id = gil.open_chat(&mut hal).await;
    chat(&mut gil, &mut hal, &id, "hello <b>there</b>").await;
    chat(&mut hal, &mut gil, &id, "hello yourself").await;
    chat(&mut gil, &mut hal, &id, "bye").await;
    assert_eq!((gil.heard().await.len(), hal.heard().await.len()), (0, 0), "an acknowledgement isn't answered");

    let leaving = Instant::now();
    let bye = CloseFrame { code: CloseCode::Normal, reason: "Manual disconnect".into() };
    hal.socket.0.close(Some(bye)).await.unwrap();
    assert_eq!(hal.socket.closed().await, 1000);
    let news = gil.presence("disconnect").await;
    assert!(news["users"].as_array().unwrap().len() == 1 && is_entry(&news["users"][0], &hal, false), "{news}");
    assert!(leaving.elapsed() >= Duration::from_secs(1), "not before the grace is over");
    gil.close().await;
}

both! {
    async fn the_page(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1, "ALLOWED_ORIGINS" = PAGE]) {
        two_people(world, Shape::Flat, Shape::Flat).await;
    }
}

both! {
    async fn as_its_protocol_is_described(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1, "ALLOWED_ORIGINS" = PAGE]) {
        two_people(world, Shape::Enveloped, Shape::Enveloped).await;
    }
}

both! {
    /// Each is spoken to as they speak.
    async fn both_together(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1, "ALLOWED_ORIGINS" = PAGE]) {
        two_people(world, Shape::Flat, Shape::Enveloped).await;
    }
}

both! {
    /// The page doesn't open the chat anew when it was loaded again and is written to.
    async fn after_a_reload_one_answers_who_writes(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let mut gil = Guest::arrive(world, Shape::Flat, "gil").await;
        let hello = json!({ "display_name": "hal", "user_id": Uuid::new_v4(), "session_id": "a tab" });
        let mut hal = Guest::arrive_as(world, Shape::Flat, hello.clone()).await;
        let id = gil.open_chat(&mut hal).await;
        hal.close().await;
        let mut hal = Guest::arrive_as(world, Shape::Flat, hello).await;
        gil.say(json!({ "content": "still there?" })).await;
        assert_eq!(hal.hear("MSG").await["chat_id"], id.as_str());
        hal.say(json!({ "content": "yes" })).await;
        assert_eq!(gil.hear("MSG").await["content"], "yes");
        gil.close().await;
        hal.close().await;
    }
}

both! {
    /// Somebody is there for as long as their page says so, without a socket too.
    async fn heartbeats(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let beat = async |body: Value| read(world.http.post(world.url("/presence/heartbeat")).json(&body)).await;
        let online = async |query: &str| read(world.http.get(world.url(&format!("/presence/online{query}")))).await.1;
        let (status, new) = beat(json!({ "display_name": "gil" })).await;
        assert_eq!((status, new["status"].as_str()), (StatusCode::OK, Some("online")));
        let (_, named) = beat(json!({ "display_name": "hal", "user_id": "test-123" })).await;
        assert_eq!(beat(json!({ "display_name": "hal", "user_id": "test-123" })).await.1["user_id"], named["user_id"]);
        assert!(named["user_id"].as_str().unwrap().parse::<Uuid>().is_ok(), "{named}");
        let mut listed = online("").await;
        assert_eq!(listed["count"], 2, "{listed}");
        for user in listed["users"].as_array_mut().unwrap() {
            assert!(user["id"].is_string() && user["last_seen"].as_str().unwrap().ends_with('Z') && user["status"] == "online");
        }
        let [new, named] = [new, named].map(|user| user["user_id"].as_str().unwrap().to_owned());
        assert_eq!(ids(&online(&format!("?exclude_user_id={new}")).await), [&named]);
        assert_eq!(ids(&online("?exclude_user_id=test-123").await), [&new]);

        let hal = Guest::arrive_as(world, Shape::Flat, json!({ "display_name": "hal", "user_id": "test-123" })).await;
        assert_eq!(hal.id, named, "one text is one id at either door");
        world.advance(91);
        eventually("who fell silent isn't listed", async || ids(&online("").await) == [hal.id.as_str()]).await;
        for name in ["", &"x".repeat(101)] {
            let (status, problem) = beat(json!({ "display_name": name })).await;
            assert_eq!((status, problem["errors"][0]["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("display_name")));
        }
        hal.close().await;
    }
}

both! {
    /// Strangers see guests, and of members not even that they are there.
    async fn what_strangers_may_see(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let ann = world.person("ann").await;
        let at_ann = ann.socket().await;
        let gil = Guest::arrive(world, Shape::Flat, "gil").await;
        let get = async |path: &str| read(world.http.get(world.url(path))).await;
        for path in ["/presence/online", "/ws/status"] {
            let (status, body) = get(path).await;
            assert_eq!((status, ids(&body), &body["count"]), (StatusCode::OK, vec![gil.id.as_str()], &json!(1)), "{path}");
            assert!(!body.to_string().contains(&ann.id), "{path}: {body}");
        }
        let (_, status) = get("/ws/status").await;
        assert!(status["status"].is_string() && status["active_connections"].is_u64(), "{status}");
        assert_eq!(get("/health/db").await, (StatusCode::OK, json!({ "status": "healthy", "database": "connected" })));
        assert!(ann.get("/users").await.1["users"].as_array().unwrap().is_empty(), "guests aren't among the accounts");

        // A heartbeat neither takes a member's place nor renames somebody who is there.
        let beat = async |id: &str| {
            let body = json!({ "display_name": "eve", "user_id": id });
            read(world.http.post(world.url("/presence/heartbeat")).json(&body)).await
        };
        assert!(beat(&ann.id).await.0.is_client_error());
        beat(&gil.id).await;
        let (_, listed) = get("/presence/online").await;
        assert_eq!((ids(&listed), &listed["users"][0]["display_name"]), (vec![gil.id.as_str()], &json!("gil")));
        at_ann.close().await;
        gil.close().await;
    }
}

both! {
    async fn without_guests_there_is_no_such_door(world, ["ALLOW_GUESTS" = "false"]) {
        let beat = read(world.http.post(world.url("/presence/heartbeat")).json(&json!({ "display_name": "gil" }))).await;
        assert!(beat.0.is_client_error(), "{beat:?}");
        for path in ["/presence/online", "/ws/status"] {
            let answer = read(world.http.get(world.url(path))).await;
            assert!(answer.0.is_client_error(), "{path}: {answer:?}");
        }
        let start = Instant::now();
        let mut guest = Guest::connect(world.address, Shape::Flat).await;
        assert_eq!(guest.socket.closed().await, 1008);
        assert!(start.elapsed() < Duration::from_secs(4), "nobody waits for a HELLO");
    }
}
