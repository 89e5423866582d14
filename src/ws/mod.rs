//! The socket edge. Admission is here: origin, handshake, token; then a session takes over.

mod allowance;
mod chat;
mod dispatch;
mod greet;
mod pipe;
mod resume;
mod session;
mod transport;
mod turns;
pub mod upgrade;

use std::{rc::Rc, time::Instant};

use actix_web::{HttpMessage, HttpRequest, HttpResponse, http::header, web};
use actix_web_actors::ws;

use self::{
    pipe::Pipe,
    session::{Arrival, Came, Session},
    transport::Frames,
    turns::Turns,
    upgrade::{Admitted, Upgradable},
};
use crate::{
    actors::{
        hub::HubHandle,
        outbox::{Outbox, Outlet},
    },
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
    wire::{close::CloseCode, dialect::Dialect, pneumatic::v2},
};

/// `GET /ws`: admits a device. Without a good token the upgrade still completes, and the socket is closed
/// with 1008: only so can a browser tell why. Without any, it may be a guest.
///
/// # Errors
/// 403 for a page of a foreign origin; 400 when it isn't a WebSocket handshake; 429 when the caller comes too often or has too
/// many sockets open; 503 while the database can't say
/// to which rooms the device belongs.
pub async fn connect(
    request: HttpRequest,
    services: web::Data<Services>,
    hub: web::Data<HubHandle>,
) -> Result<HttpResponse, actix_web::Error> {
    if !origin::is_allowed(&request, &services.allowed_origins) {
        return Err(Problem(Refusal::ForeignOrigin).into());
    }
    let mut response = ws::handshake(&request)?;
    if request.extensions().get::<Upgradable>().is_none() {
        return Err(ws::HandshakeError::NoConnectionUpgrade.into());
    }
    let dialect = if asks_for_v2(&request) { Dialect::V2 } else { Dialect::V1 };
    if dialect == Dialect::V2 {
        response.insert_header((header::SEC_WEBSOCKET_PROTOCOL, v2::SUBPROTOCOL));
    }
    let client = Client::of(&request);
    let connection = services.sockets.open(client.address);
    if connection.admission != Admission::Admitted {
        return Err(Problem(Refusal::TooManyConnections).into());
    }
    let shown = shown(&request, &services);
    let subject = match &shown {
        Shown::Good(claims) => Subject::User(claims.sub),
        Shown::Nothing | Shown::Bad => by_address(client),
    };
    let standings = services.limits.take(REQUESTS, subject).await;
    let refused = standings.last().and_then(|last| Some((last.limit, last.wait?)));
    request.extensions_mut().insert(Counted(standings));
    if let Some((limit, wait)) = refused {
        services.metrics.limited(limit.name());
        return Err(Problem(Refusal::RateLimited(wait)).into());
    }
    let pipe = Rc::new(Pipe::default());
    let outbox = Rc::new(Outbox::new(Rc::clone(&pipe) as Rc<dyn Outlet>, Instant::now()));
    // Whatever becomes of the request, the device doesn't outlive its connection.
    let admitted = Admitted { pipe: Rc::clone(&pipe), outbox: Rc::clone(&outbox) };
    let turns = Rc::new(Turns::default());
    let frames = Frames::new(pipe, Rc::clone(&turns));
    let is_guest = matches!(shown, Shown::Nothing);
    let claims = match shown {
        Shown::Good(claims) => services.logins.redeem(claims).await.ok(),
        Shown::Nothing | Shown::Bad => None,
    };
    match claims {
        Some(claims) => {
            let arrival = Arrival { user_id: claims.sub, dialect, came: Came::Login(claims) };
            let session = Session::open(arrival, Rc::clone(&outbox), frames, turns, &services, &hub, connection);
            session.await.map_err(Problem)?;
            release(&request);
        }
        None if is_guest && dialect == Dialect::V1 && services.guests.is_some() => {
            let (services, hub) = (services.clone(), HubHandle::clone(&hub));
            greet::guest(frames, turns, Rc::clone(&outbox), subject, services, hub, connection);
            release(&request);
        }
        None => {
            services.metrics.closed(Some(CloseCode::NotAuthenticated));
            let outbox = Rc::clone(&outbox);
            actix::spawn(async move { greet::turn_away(frames, &outbox, CloseCode::NotAuthenticated).await });
        }
    }
    request.extensions_mut().insert(admitted);
    Ok(response.finish())
}

/// From here on the session watches over the connection.
fn release(request: &HttpRequest) {
    if let Some(idle) = request.conn_data::<Idle>() {
        idle.release();
    }
}

/// RFC 6455, section 11.3.4: a list, in one header or several.
fn asks_for_v2(request: &HttpRequest) -> bool {
    let lists = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|protocol| protocol.trim() == v2::SUBPROTOCOL)
}

/// What a caller shows for themselves.
enum Shown {
    Nothing,
    Bad,
    Good(Claims),
}

/// The ticket, or the token from where existing clients put it (`?token=`) or from the header.
fn shown(request: &HttpRequest, services: &Services) -> Shown {
    #[derive(serde::Deserialize)]
    struct Query {
        token: Option<String>,
        ticket: Option<String>,
    }
    let header = crate::http::identity::bearer(request);
    let Ok(query) = web::Query::<Query>::from_query(request.query_string()) else { return Shown::Bad };
    let Query { token, ticket } = query.into_inner();
    let claims = match (ticket, token.or_else(|| header.map(str::to_owned))) {
        (Some(ticket), _) => services.logins.read_ticket(&ticket),
        (None, Some(token)) => services.logins.authenticate(&token),
        (None, None) => return Shown::Nothing,
    };
    claims.map_or(Shown::Bad, Shown::Good)
}
