//! Backups: taken under load, restored elsewhere, looked through.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use futures_util::future::{join, join_all};
use sea_orm::{ConnectionTrait, Database as SeaDatabase, DbBackend, Statement};

use crate::support::{
    database::{Database, Kind},
    person::Person,
    process::{Process, command, output, settings},
    world::World,
};

/// Runs a command on a database; whether it went well, and all that it said.
async fn run(database: &Database, arguments: &[&str]) -> (bool, String) {
    let mut command = command(database.folder.path(), &settings(database));
    command.env("PATH", std::env::var_os("PATH").unwrap()).args(arguments);
    let output = tokio::task::spawn_blocking(move || output(command)).await.unwrap();
    (output.status.success(), [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap()).concat())
}

async fn succeed(database: &Database, arguments: &[&str]) -> String {
    let (is_well, said) = run(database, arguments).await;
    assert!(is_well, "{arguments:?}: {said}");
    said
}

/// Why it refused.
async fn refuse(database: &Database, arguments: &[&str]) -> String {
    let (is_well, said) = run(database, arguments).await;
    assert!(!is_well, "{arguments:?}: {said}");
    said
}

fn name(file: &Path) -> &str {
    file.to_str().unwrap()
}

both! {
    async fn a_backup_under_load_is_whole_and_holds_what_was_acknowledged(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let room = ann.conversation_with(&[&bob]).await;
        for i in 0..30 {
            ann.say(&room, &format!("before {i}")).await;
        }
        let file = world.database.folder.path().join("backup");
        let is_done = AtomicBool::new(false);
        let load = join_all([&ann, &bob, &ann, &bob].map(async |speaker| {
            while !is_done.load(Relaxed) {
                speaker.say(&room, "meanwhile").await;
            }
        }));
        let copying = async {
            let said = succeed(&world.database, &["backup", name(&file)]).await;
            is_done.store(true, Relaxed);
            said
        };
        let (_, said) = join(load, copying).await;
        assert!(said.contains("holds everything"), "{said}");
        assert!(refuse(&world.database, &["backup", name(&file)]).await.contains("is there already"));
        let original = ann.history(&room).await;

        let copy = Database::fresh(world.database.kind).await;
        let said = succeed(&copy, &["restore", name(&file)]).await;
        assert!(said.contains("2 accounts, 1 conversations, ") && said.contains("Nothing is missing."), "{said}");
        assert!(refuse(&copy, &["restore", name(&file)]).await.contains("isn't empty"));
        // A newer release has been there.
        let connection = copy.connect().await;
        let id = if copy.kind == Kind::Sqlite { "blob" } else { "uuid" };
        connection.execute_unprepared(&format!("CREATE TABLE newer (user_id {id} REFERENCES users (id))")).await.unwrap();
        connection.close().await.unwrap();
        let said = succeed(&copy, &["restore", name(&file), "--force"]).await;
        assert!(said.contains("What was there before is "), "{said}");
        if copy.kind == Kind::Postgres {
            let connection = copy.connect().await;
            let kept = "SELECT 1 FROM pg_tables WHERE tablename = 'newer' AND schemaname LIKE 'replaced%'";
            let kept = connection.query_all_raw(Statement::from_string(DbBackend::Postgres, kept)).await.unwrap();
            assert_eq!(kept.len(), 1);
            connection.close().await.unwrap();
        }
        succeed(&copy, &["restore", name(&file), "--force"]).await;
        let (known, restored) = (world.database.store().await, copy.store().await);
        assert_ne!(known.epoch().await.unwrap(), restored.epoch().await.unwrap(), "it is another database from now on");
        join(known.close(), restored.close()).await;

        let server = Process::start(copy.folder.path(), &settings(&copy));
        let again = Person { address: server.address, ..ann.clone() }.log_in().await;
        let restored = again.history(&room).await;
        assert!(restored.len() >= 30 && original.starts_with(&restored), "{} of {}", restored.len(), original.len());
        let next = again.say(&room, "and on").await;
        assert_eq!(next["seq"].as_i64(), Some(restored.len() as i64 + 1));
        drop(server);
        copy.drop().await;
    }
}

both! {
    async fn a_database_in_use_is_not_replaced(world) {
        let ann = world.person("ann").await;
        let file = world.database.folder.path().join("backup");
        succeed(&world.database, &["backup", name(&file)]).await;
        let said = refuse(&world.database, &["restore", name(&file), "--force"]).await;
        assert!(said.contains("stop every server first"), "{said}");
        assert_eq!(ann.get("/auth/me").await.0, 200);
        let other = world.database.folder.path().join("other");
        std::fs::write(&other, "neither of the two").unwrap();
        assert!(refuse(&world.database, &["restore", name(&other)]).await.contains("is no backup"));
        assert!(refuse(&world.database, &["restore", "nowhere"]).await.contains("nowhere can't be used"));
        assert!(refuse(&world.database, &["backup", "no/such/folder"]).await.contains("no/such/folder"));
    }
}

both! {
    async fn what_is_missing_is_found(world) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let rooms = [ann.conversation_with(&[&bob]).await, ann.conversation_with(&[]).await, bob.conversation_with(&[]).await];
        for room in &rooms[..2] {
            for i in 0..5 {
                ann.say(room, &format!("message {i}")).await;
            }
        }
        let said = succeed(&world.database, &["verify"]).await;
        assert!(said.contains("2 accounts, 3 conversations, 10 messages.\nNothing is missing."), "{said}");
        let connection = world.database.connect().await;
        let damage = async |sql: &str, finding: &str| {
            connection.execute_unprepared(sql).await.unwrap();
            let said = refuse(&world.database, &["verify"]).await;
            assert!(said.contains(finding), "{said}");
        };
        damage("DELETE FROM messages WHERE seq = 3", &format!("conversation {}: 4 messages are stored of 5", rooms[0])).await;
        damage("UPDATE messages SET rev = 1 WHERE seq = 5", &format!("conversation {}: its messages aren't in the order", rooms[1])).await;
        damage("UPDATE conversation_members SET last_read_seq = 9", &format!("{} has read further", ann.id)).await;
        damage("UPDATE conversations SET meta_rev = 99", &format!("conversation {}: something has changed after", rooms[2])).await;
        damage("DELETE FROM epochs", "0 epochs").await;
        connection.close().await.unwrap();
    }
}

/// SQLite would play it into whatever stands beside it.
#[tokio::test]
async fn the_log_of_a_database_that_has_gone_is_not_taken_for_the_restored_ones() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let ann = world.person("ann").await;
    let file = world.database.folder.path().join("backup");
    succeed(&world.database, &["backup", name(&file)]).await;
    ann.conversation_with(&[]).await;
    let copy = Database::fresh(Kind::Sqlite).await;
    let path = |database: &Database| database.url.strip_prefix("sqlite://").unwrap().to_owned();
    std::fs::copy(format!("{}-wal", path(&world.database)), format!("{}-wal", path(&copy))).unwrap();
    let said = succeed(&copy, &["restore", name(&file)]).await;
    assert!(said.contains("1 accounts, 0 conversations, 0 messages.\nNothing is missing."), "{said}");
    world.finish().await;
}

both! {
    async fn a_restore_that_fails_replaces_nothing(world) {
        let ann = world.person("ann").await;
        let room = ann.conversation_with(&[]).await;
        for i in 0..3 {
            ann.say(&room, &format!("message {i}")).await;
        }
        let file = world.database.folder.path().join("backup");
        succeed(&world.database, &["backup", name(&file)]).await;
        let copy = Database::fresh(world.database.kind).await;
        succeed(&copy, &["restore", name(&file)]).await;
        // Of a file that is cut off nothing can be used; in one that was touched something is missing.
        let bytes = std::fs::read(&file).unwrap();
        let cut = copy.folder.path().join("cut");
        std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
        refuse(&copy, &["restore", name(&cut), "--force"]).await;
        if copy.kind == Kind::Sqlite {
            let touched = SeaDatabase::connect(format!("sqlite://{}", file.display())).await.unwrap();
            touched.execute_unprepared("DELETE FROM messages WHERE seq = 2").await.unwrap();
            touched.close().await.unwrap();
            let said = refuse(&copy, &["restore", name(&file), "--force"]).await;
            assert!(said.contains("2 messages are stored of 3") && said.contains("Nothing has been replaced."), "{said}");
        }
        let said = succeed(&copy, &["verify"]).await;
        assert!(said.contains("1 accounts, 1 conversations, 3 messages.\nNothing is missing."), "{said}");
        let files = std::fs::read_dir(copy.folder.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let left: Vec<String> = files.filter(|name| name.contains("restoring") && !name.ends_with(".lock")).collect();
        assert!(left.is_empty(), "{left:?}");
        copy.drop().await;
    }
}

/// Also when they come as somebody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_of_another_role_are_seen() {
    let world = World::start(Kind::Postgres, &[]).await;
    let file = world.database.folder.path().join("backup");
    succeed(&world.database, &["backup", name(&file)]).await;
    let connection = world.database.connect().await;
    let role = format!("r_{}", uuid::Uuid::new_v4().simple());
    connection.execute_unprepared(&format!("CREATE ROLE {role} LOGIN")).await.unwrap();
    let mut other = world.database.shared();
    other.url = other.url.replace("postgres@", &format!("{role}@"));
    let said = refuse(&other, &["restore", name(&file), "--force"]).await;
    assert!(said.contains("stop every server first"), "{said}");
    connection.execute_unprepared(&format!("DROP ROLE {role}")).await.unwrap();
    connection.close().await.unwrap();
    world.finish().await;
}
