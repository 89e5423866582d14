//! Guests who come in by `/auth/guest`: they have a login, and are to the calls and sockets what members are.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    database::{Database, Kind},
    guest::{Guest, Shape},
    http_client,
    live::Live,
    person::{Person, read},
    process::Process,
    world::World,
};

const HOUR: i64 = 3_600;

async fn enter(world: &World, body: Value) -> (StatusCode, Value) {
    read(world.http.post(world.url("/auth/guest")).json(&body)).await
}

async fn refresh(world: &World, token: &str) -> (StatusCode, Value) {
    read(world.http.post(world.url("/auth/refresh")).json(&json!({ "refresh_token": token }))).await
}

/// The same guest after their login was renewed.
async fn renewed(world: &World, guest: &Person) -> Person {
    let (status, pair) = refresh(world, &guest.refresh).await;
    assert_eq!(status, StatusCode::OK, "{pair}");
    let token = |name: &str| pair[name].as_str().unwrap().to_owned();
    Person { access: token("access_token"), refresh: token("refresh_token"), ..guest.clone() }
}

both! {
    async fn where_none_are_let_in(world) {
        let (status, options) = read(world.http.get(world.url("/auth/options"))).await;
        assert_eq!((status, options), (StatusCode::OK, json!({ "guests": false })));
        let (status, problem) = enter(world, json!({ "display_name": "gil" })).await;
        assert_eq!((status, &problem["code"]), (StatusCode::FORBIDDEN, &json!("guests_not_allowed")), "{problem}");
    }
}

both! {
    async fn a_guest_takes_part(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let (_, options) = read(world.http.get(world.url("/auth/options"))).await;
        assert_eq!(options, json!({ "guests": true }));
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let gil = Person::as_guest(&world.http, world.address, "  gil ").await;
        let (_, me) = gil.get("/auth/me").await;
        assert_eq!((&me["full_name"], &me["is_guest"], &me["is_admin"]), (&json!("gil"), &json!(true), &json!(false)));
        assert!(me["username"].as_str().unwrap().starts_with("guest-"), "{me}");
        assert_eq!(ann.get("/auth/me").await.1["is_guest"], false);

        // They find people, and aren't found.
        let names = |page: &Value| page["users"].as_array().unwrap().iter().map(|u| u["username"].clone()).collect::<Vec<_>>();
        assert_eq!(names(&gil.get("/users").await.1), ["ann", "bob"]);
        assert_eq!(names(&ann.get("/users").await.1), ["bob"]);
        assert_eq!(names(&ann.get("/users?q=gil").await.1), [] as [Value; 0]);

        let mut at_ann = Live::of(&ann).await;
        let mut at_gil = Live::of(&gil).await;
        assert_eq!(at_gil.ready["user"]["full_name"], "gil");
        let mut plain = gil.socket().await;
        let (status, made) = gil.post("/conversations", json!({ "member_ids": [ann.id] })).await;
        assert_eq!((status, &made["direct"]), (StatusCode::CREATED, &json!(true)));
        let chat = made["id"].as_str().unwrap();
        assert_eq!(at_ann.hear("conversation").await["conversation"]["id"], chat);
        at_gil.hear("conversation").await;
        let said = gil.say(chat, "by REST").await;
        assert_eq!(at_ann.hear("message").await["message"], said);
        assert_eq!(at_gil.hear("message").await["message"], said);
        assert_eq!(plain.next_message().await, said);
        at_ann.say(chat, "welcome").await;
        assert_eq!(at_gil.hear("message").await["message"]["content"], "welcome");
        assert_eq!(plain.next_message().await["content"], "welcome");
        at_gil.say(chat, "by v2").await;
        assert_eq!(at_ann.hear("message").await["message"]["sender_id"], gil.id.as_str());
        let read = at_gil.ask(json!({ "type": "read", "conversation_id": chat, "seq": 3 })).await;
        assert_eq!(read["seq"], 3, "{read}");
        assert_eq!(gil.history(chat).await, ann.history(chat).await);
        assert_eq!(gil.get("/conversations").await.1["conversations"][0]["id"], chat);
        assert_eq!(ann.get(&format!("/users/{}", gil.id)).await.1["full_name"], "gil");

        // Put into a group, and out of it.
        let group = bob.conversation_with(&[&ann, &gil]).await;
        at_gil.hear("conversation").await;
        bob.say(&group, "hi all").await;
        assert_eq!(at_gil.hear("message").await["message"]["content"], "hi all");
        bob.remove(&group, &gil).await;
        assert_eq!(at_gil.hear("conversation_removed").await["conversation_id"], group);
        assert_eq!(gil.get(&format!("/conversations/{group}/messages")).await.0, StatusCode::FORBIDDEN);
        let foreign = ann.conversation_with(&[&bob]).await;
        assert_eq!(gil.get(&format!("/conversations/{foreign}")).await.0, StatusCode::FORBIDDEN);

        assert_eq!(gil.get("/admin/audit").await.0, StatusCode::FORBIDDEN);
        let passwords = json!({ "current_password": "", "new_password": "correct horse" });
        let (status, problem) = gil.post("/auth/password", passwords).await;
        assert_eq!((status, &problem["code"]), (StatusCode::FORBIDDEN, &json!("no_password")), "{problem}");
        let gil = renewed(world, &gil).await;
        assert_eq!(gil.get("/auth/sessions").await.1["sessions"].as_array().unwrap().len(), 1);
        assert_eq!(gil.post("/auth/logout", json!({})).await.0, StatusCode::NO_CONTENT);
        assert_eq!(gil.get("/auth/me").await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(refresh(world, &gil.refresh).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(at_gil.socket.closed().await, 4401);
        assert_eq!(plain.closed().await, 4401);
        at_ann.close().await;
    }
}

both! {
    async fn what_they_say_of_themselves_is_checked(world, ["ALLOW_GUESTS" = "true"]) {
        for body in [json!({}), json!({ "display_name": " " }), json!({ "display_name": "x".repeat(101) }), json!({ "display_name": "a\0b" }), json!({ "display_name": 7 })] {
            let (status, problem) = enter(world, body.clone()).await;
            assert_eq!((status, &problem["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("display_name")), "{body}");
        }
        let (status, _) = enter(world, json!({ "display_name": "x".repeat(100) })).await;
        assert_eq!(status, StatusCode::OK);
        let own = world.url("");
        let by_cookie = async |origin: &str| {
            let body = json!({ "display_name": "gil", "cookie": true });
            world.http.post(world.url("/auth/guest")).header("origin", origin).json(&body).send().await.unwrap()
        };
        assert_eq!(by_cookie("https://evil.example").await.status(), StatusCode::FORBIDDEN);
        let answer = by_cookie(&own).await;
        assert_eq!((answer.status(), answer.headers()["cache-control"].to_str().unwrap()), (StatusCode::OK, "no-store"));
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/auth"), "{cookie}");
        let pair: Value = answer.json().await.unwrap();
        assert!(pair["access_token"].is_string() && pair.get("refresh_token").is_none(), "{pair}");
        let again = world.http.post(world.url("/auth/refresh")).header("origin", own).json(&json!({}));
        let again = again.header("cookie", cookie.split(';').next().unwrap()).send().await.unwrap();
        assert_eq!(again.status(), StatusCode::OK);
    }
}

both! {
    /// Making guests is making accounts: it counts for the address, whoever's token comes along.
    async fn they_are_made_slowly(world, ["ALLOW_GUESTS" = "true", "RATE_LIMIT_AUTH_PER_MINUTE" = 3]) {
        for _ in 0..2 {
            assert_eq!(enter(world, json!({ "display_name": "gil" })).await.0, StatusCode::OK);
        }
        let (_, pair) = enter(world, json!({ "display_name": "gil" })).await;
        let token = pair["access_token"].as_str().unwrap();
        let one_more = world.http.post(world.url("/auth/guest")).bearer_auth(token).json(&json!({ "display_name": "gil" }));
        let (status, problem) = read(one_more).await;
        assert_eq!((status, &problem["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("rate_limited")));
    }
}

both! {
    /// Nobody who knows the id of a guest with a login comes in as them without it.
    async fn their_ids_are_theirs(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1, "GUEST_TTL" = 1]) {
        let gil = Person::as_guest(&world.http, world.address, "gil").await;
        let mut hal = Guest::arrive(world, Shape::Flat, "hal").await;
        hal.send("OPEN_CHAT", json!({ "target_user_id": gil.id, "target_display_name": "x" })).await;
        let opened = hal.hear("CHAT_OPENED").await;
        assert_eq!(opened["target_display_name"], "gil", "guests of either kind talk to each other");
        hal.say(json!({ "content": "hello" })).await;
        let chat = opened["chat_id"].as_str().unwrap();
        gil.say(chat, "hello hal").await;
        assert_eq!(hal.hear("MSG").await["sender_name"], "gil");
        let nobody_else = async |when: &str| {
            let mut thief = Guest::connect(world.address, Shape::Flat).await;
            thief.send("HELLO", json!({ "display_name": "gil", "user_id": gil.id })).await;
            thief.refused("UNAUTHORIZED").await;
            assert_eq!(thief.socket.closed().await, 1008, "{when}");
            let beat = world.http.post(world.url("/presence/heartbeat")).json(&json!({ "display_name": "gil", "user_id": gil.id }));
            assert_eq!(read(beat).await.0, StatusCode::UNAUTHORIZED, "{when}");
        };
        nobody_else("while they are there").await;
        world.advance(HOUR + 1);
        assert_eq!(world.services.writer.sweep_guests().await.unwrap(), 1);
        nobody_else("when they are forgotten").await;
        hal.close().await;
    }
}

both! {
    /// Whoever has a device here, or has renewed their login, was here.
    async fn who_is_not_here_is_forgotten(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1, "GUEST_TTL" = 1]) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let guest = async |name: &str| Person::as_guest(&world.http, world.address, name).await;
        let (gone, renews, connected, quiet) = (guest("gone").await, guest("renews").await, guest("connected").await, guest("quiet").await);
        let mut socket = Live::of(&connected).await;
        let mut chats = Vec::new();
        for guest in [&gone, &renews] {
            let (_, made) = guest.post("/conversations", json!({ "member_ids": [ann.id] })).await;
            let chat = made["id"].as_str().unwrap().to_owned();
            guest.say(&chat, "hello").await;
            chats.push(chat);
        }
        world.advance(HOUR * 3 / 4);
        let renews = renewed(world, &renews).await;
        let quiet = renewed(world, &quiet).await;
        assert_eq!(world.services.writer.sweep_guests().await.unwrap(), 0, "their time isn't up");
        world.advance(HOUR / 2);
        assert_eq!(world.services.writer.sweep_guests().await.unwrap(), 1, "gone alone");
        assert_eq!(world.services.writer.sweep_guests().await.unwrap(), 0, "once");
        assert_eq!(refresh(world, &gone.refresh).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(gone.get("/auth/me").await.0, StatusCode::UNAUTHORIZED);
        let ann = ann.log_in().await;
        assert_eq!(ann.history(&chats[0]).await[0]["content"], "hello", "what she has stays");
        let (status, problem) = ann.post("/conversations", json!({ "member_ids": [gone.id, bob.id] })).await;
        assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &json!("unknown_member")));

        socket.settle().await;
        let renews = renewed(world, &renews).await;
        assert_eq!(renews.history(&chats[1]).await.len(), 1);
        let quiet = renewed(world, &quiet).await;
        world.advance(HOUR * 3 / 4);
        // By a login from before.
        let connected = renewed(world, &connected).await;
        socket.close().await;
        world.advance(HOUR * 3 / 4);
        assert_eq!(world.services.writer.sweep_guests().await.unwrap(), 2, "but for the one who was connected");
        for guest in [&renews, &quiet] {
            assert_eq!(refresh(world, &guest.refresh).await.0, StatusCode::UNAUTHORIZED);
        }
        renewed(world, &connected).await;
    }
}

both! {
    /// With a guest who is forgotten ends what their login is good for, at once.
    async fn a_login_ends_with_its_guest(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1, "GUEST_TTL" = 1, "ACCESS_TOKEN_EXPIRE_MINUTES" = 1440]) {
        let gil = Person::as_guest(&world.http, world.address, "gil").await;
        world.advance(HOUR + 60);
        assert_eq!(gil.get("/auth/me").await.0, StatusCode::OK);
        assert_eq!(world.services.writer.sweep_guests().await.unwrap(), 1);
        assert_eq!(gil.get("/auth/me").await.0, StatusCode::UNAUTHORIZED);
        let mut socket = gil.socket().await;
        assert_eq!(socket.closed().await, 1008);
    }
}

/// Where guests aren't let in any more, those who were aren't either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn none_stay_when_none_are_let_in() {
    let database = Database::fresh(Kind::Sqlite).await;
    let folder = database.folder.path();
    let settings = |allowed: &str| {
        let folder = folder.display().to_string();
        [("PORT", "0".to_owned()), ("DATA_DIR", folder), ("DATABASE_URL", database.url.clone()), ("ALLOW_GUESTS", allowed.into())]
    };
    let mut server = Process::start(folder, &settings("true"));
    let http = http_client();
    let gil = Person::as_guest(&http, server.address, "gil").await;
    let ann = Person::sign_up(&http, server.address, "ann").await;
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let mut server = Process::start(folder, &settings("false"));
    let at = |person: &Person| Person { address: server.address, ..person.clone() };
    assert_eq!(at(&gil).get("/auth/me").await.0, StatusCode::UNAUTHORIZED);
    let body = json!({ "refresh_token": gil.refresh });
    assert_eq!(read(http.post(format!("http://{}/auth/refresh", server.address)).json(&body)).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(at(&ann).get("/auth/me").await.0, StatusCode::OK);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    database.drop().await;
}
