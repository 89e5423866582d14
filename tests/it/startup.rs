//! Starting: with nothing set, with something wrong, many at once.

use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

use migration::{Migrator, MigratorTrait};
use pneumatic::{config::SETTINGS, domain::refusal::Refusal, wire::close::CloseCode};
use sea_orm::{ConnectionTrait, Database as SeaDatabase, DbBackend, Statement};

use crate::support::{
    database::{Database, Kind},
    person::Person,
    process::{Process, command, output, settings},
};

#[tokio::test]
async fn with_nothing_set_it_works_and_keeps_what_it_made() {
    let folder = tempfile::tempdir().unwrap();
    // The port is the one thing that a test can't leave to its default.
    let settings = [("PORT", "0".to_owned())];
    let server = Process::limited(folder.path(), &settings);
    let key = folder.path().join("data/secret.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(folder.path().join("data")).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(folder.path().join("data/pneumatic.db").exists());
    let ann = Person::sign_up(&crate::support::http_client(), server.address, "ann").await;

    let check =
        |port: String| command(folder.path(), &[("PORT", port)]).arg("healthcheck").stderr(Stdio::null()).status().unwrap();
    assert!(check(server.address.port().to_string()).success());
    assert!(!check("1".into()).success());

    drop(server);
    let server = Process::limited(folder.path(), &settings);
    let ann = Person { address: server.address, ..ann };
    assert_eq!(ann.get("/auth/me").await.0, 200, "the key was kept: tokens are still good");
}

#[test]
fn what_is_wrong_is_said_in_one_line_each() {
    let folder = tempfile::tempdir().unwrap();
    let run = |settings: &[(&str, &str)]| {
        let settings: Vec<(&str, String)> = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let output = output(command(folder.path(), &settings));
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let said = run(&[("DATABASE_URL", "postgres://u:p@127.0.0.1:1/d"), ("PORT", "x"), ("HEARTBEAT_TIMEOUT", "soon")]);
    assert_eq!(said.lines().count(), 3, "{said}");
    for name in ["SECRET_KEY", "PORT", "HEARTBEAT_TIMEOUT"] {
        assert!(said.contains(&format!("pneumatic: {name} ")), "{said}");
    }
    let said = run(&[("DATA_DIR", "/proc/nothing")]);
    assert!(said.lines().count() == 1 && said.contains("DATA_DIR"), "{said}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let said = run(&[("PORT", &taken.local_addr().unwrap().port().to_string())]);
    assert!(said.lines().count() == 1 && said.contains("can't listen on"), "{said}");
    let key = "x".repeat(32);
    let said = run(&[("PORT", "0"), ("SECRET_KEY", &key), ("DATABASE_URL", "postgres://u:p@127.0.0.1:1/d")]);
    assert!(said.lines().last().unwrap().contains("DATABASE_URL"), "{said}");
}

#[test]
fn a_dotenv_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), "PORT=0\nDATA_DIR=elsewhere\n").unwrap();
    let _server = Process::start(folder.path(), &[]);
    assert!(folder.path().join("elsewhere/pneumatic.db").exists());
}

/// Ten instances start at once on an empty PostgreSQL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_at_once() {
    let database = Database::fresh(Kind::Postgres).await;
    let settings = settings(&database);
    let starting: Vec<_> = (0..10)
        .map(|_| {
            let (folder, settings) = (database.folder.path().to_owned(), settings.clone());
            tokio::task::spawn_blocking(move || Process::start(&folder, &settings))
        })
        .collect();
    let mut servers = Vec::new();
    for server in starting {
        servers.push(server.await.unwrap());
    }
    let http = crate::support::http_client();
    for (i, server) in servers.iter().enumerate() {
        Person::sign_up(&http, server.address, &format!("person{i}")).await;
    }
    drop(servers);
    let connection = database.connect().await;
    let count = "SELECT count(*) FROM seaql_migrations";
    let row = connection.query_one_raw(Statement::from_string(connection.get_database_backend(), count)).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 8);
    connection.close().await.unwrap();
    let migrate = command(database.folder.path(), &settings).arg("migrate").status().unwrap();
    assert!(migrate.success());
    database.drop().await;
}

#[test]
fn help_and_documentation_name_every_setting() {
    let folder = tempfile::tempdir().unwrap();
    let help = String::from_utf8(command(folder.path(), &[]).arg("--help").output().unwrap().stdout).unwrap();
    for setting in SETTINGS {
        assert!(help.contains(setting.name), "--help lacks {}", setting.name);
    }
    let api = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/API.md")).unwrap();
    for code in CloseCode::ALL {
        let again = if code.reconnect() { "yes" } else { "no" };
        let row = format!("| {} | {} | {again}", code.number(), code.reason());
        assert!(api.contains(&row), "docs/API.md lacks {row}");
    }
    for code in Refusal::CODES {
        assert!(api.contains(&format!("`{code}`")), "docs/API.md lacks {code}");
    }
    let version = command(folder.path(), &[]).arg("--version").output().unwrap().stdout;
    assert!(String::from_utf8(version).unwrap().starts_with(concat!("pneumatic ", env!("CARGO_PKG_VERSION"), " (")));
    for command in ["serve", "migrate", "backup", "restore", "verify", "restored", "user", "healthcheck"] {
        assert!(help.contains(command));
    }
}

/// SQLite's table of members is made anew, with what is in it.
#[tokio::test]
async fn members_are_kept_when_their_table_is_made_anew() {
    let database = Database::fresh(Kind::Sqlite).await;
    let connection = SeaDatabase::connect(format!("{}?mode=rwc", database.url)).await.unwrap();
    Migrator::up(&connection, Some(6)).await.unwrap();
    let time = "'2026-11-22 00:00:00+00:00'";
    let rows = format!(
        "PRAGMA foreign_keys = ON; \
         INSERT INTO users (id, username, username_key, kind, created_at) VALUES (x'01', 'ann', 'ann', 'member', {time}); \
         INSERT INTO conversations (id, last_seq, rev, meta_rev, created_at, last_message_at) VALUES (x'02', 7, 8, 1, {time}, {time}); \
         INSERT INTO conversation_members (conversation_id, user_id, role, joined_at, last_read_seq, read_at) \
         VALUES (x'02', x'01', 'owner', {time}, 5, {time})"
    );
    connection.execute_unprepared(&rows).await.unwrap();
    let ask = async |sql: &str| connection.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
    let members = "SELECT conversation_id, user_id, role, joined_at, last_read_seq, read_at FROM conversation_members";
    let before =
        format!("{:?}", ask(members).await[0].try_get_many_by_index::<(Vec<u8>, Vec<u8>, String, String, i64, String)>());
    let indexes = "SELECT sql FROM sqlite_master WHERE tbl_name = 'conversation_members' AND type = 'index' AND sql IS NOT NULL";
    let known = ask(indexes).await.len();
    Migrator::up(&connection, None).await.unwrap();
    let after = format!("{:?}", ask(members).await[0].try_get_many_by_index::<(Vec<u8>, Vec<u8>, String, String, i64, String)>());
    assert_eq!((after, ask(indexes).await.len()), (before, known));
    assert!(known >= 2);
    // Until nodes that don't note it have gone, marks may move in what was there, and in what they make.
    let another = "INSERT INTO conversations (id, last_seq, rev, meta_rev, created_at, last_message_at) \
                   SELECT x'03', 0, 1, 1, created_at, created_at FROM conversations";
    connection.execute_unprepared(another).await.unwrap();
    let noted = "SELECT count(*) FROM conversations WHERE marked_at > strftime('%Y-%m-%dT%H:%M:%S', 'now', '+59 minutes')";
    assert_eq!(ask(noted).await[0].try_get_by_index::<i64>(0).unwrap(), 2);
    assert!(ask("PRAGMA foreign_key_check").await.is_empty());
    assert!(connection.execute_unprepared("INSERT INTO conversation_members SELECT * FROM conversation_members").await.is_err());
    connection.close().await.unwrap();
}
