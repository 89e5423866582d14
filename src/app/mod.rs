//! The composition root: builds the floors bottom-up, runs them, and takes them down in order. Seen only by
//! `main.rs` and the tests.

mod application;
mod data;
mod listen;
mod tls;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use actix::{Actor, Addr, Arbiter};
use actix_web::dev::Server;
pub use data::make_private;
use tokio::{sync::oneshot, time::Instant};

use crate::{
    actors::{
        asks::Writer,
        directory::Directory,
        ended_logins::EndedLogins,
        job::GuestSweep,
        online::Online,
        presence::{CloseAll, CloseBooks, CountDevices, Meet, PresenceSupervisor},
        relay::Relay,
        teller::Teller,
        vital::{Broken, Vital},
        writer::DbWriter,
    },
    auth::{guest::GuestSeats, login::Logins, password::Passwords, ticket::UsedTickets, token::Tokens},
    backplane::{Alone, Backplane, NodeId, Redis},
    config::Config,
    domain::clock::Clock,
    http::{Made, Readiness, Services},
    limits::{Limits, Storage, connections::Connections, failures::Failures, local::Local, shared::Shared},
    metrics::Metrics,
    store::{DatabaseUrl, Failure, Pages, Store},
    wire::close::CloseCode,
};

/// Goodbyes per second when the server stops, so that the devices don't all come back in one moment.
const GOODBYES_PER_SECOND: u32 = 200;

/// Why the server didn't start or didn't go on; one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The data folder or the key in it.
    #[error("{path} can't be used: {source}; set DATA_DIR to a folder that can be written")]
    DataDir {
        /// What couldn't be used.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The database.
    #[error("the database can't be used: {0}; check DATABASE_URL and that the server runs")]
    Database(Failure),
    /// The address.
    #[error("can't listen on {address}: {source}; set {settings}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What says so.
        settings: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The certificate or its key.
    #[error("{path} can't be used: {reason}; set TLS_CERT and TLS_KEY to a certificate chain and its key, in PEM")]
    Tls {
        /// Which file.
        path: String,
        /// Why.
        reason: String,
    },
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl AppError {
    fn other(error: impl std::fmt::Display) -> Self {
        Self::Other(error.to_string())
    }
}

/// A built server, listening but not yet answering.
pub struct App {
    server: Server,
    address: SocketAddr,
    /// The listener for `/metrics`, when it has its own.
    scraped: Option<(Server, SocketAddr)>,
    services: Services,
    broken: Broken,
    arbiters: Vec<Arbiter>,
    shutdown: Duration,
}

impl App {
    /// Builds everything from the bottom up. Must be called inside an actix system.
    ///
    /// # Errors
    /// [`AppError`] when a folder, the database or the address can't be used.
    pub async fn build(config: &Config, clock: Clock) -> Result<Self, AppError> {
        let secret = data::prepare(config)?;
        let metrics = Metrics::new(clock.clone());
        let (vital, broken) = Vital::signs();
        let ended = EndedLogins::new(config.access_life, clock.clone());
        let rooms = Arbiter::new();
        let online = Online::default();
        let node = NodeId::fresh();
        let (backplane, lines) = match config.redis.clone() {
            None => (Backplane::new(node, Alone), None),
            Some(place) => {
                let (redis, lines) = Redis::new(place, node, Arc::clone(&metrics));
                (Backplane::new(node, redis), Some(lines))
            }
        };
        let directory = Directory::new(rooms.handle(), online.clone(), backplane.clone());
        let presence = {
            let (ended, metrics, vital) = (ended.clone(), Arc::clone(&metrics), vital("presence"));
            let (directory, online, clock, backplane) =
                (Arc::clone(&directory), online.clone(), clock.clone(), backplane.clone());
            let (heartbeat, grace) = (config.heartbeat, config.presence_grace);
            let make =
                move || PresenceSupervisor::new(directory, backplane, online, ended, clock, heartbeat, grace, metrics, vital);
            PresenceSupervisor::start_in_arbiter(&rooms.handle(), |_| make())
        };
        let teller = Teller::new(Arc::clone(&directory), presence.clone(), ended.clone(), backplane.clone());
        let database = Arbiter::new();
        let guests =
            GuestSweep { after: config.guests.then_some(config.guest_life), online: online.clone(), clock: clock.clone() };
        // SQLite's file is this process's alone; a PostgreSQL others can write to, whether or not we would hear of it.
        let pages = Arc::new(Pages::new(matches!(config.database, DatabaseUrl::Sqlite(_))));
        let writer = {
            let (teller, metrics, has_others) = (teller.clone(), Arc::clone(&metrics), backplane.has_others());
            let lanes = config.database.lanes(config.pools);
            let (ended, guests, vital, pages) = (ended.clone(), guests.clone(), vital("writer"), Arc::clone(&pages));
            let make = move |store: Store| {
                let store = Arc::new(store.with_pages(pages));
                DbWriter::new(store, lanes, teller, has_others, ended, guests, metrics, vital)
            };
            start_writer(&database, config, clock.clone(), make).await?
        };
        directory.connect(writer.clone().recipient(), presence.clone().recipient(), presence.clone().recipient());
        presence.do_send(Meet(writer.clone()));
        let listener = Relay::new(teller, presence.clone(), writer.clone());
        let writer = Writer::new(writer, guests, Arc::clone(&metrics), pages);
        if !config.guests {
            writer.end_guest_logins().await.map_err(AppError::other)?;
        }
        for login in writer.revoked_logins(ended.relevant_since()).await.map_err(AppError::other)? {
            ended.insert(login);
        }
        let mut arbiters = vec![rooms, database];
        let shared = match lines {
            Some(lines) => {
                let (relay, epoch) = (Arbiter::new(), writer.epoch().await.map_err(AppError::other)?);
                let line = lines.run(&relay.handle(), epoch, Arc::new(listener), vital("relay"));
                // The last to stop: what the others do until then may have to be told.
                arbiters.push(relay);
                Some(line)
            }
            None => None,
        };
        let local = Local::new(&config.quotas, &clock);
        let limits: Arc<dyn Storage> = match shared.clone() {
            Some(line) => Arc::new(Shared::new(line, local, clock.clone(), Arc::clone(&metrics))),
            None => Arc::new(local),
        };
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).div_ceil(2);
        let passwords = Passwords::start(threads).map_err(AppError::other)?;
        let tokens = Tokens::new(secret.as_bytes(), config.access_life, config.refresh_life, clock.clone());
        let tickets = UsedTickets::new(clock.clone(), shared);
        let failures = Failures::new(clock.clone(), config.quotas.auth_per_minute > 0);
        let limits = Limits::new(config.quotas, limits);
        let services = Services {
            logins: Logins::new(writer.clone(), passwords, tokens, tickets, ended, failures, Arc::clone(&metrics)),
            writer,
            presence,
            backplane,
            online,
            guests: config.guests.then(GuestSeats::default),
            directory,
            metrics,
            limits,
            sockets: Connections::new(0, config.max_connections_per_address, Arc::new([])),
            trusted_proxies: config.trusted_proxies.clone().into(),
            clock,
            allowed_origins: config.allowed_origins.clone().into(),
            heartbeat: config.heartbeat,
            forms: Made::default(),
            readiness: Readiness::default(),
        };
        let (server, address) = listen::for_all(config, services.clone(), vital)?;
        let scraped =
            config.metrics_address.map(|address| listen::for_scrapers(config, address, services.clone())).transpose()?;
        Ok(Self { server, address, scraped, services, broken, arbiters, shutdown: config.shutdown })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where `/metrics` is, when it has a listener of its own.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.scraped.as_ref().map(|(_, address)| *address)
    }

    /// What the handlers see; for tests to assert that nothing is left.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Serves until `stop` resolves, then says goodbye in order: no new connections, a close frame for every
    /// device, the writer's queue emptied, the pools closed, and at last no more figures.
    ///
    /// # Errors
    /// When the server ends by itself, or can't be taken down within its time.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), AppError> {
        let Self { server, scraped, services, mut broken, arbiters, shutdown, .. } = self;
        let handle = server.handle();
        let mut serving = actix::spawn(server);
        let scraped = scraped.map(|(server, _)| server);
        let scraped_handle = scraped.as_ref().map(Server::handle);
        let mut scraping = actix::spawn(async {
            match scraped {
                Some(server) => server.await,
                None => std::future::pending().await,
            }
        });
        tokio::select! {
            ended = &mut serving => return ended.map_err(AppError::other)?.map_err(AppError::other),
            ended = &mut scraping => return ended.map_err(AppError::other)?.map_err(AppError::other),
            Some(actor) = broken.recv() => {
                return Err(AppError::Other(format!("the {actor} actor broke; its panic is logged above")));
            }
            () = stop => {}
        }
        let deadline = Instant::now() + shutdown;
        tracing::info!("shutdown.started");
        services.readiness.end();
        handle.pause().await;
        let goodbye = tokio::time::timeout_at(deadline, async {
            close_devices(&services.presence, shutdown / 4).await;
            handle.stop(true).await;
            // By this they tell the writer who was here; what the writer is asked below comes behind it.
            let _ = services.presence.send(CloseBooks).await;
            services.writer.drained().await;
            if let Err(refusal) = services.writer.store_counted().await {
                tracing::warn!(%refusal, "shutdown.counters_not_stored");
            }
            services.writer.close().await;
            services.backplane.drained().await;
        });
        let finished = goodbye.await.is_ok();
        if let Some(handle) = scraped_handle {
            handle.stop(false).await;
        }
        for arbiter in arbiters {
            arbiter.stop();
            // The thread ends when its last task has; a panicked one has been logged.
            drop(arbiter.join());
        }
        if finished {
            tracing::info!("shutdown.finished");
            Ok(())
        } else {
            Err(AppError::Other(format!("not everything could be finished within SHUTDOWN_TIMEOUT ({} s)", shutdown.as_secs())))
        }
    }
}

async fn close_devices(presence: &Addr<PresenceSupervisor>, most: Duration) {
    let count = async || presence.send(CountDevices).await.unwrap_or_default();
    let spread = (Duration::from_secs(1) / GOODBYES_PER_SECOND * count().await as u32).min(most);
    presence.do_send(CloseAll { code: CloseCode::Restarting, spread });
    while count().await > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Opens the store on the writer's own thread (a pool belongs to one runtime) and starts the writer there.
async fn start_writer(
    arbiter: &Arbiter,
    config: &Config,
    clock: Clock,
    make: impl FnOnce(Store) -> DbWriter + Send + 'static,
) -> Result<Addr<DbWriter>, AppError> {
    let (started, outcome) = oneshot::channel();
    let (database, pools) = (config.database.clone(), config.pools);
    arbiter.spawn(async move {
        let writer = Store::connect(&database, pools, clock).await.map(|store| make(store).start());
        // The other end waits below.
        drop(started.send(writer));
    });
    outcome.await.map_err(AppError::other)?.map_err(AppError::Database)
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("address", &self.address).finish_non_exhaustive()
    }
}
