//! The HTTP edge: the whole URL table in one place.

mod admin;
mod auth;
mod body;
pub mod client;
mod conversations;
mod counters;
pub mod error;
mod health;
pub mod identity;
pub mod limits;
mod messages;
mod metrics;
mod middleware;
pub mod origin;
mod pages;
mod query;
mod security;
mod users;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix::Addr;
use actix_web::web::{ServiceConfig, delete, get, head, post, put, resource, to};
use ipnet::IpNet;
pub use limits::rate_limit;
pub use metrics::scraped;
pub use middleware::request_scope;

use crate::{
    actors::{asks::Writer, directory::Directory, presence::PresenceSupervisor},
    auth::login::Logins,
    domain::clock::Clock,
    limits::{Limits, connections::Connections},
    metrics::Metrics,
};

/// What handlers need, handed to every worker.
#[derive(Clone, Debug)]
pub struct Services {
    /// Asks of the database.
    pub writer: Writer,
    /// Signing up and in and out.
    pub logins: Logins,
    /// Who is connected.
    pub presence: Addr<PresenceSupervisor>,
    /// Where the rooms are.
    pub directory: Arc<Directory>,
    /// What operators watch.
    pub metrics: Arc<Metrics>,
    /// How much a client may ask.
    pub limits: Limits,
    /// How many sockets each client has open.
    pub sockets: Connections,
    /// Who is believed when he says for whom he calls.
    pub trusted_proxies: Arc<[IpNet]>,
    /// What time it is.
    pub clock: Clock,
    /// Origins other than our own whose pages may open a socket.
    pub allowed_origins: Arc<[String]>,
    /// After how long a silent device is given up.
    pub heartbeat: Duration,
    /// Whether the server takes new work.
    pub readiness: Readiness,
}

/// Whether the server takes new work; false from the moment it is asked to stop.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// The server is asked to stop.
    pub fn end(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it hasn't been.
    pub fn is_ready(&self) -> bool {
        !self.0.load(Ordering::Acquire)
    }
}

/// The URL table, but for `/ws`, which stands in [`crate::app`]: the socket edge builds on this one; and for `/metrics`
/// ([`scraped`]), which may have a listener of its own. What isn't in it is looked for among the pages.
pub fn routes(app: &mut ServiceConfig) {
    app.service(resource("/auth/signup").route(post().to(auth::sign_up)))
        .service(resource("/auth/login").route(post().to(auth::log_in)))
        .service(resource("/auth/refresh").route(post().to(auth::refresh)))
        .service(resource("/auth/logout").route(post().to(auth::log_out)))
        .service(resource("/auth/me").route(get().to(auth::me)))
        .service(resource("/auth/sessions").route(get().to(auth::sessions)))
        .service(resource("/auth/sessions/{id}").route(delete().to(auth::end_session)))
        .service(resource("/auth/password").route(post().to(auth::change_password)))
        .service(resource("/auth/ws-ticket").route(post().to(auth::ws_ticket)))
        .service(resource("/admin/audit").route(get().to(admin::audit)))
        .service(resource("/users").route(get().to(users::list)))
        .service(resource("/conversations").route(get().to(conversations::list)).route(post().to(conversations::start)))
        .service(resource("/conversations/{id}/messages").route(get().to(conversations::history)))
        .service(resource("/conversations/{id}/read").route(put().to(conversations::mark_read)))
        .service(resource("/messages").route(post().to(messages::send)))
        .service(resource("/health").route(get().to(health::health)).route(head().to(health::health)))
        .service(resource("/ready").route(get().to(health::ready)).route(head().to(health::ready)))
        .service(resource("/metrics/").route(get().to(counters::overview)))
        .service(resource("/metrics/user/{id}").route(get().to(counters::user)))
        .service(resource("/metrics/hourly").route(get().to(counters::hourly)))
        .service(resource("/metrics/daily").route(get().to(counters::daily)))
        .service(resource("/metrics/reset").route(post().to(counters::reset)))
        .default_service(to(pages::serve));
}
