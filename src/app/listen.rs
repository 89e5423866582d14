//! The listening side of HTTP: what each worker serves, and what a connection may cost.

use std::{
    net::{IpAddr, Shutdown, SocketAddr, TcpListener},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use actix_http::{
    HttpServiceBuilder, TlsAcceptorConfig,
    h1::{ExpectHandler, UpgradeHandler},
};
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{
    dev::{Extensions, Server},
    rt::net::{ActixStream, TcpStream},
    web::{self, ServiceConfig},
};
use rustls::ServerConfig;
use socket2::SockRef;

use super::{
    AppError,
    application::{self, Application},
    tls,
};
use crate::{
    actors::{hub::Hub, vital::Vital},
    config::Config,
    http::{self, Services, idle::Idle},
    limits::connections::{Admission, Connections},
    ws,
};

/// How long the kernel keeps trying to hand data to a peer that takes none.
const PEER_PATIENCE: Duration = Duration::from_secs(10);
/// Bytes that the kernel takes for a connection beyond what its peer's window lets it send (man 7 tcp, `TCP_NOTSENT_LOWAT`): by itself it
/// takes 4 MiB for each that doesn't read, beside our own bound. It asks for more once half of them have gone, which is how we know
/// that a slow device takes something.
const UNSENT: u32 = 32 << 10;
/// How long a TLS handshake may take. Until it is done the connection counts for no address.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(5);
/// File descriptors that are left for everything but connections.
const RESERVED: u64 = 256;
/// How long a request's head may take to arrive.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// How long what a client still sends is read and dropped after the last answer: closing at once, with unread bytes
/// waiting, would make the kernel reset the connection, and the answer might never be read.
const DISCONNECT_PATIENCE: Duration = Duration::from_millis(500);
/// How long an idle connection is kept for the next request.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Where to listen, and what says so.
struct Place {
    address: SocketAddr,
    settings: &'static str,
    tls: Option<ServerConfig>,
    workers: usize,
}

/// Opens the port and starts the workers, each with a hub of its own.
pub(super) fn for_all(
    config: &Config,
    services: Services,
    vital: impl Fn(&'static str) -> Vital + Clone + Send + 'static,
) -> Result<(Server, SocketAddr), AppError> {
    let (hubs, metrics) = (Arc::new(AtomicU32::new(0)), Arc::clone(&services.metrics));
    let scraped_here = config.metrics_address.is_none();
    let place = Place {
        address: SocketAddr::new(config.host, config.port),
        settings: "HOST and PORT",
        tls: config.tls.as_ref().map(tls::server_config).transpose()?,
        workers: config.workers,
    };
    listen(config, place, services, move || {
        let hub = Hub::start_here(hubs.fetch_add(1, Ordering::Relaxed), Arc::clone(&metrics), vital("hub"));
        let hub = web::Data::new(hub);
        move |app: &mut ServiceConfig| {
            app.app_data(hub.clone())
                .route("/ws", web::get().to(ws::connect))
                .route(&format!("{}/ws", http::PREFIX), web::get().to(ws::connect))
                .configure(|app| http::routes(app, scraped_here));
        }
    })
}

/// Opens a port for `/metrics` alone.
pub(super) fn for_scrapers(config: &Config, address: SocketAddr, services: Services) -> Result<(Server, SocketAddr), AppError> {
    let place = Place { address, settings: "METRICS_ADDRESS", tls: None, workers: 1 };
    listen(config, place, services, || {
        |app: &mut ServiceConfig| {
            app.configure(http::scraped);
        }
    })
}

/// Listens, with the same bounds whatever is served there; `table` is called on each worker's own thread.
fn listen<T: Fn(&mut ServiceConfig) + Clone + 'static>(
    config: &Config,
    place: Place,
    services: Services,
    table: impl Fn() -> T + Clone + Send + 'static,
) -> Result<(Server, SocketAddr), AppError> {
    let Place { address, settings, tls, workers } = place;
    let failed = |source| AppError::Listen { address, settings, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let proxies = config.trusted_proxies.clone().into();
    let descriptors = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(RESERVED * 2) as usize;
    let most = config.max_connections.min(descriptors.saturating_sub(RESERVED as usize).max(1));
    if most < config.max_connections {
        tracing::warn!(
            most,
            descriptors,
            "listen.fewer_connections: raise the limit of open files (ulimit -n), or lower MAX_CONNECTIONS"
        );
    }
    let connections = Connections::new(most, config.max_connections_per_address, proxies);
    let watched = descriptors.saturating_sub(RESERVED as usize) / 2;
    let server = Server::build()
        .workers(workers)
        // Ours comes first, and answers.
        .max_concurrent_connections(most + 1_024)
        .disable_signals()
        .shutdown_timeout(config.shutdown.as_secs().div_ceil(2));
    let stopping = server.graceful_shutdown_signal();
    let stopped = move || {
        let stopping = stopping.clone();
        async move { stopping.notified().await }
    };
    let prepare = move |stream: &TcpStream, data: &mut Extensions| prepare(stream, data, &connections, watched);
    let server = match tls {
        Some(tls) => server.listen("https", listener, move || {
            let prepare = prepare.clone();
            let http = http_service::<TlsStream<TcpStream>, _>(stopped.clone(), move |tls, data| prepare(tls.get_ref().0, data));
            let acceptor = TlsAcceptorConfig::default().handshake_timeout(HANDSHAKE_PATIENCE);
            application::serve(http, &services, true, table()).rustls_0_23_with_config(tls.clone(), acceptor)
        }),
        None => server.listen("http", listener, move || {
            let http = http_service::<TcpStream, _>(stopped.clone(), prepare.clone());
            application::serve(http, &services, false, table()).tcp()
        }),
    };
    Ok((server.map_err(failed)?.run(), bound))
}

/// How long is waited for what on each connection.
fn http_service<T: ActixStream + 'static, F: Future<Output = ()> + 'static>(
    stopped: impl Fn() -> F + 'static,
    prepare: impl Fn(&T, &mut Extensions) + 'static,
) -> HttpServiceBuilder<T, Application, ExpectHandler, UpgradeHandler> {
    HttpServiceBuilder::default()
        .graceful_shutdown_signal(stopped)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_PATIENCE)
        .client_disconnect_timeout(DISCONNECT_PATIENCE)
        .tcp_nodelay(true)
        .on_connect_ext(prepare)
}

/// Counts a connection; what is far over the bounds is cut off. A watch takes another descriptor, so when there are more
/// than `watched`, newcomers go without: the bounds hold them all the same.
fn prepare(stream: &TcpStream, data: &mut Extensions, connections: &Connections, watched: usize) {
    let socket = SockRef::from(stream);
    if let Err(error) = socket.set_tcp_user_timeout(Some(PEER_PATIENCE)) {
        tracing::warn!(%error, "connection.no_user_timeout");
    }
    if let Err(error) = socket.set_tcp_notsent_lowat(UNSENT) {
        tracing::warn!(%error, "connection.no_unsent_bound");
    }
    let peer: Option<IpAddr> = stream.peer_addr().ok().map(|peer| peer.ip());
    let counted = connections.open(peer);
    if counted.admission == Admission::CutOff {
        // The peer may have gone by itself.
        drop(socket.shutdown(Shutdown::Both));
    } else if connections.count() <= watched {
        match socket.try_clone() {
            Ok(socket) => drop(data.insert(Idle::watch(socket))),
            Err(error) => tracing::warn!(%error, "connection.unwatched"),
        }
    }
    data.insert(Rc::new(counted));
}
