//! The connection to PostgreSQL over TLS, as managed databases ask for it.

use std::{env, fs};

use sea_orm::{ConnectionTrait, Statement};
use tokio::time::timeout;

use crate::support::{
    PATIENCE,
    database::{Database, Kind},
    http_client,
    person::Person,
    process::{Process, command, settings},
};

fn with_url(database: &Database, query: &str) -> Vec<(&'static str, String)> {
    [settings(database), vec![("DATABASE_URL", format!("{}?{query}", database.url))]].concat()
}

#[tokio::test]
async fn it_is_spoken_and_the_certificate_is_checked_where_that_is_asked_for() {
    let database = Database::fresh(Kind::Postgres).await;
    let certificate = env::var("TEST_DATABASE_CERT").expect("run the tests with `make test`");
    let trusted = with_url(&database, &format!("sslmode=verify-full&sslrootcert={certificate}"));
    let server = Process::start(database.folder.path(), &trusted);
    Person::sign_up(&http_client(), server.address, "ann").await;
    let connection = database.connect().await;
    let own = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity a USING (pid) \
               WHERE a.datname = current_database() AND pid <> pg_backend_pid()";
    let row = connection.query_one_raw(Statement::from_string(connection.get_database_backend(), own)).await.unwrap();
    assert!(row.unwrap().try_get_by_index::<bool>(0).unwrap());
    connection.close().await.unwrap();
    drop(server);

    let stranger = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap().cert.pem();
    let file = database.folder.path().join("stranger.pem");
    fs::write(&file, stranger).unwrap();
    let foreign = with_url(&database, &format!("sslmode=verify-full&sslrootcert={}", file.display()));
    let mut refused = tokio::process::Command::from(command(database.folder.path(), &foreign));
    let output = timeout(PATIENCE * 2, refused.kill_on_drop(true).output()).await.expect("it gives up in time").unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("DATABASE_URL"), "{said}");
    database.drop().await;
}
