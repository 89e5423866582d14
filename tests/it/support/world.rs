//! A server of its own for one test, in this process.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    thread::JoinHandle,
};

use pneumatic::{app::App, config::Config, domain::clock::Clock, http::Services};
use sea_orm::ConnectionTrait;
use tokio::sync::oneshot;

use super::{
    database::{Database, Kind},
    eventually,
    person::Person,
    process::{SECRET_KEY, UNLIMITED},
};

pub struct World {
    pub address: SocketAddr,
    pub services: Services,
    pub database: Database,
    pub http: reqwest::Client,
    ahead: Arc<AtomicI64>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl World {
    pub async fn start(kind: Kind, settings: &[(&str, String)]) -> Self {
        Self::start_on(Database::fresh(kind).await, settings).await
    }

    pub async fn start_on(database: Database, settings: &[(&str, String)]) -> Self {
        let fixed = [
            ("PORT", "0".to_owned()),
            ("DATA_DIR", database.folder.path().display().to_string()),
            ("DATABASE_URL", database.url.clone()),
            ("SECRET_KEY", SECRET_KEY.to_owned()),
            ("WORKERS", "2".to_owned()),
        ];
        let unlimited = UNLIMITED.map(|(name, value)| (name, value.to_owned()));
        let all = || settings.iter().chain(&fixed).chain(&unlimited);
        let lookup = |name: &str| all().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let config = Config::from_lookup(&lookup).unwrap();
        let ahead = Arc::new(AtomicI64::new(0));
        let clock = {
            let ahead = Arc::clone(&ahead);
            Clock::from_fn(move || chrono::Utc::now() + chrono::Duration::seconds(ahead.load(Ordering::Relaxed)))
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, is_ready) = oneshot::channel();
        let server = std::thread::spawn(move || {
            actix::System::new().block_on(async {
                let app = App::build(&config, clock).await.unwrap();
                ready.send((app.address(), app.services().clone())).ok().unwrap();
                app.run(async { drop(stopped.await) }).await.unwrap();
            });
        });
        let (address, services) = is_ready.await.unwrap();
        let http = super::http_client();
        Self { address, services, database, http, ahead, stop, server }
    }

    /// Sets the server's clock ahead.
    pub fn advance(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Somebody who has signed up and logged in.
    pub async fn person(&self, name: &str) -> Person {
        Person::sign_up(&self.http, self.address, name).await
    }

    pub async fn people<const N: usize>(&self, names: [&str; N]) -> [Person; N] {
        let mut people = Vec::new();
        for name in names {
            people.push(self.person(name).await);
        }
        people.try_into().unwrap_or_else(|_| unreachable!())
    }

    /// Somebody who may read the audit log and the counters.
    pub async fn admin(&self, name: &str) -> Person {
        let admin = self.person(name).await;
        let connection = self.database.connect().await;
        let grant = format!("UPDATE users SET is_admin = TRUE WHERE username = '{name}'");
        connection.execute_unprepared(&grant).await.unwrap();
        connection.close().await.unwrap();
        admin
    }

    /// No session, room or pending write is left.
    pub async fn assert_quiet(&self) {
        let services = &self.services;
        eventually("no session, room or pending write is left", async || {
            services.metrics.active() == 0 && services.directory.is_empty() && services.writer.pending() == 0
        })
        .await;
    }

    /// Stops, says goodbye to whoever is there, and gives the database back.
    pub async fn stop(self) -> Database {
        self.stop.send(()).unwrap();
        tokio::task::spawn_blocking(move || self.server.join()).await.unwrap().unwrap();
        self.database
    }

    pub async fn finish(self) {
        self.assert_quiet().await;
        self.stop().await.drop().await;
    }
}
