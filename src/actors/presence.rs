//! The presence supervisor: who is connected, by which device; joins live devices to rooms when membership
//! changes; says goodbye for sessions that died without doing so.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult, Recipient};

use super::{
    device::{Device, DeviceKey},
    ended_logins::EndedLogins,
    vital::Vital,
    writer::CheckLogins,
};
use crate::{
    domain::{
        clock::Timestamp,
        ids::{ConversationId, LoginId, Rev, UserId},
    },
    metrics::Metrics,
    wire::close::CloseCode,
};

/// A device is there.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Connected(pub Arc<Device>);

/// It still is.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Alive(pub DeviceKey);

/// It has gone, and has said its goodbye.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Gone(pub DeviceKey);

/// Users have become members of a conversation at this change.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct MembersAdded {
    /// Which.
    pub conversation_id: ConversationId,
    /// Who.
    pub user_ids: Vec<UserId>,
    /// They hear everything after it.
    pub rev: Rev,
}

/// Logins were ended: their devices have to go.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct EndLogins(pub Vec<LoginId>);

/// Here is the writer, who knows until when logins are good.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Meet(pub Recipient<CheckLogins>);

/// The writer's answer to [`CheckLogins`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LoginEnds {
    /// Those that were asked for.
    pub asked: Vec<LoginId>,
    /// Until when those of them are good that haven't been ended; none when the database couldn't tell.
    pub ends: Option<Vec<(LoginId, Timestamp)>>,
}

/// Every device has to go, spread over some time so that they don't all come back at once.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct CloseAll {
    /// Why.
    pub code: CloseCode,
    /// Over how long.
    pub spread: Duration,
}

/// A conversation's room broke: whoever was to hear it has to come back and catch up.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct RoomBroke(pub ConversationId);

/// How many devices are there?
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "usize")]
pub struct CountDevices;

/// How often logins are checked.
const CHECK: Duration = Duration::from_secs(1);
/// After how long the writer is asked again at the latest: should nobody have told of a login's end, that does.
const ASK_AGAIN: chrono::Duration = chrono::Duration::seconds(60);
/// Most logins in one question to the writer.
const CHECKED_AT_ONCE: usize = 1_000;

#[derive(Debug)]
struct Watched {
    device: Arc<Device>,
    alive_at: Instant,
}

/// A login with devices here.
#[derive(Debug)]
struct Known {
    devices: Vec<DeviceKey>,
    /// It is good at least so long.
    until: Timestamp,
    /// Whether the writer is being asked for how long it is really good.
    asked: bool,
}

/// The actor.
#[derive(Debug)]
pub struct PresenceSupervisor {
    devices: HashMap<DeviceKey, Watched>,
    users: HashMap<UserId, Vec<DeviceKey>>,
    logins: HashMap<LoginId, Known>,
    writer: Option<Recipient<CheckLogins>>,
    ended: EndedLogins,
    /// After how long without a sign of life a session is given up.
    patience: Duration,
    /// Set once everybody has to go: latecomers as well.
    closing: Option<CloseCode>,
    metrics: Arc<Metrics>,
    _vital: Vital,
}

impl PresenceSupervisor {
    /// Nobody is here. A session sends [`Alive`] several times within `heartbeat`, and ends by itself when it
    /// passes without a sign of its device: only a session that broke stays silent for twice as long.
    pub fn new(ended: EndedLogins, heartbeat: Duration, metrics: Arc<Metrics>, vital: Vital) -> Self {
        Self {
            devices: HashMap::new(),
            users: HashMap::new(),
            logins: HashMap::new(),
            writer: None,
            ended,
            patience: heartbeat * 2,
            closing: None,
            metrics,
            _vital: vital,
        }
    }

    fn forget(&mut self, key: DeviceKey) {
        let Some(Watched { device, .. }) = self.devices.remove(&key) else { return };
        if let Some(devices) = self.users.get_mut(&device.user_id) {
            devices.retain(|known| *known != key);
            if devices.is_empty() {
                self.users.remove(&device.user_id);
            }
        }
        self.metrics.online(self.users.len());
        if let Some(login) = self.logins.get_mut(&device.login_id) {
            login.devices.retain(|known| *known != key);
            if login.devices.is_empty() {
                self.logins.remove(&device.login_id);
            }
        }
    }

    /// Asks about logins that may have expired: a socket lives as long as its login, which is renewed beside it.
    fn check_logins(&mut self, ctx: &Context<Self>) {
        let now = self.ended.now();
        let Some(writer) = &self.writer else { return };
        let doubtful = self.logins.iter_mut().filter(|(_, login)| login.until <= now && !login.asked);
        let mut logins = Vec::new();
        for (id, login) in doubtful.take(CHECKED_AT_ONCE) {
            login.asked = true;
            logins.push(*id);
        }
        if !logins.is_empty() {
            writer.do_send(CheckLogins { logins, answer: ctx.address().recipient() });
        }
    }

    fn end_login(&self, login: LoginId) {
        for key in self.logins.get(&login).iter().flat_map(|login| &login.devices) {
            if let Some(watched) = self.devices.get(key) {
                watched.device.kick(CloseCode::LoginEnded);
            }
        }
    }

    fn give_up_silent(&mut self) {
        let silent: Vec<DeviceKey> =
            self.devices.iter().filter(|(_, watched)| watched.alive_at.elapsed() > self.patience).map(|(key, _)| *key).collect();
        for key in silent {
            if let Some(watched) = self.devices.get(&key) {
                tracing::error!(user = %watched.device.user_id, "presence.session_broke");
                watched.device.goodbye();
                watched.device.kick(CloseCode::Internal);
            }
            self.forget(key);
        }
    }
}

impl Actor for PresenceSupervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(self.patience / 4, |presence, _| presence.give_up_silent());
        ctx.run_interval(CHECK, |presence, ctx| presence.check_logins(ctx));
    }
}

impl Handler<Connected> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, Connected(device): Connected, _: &mut Self::Context) {
        // The login may have been ended, or the server asked to stop, while the socket was opening.
        if self.ended.contains(device.login_id) {
            device.kick(CloseCode::LoginEnded);
        } else if let Some(code) = self.closing {
            device.kick(code);
        }
        self.users.entry(device.user_id).or_default().push(device.key);
        let until = device.good_until.min(self.ended.now() + ASK_AGAIN);
        let login = self.logins.entry(device.login_id).or_insert_with(|| Known { devices: Vec::new(), until, asked: false });
        login.devices.push(device.key);
        login.until = login.until.max(until);
        self.devices.insert(device.key, Watched { device, alive_at: Instant::now() });
        self.metrics.online(self.users.len());
    }
}

impl Handler<Alive> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, Alive(key): Alive, _: &mut Self::Context) {
        if let Some(watched) = self.devices.get_mut(&key) {
            watched.alive_at = Instant::now();
        }
    }
}

impl Handler<Gone> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, Gone(key): Gone, _: &mut Self::Context) {
        self.forget(key);
    }
}

impl Handler<MembersAdded> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, added: MembersAdded, _: &mut Self::Context) {
        for key in added.user_ids.iter().filter_map(|user| self.users.get(user)).flatten() {
            if let Some(watched) = self.devices.get(key) {
                watched.device.join(added.conversation_id, added.rev);
            }
        }
    }
}

impl Handler<EndLogins> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, EndLogins(logins): EndLogins, _: &mut Self::Context) {
        logins.into_iter().for_each(|login| self.end_login(login));
    }
}

impl Handler<Meet> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, Meet(writer): Meet, _: &mut Self::Context) {
        self.writer = Some(writer);
    }
}

impl Handler<LoginEnds> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, LoginEnds { asked, ends }: LoginEnds, _: &mut Self::Context) {
        for login in &asked {
            if let Some(known) = self.logins.get_mut(login) {
                known.asked = false;
            }
        }
        // While the database can't tell, nobody is sent away; it is asked again.
        let Some(ends) = ends else { return };
        let (now, ends) = (self.ended.now(), HashMap::<LoginId, Timestamp>::from_iter(ends));
        for login in asked {
            match ends.get(&login) {
                Some(until) if *until > now => {
                    if let Some(known) = self.logins.get_mut(&login) {
                        known.until = (*until).min(now + ASK_AGAIN);
                    }
                }
                _ => {
                    self.ended.insert(login);
                    self.end_login(login);
                }
            }
        }
    }
}

impl Handler<CloseAll> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, CloseAll { code, spread }: CloseAll, ctx: &mut Self::Context) {
        self.closing = Some(code);
        let count = self.devices.len().max(1) as u32;
        // The order of a hash map is random: that is the jitter.
        for (place, watched) in self.devices.values().enumerate() {
            let device = Arc::clone(&watched.device);
            ctx.run_later(spread / count * place as u32, move |_, _| device.kick(code));
        }
    }
}

impl Handler<RoomBroke> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, RoomBroke(conversation): RoomBroke, _: &mut Self::Context) {
        for watched in self.devices.values().filter(|watched| watched.device.has_joined(conversation)) {
            watched.device.kick(CloseCode::Internal);
        }
    }
}

impl Handler<CountDevices> for PresenceSupervisor {
    type Result = MessageResult<CountDevices>;

    fn handle(&mut self, _: CountDevices, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.devices.len())
    }
}
