//! The presence supervisor: who is connected, by which device, and tells those who share a conversation with them; joins
//! live devices to rooms when membership changes; says goodbye for sessions that died without doing so.

mod handlers;
mod lobby;
mod messages;
mod nodes;
mod others;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, Addr, AsyncContext, Context, Handler, MessageResult};

pub use self::messages::{
    Alive, CloseAll, CloseBooks, Connected, CountDevices, EndLogins, Entered, Evicted, Gone, Heard, HeardOf, LinkChanged,
    Located, LoginEnds, Meet, MemberFound, MemberRenamed, MembersAdded, MembersRemoved, RoomBroke,
};
use self::{
    lobby::{LOBBY, Lobby},
    nodes::{Change, Nodes, PULSE, Told},
};
use super::{
    attendance::Attendance,
    device::{Device, DeviceKey, Invited},
    directory::Directory,
    ended_logins::EndedLogins,
    online::Online,
    vital::Vital,
    writer::{CheckLogins, DbWriter, Locate, WereSeen},
};
use crate::{
    backplane::Backplane,
    domain::{
        clock::{Clock, Timestamp},
        ids::{ConversationId, LoginId, UserId},
        presence::Seen,
    },
    metrics::Metrics,
    wire::close::CloseCode,
};

/// How often logins are checked.
const CHECK: Duration = Duration::from_secs(1);
/// After how long the writer is asked again at the latest: should nobody have told of a login's end, that does.
const ASK_AGAIN: chrono::Duration = chrono::Duration::seconds(60);
/// Most logins in one question to the writer.
const CHECKED_AT_ONCE: usize = 1_000;
/// How often is looked who has been away for too long.
const EXPIRE: Duration = Duration::from_millis(250);
/// How often who has come and gone is told, while there is anything to tell.
const TELL: Duration = Duration::from_millis(10);
/// For how long those are waited for who ask for the roll as well.
const ROLL_PAUSE: Duration = Duration::from_millis(50);
/// Most tellings of one person to one device in that time: 50,000 a second.
const TELLINGS: usize = 500;
/// After how long it is stored at the latest when somebody went, or has failed to be.
const STORED: chrono::Duration = chrono::Duration::seconds(120);
/// How long a guest is taken to be here who says so without a socket; FastChat says it every 30 to 45 seconds.
const HEARD_LIFE: Duration = Duration::from_secs(90);

#[derive(Debug)]
struct Watched {
    device: Arc<Device>,
    alive_at: Instant,
    /// Whether it is in its rooms.
    entered: bool,
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
    attendance: Attendance,
    online: Online,
    lobby: Lobby,
    /// Whether news is going to be told.
    telling: bool,
    backplane: Backplane,
    /// The others.
    nodes: Nodes,
    /// When the others were last told that this one lives.
    pulsed_at: Duration,
    /// How many portions of moves the other nodes were told.
    told: u64,
    /// Whether the roll is going to be called.
    roll_due: bool,
    directory: Arc<Directory>,
    writer: Option<Addr<DbWriter>>,
    ended: EndedLogins,
    clock: Clock,
    /// After how long without a sign of life a session is given up.
    patience: Duration,
    /// Set once everybody has to go: latecomers as well.
    closing: Option<CloseCode>,
    metrics: Arc<Metrics>,
    _vital: Vital,
}

impl PresenceSupervisor {
    /// Nobody is here. A session sends [`Alive`] several times within `heartbeat`, and ends by itself when it
    /// passes without a sign of its device: only a session that broke stays silent for twice as long. Whoever is away for
    /// less than `grace` wasn't away.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        directory: Arc<Directory>,
        backplane: Backplane,
        online: Online,
        ended: EndedLogins,
        clock: Clock,
        heartbeat: Duration,
        grace: Duration,
        metrics: Arc<Metrics>,
        vital: Vital,
    ) -> Self {
        Self {
            devices: HashMap::new(),
            users: HashMap::new(),
            logins: HashMap::new(),
            attendance: Attendance::new(grace, backplane.has_others()),
            online,
            lobby: Lobby::default(),
            telling: false,
            backplane,
            nodes: Nodes::default(),
            pulsed_at: Duration::ZERO,
            told: 0,
            roll_due: false,
            directory,
            writer: None,
            ended,
            clock,
            patience: heartbeat * 2,
            closing: None,
            metrics,
            _vital: vital,
        }
    }

    fn forget(&mut self, key: DeviceKey) {
        let Some(Watched { device, .. }) = self.devices.remove(&key) else { return };
        let user = device.user_id;
        if let Some(devices) = self.users.get_mut(&user) {
            devices.retain(|known| *known != key);
            if devices.is_empty() {
                self.users.remove(&user);
            }
        }
        self.attendance.gone(user, self.whereabouts(&device), self.clock.elapsed(), self.clock.now());
        self.lobby.leave(key);
        self.publish(user);
        if let Some(id) = device.login().map(|login| login.id)
            && let Some(login) = self.logins.get_mut(&id)
        {
            login.devices.retain(|known| *known != key);
            if login.devices.is_empty() {
                self.logins.remove(&id);
            }
        }
    }

    /// Where its user can be seen.
    fn whereabouts(&self, device: &Device) -> Vec<ConversationId> {
        let lobby = device.guest().map(|_| LOBBY);
        device.conversations().into_iter().chain(lobby).collect()
    }

    /// Lets others look up whether somebody is online.
    fn publish(&self, user: UserId) {
        match self.attendance.devices(user) {
            Some(devices) => self.online.set(user, devices, self.lobby.name(user)),
            None => self.online.remove(user),
        }
        self.metrics.online(self.users.len());
    }

    /// Has news told, if there is any.
    fn tell_soon(&mut self, ctx: &mut Context<Self>) {
        if !self.telling && self.attendance.has_news() {
            self.telling = true;
            ctx.run_later(TELL, |presence, ctx| {
                presence.telling = false;
                presence.tell_news();
                presence.tell_soon(ctx);
            });
        }
    }

    /// Tells who has come and gone.
    fn tell_news(&mut self) {
        self.tell_moves();
        let (directory, lobby) = (&self.directory, self.lobby.len());
        let devices = |place| if place == LOBBY { lobby } else { directory.devices(place) };
        let nodes = &self.nodes;
        for (place, people) in self.attendance.news(self.clock.elapsed(), TELLINGS, devices, |user| nodes.has(user)) {
            if place == LOBBY {
                self.lobby.tell(&people);
            } else {
                self.directory.announce(place, people);
            }
        }
    }

    /// Those who have been away for too long are offline.
    fn expire(&mut self) {
        let nodes = &self.nodes;
        let over = self.attendance.expire(self.clock.elapsed(), |user| nodes.has(user));
        self.settle(over);
        if !self.attendance.has_news_for(LOBBY) {
            self.lobby.forget(|user| self.online.contains(user));
        }
    }

    fn settle(&self, over: Vec<Seen>) {
        for seen in &over {
            self.online.went(*seen);
            self.publish(seen.user_id);
        }
        if let Some(writer) = self.writer.as_ref().filter(|_| !over.is_empty()) {
            writer.do_send(WereSeen(over));
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
        ctx.run_interval(CHECK, |presence, ctx| {
            presence.check_logins(ctx);
            presence.online.forget_those_gone(presence.clock.now() - STORED);
        });
        if self.backplane.has_others() {
            ctx.run_interval(PULSE, |presence, ctx| presence.pulse(ctx));
        }
        ctx.run_interval(EXPIRE, |presence, ctx| {
            presence.expire();
            presence.tell_soon(ctx);
        });
    }
}
