//! The composition root: builds the floors bottom-up, runs them, and takes them down in order. Seen only by
//! `main.rs` and the tests.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use actix::{Actor, Addr, Arbiter};
use actix_web::{
    App as WebApp, HttpServer,
    dev::Server,
    middleware::from_fn,
    rt::net::TcpStream,
    web::{self, ServiceConfig},
};
use tokio::{sync::oneshot, time::Instant};

use crate::{
    actors::{
        asks::Writer,
        directory::Directory,
        ended_logins::EndedLogins,
        hub::Hub,
        presence::{CloseAll, CountDevices, PresenceSupervisor},
        vital::{Broken, Vital},
        writer::DbWriter,
    },
    auth::{login::Logins, password::Passwords, token::Tokens},
    config::Config,
    domain::clock::Clock,
    http::{self, Readiness, Services},
    metrics::Metrics,
    store::{DatabaseUrl, Failure, Store},
    wire::close::CloseCode,
    ws,
};

/// How long the kernel keeps trying to hand data to a peer that takes none.
const PEER_PATIENCE: Duration = Duration::from_secs(10);
/// How long a request's head may take to arrive.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// How long what a client still sends is read and dropped after the last answer: closing at once, with unread bytes
/// waiting, would make the kernel reset the connection, and the answer might never be read.
const DISCONNECT_PATIENCE: Duration = Duration::from_millis(500);
/// How long an idle connection is kept for the next request.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
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
        let secret = prepare_data(config)?;
        let metrics = Metrics::new(clock.clone());
        let (vital, broken) = Vital::signs();
        let ended = EndedLogins::new(config.access_life, clock.clone());
        let rooms = Arbiter::new();
        let directory = Directory::new(rooms.handle());
        let presence = {
            let (ended, metrics, vital) = (ended.clone(), Arc::clone(&metrics), vital("presence"));
            let heartbeat = config.heartbeat;
            let make = move || PresenceSupervisor::new(ended, heartbeat, metrics, vital);
            PresenceSupervisor::start_in_arbiter(&rooms.handle(), |_| make())
        };
        let database = Arbiter::new();
        let writer = {
            let (directory, presence, metrics) = (Arc::clone(&directory), presence.clone(), Arc::clone(&metrics));
            let (lanes, ended, vital) = (config.database.lanes(), ended.clone(), vital("writer"));
            let make = move |store| DbWriter::new(store, lanes, directory, presence, ended, metrics, vital);
            start_writer(&database, config.database.clone(), clock.clone(), make).await?
        };
        directory.connect(writer.clone().recipient(), presence.clone().recipient());
        let writer = Writer::new(writer, Arc::clone(&metrics));
        for login in writer.revoked_logins(ended.relevant_since()).await.map_err(AppError::other)? {
            ended.insert(login);
        }
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).div_ceil(2);
        let passwords = Passwords::start(threads).map_err(AppError::other)?;
        let tokens = Tokens::new(secret.as_bytes(), config.access_life, config.refresh_life, clock);
        let services = Services {
            logins: Logins::new(writer.clone(), passwords, tokens, ended, Arc::clone(&metrics)),
            writer,
            presence,
            directory,
            metrics,
            allowed_origins: config.allowed_origins.clone().into(),
            heartbeat: config.heartbeat,
            readiness: Readiness::default(),
        };
        let (server, address) = listen_for_all(config, services.clone(), vital)?;
        let scraped = config.metrics_address.map(|address| listen_for_scrapers(config, address, services.clone())).transpose()?;
        Ok(Self { server, address, scraped, services, broken, arbiters: vec![rooms, database], shutdown: config.shutdown })
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
            services.writer.drained().await;
            if let Err(refusal) = services.writer.store_counted().await {
                tracing::warn!(%refusal, "shutdown.counters_not_stored");
            }
            services.writer.close().await;
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
    database: DatabaseUrl,
    clock: Clock,
    make: impl FnOnce(Arc<Store>) -> DbWriter + Send + 'static,
) -> Result<Addr<DbWriter>, AppError> {
    let (started, outcome) = oneshot::channel();
    arbiter.spawn(async move {
        let writer = Store::connect(&database, clock).await.map(|store| make(Arc::new(store)).start());
        // The other end waits below.
        drop(started.send(writer));
    });
    outcome.await.map_err(AppError::other)?.map_err(AppError::Database)
}

fn listen_for_all(
    config: &Config,
    services: Services,
    vital: impl Fn(&'static str) -> Vital + Clone + Send + 'static,
) -> Result<(Server, SocketAddr), AppError> {
    let hubs = Arc::new(AtomicU32::new(0));
    let metrics = Arc::clone(&services.metrics);
    let scraped_here = config.metrics_address.is_none();
    let table = move |app: &mut ServiceConfig| {
        let hub = Hub::start_here(hubs.fetch_add(1, Ordering::Relaxed), Arc::clone(&metrics), vital("hub"));
        app.app_data(web::Data::new(hub)).route("/ws", web::get().to(ws::connect)).configure(http::routes);
        if scraped_here {
            app.configure(http::scraped);
        }
    };
    let address = SocketAddr::new(config.host, config.port);
    listen(config, (address, "HOST and PORT"), config.workers, services, table)
}

fn listen_for_scrapers(config: &Config, address: SocketAddr, services: Services) -> Result<(Server, SocketAddr), AppError> {
    listen(config, (address, "METRICS_ADDRESS"), 1, services, |app: &mut ServiceConfig| {
        app.configure(http::scraped);
    })
}

/// Listens, with the same limits whatever is served there; `table` is called on each worker's own thread.
fn listen(
    config: &Config,
    (address, settings): (SocketAddr, &'static str),
    workers: usize,
    services: Services,
    table: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> Result<(Server, SocketAddr), AppError> {
    let failed = |source| AppError::Listen { address, settings, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let server = HttpServer::new(move || {
        WebApp::new().app_data(web::Data::new(services.clone())).wrap(from_fn(http::request_scope)).configure(|app| table(app))
    })
    .workers(workers)
    .tcp_nodelay(true)
    .client_request_timeout(HEAD_PATIENCE)
    .client_disconnect_timeout(DISCONNECT_PATIENCE)
    .keep_alive(KEEP_ALIVE)
    .on_connect(|connection, _| {
        if let Some(stream) = connection.downcast_ref::<TcpStream>() {
            let patience = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(PEER_PATIENCE));
            if let Err(error) = patience {
                tracing::warn!(%error, "connection.no_user_timeout");
            }
        }
    })
    .disable_signals()
    .shutdown_timeout(config.shutdown.as_secs().div_ceil(2))
    .listen(listener)
    .map_err(failed)?
    .run();
    Ok((server, bound))
}

/// Makes the data folder where it is needed, and returns the signing key.
fn prepare_data(config: &Config) -> Result<String, AppError> {
    let failed = |path: &Path, source| AppError::DataDir { path: path.display().to_string(), source };
    if let DatabaseUrl::Sqlite(file) = &config.database
        && let Some(folder) = file.parent()
    {
        make_private(folder).map_err(|error| failed(folder, error))?;
    }
    if let Some(key) = &config.secret_key {
        return Ok(key.clone());
    }
    make_private(&config.data_dir).map_err(|error| failed(&config.data_dir, error))?;
    let path = config.data_dir.join("secret.key");
    keep_key(&path).map_err(|error| failed(&path, error))
}

/// Makes a folder that only its owner can look into; one that exists stays as it is.
pub fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The key in the file; a random one is put there first if there is none. Whoever looks at the file at any moment
/// sees no key or a whole one: it is linked to its name when it has been written.
fn keep_key(path: &Path) -> io::Result<String> {
    if !path.exists() {
        let fresh = path.with_extension(uuid::Uuid::new_v4().simple().to_string());
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        write!(file, "{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())?;
        file.sync_all()?;
        let linked = fs::hard_link(&fresh, path);
        fs::remove_file(&fresh)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    let key = fs::read_to_string(path)?;
    if key.len() < 32 {
        return Err(io::Error::other("it holds no key; delete it, and a new one is made"));
    }
    Ok(key)
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("address", &self.address).finish_non_exhaustive()
    }
}
