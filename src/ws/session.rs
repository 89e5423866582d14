//! One device's connection. A plain actor, not a `WebsocketContext`: that one freezes while its client doesn't
//! read. What goes out goes through the outbox.

use std::{
    cell::Cell,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, Recipient, StreamHandler, WrapFuture};
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

use super::{
    allowance::Allowance,
    chat::Chat,
    dispatch::Dispatch,
    transport::{Frames, LINGER},
    turns::{Turn, Turns},
};
use crate::{
    actors::{
        asks::Writer,
        catching_up::Welcome,
        device::{Device, GoodLogin, GuestDevice, Holder, Invited, Joined, Kick},
        hub::HubHandle,
        outbox::Outbox,
        presence::{Alive, Connected, Entered, Gone, PresenceSupervisor},
    },
    auth::{guest::Seat, token::Claims},
    domain::{conversation::Head, ids::UserId, refusal::Refusal},
    http::Services,
    limits::connections::Connection,
    metrics::{ActiveConnection, FrameKind},
    wire::{
        close::CloseCode,
        dialect::Dialect,
        frame,
        inbound::Inbound,
        pneumatic::{About, v2},
    },
};

/// Signs of life asked for within one heartbeat timeout.
const PINGS_PER_TIMEOUT: u32 = 3;

/// Somebody who may come in.
pub(super) struct Arrival {
    pub(super) user_id: UserId,
    pub(super) dialect: Dialect,
    pub(super) came: Came,
}

/// How they came.
pub(super) enum Came {
    Login(Claims),
    Guest { name: Arc<str>, proof: Arc<str>, seat: Seat },
}

/// The actor.
pub(super) struct Session {
    device: Arc<Device>,
    outbox: Rc<Outbox>,
    hub: HubHandle,
    writer: Writer,
    presence: Addr<PresenceSupervisor>,
    dispatch: Rc<Dispatch>,
    /// A guest's.
    chat: Option<Rc<Chat>>,
    heartbeat: Duration,
    heard_at: Instant,
    closing: bool,
    /// Held until the device is in its rooms: none of its commands is read before.
    entering: Option<Entering>,
    _counted: (ActiveConnection, Connection),
    _seat: Option<Seat>,
}

/// The way into the rooms.
struct Entering {
    turn: Turn,
    entered: oneshot::Sender<Result<(), Refusal>>,
    /// The request that waits for it.
    handshake: Span,
}

impl Session {
    /// Starts the session of an admitted device. Resolves once the device is in its rooms: whoever has seen the
    /// handshake's answer hears everything that is committed from then on.
    ///
    /// # Errors
    /// [`Refusal::Busy`], [`Refusal::Unavailable`]; then there is no session.
    pub(super) async fn open(
        arrival: Arrival,
        outbox: Rc<Outbox>,
        frames: Frames,
        turns: Rc<Turns>,
        services: &Services,
        hub: &HubHandle,
        connection: Connection,
    ) -> Result<(), Refusal> {
        let (entered, has_entered) = oneshot::channel();
        let Arrival { user_id, dialect, came } = arrival;
        Self::create(|ctx| {
            ctx.add_stream(frames);
            let kick: Recipient<Kick> = ctx.address().recipient();
            outbox.belongs_to(kick.clone());
            let (holder, seat) = match came {
                Came::Login(claims) => (Holder::Member(GoodLogin { id: claims.sid, until: claims.expires_at() }), None),
                Came::Guest { name, proof, seat } => {
                    (Holder::Guest(GuestDevice { name, proof, invited: ctx.address().recipient() }), Some(seat))
                }
            };
            let device = Arc::new(Device {
                key: hub.outboxes.borrow_mut().register(Rc::clone(&outbox), user_id, dialect),
                user_id,
                dialect,
                holder,
                hub: hub.hub.clone(),
                kick,
                directory: Arc::clone(&services.directory),
                joined: Joined::default(),
            });
            let entering = Some(Entering { turn: turns.take_all(), entered, handshake: Span::current() });
            let writer = services.writer.clone();
            let dispatch = Rc::new(Dispatch {
                device: Arc::clone(&device),
                writer: writer.clone(),
                outbox: Rc::clone(&outbox),
                turns,
                allowance: Allowance::new(services.limits.clone(), user_id),
                online: services.online.clone(),
                clock: services.clock.clone(),
                metrics: Arc::clone(&services.metrics),
                resuming: Cell::new(false),
            });
            Self {
                device,
                chat: dialect.is_chat().then(|| Chat::new(Rc::clone(&dispatch))),
                dispatch,
                outbox,
                hub: hub.clone(),
                writer,
                presence: services.presence.clone(),
                heartbeat: services.heartbeat,
                heard_at: Instant::now(),
                closing: false,
                entering,
                _counted: (services.metrics.connected(dialect.name(), user_id), connection),
                _seat: seat,
            }
        });
        has_entered.await.unwrap_or(Err(Refusal::Internal))
    }

    /// Joins the rooms of all conversations. Presence knows the device before the list is read, so that a
    /// conversation made meanwhile is in the list or is told by presence.
    fn enter(&self, ctx: &mut Context<Self>) {
        let handshake = self.entering.as_ref().map_or_else(Span::none, |entering| entering.handshake.clone());
        let (device, writer, dispatch) = (Arc::clone(&self.device), self.writer.clone(), Rc::clone(&self.dispatch));
        let (chat, presence) = (self.chat.clone(), self.presence.clone());
        let entering = async move {
            let user = device.user_id;
            // Before anybody knows of the device: whatever they tell it comes after.
            match &chat {
                Some(chat) => chat.welcome(),
                None if device.dialect == Dialect::V2 => {
                    let Welcome { user, epoch } = writer.welcome(user).await?;
                    dispatch.outbox.answer(&v2::ready(uuid::Uuid::new_v4(), &user, epoch, dispatch.clock.now()));
                }
                None => {}
            }
            presence.send(Connected(Arc::clone(&device))).await.map_err(|_| Refusal::Unavailable)?;
            let heads = writer.heads(user).await?;
            match chat {
                Some(chat) => chat.enter(heads).await,
                None => {
                    join(&device, heads);
                    Ok(())
                }
            }
        }
        .instrument(handshake);
        let entering = entering.into_actor(self).map(|outcome, session, ctx| {
            let Some(Entering { turn, entered, .. }) = session.entering.take() else { return };
            let failed = outcome.is_err();
            if failed && session.chat.is_some() {
                // The handshake has been answered already.
                session.close(CloseCode::Internal, ctx);
            } else if entered.send(outcome).is_err() || failed {
                ctx.stop();
            } else {
                session.presence.do_send(Entered(session.device.key));
            }
            drop(turn);
        });
        ctx.spawn(entering);
    }

    fn beat(&mut self, ctx: &mut Context<Self>) {
        if self.dispatch.turns.are_taken() {
            // What the device says isn't read just now; that isn't its silence.
            self.heard_at = Instant::now();
        }
        if self.heard_at.elapsed() >= self.heartbeat {
            self.close(CloseCode::HeartbeatMissed, ctx);
        } else {
            self.presence.do_send(Alive(self.device.key));
            self.outbox.answer(&frame::ping());
        }
    }

    /// Leaves the rooms, sends the close frame, and waits a moment for the peer's.
    fn close(&mut self, code: CloseCode, ctx: &mut Context<Self>) {
        if !self.closing {
            self.closing = true;
            tracing::debug!(user = %self.device.user_id, code = code.number(), "session.closing");
            self.device.goodbye();
            self.outbox.close(code);
            self.dispatch.metrics.closed(Some(code));
            if let Some(Entering { entered, .. }) = self.entering.take() {
                let refusal = match code {
                    CloseCode::LoginEnded => Refusal::NotAuthenticated,
                    CloseCode::Restarting => Refusal::ShuttingDown,
                    _ => Refusal::Unavailable,
                };
                // Then the handshake isn't waited for any more.
                drop(entered.send(Err(refusal)));
            }
            ctx.run_later(LINGER, |_, ctx| ctx.stop());
        }
    }
}

impl Actor for Session {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        tracing::debug!(user = %self.device.user_id, "session.started");
        self.enter(ctx);
        ctx.run_interval(self.heartbeat / PINGS_PER_TIMEOUT, |session, ctx| session.beat(ctx));
    }
}

/// The one way out, however the connection ended, a panic included.
impl Drop for Session {
    fn drop(&mut self) {
        if !self.closing {
            self.dispatch.metrics.closed(None);
        }
        self.device.goodbye();
        self.hub.outboxes.borrow_mut().remove(self.device.key);
        self.presence.do_send(Gone(self.device.key));
        self.outbox.end();
        tracing::debug!(user = %self.device.user_id, "session.ended");
    }
}

fn join(device: &Device, heads: Vec<Head>) {
    for head in heads {
        device.join(head.conversation_id, head.rev);
    }
}

impl Handler<Invited> for Session {
    type Result = ();

    fn handle(&mut self, invited: Invited, _: &mut Self::Context) {
        if let Some(chat) = &self.chat {
            chat.invited(invited);
        }
    }
}

impl Handler<Kick> for Session {
    type Result = ();

    fn handle(&mut self, Kick(code): Kick, ctx: &mut Self::Context) {
        self.close(code, ctx);
    }
}

impl StreamHandler<Result<Inbound, CloseCode>> for Session {
    fn handle(&mut self, item: Result<Inbound, CloseCode>, ctx: &mut Self::Context) {
        self.heard_at = Instant::now();
        let kind = match &item {
            Ok(Inbound::Close) => Some(FrameKind::Close),
            Ok(Inbound::Binary) => Some(FrameKind::Binary),
            Ok(Inbound::Ping(_)) => Some(FrameKind::Ping),
            Ok(Inbound::Pong) => Some(FrameKind::Pong),
            // Known once it is decoded; an error isn't a frame.
            Ok(Inbound::Text(_)) | Err(_) => None,
        };
        if let Some(kind) = kind {
            self.dispatch.metrics.received(kind);
        }
        match item {
            Ok(Inbound::Close) => {
                self.close(CloseCode::Bye, ctx);
                ctx.stop();
            }
            _ if self.closing => {}
            Ok(Inbound::Text(text)) => match &self.chat {
                Some(chat) => chat.text(&text),
                None => self.dispatch.text(&text),
            },
            Ok(Inbound::Binary) => match &self.chat {
                Some(chat) => chat.not_text(),
                None => {
                    let refusal = Refusal::Malformed("The frame must be text".into());
                    self.dispatch.refuse(refusal, About::default());
                }
            },
            Ok(Inbound::Ping(payload)) => self.dispatch.ping(&payload),
            Ok(Inbound::Pong) => self.dispatch.pong(),
            Err(code) => self.close(code, ctx),
        }
    }
}
