//! `/presence/*` and `/ws/status`: who is here. Guests, who have no token, are told of guests alone.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, http::header, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Services, body::Body, client::Client, error::Problem, identity::Identity, limits::by_address, openapi::PRESENCE, query::Query,
};
use crate::{
    actors::presence::HeardOf,
    domain::{
        clock::Timestamp,
        ids::UserId,
        refusal::Refusal,
        text::{DisplayName, Fields},
    },
    limits::Limit,
    wire::fastchat::{GuestId, Person},
};

/// Somebody who is here.
#[derive(Serialize, ToSchema)]
struct Here {
    /// Their id.
    id: UserId,
    /// The same.
    user_id: UserId,
    /// What they are called.
    display_name: String,
    /// When they were last here, which is now.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    last_seen: Timestamp,
    #[schema(examples("online"))]
    status: &'static str,
}

impl Here {
    fn new(id: UserId, display_name: String, now: Timestamp) -> Self {
        Self { id, user_id: id, display_name, last_seen: now, status: "online" }
    }
}

#[derive(Serialize, ToSchema)]
struct OnlineUsers {
    users: Vec<Here>,
    /// How many.
    count: usize,
}

/// Who calls; nobody in particular without a token, where guests are let in.
pub(super) struct Caller(Option<Identity>);

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let services = request.app_data::<web::Data<Services>>();
        if !request.headers().contains_key(header::AUTHORIZATION) && services.is_some_and(|services| services.guests.is_some()) {
            return ready(Ok(Self(None)));
        }
        ready(Identity::from_request(request, payload).into_inner().map(|caller| Self(Some(caller))))
    }
}

/// Who is online.
///
/// With a token: those with whom the caller shares a conversation, and guests. Without one, where guests are let in: guests alone.
#[utoipa::path(
    get,
    path = "/presence/online",
    tag = PRESENCE,
    operation_id = "list_online",
    security((), ("bearer" = [])),
    params(("exclude_user_id" = Option<String>, Query, description = "Not this one.", max_length = 255, pattern = "^[^\\u0000]*$")),
    responses((status = 200, description = "They.", body = OnlineUsers), (status = 401, description = "`not_authenticated`."))
)]
pub(super) async fn online(
    Caller(caller): Caller,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request)?;
    let mut fields = Fields::default();
    let Some(excluded) = fields.check("exclude_user_id", query.text("exclude_user_id", 255)) else {
        return Err(fields.refusal().into());
    };
    let mut people: Vec<(UserId, String)> =
        services.online.guests().into_iter().map(|(user, name)| (user, name.to_string())).collect();
    if let Some(caller) = caller {
        let peers = services.writer.peers(caller.user_id).await?;
        let online = peers.into_iter().filter(|user| services.online.contains(*user));
        let others: Vec<UserId> = online.filter(|user| !people.iter().any(|(guest, _)| guest == user)).collect();
        people.extend(services.writer.display_names(others).await?);
    }
    let excluded = excluded.map(|text| GuestId::of(&text).0);
    people.retain(|(user, _)| Some(*user) != excluded);
    let now = services.clock.now();
    let users: Vec<Here> = people.into_iter().map(|(user, name)| Here::new(user, name, now)).collect();
    Ok(HttpResponse::Ok().json(OnlineUsers { count: users.len(), users }))
}

#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "display_name": "Ann" })))]
pub(super) struct Heartbeat {
    #[schema(value_type = DisplayName)]
    display_name: String,
    /// A guest's id, or any text that stands for one; a new guest without it.
    #[schema(min_length = 1, max_length = 255, pattern = "^[^\\u0000]*$")]
    user_id: Option<String>,
}

/// Say that one is here.
///
/// For those without a socket: they count as online for 90 seconds. Without a token, where guests are let in, it makes a guest, or is
/// one's heartbeat; with one, `user_id` and `display_name` count for nothing.
#[utoipa::path(
    post,
    path = "/presence/heartbeat",
    tag = PRESENCE,
    security((), ("bearer" = [])),
    request_body = Heartbeat,
    responses((status = 200, description = "One is here.", body = Here), (status = 401, description = "`not_authenticated`: also for the id of a member."))
)]
pub(super) async fn heartbeat(
    Caller(caller): Caller,
    request: HttpRequest,
    Body(body): Body<Heartbeat>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::default();
    let name = fields.check("display_name", DisplayName::parse(&body.display_name));
    let id = fields.check("user_id", guest_id(body.user_id.as_deref()));
    let (Some(name), Some(id)) = (name, id) else { return Err(fields.refusal().into()) };
    let (user_id, name, guest, conversations) = match caller {
        Some(Identity { user_id, .. }) => {
            let known = services.writer.display_names(vec![user_id]).await?.pop();
            let (_, name) = known.ok_or(Refusal::NotAuthenticated)?;
            let heads = services.writer.heads(user_id).await?;
            (user_id, name, None, heads.into_iter().map(|head| head.conversation_id).collect())
        }
        None => {
            let id = id.unwrap_or_else(UserId::fresh);
            let name = match services.online.guest_with_device(id) {
                // Somebody who is here is called what they said when they came, and need not be stored once more.
                Some(known) => known,
                None => admit(id, name, &request, &services).await?,
            };
            (id, name.to_string(), Some(name), Vec::new())
        }
    };
    // Whoever asks next who is here is told of this one.
    services.presence.send(HeardOf { user_id, guest, conversations }).await.map_err(|_| Refusal::Unavailable)?;
    Ok(HttpResponse::Ok().json(Here::new(user_id, name, services.clock.now())))
}

/// Making guests is making accounts; coming back isn't.
async fn admit(id: UserId, name: DisplayName, request: &HttpRequest, services: &Services) -> Result<Arc<str>, Refusal> {
    if services.writer.display_names(vec![id]).await?.is_empty() {
        let subject = by_address(Client::of(request));
        services.limits.take_one(Limit::Auth, subject).await.map_err(Refusal::RateLimited)?;
    }
    Ok(services.writer.admit_guest(id, name, !services.online.contains(id)).await?.name.into())
}

fn guest_id(text: Option<&str>) -> Result<Option<UserId>, String> {
    match text {
        Some(text) if text.is_empty() || text.chars().count() > 255 || text.contains('\0') => {
            Err("must be text of 1 to 255 characters, without U+0000".into())
        }
        text => Ok(text.map(|text| GuestId::of(text).0)),
    }
}

/// How many sockets guests have open, and who they are.
#[derive(Serialize, ToSchema)]
struct SocketStatus {
    #[schema(examples("ok"))]
    status: &'static str,
    /// Open sockets of guests.
    active_connections: u32,
    users: Vec<Person>,
    /// How many guests are online.
    count: usize,
}

/// Who of the guests is connected.
#[utoipa::path(
    get,
    path = "/ws/status",
    tag = PRESENCE,
    operation_id = "socket_status",
    security((), ("bearer" = [])),
    responses((status = 200, description = "They.", body = SocketStatus), (status = 401, description = "`not_authenticated`."))
)]
pub(super) async fn status(_: Caller, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let person = |(user_id, name): (UserId, Arc<str>)| Person { user_id, display_name: name.to_string(), online: true };
    let users: Vec<Person> = services.online.guests().into_iter().map(person).collect();
    let active_connections = services.online.guest_devices();
    Ok(HttpResponse::Ok().json(SocketStatus { status: "ok", active_connections, count: users.len(), users }))
}
