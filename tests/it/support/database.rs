//! A database for one test.

use pneumatic::{
    domain::clock::Clock,
    store::{DatabaseUrl, Pools, Store},
};
use sea_orm::{ConnectionTrait, Database as SeaDatabase, DatabaseConnection};
use tempfile::TempDir;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// Fresh and empty; gone with this value.
pub struct Database {
    pub kind: Kind,
    /// What `DATABASE_URL` says.
    pub url: String,
    pub folder: TempDir,
    name: String,
    /// Another's, who makes it go.
    is_shared: bool,
}

fn server() -> String {
    std::env::var("TEST_DATABASE_URL").expect("TEST_DATABASE_URL must name a PostgreSQL server: run the tests with `make test`")
}

impl Database {
    pub async fn fresh(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("t_{}", uuid::Uuid::new_v4().simple());
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}", folder.path().join("test.db").display()),
            Kind::Postgres => {
                let server = server();
                let admin = SeaDatabase::connect(&server).await.unwrap();
                admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
                admin.close().await.unwrap();
                format!("{}/{name}", server.rsplit_once('/').unwrap().0)
            }
        };
        Self { kind, url, folder, name, is_shared: false }
    }

    /// The same for another server, which has a folder of its own.
    pub fn shared(&self) -> Self {
        let (url, name) = (self.url.clone(), self.name.clone());
        Self { kind: self.kind, url, folder: tempfile::tempdir().unwrap(), name, is_shared: true }
    }

    /// A way in beside the server.
    pub async fn connect(&self) -> DatabaseConnection {
        SeaDatabase::connect(&self.url).await.unwrap()
    }

    pub async fn store(&self) -> Store {
        Store::connect(&self.url.parse::<DatabaseUrl>().unwrap(), Pools::default(), Clock::system()).await.unwrap()
    }

    pub async fn drop(self) {
        if self.kind == Kind::Postgres && !self.is_shared {
            let admin = SeaDatabase::connect(server()).await.unwrap();
            admin.execute_unprepared(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await.unwrap();
            admin.close().await.unwrap();
        }
    }
}
