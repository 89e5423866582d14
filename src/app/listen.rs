//! The listening side of HTTP: what each worker serves, and what a connection may cost.

use std::{
    any::Any,
    net::{IpAddr, Shutdown, SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use actix_cors::Cors;
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{
    App as WebApp, HttpServer,
    dev::{Extensions, Server},
    http::{Method, header},
    middleware::from_fn,
    rt::net::TcpStream,
    web::{self, ServiceConfig},
};
use rustls::ServerConfig;
use socket2::SockRef;

use super::{AppError, tls};
use crate::{
    actors::{hub::Hub, vital::Vital},
    config::Config,
    http::{self, Services, idle::Idle},
    limits::connections::{Admission, Connections},
    ws,
};

/// How long the kernel keeps trying to hand data to a peer that takes none.
const PEER_PATIENCE: Duration = Duration::from_secs(10);
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
/// How long a browser may go by what it was told about another origin's calls.
const PREFLIGHT_LIFE: usize = 600;

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
    listen(config, place, services, move |app: &mut ServiceConfig| {
        let hub = Hub::start_here(hubs.fetch_add(1, Ordering::Relaxed), Arc::clone(&metrics), vital("hub"));
        app.app_data(web::Data::new(hub))
            .route("/ws", web::get().to(ws::connect))
            .route(&format!("{}/ws", http::PREFIX), web::get().to(ws::connect))
            .configure(|app| http::routes(app, scraped_here));
    })
}

/// Opens a port for `/metrics` alone.
pub(super) fn for_scrapers(config: &Config, address: SocketAddr, services: Services) -> Result<(Server, SocketAddr), AppError> {
    let place = Place { address, settings: "METRICS_ADDRESS", tls: None, workers: 1 };
    listen(config, place, services, |app: &mut ServiceConfig| {
        app.configure(http::scraped);
    })
}

/// Listens, with the same bounds whatever is served there; `table` is called on each worker's own thread.
fn listen(
    config: &Config,
    place: Place,
    services: Services,
    table: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
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
    let server = HttpServer::new(move || {
        WebApp::new()
            .app_data(web::Data::new(services.clone()))
            .wrap(from_fn(http::rate_limit))
            .wrap(cors(&services.allowed_origins))
            .wrap(from_fn(http::request_scope))
            .configure(|app| table(app))
    })
    .workers(workers)
    // Ours comes first, and answers.
    .max_connections(most + 1_024)
    .tcp_nodelay(true)
    .client_request_timeout(HEAD_PATIENCE)
    .client_disconnect_timeout(DISCONNECT_PATIENCE)
    .keep_alive(KEEP_ALIVE)
    .tls_handshake_timeout(HANDSHAKE_PATIENCE)
    .on_connect(move |connection, data| prepare(connection, data, &connections, watched))
    .disable_signals()
    .shutdown_timeout(config.shutdown.as_secs().div_ceil(2));
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls),
        None => server.listen(listener),
    };
    Ok((server.map_err(failed)?.run(), bound))
}

/// Pages of the allowed origins may call us with a token; cookies are for our own alone.
fn cors(origins: &[String]) -> Cors {
    let names = ["idempotency-key", "x-request-id", "traceparent", "tracestate"];
    let shown = ["x-request-id", "retry-after", "ratelimit", "ratelimit-policy", "traceresponse"];
    let limits = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT])
        .allowed_headers(names)
        .expose_headers(shown.into_iter().chain(limits))
        .max_age(PREFLIGHT_LIFE);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// Counts a connection; what is far over the bounds is cut off. A watch takes another descriptor, so when there are more
/// than `watched`, newcomers go without: the bounds hold them all the same.
fn prepare(connection: &dyn Any, data: &mut Extensions, connections: &Connections, watched: usize) {
    let plain = connection.downcast_ref::<TcpStream>();
    let Some(stream) = plain.or_else(|| connection.downcast_ref::<TlsStream<TcpStream>>().map(|tls| tls.get_ref().0)) else {
        return;
    };
    let socket = SockRef::from(stream);
    if let Err(error) = socket.set_tcp_user_timeout(Some(PEER_PATIENCE)) {
        tracing::warn!(%error, "connection.no_user_timeout");
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
    data.insert(counted);
}
