//! The socket edge. Admission is here: origin, handshake, token; then a session takes over.

mod allowance;
mod dispatch;
mod session;
mod transport;
mod turns;

use std::{rc::Rc, time::Instant};

use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use actix_web_actors::ws;
use futures_util::StreamExt;

use self::{
    session::Session,
    transport::{Frames, Inbound, LINGER, OutboxBody},
    turns::Turns,
};
use crate::{
    actors::{hub::HubHandle, outbox::Outbox},
    auth::token::Claims,
    domain::refusal::Refusal,
    http::{
        Services,
        client::Client,
        error::Problem,
        idle::Idle,
        limits::{Counted, REQUESTS, by_address},
        origin,
    },
    limits::{Subject, connections::Admission},
    wire::close::CloseCode,
};

/// `GET /ws`: admits a device. Without a good token the upgrade still completes, and the socket is closed
/// with 1008: only so can a browser tell why.
///
/// # Errors
/// 403 for a page of a foreign origin; 400 when it isn't a WebSocket handshake; 429 when the caller comes too often or has too
/// many sockets open; 503 while the database can't say
/// to which rooms the device belongs.
pub async fn connect(
    request: HttpRequest,
    payload: web::Payload,
    services: web::Data<Services>,
    hub: web::Data<HubHandle>,
) -> Result<HttpResponse, actix_web::Error> {
    if !origin::is_allowed(&request, &services.allowed_origins) {
        return Err(Problem(Refusal::ForeignOrigin).into());
    }
    let mut response = ws::handshake(&request)?;
    let client = Client::of(&request);
    let connection = services.sockets.open(client.address);
    if connection.admission != Admission::Admitted {
        return Err(Problem(Refusal::TooManyConnections).into());
    }
    let claims = authenticate(&request, &services);
    let subject = claims.as_ref().map_or_else(|_| by_address(client), |claims| Subject::User(claims.sub));
    let standings = services.limits.take(REQUESTS, subject).await;
    let refused = standings.last().and_then(|last| Some((last.limit, last.wait?)));
    request.extensions_mut().insert(Counted(standings));
    if let Some((limit, wait)) = refused {
        services.metrics.limited(limit.name());
        return Err(Problem(Refusal::RateLimited(wait)).into());
    }
    let outbox = Rc::new(Outbox::new(Instant::now()));
    match claims.and_then(|claims| services.logins.redeem(claims)) {
        Ok(claims) => {
            let turns = Rc::new(Turns::default());
            let frames = Frames::new(payload, Rc::clone(&turns));
            let session = Session::open(claims, Rc::clone(&outbox), frames, turns, &services, &hub, connection);
            session.await.map_err(Problem)?;
            if let Some(idle) = request.conn_data::<Idle>() {
                idle.release();
            }
        }
        Err(_) => {
            services.metrics.closed(Some(CloseCode::NotAuthenticated));
            turn_away(payload, Rc::clone(&outbox));
        }
    }
    Ok(response.streaming(OutboxBody(outbox)))
}

/// The ticket, or the token from where existing clients put it (`?token=`) or from the header.
fn authenticate(request: &HttpRequest, services: &Services) -> Result<Claims, Refusal> {
    #[derive(serde::Deserialize)]
    struct Query {
        token: Option<String>,
        ticket: Option<String>,
    }
    let header = crate::http::identity::bearer(request);
    let query = web::Query::<Query>::from_query(request.query_string()).map_err(|_| Refusal::NotAuthenticated)?.into_inner();
    if let Some(ticket) = query.ticket {
        return services.logins.read_ticket(&ticket);
    }
    let token = query.token.or_else(|| header.map(str::to_owned)).ok_or(Refusal::NotAuthenticated)?;
    services.logins.authenticate(&token)
}

/// Closes with 1008, and waits a moment for the peer to hear it.
fn turn_away(payload: web::Payload, outbox: Rc<Outbox>) {
    outbox.close(CloseCode::NotAuthenticated);
    let mut frames = Frames::new(payload, Rc::default());
    actix::spawn(async move {
        let heard = async {
            while let Some(Ok(Inbound::Text(_) | Inbound::Binary | Inbound::Ping(_) | Inbound::Pong)) = frames.next().await {}
        };
        // Either way the connection ends now.
        let _ = tokio::time::timeout(LINGER, heard).await;
        outbox.end();
    });
}
