//! The counters as JSON: what they say, to whom, and that they outlive a restart.

use std::collections::HashMap;

use futures_util::future::join_all;
use pneumatic::domain::{
    clock::Clock,
    counters::{Counter, Deltas, Peak, UserDelta, hour_of},
    ids::UserId,
};
use reqwest::{Method, StatusCode};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde_json::{Value, json};

use crate::support::{
    database::{Database, Kind},
    eventually,
    figures::Figures,
    person::Person,
    proxy::Proxy,
    world::World,
};

async fn make_admin(database: &Database, person: &Person) {
    let connection = database.connect().await;
    let sql = format!("UPDATE users SET is_admin = true WHERE username = '{}'", person.name);
    assert_eq!(connection.execute_unprepared(&sql).await.unwrap().rows_affected(), 1);
    connection.close().await.unwrap();
}

async fn read(person: &Person, path: &str) -> Value {
    let (status, body) = person.get(path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

/// Waits until the overview says so, and returns it.
async fn overview(admin: &Person, holds: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    eventually("the counters are stored", async || {
        last = read(admin, "/metrics/").await;
        holds(&last)
    })
    .await;
    last
}

async fn count(connection: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

both! {
    async fn a_known_scene(world) {
        let [root, ann, bob] = world.people(["root", "ann", "bob"]).await;
        make_admin(&world.database, &root).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let (mut one, mut two) = (ann.socket().await, bob.socket().await);
        for i in 0..4 {
            ann.say_as(&conversation, "äx", &format!("m{i}")).await;
        }
        ann.say_as(&conversation, "again", "m0").await;
        two.say(&conversation, "five").await;
        for _ in 0..5 {
            one.next_message().await;
            two.next_message().await;
        }
        two.send_text("{").await;
        two.next().await;
        two.settle(&conversation).await;
        ann.post("/messages", json!({ "message_id": "", "conversation_id": conversation, "content": "x" })).await;
        two.close().await;
        let seen = overview(&root, |seen| {
            seen["totals"]["disconnections"] == 1 && seen["totals"]["errors"] == 2 && seen["messages_by_type"]["join"] == 1
        })
        .await;
        assert_eq!(
            seen["totals"],
            json!({ "messages": 5, "message_bytes": 4 * 3 + 4, "connections": 2, "disconnections": 1,
                    "sign_ups": 3, "logins": 3, "errors": 2 })
        );
        assert_eq!(seen["messages_by_type"], json!({ "message": 1, "join": 1, "invalid": 1 }));
        assert_eq!(seen["errors_by_code"], json!({ "malformed": 1, "invalid": 1 }));
        assert_eq!((&seen["connections_now"], &seen["peaks"]["connections"]["value"]), (&json!(1), &json!(2)));
        assert!(seen["peaks"]["connections"]["at"].as_str().unwrap().ends_with('Z'), "{seen}");
        assert_eq!(seen["rates"]["messages_per_minute"], 5);
        assert!((seen["rates"]["messages_per_second"].as_f64().unwrap() - 5.0 / 60.0).abs() < 1e-9);
        assert!(seen["uptime_seconds"].as_u64().unwrap() < 600);

        let mine = read(&ann, &format!("/metrics/user/{}", ann.id)).await;
        assert_eq!((&mine["messages_sent"], &mine["bytes_sent"], &mine["connections"], &mine["errors"]), (&json!(4), &json!(12), &json!(1), &json!(1)));
        assert_eq!(mine["user_id"], ann.id.as_str());
        assert!(mine["first_activity"].as_str().unwrap() < mine["last_activity"].as_str().unwrap(), "{mine}");
        let his = read(&root, &format!("/metrics/user/{}", bob.id)).await;
        assert_eq!((&his["messages_sent"], &his["errors"]), (&json!(1), &json!(1)));
        let nothing = read(&root, &format!("/metrics/user/{}", root.id)).await;
        assert_eq!((&nothing["messages_sent"], &nothing["first_activity"]), (&json!(0), &Value::Null));
        drop(one);
    }
}

both! {
    async fn who_may_see_them(world) {
        let [root, ann] = world.people(["root", "ann"]).await;
        make_admin(&world.database, &root).await;
        let own = format!("/metrics/user/{}", ann.id);
        for path in ["/metrics/", "/metrics/hourly", "/metrics/daily", &own] {
            let (status, _) = crate::support::person::read(world.http.get(world.url(path))).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
            assert_eq!(root.get(path).await.0, StatusCode::OK, "{path}");
        }
        let others = format!("/metrics/user/{}", root.id);
        let unknown = format!("/metrics/user/{}", uuid::Uuid::new_v4());
        for path in ["/metrics/", "/metrics/hourly", "/metrics/daily", "/metrics/hourly?hours=0", &others, &unknown, "/metrics/user/x"] {
            let (status, problem) = ann.get(path).await;
            assert_eq!((status, problem["code"].as_str()), (StatusCode::FORBIDDEN, Some("not_an_admin")), "{path}");
        }
        let (status, problem) = ann.post("/metrics/reset", json!({})).await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::FORBIDDEN, Some("not_an_admin")));
        assert_eq!(ann.get(&own).await.0, StatusCode::OK);
        for path in [&unknown, "/metrics/user/x", "/metrics/user/%00", "/metrics/user/'%20OR%201=1"] {
            assert_eq!(root.get(path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(root.get("/metrics/reset").await.0, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(root.post("/metrics/", json!({})).await.0, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(world.http.get(world.url("/metrics")).send().await.unwrap().status(), StatusCode::OK, "that one is for Prometheus");
    }
}

both! {
    async fn out_of_range(world) {
        let root = world.person("root").await;
        make_admin(&world.database, &root).await;
        for (path, field) in [
            ("/metrics/hourly?hours=0", "hours"),
            ("/metrics/hourly?hours=169", "hours"),
            ("/metrics/hourly?hours=-1", "hours"),
            ("/metrics/hourly?hours=1.5", "hours"),
            ("/metrics/hourly?hours=", "hours"),
            ("/metrics/hourly?hours=99999999999999999999", "hours"),
            ("/metrics/daily?days=0", "days"),
            ("/metrics/daily?days=31", "days"),
            ("/metrics/daily?days=all%00", "days"),
        ] {
            let (status, problem) = root.get(path).await;
            assert_eq!((status, problem["errors"][0]["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(field)), "{path}");
        }
        for (path, list, length) in [
            ("/metrics/hourly", "hours", 24),
            ("/metrics/hourly?hours=1", "hours", 1),
            ("/metrics/hourly?hours=168", "hours", 168),
            ("/metrics/daily", "days", 7),
            ("/metrics/daily?days=30", "days", 30),
            ("/metrics/daily?hours=1000", "days", 7),
        ] {
            assert_eq!(read(&root, path).await[list].as_array().unwrap().len(), length, "{path}");
        }
    }
}

both! {
    async fn hours_and_days(world) {
        // A minute past midnight, so that nothing crosses a boundary by itself.
        let into_the_day = chrono::Utc::now().timestamp() % 86_400;
        world.advance(86_400 - into_the_day + 60);
        let [root, ann] = world.people(["root", "ann"]).await;
        make_admin(&world.database, &root).await;
        let conversation = ann.conversation_with(&[&root]).await;
        for (count, then) in [(2, 3_600), (3, 2 * 3_600), (1, 2 * 86_400), (4, 0)] {
            // Access tokens don't live that long.
            let ann = ann.log_in().await;
            for _ in 0..count {
                ann.say(&conversation, "x").await;
            }
            world.advance(then);
        }
        let root = root.log_in().await;
        overview(&root, |seen| seen["totals"]["messages"] == 10 && seen["totals"]["logins"] == 7).await;
        let messages = |list: &Value| -> Vec<i64> {
            list.as_array().unwrap().iter().map(|entry| entry["messages"].as_i64().unwrap()).collect()
        };
        let days = read(&root, "/metrics/daily?days=4").await;
        assert_eq!(messages(&days["days"]), [0, 6, 0, 4]);
        assert_eq!(days["days"][1]["sign_ups"], 2);
        // Now it is past three in the morning of the third day.
        let hours = read(&root, "/metrics/hourly?hours=52").await;
        let expected: Vec<i64> = [vec![2, 3, 0, 1], vec![0; 47], vec![4]].concat();
        assert_eq!(messages(&hours["hours"]), expected);
        let starts: Vec<&str> = hours["hours"].as_array().unwrap().iter().map(|hour| hour["hour"].as_str().unwrap()).collect();
        assert!(starts.iter().all(|start| start.ends_with(":00:00Z")) && starts.is_sorted(), "{starts:?}");
        assert_eq!(hours["hours"][1], json!({
            "hour": starts[1], "messages": 3, "message_bytes": 3, "connections": 0, "disconnections": 0,
            "sign_ups": 0, "logins": 1, "errors": 0
        }));
        assert_eq!(days["days"][1]["day"], starts[0][..10]);
    }
}

both! {
    async fn set_to_nought(world) {
        let [root, ann] = world.people(["root", "ann"]).await;
        make_admin(&world.database, &root).await;
        let conversation = ann.conversation_with(&[&root]).await;
        let socket = ann.socket().await;
        ann.say(&conversation, "stored").await;
        overview(&root, |seen| seen["totals"]["messages"] == 1).await;
        // This one may not be stored yet.
        ann.say(&conversation, "waiting").await;
        let (status, _) = root.post("/metrics/reset", json!({})).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        let seen = read(&root, "/metrics/").await;
        assert_eq!((&seen["totals"]["messages"], &seen["messages_by_type"]), (&json!(0), &json!({})));
        assert_eq!(read(&root, &format!("/metrics/user/{}", ann.id)).await["messages_sent"], 0);
        ann.say(&conversation, "new").await;
        let seen = overview(&root, |seen| seen["totals"]["messages"] != 0 && seen["peaks"]["connections"] != Value::Null).await;
        assert_eq!((&seen["totals"]["messages"], &seen["totals"]["connections"]), (&json!(1), &json!(0)));
        assert_eq!(seen["peaks"]["connections"]["value"], 1, "the one that is still open");
        let hours = read(&root, "/metrics/hourly?hours=2").await;
        let hourly: i64 = hours["hours"].as_array().unwrap().iter().map(|hour| hour["messages"].as_i64().unwrap()).sum();
        assert_eq!(hourly, 1);
        let text = world.http.get(world.url("/metrics")).send().await.unwrap().text().await.unwrap();
        assert!(text.contains("\npneumatic_messages_sent_total 3\n"), "Prometheus' counters never go back");
        let log = read(&root, "/admin/audit?event=counters_reset").await;
        assert_eq!(log["entries"].as_array().unwrap().len(), 1, "{log}");
        let log = read(&root, &format!("/admin/audit?event=counters_read&user_id={}", ann.id)).await;
        assert_eq!(log["entries"][0]["actor_id"], root.id.as_str(), "{log}");
        drop(socket);
    }
}

async fn across_a_restart(kind: Kind) {
    let database = Database::fresh(kind).await;
    let start = async || World::start(Kind::Sqlite, &[("DATABASE_URL", database.url.clone())]).await;
    let world = start().await;
    let [root, ann] = world.people(["root", "ann"]).await;
    make_admin(&database, &root).await;
    let conversation = ann.conversation_with(&[&root]).await;
    let socket = ann.socket().await;
    for _ in 0..3 {
        ann.say(&conversation, "x").await;
    }
    drop(socket);
    // At once: nobody waits for the counters to be stored.
    world.finish().await;
    let world = start().await;
    let moved = |person: &Person| Person { address: world.address, ..person.clone() };
    let (root, ann) = (moved(&root), moved(&ann));
    let seen = read(&root, "/metrics/").await;
    assert_eq!((&seen["totals"]["messages"], &seen["totals"]["disconnections"]), (&json!(3), &json!(1)));
    assert_eq!((&seen["peaks"]["connections"]["value"], &seen["connections_now"]), (&json!(1), &json!(0)));
    ann.say(&conversation, "x").await;
    overview(&root, |seen| seen["totals"]["messages"] == 4).await;
    let mine = read(&ann, &format!("/metrics/user/{}", ann.id)).await;
    assert_eq!((&mine["messages_sent"], &mine["connections"]), (&json!(4), &json!(1)));
    world.finish().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn across_a_restart_sqlite() {
    across_a_restart(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn across_a_restart_postgres() {
    across_a_restart(Kind::Postgres).await;
}

/// The database goes away for a while: what was counted meanwhile is stored when it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_stored_is_stored_later() {
    let database = Database::fresh(Kind::Postgres).await;
    let (head, name) = database.url.rsplit_once('/').unwrap();
    let (credentials, host) = head.rsplit_once('@').unwrap();
    let proxy = Proxy::to(host.parse().unwrap()).await;
    let world = World::start(Kind::Sqlite, &[("DATABASE_URL", format!("{credentials}@{}/{name}", proxy.address))]).await;
    let root = world.person("root").await;
    make_admin(&database, &root).await;
    overview(&root, |seen| seen["totals"]["logins"] == 1).await;
    proxy.cut();
    // Refused without the database being asked.
    for _ in 0..7 {
        assert_eq!(root.request(Method::GET, "/nothing").send().await.unwrap().status(), StatusCode::NOT_FOUND);
    }
    let failed = async || {
        let text = world.http.get(world.url("/metrics")).send().await.unwrap().text().await.unwrap();
        Figures::of(&text).get("pneumatic_tally_portions_total{outcome=\"failed\"}")
    };
    let before = failed().await;
    eventually("it was tried in vain, more than once", async || failed().await >= before + 2.0).await;
    proxy.mend();
    eventually("the database is there again", async || root.get("/metrics/").await.0 == StatusCode::OK).await;
    overview(&root, |seen| seen["errors_by_code"]["not_found"] == 7).await;
    world.finish().await;
    database.drop().await;
}

async fn many_nodes(kind: Kind) {
    let database = Database::fresh(kind).await;
    let stores = [database.store().await, database.store().await];
    let now = Clock::system().now();
    let hour = hour_of(now);
    let connection = database.connect().await;
    let known: UserId = {
        let id = uuid::Uuid::now_v7();
        let hex = match kind {
            Kind::Sqlite => format!("X'{}'", id.simple()),
            Kind::Postgres => format!("'{id}'"),
        };
        let sql = format!(
            "INSERT INTO users (id, username, username_key, kind, is_admin, created_at) \
             VALUES ({hex}, 'a', 'a', 'member', false, '2026-01-01T00:00:00+00:00')"
        );
        connection.execute_unprepared(&sql).await.unwrap();
        UserId(id)
    };
    let deltas = |i: i64| Deltas {
        hours: [
            ((hour, Counter::Messages), 1),
            ((hour, Counter::Error("busy")), 2),
            ((hour - chrono::Duration::hours(1), Counter::Messages), 3),
        ]
        .into(),
        users: HashMap::from([
            (known, UserDelta { messages: 1, ..UserDelta::at(now + chrono::Duration::seconds(i)) }),
            (UserId::fresh(), UserDelta::at(now)),
        ]),
        most_connections: Some(Peak { value: 10 + i % 15, at: now }),
    };
    let adding = stores.iter().enumerate().map(async |(node, store)| {
        for i in 0..20 {
            // A node tries again what it couldn't add.
            while store.add_counted(&deltas(2 * i + node as i64)).await.is_err() {}
        }
    });
    join_all(adding).await;
    let totals = stores[0].counted().await.unwrap();
    assert_eq!((totals.figures.messages, totals.errors["busy"]), (160, 80));
    assert_eq!(totals.most_connections.unwrap().value, 24);
    let hours = stores[1].counted_by_hour(2).await.unwrap();
    assert_eq!(hours.iter().map(|hour| hour.figures.messages).collect::<Vec<_>>(), [120, 40]);
    let user = stores[0].counted_of(known).await.unwrap().unwrap();
    assert_eq!((user.messages_sent, user.first_activity), (40, Some(now)));
    assert_eq!(user.last_activity, Some(now + chrono::Duration::seconds(39)));
    assert_eq!(count(&connection, "SELECT count(*) FROM user_counters").await, 1, "nobody who isn't a user");

    // After 60 days an hour has no more to say; the totals keep it.
    let old =
        |days| Deltas { hours: [((hour - chrono::Duration::days(days), Counter::Messages), 1)].into(), ..Deltas::default() };
    stores[0].add_counted(&old(61)).await.unwrap();
    stores[0].add_counted(&old(59)).await.unwrap();
    assert_eq!(count(&connection, "SELECT count(*) FROM counter_hours").await, 5);
    stores[0].sweep().await.unwrap();
    assert_eq!(count(&connection, "SELECT count(*) FROM counter_hours").await, 4);
    assert_eq!(stores[0].counted().await.unwrap().figures.messages, 162);
    connection.close().await.unwrap();
    for store in stores {
        store.close().await;
    }
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_nodes_sqlite() {
    many_nodes(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_nodes_postgres() {
    many_nodes(Kind::Postgres).await;
}
