//! The presence supervisor: who is connected, by which device; joins live devices to rooms when membership
//! changes; says goodbye for sessions that died without doing so.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult};

use super::{
    device::{Device, DeviceKey},
    ended_logins::EndedLogins,
    vital::Vital,
};
use crate::{
    domain::ids::{ConversationId, LoginId, Rev, UserId},
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

/// A login was ended: its devices have to go.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct EndLogin(pub LoginId);

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

#[derive(Debug)]
struct Watched {
    device: Arc<Device>,
    alive_at: Instant,
}

/// The actor.
#[derive(Debug)]
pub struct PresenceSupervisor {
    devices: HashMap<DeviceKey, Watched>,
    users: HashMap<UserId, Vec<DeviceKey>>,
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
        let (devices, users) = (HashMap::new(), HashMap::new());
        Self { devices, users, ended, patience: heartbeat * 2, closing: None, metrics, _vital: vital }
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

impl Handler<EndLogin> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, EndLogin(login): EndLogin, _: &mut Self::Context) {
        for watched in self.devices.values().filter(|watched| watched.device.login_id == login) {
            watched.device.kick(CloseCode::LoginEnded);
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
