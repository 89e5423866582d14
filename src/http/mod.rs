//! The HTTP edge: the whole URL table in one place.

mod account;
mod admin;
mod auth;
mod body;
pub mod client;
mod conversations;
mod counters;
mod docs;
pub mod error;
mod forms;
mod health;
pub mod identity;
pub mod idle;
pub mod limits;
mod membership;
mod messages;
mod metrics;
mod middleware;
mod openapi;
pub mod origin;
mod page;
mod pages;
mod presence;
mod query;
mod security;
mod table;
mod users;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix::Addr;
use actix_web::{
    HttpResponse,
    web::{ServiceConfig, scope, to},
};
pub use forms::Made;
use ipnet::IpNet;
pub use limits::rate_limit;
pub use middleware::request_scope;
pub use table::Line;

use crate::{
    actors::{asks::Writer, directory::Directory, online::Online, presence::PresenceSupervisor},
    auth::{guest::GuestSeats, login::Logins},
    backplane::Backplane,
    domain::{clock::Clock, refusal::Refusal},
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
    /// The way to other nodes.
    pub backplane: Backplane,
    /// Who is online.
    pub online: Online,
    /// Which guests' ids are in use; none: there are no guests.
    pub guests: Option<GuestSeats>,
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
    /// The forms of our own pages.
    pub forms: Made,
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

table::url_table! {
    POST "/auth/signup" => auth::sign_up;
    POST "/auth/login" => auth::log_in;
    POST "/auth/guest" => auth::enter_as_guest;
    GET "/auth/options" => auth::options;
    POST "/auth/refresh" => auth::refresh;
    POST "/auth/logout" => auth::log_out;
    GET "/auth/me" => account::me;
    PATCH "/auth/me" => account::rename;
    GET "/auth/sessions" => account::sessions;
    DELETE "/auth/sessions/{id}" => account::end_session;
    POST "/auth/password" => account::change_password;
    POST "/auth/ws-ticket" => account::ws_ticket;
    GET "/admin/audit" => admin::audit;
    GET "/users" => users::list;
    GET "/users/{id}" => users::one;
    GET "/conversations" => conversations::list;
    POST "/conversations" => conversations::start;
    GET "/conversations/{id}" => conversations::one;
    PATCH "/conversations/{id}" => membership::rename;
    POST "/conversations/{id}/members" => membership::add;
    DELETE "/conversations/{id}/members/{user_id}" => membership::remove;
    GET "/conversations/{id}/messages" => conversations::history;
    PUT "/conversations/{id}/read" => conversations::mark_read;
    POST "/messages" => messages::send;
    GET "/presence/online" => presence::online;
    POST "/presence/heartbeat" => presence::heartbeat;
    GET "/ws/status" => presence::status;
    GET, HEAD "/health" => health::health;
    GET, HEAD "/health/db" => health::database;
    GET, HEAD "/ready" => health::ready;
    GET "/metrics" => metrics::scrape;
    GET "/metrics/" => counters::overview;
    GET "/metrics/user/{id}" => counters::user;
    GET "/metrics/hourly" => counters::hourly;
    GET "/metrics/daily" => counters::daily;
    POST "/metrics/reset" => counters::reset;
    GET, HEAD "/docs" => docs::page;
    GET "/docs/{file}" => docs::asset;
    GET, HEAD "/openapi.json" => docs::openapi;
    GET, HEAD "/asyncapi.json" => docs::sockets;
}

fn described() -> utoipa::openapi::OpenApi {
    <Described as utoipa::OpenApi>::openapi()
}

/// Where the same paths exist once more.
pub const PREFIX: &str = "/api/v1";

/// What scrapers ask, which may have a listener of its own.
const SCRAPED: &str = "/metrics";

/// The URL table, twice, but for `/ws`, which stands in [`crate::app`]: the socket edge builds on this one; and for
/// `/metrics`, unless it is `scraped_here`. What isn't in it is looked for among the pages, which exist at the root alone.
pub fn routes(app: &mut ServiceConfig, scraped_here: bool) {
    let here = |line: &Line| scraped_here || line.path != SCRAPED;
    let versioned = scope(PREFIX).configure(|app| table::register(TABLE, here, app)).default_service(to(nothing));
    app.service(versioned);
    table::register(TABLE, here, app);
    app.default_service(to(pages::serve));
}

/// `/metrics` and nothing else.
pub fn scraped(app: &mut ServiceConfig) {
    table::register(TABLE, |line| line.path == SCRAPED, app);
}

async fn nothing() -> Result<HttpResponse, error::Problem> {
    Err(Refusal::NotFound.into())
}
