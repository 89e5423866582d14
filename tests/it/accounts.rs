//! Signing up, logging in, staying logged in, logging out.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    eventually,
    guest::{Guest, Shape},
    live::Live,
    person::{PASSWORD, read},
    world::World,
};

async fn refresh(world: &World, token: &str) -> (StatusCode, Value) {
    read(world.http.post(world.url("/auth/refresh")).json(&json!({ "refresh_token": token }))).await
}

both! {
    async fn the_whole_way(world) {
        let ann = world.person("ann").await;
        let (status, me) = ann.get("/auth/me").await;
        assert_eq!((status, me["username"].as_str()), (StatusCode::OK, Some("ann")));
        assert_eq!(me["id"], ann.id.as_str());

        let (status, pair) = refresh(world, &ann.refresh).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!((pair["token_type"].as_str(), pair["expires_in"].as_i64()), (Some("bearer"), Some(900)));
        assert_ne!(pair["refresh_token"], ann.refresh.as_str());

        let (status, _) = ann.post("/auth/logout", json!({})).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        assert_eq!(ann.get("/auth/me").await.0, StatusCode::UNAUTHORIZED, "its access token fails at once");
        assert_eq!(refresh(world, pair["refresh_token"].as_str().unwrap()).await.0, StatusCode::UNAUTHORIZED);

        let anonymous = world.http.get(world.url("/auth/me")).send().await.unwrap();
        assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(anonymous.headers()["www-authenticate"], "Bearer");
    }
}

both! {
    /// 64 at once want the same name, in forms that only look different to a machine.
    async fn a_name_is_given_once(world) {
        let forms = ["zoë", "ZOË", "Zoe\u{308}", "ｚｏë"];
        let asks = (0..64).map(|i| {
            let body = json!({ "username": forms[i % 4], "password": PASSWORD });
            read(world.http.post(world.url("/auth/signup")).json(&body))
        });
        let answers = join_all(asks).await;
        let made = answers.iter().filter(|(status, _)| *status == StatusCode::CREATED).count();
        assert_eq!(made, 1);
        for (status, body) in answers.iter().filter(|(status, _)| *status != StatusCode::CREATED) {
            assert_eq!(*status, StatusCode::BAD_REQUEST);
            assert!(body["detail"].as_str().unwrap().contains("already registered"), "{body}");
        }
    }
}

both! {
    async fn wrong_name_and_wrong_password_are_alike(world) {
        world.person("ann").await;
        let attempt = async |name: &str| {
            let start = Instant::now();
            let body = json!({ "username": name, "password": "not the password" });
            let (status, mut body) = read(world.http.post(world.url("/auth/login")).json(&body)).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED);
            body["request_id"].take();
            (start.elapsed(), body)
        };
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        let mut answers = Vec::new();
        for _ in 0..15 {
            for (name, times) in [("ann", &mut known), ("nobody", &mut unknown)] {
                let (time, answer) = attempt(name).await;
                times.push(time);
                answers.push(answer);
            }
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(answers[0]["detail"], "Incorrect username or password");
        // The fastest of each says most about the work that was done.
        let ratio = known.iter().min().unwrap().as_secs_f64() / unknown.iter().min().unwrap().as_secs_f64();
        assert!((0.6..1.7).contains(&ratio), "{ratio}");
        assert!(unknown.iter().min().unwrap() > &Duration::from_millis(3), "no hash was computed");
    }
}

both! {
    async fn a_refresh_token_that_comes_again_ends_the_login(world) {
        let ann = world.person("ann").await;
        let phone = ann.log_in().await;
        let mut socket = ann.socket().await;
        let (_, second) = refresh(world, &ann.refresh).await;
        let (status, problem) = refresh(world, &ann.refresh).await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::UNAUTHORIZED, Some("refresh_token_reused")));
        assert_eq!(refresh(world, second["refresh_token"].as_str().unwrap()).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(ann.get("/auth/me").await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(socket.closed().await, 4401);
        assert_eq!(phone.get("/auth/me").await.0, StatusCode::OK, "another login goes on");
    }
}

both! {
    /// From the very moment in which the answer is there.
    async fn a_logout_holds_at_once(world) {
        for i in 0..20 {
            let ann = world.person(&format!("ann{i}")).await;
            assert_eq!(ann.post("/auth/logout", json!({})).await.0, StatusCode::NO_CONTENT);
            assert_eq!(ann.get("/auth/me").await.0, StatusCode::UNAUTHORIZED);
        }
    }
}

both! {
    async fn of_many_that_refresh_at_once_one_gets_a_pair(world) {
        let ann = world.person("ann").await;
        let answers = join_all((0..12).map(|_| refresh(world, &ann.refresh))).await;
        let fresh = answers.iter().filter(|(status, _)| *status == StatusCode::OK).count();
        assert_eq!(fresh, 1);
        assert!(answers.iter().all(|(status, _)| [StatusCode::OK, StatusCode::UNAUTHORIZED].contains(status)));
    }
}

both! {
    async fn tokens_expire(world) {
        let ann = world.person("ann").await;
        world.advance(15 * 60 + 1);
        assert_eq!(ann.get("/auth/me").await.0, StatusCode::UNAUTHORIZED);
        let (status, pair) = refresh(world, &ann.refresh).await;
        assert_eq!(status, StatusCode::OK);
        world.advance(7 * 24 * 3600 + 1);
        assert_eq!(refresh(world, pair["refresh_token"].as_str().unwrap()).await.0, StatusCode::UNAUTHORIZED);
    }
}

both! {
    /// Tokens stand for what they are: neither does for the other, nor does one with a changed letter.
    async fn tokens_are_checked(world) {
        let mut ann = world.person("ann").await;
        assert_eq!(refresh(world, &ann.access).await.0, StatusCode::UNAUTHORIZED);
        std::mem::swap(&mut ann.access, &mut ann.refresh);
        assert_eq!(ann.get("/auth/me").await.0, StatusCode::UNAUTHORIZED);
        std::mem::swap(&mut ann.access, &mut ann.refresh);
        let middle = ann.access.len() / 2;
        let letter = if ann.access.as_bytes()[middle] == b'A' { "B" } else { "A" };
        ann.access.replace_range(middle..=middle, letter);
        assert_eq!(ann.get("/auth/me").await.0, StatusCode::UNAUTHORIZED);
    }
}

/// What our own pages do.
struct Browser<'a> {
    world: &'a World,
    cookie: String,
}

impl Browser<'_> {
    async fn post(&mut self, path: &str, body: Value, origin: &str) -> (StatusCode, Value) {
        let ask = self.world.http.post(self.world.url(path)).header("cookie", &self.cookie).header("origin", origin);
        let answer = ask.json(&body).send().await.unwrap();
        if let Some(cookie) = answer.headers().get("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(
                cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/auth"),
                "{cookie}"
            );
            self.cookie = cookie.split(';').next().unwrap().to_owned();
        }
        (answer.status(), serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }
}

both! {
    async fn our_pages_stay_logged_in_by_a_cookie(world) {
        let ann = world.person("ann").await;
        let own = world.url("");
        let mut tab = Browser { world, cookie: String::new() };
        let login = json!({ "username": "ann", "password": PASSWORD, "cookie": true });
        let (status, _) = tab.post("/auth/login", login.clone(), "https://evil.example").await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        let (status, pair) = tab.post("/auth/login", login, &own).await;
        assert_eq!(status, StatusCode::OK);
        assert!(pair.get("refresh_token").is_none(), "no script shall see it");
        let first = tab.cookie.clone();

        let (status, problem) = tab.post("/auth/refresh", json!({}), "https://evil.example").await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::FORBIDDEN, Some("foreign_origin")));
        // Two tabs race with the same cookie: both go on.
        let mut other_tab = Browser { world, cookie: first.clone() };
        assert_eq!(tab.post("/auth/refresh", json!({}), &own).await.0, StatusCode::OK);
        assert_eq!(other_tab.post("/auth/refresh", json!({}), &own).await.0, StatusCode::OK);
        // Once a successor has been used, or 20 seconds have passed, the first is a stolen one.
        world.advance(21);
        let mut thief = Browser { world, cookie: first };
        let (status, problem) = thief.post("/auth/refresh", json!({}), &own).await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::UNAUTHORIZED, Some("refresh_token_reused")));
        assert_eq!(tab.post("/auth/refresh", json!({}), &own).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(ann.get("/auth/me").await.0, StatusCode::OK, "another login goes on");
    }
}

both! {
    async fn a_used_successor_ends_the_grace(world) {
        world.person("ann").await;
        let own = world.url("");
        let mut tab = Browser { world, cookie: String::new() };
        tab.post("/auth/login", json!({ "username": "ann", "password": PASSWORD, "cookie": true }), &own).await;
        let mut thief = Browser { world, cookie: tab.cookie.clone() };
        for _ in 0..2 {
            assert_eq!(tab.post("/auth/refresh", json!({}), &own).await.0, StatusCode::OK);
        }
        assert_eq!(thief.post("/auth/refresh", json!({}), &own).await.0, StatusCode::UNAUTHORIZED);
    }
}

both! {
    async fn everyone_but_the_caller_is_listed(world) {
        let [ann, bob, _, _] = world.people(["ann", "Bob", "bobby", "per%cent"]).await;
        let names = async |path: &str| -> Vec<String> {
            let (status, body) = ann.get(path).await;
            assert_eq!(status, StatusCode::OK, "{body}");
            body["users"].as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("/users").await, ["Bob", "bobby", "per%cent"]);
        assert_eq!(names("/users?q=BOB").await, ["Bob", "bobby"]);
        assert_eq!(names("/users?q=%25").await, ["per%cent"], "a search isn't a pattern");
        let body = json!({ "username": "x", "password": PASSWORD, "full_name": "Émile STRAẞE" });
        assert_eq!(read(world.http.post(world.url("/auth/signup")).json(&body)).await.0, StatusCode::CREATED);
        for part in ["émile", "E\u{301}MILE", "strasse", "x"] {
            assert_eq!(names(&format!("/users?q={part}")).await, ["x"], "{part}");
        }
        let (_, page) = ann.get("/users?limit=1").await;
        assert_eq!(page["users"][0]["id"], bob.id.as_str());
        let cursor = page["next_cursor"].as_str().unwrap();
        assert_eq!(names(&format!("/users?limit=2&cursor={cursor}")).await, ["bobby", "per%cent"]);
        assert_eq!(read(world.http.request(Method::GET, world.url("/users"))).await.0, StatusCode::UNAUTHORIZED);
    }
}

both! {
    async fn one_may_change_ones_name(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let (status, account) = ann.patch("/auth/me", json!({ "full_name": " Ann Example " })).await;
        assert_eq!((status, &account["full_name"]), (StatusCode::OK, &json!("Ann Example")), "{account}");
        assert_eq!(account, ann.get("/auth/me").await.1);
        let found = async |query: &str| bob.get(&format!("/users?q={query}")).await.1["users"].take();
        let shown = json!([{ "id": ann.id, "username": "ann", "full_name": "Ann Example" }]);
        assert_eq!(found("example").await, shown);
        assert_eq!(bob.get(&format!("/users/{}", ann.id)).await.1, shown[0]);
        assert_eq!(Live::of(&ann).await.ready["user"], shown[0]);
        ann.patch("/auth/me", json!({ "full_name": "Émilie" })).await;
        assert_eq!((found("example").await, found("ÉMILIE").await[0]["id"].as_str()), (json!([]), Some(ann.id.as_str())));
        assert_eq!(ann.patch("/auth/me", json!({ "full_name": "é".repeat(200) })).await.0, StatusCode::OK);
        for none in [Value::Null, json!(""), json!("  ")] {
            ann.patch("/auth/me", json!({ "full_name": "Ann" })).await;
            let (status, account) = ann.patch("/auth/me", json!({ "full_name": none })).await;
            assert_eq!((status, &account["full_name"]), (StatusCode::OK, &Value::Null));
        }
        assert_eq!(found("ann").await[0]["full_name"], Value::Null);
        for broken in [json!({}), json!({ "full_name": "é".repeat(201) }), json!({ "full_name": "a\0b" }), json!({ "full_name": 7 })] {
            let (status, problem) = ann.patch("/auth/me", broken.clone()).await;
            assert_eq!((status, &problem["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("full_name")), "{broken}");
        }
        let (status, _) = read(world.http.patch(world.url("/auth/me")).json(&json!({ "full_name": 7 }))).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "before anybody looks at the body");
    }
}

both! {
    /// Also where others are told names beside what is said.
    async fn guests_are_told_the_new_name(world, ["ALLOW_GUESTS" = "true", "PRESENCE_GRACE" = 1]) {
        let ann = world.person("ann").await;
        let mut gil = Guest::arrive(world, Shape::Flat, "gil").await;
        let mut hal = Guest::arrive(world, Shape::Enveloped, "hal").await;
        let (_, group) = ann.post("/conversations", json!({ "member_ids": [gil.id, hal.id] })).await;
        let group = group["id"].as_str().unwrap();
        for guest in [&mut gil, &mut hal] {
            guest.hear("CHAT_OPENED").await;
        }
        for name in ["Ann Example", "Anna"] {
            assert_eq!(ann.patch("/auth/me", json!({ "full_name": name })).await.0, StatusCode::OK);
            let mut heard = Value::Null;
            eventually("they are told", async || {
                ann.say(group, "it's me").await;
                heard = gil.hear("MSG").await["sender_name"].take();
                assert_eq!(hal.hear("MSG").await["sender_name"], heard);
                heard == name
            })
            .await;
        }
        gil.close().await;
        hal.close().await;
    }
}
