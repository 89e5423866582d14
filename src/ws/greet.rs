//! Whoever comes without a token may be a guest: waits for their `HELLO`, and lets them in.

use std::{rc::Rc, sync::Arc, time::Duration};

use actix_web::web::Data;
use bytes::Bytes;
use futures_util::StreamExt;

use super::{
    session::{Arrival, Came, Session},
    transport::{Frames, LINGER},
    turns::Turns,
};
use crate::{
    actors::{hub::HubHandle, outbox::Outbox},
    auth::guest::{self, GuestSeats, Seat},
    domain::{ids::UserId, refusal::Refusal, text::DisplayName},
    http::Services,
    limits::{Limit, Subject, connections::Connection},
    wire::{
        close::CloseCode,
        dialect::Dialect,
        fastchat::{self, ChatCommand, Code, GuestId, SessionId, Trouble},
        frame,
        inbound::Inbound,
    },
};

/// How long a guest may take to say hello.
const PATIENCE: Duration = Duration::from_secs(5);
/// Tries within that time.
const TRIES: usize = 10;

/// A guest who may come in.
struct Greeted {
    shape: Dialect,
    user_id: UserId,
    name: Arc<str>,
    proof: Arc<str>,
    seat: Seat,
}

/// Waits for a guest, beside the connection's answer.
pub(super) fn guest(
    mut frames: Frames,
    turns: Rc<Turns>,
    outbox: Rc<Outbox>,
    subject: Subject,
    services: Data<Services>,
    hub: HubHandle,
    connection: Connection,
) {
    actix::spawn(async move {
        let greeted = hello(&mut frames, &outbox, subject, &services).await;
        let Some(Greeted { shape, user_id, name, proof, seat }) = greeted else {
            services.metrics.closed(Some(CloseCode::NotAuthenticated));
            return turn_away(frames, &outbox, CloseCode::NotAuthenticated).await;
        };
        let arrival = Arrival { user_id, dialect: shape, came: Came::Guest { name, proof, seat } };
        // If that fails the session has closed the connection.
        let _ = Session::open(arrival, outbox, frames, turns, &services, &hub, connection).await;
    });
}

/// The first frame has to be a `HELLO`; one with broken fields may be mended.
async fn hello(frames: &mut Frames, outbox: &Outbox, subject: Subject, services: &Services) -> Option<Greeted> {
    let seats = services.guests.as_ref()?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    for _ in 0..TRIES {
        let Ok(said) = tokio::time::timeout_at(deadline, frames.next()).await else {
            refuse(outbox, Dialect::Flat, &Trouble::new(Code::HelloTimeout, "No HELLO came in time"));
            return None;
        };
        let text = match said?.ok()? {
            Inbound::Text(text) => text,
            Inbound::Ping(payload) => {
                outbox.answer(&frame::pong(&payload));
                continue;
            }
            Inbound::Pong => continue,
            Inbound::Binary | Inbound::Close => return None,
        };
        let (shape, command) = fastchat::decode(&text);
        let shape = shape.unwrap_or(Dialect::Flat);
        let (display_name, user_id, session_id) = match command {
            Ok(ChatCommand::Hello { display_name, user_id, session_id }) => (display_name, user_id, session_id),
            Err(refusal @ Refusal::Invalid(_)) => {
                refuse(outbox, shape, &Trouble::from_refusal(&refusal));
                continue;
            }
            Err(refusal @ Refusal::Malformed(_)) => {
                refuse(outbox, shape, &Trouble::from_refusal(&refusal));
                return None;
            }
            _ => {
                refuse(outbox, shape, &Trouble::new(Code::HelloRequired, "HELLO must be sent first"));
                return None;
            }
        };
        return match admit(seats, display_name, user_id, session_id, subject, services).await {
            Ok((user_id, name, proof, seat)) => Some(Greeted { shape, user_id, name, proof, seat }),
            Err(refusal) => {
                refuse(outbox, shape, &Trouble::from_refusal(&refusal));
                None
            }
        };
    }
    None
}

async fn admit(
    seats: &GuestSeats,
    name: DisplayName,
    id: Option<GuestId>,
    session: Option<SessionId>,
    subject: Subject,
    services: &Services,
) -> Result<(UserId, Arc<str>, Arc<str>, Seat), Refusal> {
    let user_id = id.map_or_else(UserId::fresh, |GuestId(id)| id);
    let session = session.as_ref().map(|SessionId(session)| session.as_str());
    let proof = guest::proof(user_id, session);
    if services.online.is_taken_elsewhere(user_id, Some(&proof)) {
        return Err(Refusal::NotAuthenticated);
    }
    let seat = seats.take(user_id, session).ok_or(Refusal::NotAuthenticated)?;
    // Making guests is making accounts; coming back isn't.
    if services.writer.display_names(vec![user_id]).await?.is_empty() {
        services.limits.take_one(Limit::Auth, subject).await.map_err(Refusal::RateLimited)?;
    }
    let guest = services.writer.admit_guest(user_id, name, true).await?;
    Ok((user_id, guest.name.into(), proof, seat))
}

fn refuse(outbox: &Outbox, shape: Dialect, trouble: &Trouble) {
    let frame: Bytes = fastchat::error(shape, trouble);
    outbox.answer(&frame);
}

/// Closes, and waits a moment for the peer to hear it.
pub(super) async fn turn_away(mut frames: Frames, outbox: &Outbox, code: CloseCode) {
    outbox.close(code);
    let heard = async {
        while let Some(Ok(Inbound::Text(_) | Inbound::Binary | Inbound::Ping(_) | Inbound::Pong)) = frames.next().await {}
    };
    // Either way the connection ends now.
    let _ = tokio::time::timeout(LINGER, heard).await;
    outbox.end();
}
