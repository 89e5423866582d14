//! Logins that a person can see and end; tickets; what ends takes its sockets with it.

use std::time::{Duration, Instant};

use pneumatic::domain::{
    audit::{AuditEvent, Deed},
    clock::Clock,
    ids::{LoginId, UserId},
    text::Username,
    user::{Caller, NewLogin, NewUser},
};
use reqwest::StatusCode;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::support::{
    database::{Database, Kind},
    person::{PASSWORD, Person, read},
    proxy::Proxy,
    socket::Socket,
    world::World,
};

/// How long a socket may outlive its login, and some more for a machine that is shared.
const BOUND: Duration = Duration::from_secs(2);

async fn sessions(person: &Person) -> Vec<Value> {
    let (status, body) = person.get("/auth/sessions").await;
    assert_eq!(status, StatusCode::OK);
    body["sessions"].as_array().unwrap().clone()
}

fn id_of(sessions: &[Value], current: bool) -> String {
    sessions.iter().find(|s| s["current"] == current).unwrap()["id"].as_str().unwrap().to_owned()
}

async fn closes_with_4401_in_time(mut socket: Socket, since: Instant) {
    assert_eq!(socket.closed().await, 4401);
    assert!(since.elapsed() < BOUND * 2, "{:?}", since.elapsed());
}

both! {
    async fn a_person_sees_and_ends_logins(world) {
        let laptop = world.person("ann").await;
        let login = json!({ "username": "ann", "password": PASSWORD });
        let answer = world.http.post(world.url("/auth/login")).header("user-agent", "A Phone").json(&login).send().await.unwrap();
        let pair: Value = answer.json().await.unwrap();
        let phone = Person { access: pair["access_token"].as_str().unwrap().into(), ..laptop.clone() };
        let seen = sessions(&laptop).await;
        assert_eq!(seen.len(), 2);
        let other = seen.iter().find(|s| s["current"] == false).unwrap();
        assert_eq!((other["user_agent"].as_str(), other["address"].as_str()), (Some("A Phone"), Some("127.0.0.1")));
        for time in ["created_at", "used_at", "expires_at"] {
            assert!(other[time].as_str().unwrap().ends_with('Z'));
        }

        let socket = phone.socket().await;
        let (own, since) = (laptop.socket().await, Instant::now());
        assert_eq!(laptop.delete(&format!("/auth/sessions/{}", id_of(&seen, false))).await.0, StatusCode::NO_CONTENT);
        assert_eq!(phone.get("/auth/me").await.0, StatusCode::UNAUTHORIZED, "its access token fails at once");
        closes_with_4401_in_time(socket, since).await;
        assert_eq!(sessions(&laptop).await.len(), 1);
        own.close().await;
    }
}

both! {
    async fn only_ones_own(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let id = id_of(&sessions(&ann).await, true);
        for id in [id.as_str(), "00000000-0000-0000-0000-000000000000", "x"] {
            let (status, problem) = bob.delete(&format!("/auth/sessions/{id}")).await;
            assert_eq!((status, problem["code"].as_str()), (StatusCode::NOT_FOUND, Some("unknown_login")));
        }
        assert_eq!(ann.get("/auth/me").await.0, StatusCode::OK);
    }
}

both! {
    /// The socket of an ended login closes although messages pour in, and none comes after the close.
    async fn also_while_it_is_receiving(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let mut listener = bob.socket().await;
        let mut talker = ann.socket().await;
        let flood = async {
            loop {
                talker.say(&conversation, &"x".repeat(5_000)).await;
                if talker.next().await["type"] == "error" {
                    break;
                }
            }
        };
        let end = async {
            for _ in 0..20 {
                listener.next_message().await;
            }
            let since = Instant::now();
            assert_eq!(bob.post("/auth/logout", json!({})).await.0, StatusCode::NO_CONTENT);
            closes_with_4401_in_time(listener, since).await;
        };
        tokio::select! { () = flood => unreachable!("nothing is refused"), () = end => {} }
        talker.close().await;
    }
}

both! {
    async fn a_socket_lives_as_long_as_its_login(world) {
        let ann = world.person("ann").await;
        let mut socket = ann.socket().await;
        let conversation = ann.conversation_with(&[]).await;
        // The access token expires; the login goes on.
        world.advance(16 * 60);
        let refreshed = read(world.http.post(world.url("/auth/refresh")).json(&json!({ "refresh_token": ann.refresh }))).await;
        assert_eq!(refreshed.0, StatusCode::OK);
        let end = Instant::now() + BOUND;
        while Instant::now() < end {
            socket.settle(&conversation).await;
        }
        world.advance(8 * 24 * 3600);
        closes_with_4401_in_time(socket, Instant::now()).await;
    }
}

both! {
    async fn a_new_password_ends_the_other_logins(world) {
        let ann = world.person("ann").await;
        let phone = ann.log_in().await;
        let (socket, own) = (phone.socket().await, ann.socket().await);
        let change = async |current: &str, new: &str| {
            ann.post("/auth/password", json!({ "current_password": current, "new_password": new })).await
        };
        let (status, problem) = change("not the password", "another horse").await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::FORBIDDEN, Some("wrong_password")));
        let (status, problem) = change(PASSWORD, "short").await;
        assert_eq!((status, problem["errors"][0]["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("new_password")));
        let since = Instant::now();
        assert_eq!(change(PASSWORD, "another horse").await.0, StatusCode::NO_CONTENT);
        closes_with_4401_in_time(socket, since).await;
        assert_eq!(phone.get("/auth/me").await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(ann.get("/auth/me").await.0, StatusCode::OK, "the one that changed it goes on");
        own.close().await;
        let log_in = async |password: &str| {
            read(world.http.post(world.url("/auth/login")).json(&json!({ "username": "ann", "password": password }))).await.0
        };
        assert_eq!(log_in(PASSWORD).await, StatusCode::UNAUTHORIZED);
        assert_eq!(log_in("another horse").await, StatusCode::OK);
    }
}

async fn ticket(person: &Person) -> String {
    let (status, body) = person.post("/auth/ws-ticket", json!({})).await;
    assert_eq!((status, body["expires_in"].as_i64()), (StatusCode::OK, Some(30)));
    body["ticket"].as_str().unwrap().to_owned()
}

async fn open(world: &World, ticket: &str) -> Socket {
    Socket::open_with(world.address, &format!("/ws?ticket={ticket}"), &[]).await.unwrap()
}

both! {
    async fn a_ticket_opens_one_socket(world) {
        let ann = world.person("ann").await;
        let conversation = ann.conversation_with(&[]).await;
        let once = ticket(&ann).await;
        let mut socket = open(world, &once).await;
        socket.settle(&conversation).await;
        assert_eq!(open(world, &once).await.closed().await, 1008, "a second time it opens nothing");
        socket.close().await;
        let late = ticket(&ann).await;
        world.advance(31);
        assert_eq!(open(world, &late).await.closed().await, 1008);
        assert_eq!(open(world, &ann.access).await.closed().await, 1008, "an access token is no ticket");
        let unused = ticket(&ann).await;
        let misused = Person { access: unused.clone(), ..ann.clone() };
        assert_eq!(misused.get("/auth/me").await.0, StatusCode::UNAUTHORIZED, "nor the other way round");
        ann.post("/auth/logout", json!({})).await;
        assert_eq!(open(world, &unused).await.closed().await, 1008, "its login has ended");
    }
}

/// What was ended while the database was out of reach is noticed when it is back, however long that was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_hides_no_end() {
    let database = Database::fresh(Kind::Postgres).await;
    let (head, name) = database.url.rsplit_once('/').unwrap();
    let (credentials, host) = head.rsplit_once('@').unwrap();
    let proxy = Proxy::to(host.parse().unwrap()).await;
    let world = World::start(Kind::Sqlite, &[("DATABASE_URL", format!("{credentials}@{}/{name}", proxy.address))]).await;
    let ann = world.person("ann").await;
    let mut socket = ann.socket().await;
    proxy.cut();
    let connection = database.connect().await;
    connection.execute_unprepared("UPDATE logins SET revoked_at = now()").await.unwrap();
    connection.close().await.unwrap();
    world.advance(10 * 60);
    proxy.mend();
    assert_eq!(socket.closed().await, 4401);
    assert_eq!(ann.get("/auth/me").await.0, StatusCode::UNAUTHORIZED);
    world.finish().await;
    database.drop().await;
}

/// More logins than anybody can look through aren't kept: the ones used least lately make room.
async fn logins_are_bounded(kind: Kind) {
    let database = Database::fresh(kind).await;
    let store = database.store().await;
    let (user, username) = (UserId::fresh(), Username::parse("ann").unwrap());
    let new = NewUser { id: user, username, full_name: None, password_hash: "x".into(), is_admin: false };
    store.create_user(new, &Deed::of(AuditEvent::SignedUp, user, None, Caller::default())).await.unwrap();
    let mut ids = Vec::new();
    let mut ended = Vec::new();
    for i in 0..205 {
        let login = NewLogin {
            id: LoginId::fresh(),
            user_id: user,
            refresh_hash: i.to_string(),
            expires_at: Clock::system().now() + chrono::Duration::days(1),
            caller: Caller::default(),
        };
        ids.push(login.id);
        ended.extend(store.create_login(&login, "x").await.unwrap());
    }
    assert_eq!(ended, ids[..5]);
    assert_eq!(store.logins(user, ids[204]).await.unwrap().len(), 200);
    let deed = Deed::by_nobody(AuditEvent::AccountDisabled, Some(user), Caller::default());
    assert_eq!(store.set_disabled(user, true, &deed).await.unwrap().len(), 200);
    store.close().await;
    database.drop().await;
}

#[tokio::test]
async fn logins_are_bounded_on_sqlite() {
    logins_are_bounded(Kind::Sqlite).await;
}

#[tokio::test]
async fn logins_are_bounded_on_postgres() {
    logins_are_bounded(Kind::Postgres).await;
}
