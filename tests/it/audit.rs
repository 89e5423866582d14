//! The audit log, and what an operator does on the command line.

use std::{io::Write, process::Stdio, time::Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    database::{Database, Kind},
    http_client,
    person::{PASSWORD, Person, read},
    process::{Process, command, settings},
    world::World,
};

async fn log(admin: &Person, query: &str) -> Vec<Value> {
    let (status, body) = admin.get(&format!("/admin/audit?limit=200{query}")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body["entries"].as_array().unwrap().clone()
}

fn names(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["event"].as_str().unwrap()).collect()
}

async fn log_in(world: &World, name: &str, password: &str) -> StatusCode {
    read(world.http.post(world.url("/auth/login")).json(&json!({ "username": name, "password": password }))).await.0
}

both! {
    async fn what_happens_to_accounts_is_kept(world) {
        let boss = world.admin("boss").await;
        let ann = world.person("ann").await;
        log_in(world, "ann", "not the password").await;
        log_in(world, "nobody", "not the password").await;
        let phone = ann.log_in().await;
        let change = json!({ "current_password": PASSWORD, "new_password": "another horse" });
        ann.post("/auth/password", change).await;
        assert_eq!(phone.get("/auth/me").await.0, StatusCode::UNAUTHORIZED);
        let stolen = json!({ "refresh_token": ann.refresh });
        read(world.http.post(world.url("/auth/refresh")).json(&stolen)).await;
        read(world.http.post(world.url("/auth/refresh")).json(&stolen)).await;
        let entries = log(&boss, &format!("&user_id={}", ann.id)).await;
        let expected = ["refresh_token_reused", "password_changed", "logged_in", "login_failed", "logged_in", "signed_up"];
        assert_eq!(names(&entries), expected, "newest first");
        assert!(entries.iter().all(|entry| entry["address"] == "127.0.0.1" && entry["at"].as_str().unwrap().ends_with('Z')));
        assert_eq!(entries[3]["actor_id"], Value::Null, "who failed isn't known");
        assert_eq!(entries[2]["actor_id"], ann.id.as_str());
        let failed = log(&boss, "&event=login_failed").await;
        assert_eq!((failed.len(), &failed[0]["user_id"]), (2, &Value::Null));
        assert!(!log(&boss, "&event=audit_read").await.is_empty(), "looking is noted as well");

        let mut pages = Vec::new();
        let mut cursor = String::new();
        loop {
            let (_, page) = boss.get(&format!("/admin/audit?limit=2&user_id={}{cursor}", ann.id)).await;
            pages.extend(page["entries"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(pages, entries, "page by page it is the same");
    }
}

both! {
    async fn it_is_for_admins(world) {
        let ann = world.person("ann").await;
        let (status, problem) = ann.get("/admin/audit").await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::FORBIDDEN, Some("not_an_admin")));
        assert_eq!(read(world.http.get(world.url("/admin/audit"))).await.0, StatusCode::UNAUTHORIZED);
        let boss = world.admin("boss").await;
        for query in ["limit=0", "limit=201", "cursor=x", "user_id=x", "event=dance"] {
            let (status, problem) = boss.get(&format!("/admin/audit?{query}")).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
            assert_eq!(problem["errors"][0]["field"], query.split('=').next().unwrap());
        }
    }
}

/// What the program says when it is run with these words, and this on its standard input.
fn run(database: &Database, words: &[&str], input: &str) -> (bool, String) {
    let mut child = command(database.folder.path(), &settings(database))
        .args(words)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

/// An operator at the machine, while the server runs.
async fn an_operator(kind: Kind) {
    let database = Database::fresh(kind).await;
    let server = Process::start(database.folder.path(), &settings(&database));
    let http = http_client();
    let log_in = async |name: &str, password: &str| {
        let body = json!({ "username": name, "password": password });
        read(http.post(format!("http://{}/auth/login", server.address)).json(&body)).await
    };

    assert_eq!(
        run(&database, &["user", "add", "boss", "--full-name", "The Boss", "--admin"], "correct horse\n"),
        (true, "boss was added.\n".into())
    );
    let (done, said) = run(&database, &["user", "add", "boss"], "correct horse\n");
    assert!(!done && said.lines().count() == 1 && said.contains("already registered"), "{said}");
    let (done, said) = run(&database, &["user", "add", "bob"], "short\n");
    assert!(!done && said.contains("password"), "{said}");
    let pair = log_in("boss", "correct horse").await.1;
    let person = |pair: &Value| Person {
        id: String::new(),
        name: String::new(),
        access: pair["access_token"].as_str().unwrap().into(),
        refresh: pair["refresh_token"].as_str().unwrap().into(),
        address: server.address,
        http: http.clone(),
    };
    let boss = person(&pair);
    let (_, me) = boss.get("/auth/me").await;
    assert_eq!((me["full_name"].as_str(), me["is_admin"].as_bool()), (Some("The Boss"), Some(true)));

    let ann = Person::sign_up(&http, server.address, "ann").await;
    assert!(run(&database, &["user", "make-admin", "ANN"], "").0, "names are compared without regard to case");
    assert_eq!(ann.get("/admin/audit").await.0, StatusCode::OK);
    let (_, listed) = run(&database, &["user", "list"], "");
    let lines: Vec<&str> = listed.lines().collect();
    assert!(
        lines.len() == 3 && lines[1].starts_with("ann ") && lines[1].contains("admin") && lines[2].starts_with("boss "),
        "{listed}"
    );

    // Another process ends her logins: the server notices by itself.
    let mut socket = ann.socket().await;
    let since = Instant::now();
    assert!(run(&database, &["user", "disable", "ann"], "").0);
    assert_eq!(socket.closed().await, 4401);
    assert!(since.elapsed().as_secs() < 6, "{:?}", since.elapsed());
    assert_eq!(ann.get("/auth/me").await.0, StatusCode::UNAUTHORIZED);
    let (status, problem) = log_in("ann", PASSWORD).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::FORBIDDEN, Some("account_disabled")));
    assert_eq!(log_in("ann", "not the password").await.0, StatusCode::UNAUTHORIZED, "to a stranger it looks like any account");
    assert!(run(&database, &["user", "enable", "ann"], "").0);
    assert!(run(&database, &["user", "set-password", "ann"], "another horse\n").0);
    assert_eq!(log_in("ann", PASSWORD).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(log_in("ann", "another horse").await.0, StatusCode::OK);
    let (done, said) = run(&database, &["user", "disable", "nobody"], "");
    assert!(!done && said.contains("nobody"), "{said}");

    let entries = log(&boss, "").await;
    let said = names(&entries);
    for event in ["account_added", "admin_granted", "account_disabled", "account_enabled", "password_set", "login_refused"] {
        assert!(said.contains(&event), "{event} isn't in {said:?}");
    }
    drop(server);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_on_sqlite() {
    an_operator(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_on_postgres() {
    an_operator(Kind::Postgres).await;
}
