//! What presence does about each thing that it is told.

use super::*;
use crate::domain::{conversation::Joined, ids::Rev};

impl Handler<Connected> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, Connected(device): Connected, _: &mut Self::Context) {
        // The login may have been ended, or the server asked to stop, while the socket was opening.
        if device.login().is_some_and(|login| self.ended.contains(login.id)) {
            device.kick(CloseCode::LoginEnded);
        } else if let Some(code) = self.closing {
            device.kick(code);
        }
        let (user, time) = (device.user_id, self.clock.now());
        self.users.entry(user).or_default().push(device.key);
        self.lobby.enter(&device);
        self.attendance.connected(user, self.clock.elapsed(), time);
        self.publish(user);
        if let Some(login) = device.login() {
            let until = login.until.min(time + ASK_AGAIN);
            let known = self.logins.entry(login.id).or_insert_with(|| Known { devices: Vec::new(), until, asked: false });
            known.devices.push(device.key);
            known.until = known.until.max(until);
        }
        self.devices.insert(device.key, Watched { device, alive_at: Instant::now(), entered: false });
    }
}

impl Handler<Entered> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, Entered(key): Entered, ctx: &mut Self::Context) {
        if let Some(watched) = self.devices.get_mut(&key) {
            watched.entered = true;
        }
        if let Some(Watched { device, .. }) = self.devices.get(&key) {
            let is_elsewhere = self.nodes.has(device.user_id);
            self.attendance.entered(device.user_id, &self.whereabouts(device), self.clock.elapsed(), is_elsewhere);
            self.tell_soon(ctx);
        }
    }
}

impl Handler<HeardOf> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, HeardOf { user_id, guest, mut conversations }: HeardOf, ctx: &mut Self::Context) {
        if let Some(name) = guest {
            conversations.push(LOBBY);
            self.lobby.heard_of(user_id, name);
        }
        self.attendance.heard_of(user_id, HEARD_LIFE, conversations, self.clock.elapsed(), self.clock.now());
        self.publish(user_id);
        self.tell_soon(ctx);
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
        let MembersAdded { conversation_id, user_ids, since, anew, opened } = added;
        for key in user_ids.iter().filter_map(|user| self.users.get(user)).flatten() {
            let Some(Watched { device, .. }) = self.devices.get(key) else { continue };
            match device.guest() {
                None if anew => device.rejoin(conversation_id, since),
                None => device.join(conversation_id, since),
                Some(guest) if !anew || device.leave_before(conversation_id, since) => {
                    guest.invited.do_send(Invited { conversation_id, since, opened });
                }
                // They know it.
                Some(_) => {}
            }
        }
        // Guests who are there have to learn what the others are called; in one that has just been made nobody is.
        if !anew || since.0 == 0 {
            return;
        }
        for device in self.lobby.devices() {
            if !user_ids.contains(&device.user_id)
                && device.has_joined(conversation_id)
                && let Some(guest) = device.guest()
            {
                guest.invited.do_send(Invited { conversation_id, since, opened: false });
            }
        }
    }
}

impl Handler<MemberFound> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, MemberFound(joined): MemberFound, _: &mut Self::Context) {
        let Joined { conversation_id, user_id, meta_rev } = joined;
        // From the change on by which they came, or a later one.
        let since = Rev(meta_rev.0 - 1);
        for key in self.users.get(&user_id).into_iter().flatten() {
            // Whoever is about to enter reads the list itself.
            let Some(Watched { device, entered: true, .. }) = self.devices.get(key) else { continue };
            match device.guest() {
                _ if device.has_joined(conversation_id) => {}
                None => device.join(conversation_id, since),
                Some(guest) => guest.invited.do_send(Invited { conversation_id, since, opened: true }),
            }
        }
    }
}

impl Handler<MembersRemoved> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, MembersRemoved { conversation_id, user_id, rev }: MembersRemoved, _: &mut Self::Context) {
        for key in self.users.get(&user_id).into_iter().flatten() {
            if let Some(Watched { device, .. }) = self.devices.get(key) {
                device.removed(conversation_id, rev);
            }
        }
    }
}

impl Handler<MemberRenamed> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, MemberRenamed(conversations): MemberRenamed, _: &mut Self::Context) {
        let mut untold: HashMap<ConversationId, Rev> = conversations.into_iter().collect();
        for device in self.lobby.devices() {
            if untold.is_empty() {
                return;
            }
            let Some(guest) = device.guest() else { continue };
            // The room keeps the names for all of them: one has to ask.
            for conversation_id in device.conversations() {
                if let Some(since) = untold.remove(&conversation_id) {
                    guest.invited.do_send(Invited { conversation_id, since, opened: false });
                }
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

impl Handler<CloseBooks> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, _: CloseBooks, _: &mut Self::Context) {
        let nodes = &self.nodes;
        let over = self.attendance.hurry(self.clock.elapsed(), |user| nodes.has(user));
        self.settle(over);
    }
}

impl Handler<RoomBroke> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, RoomBroke(conversation): RoomBroke, _: &mut Self::Context) {
        for watched in self.devices.values().filter(|watched| watched.device.has_joined(conversation)) {
            // At once, so that no late word of theirs reaches the room in its place.
            watched.device.goodbye();
            watched.device.kick(CloseCode::Internal);
        }
    }
}

impl Handler<Evicted> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, Evicted(state): Evicted, _: &mut Self::Context) {
        for Watched { device, .. } in self.devices.values() {
            if !state.members.contains(&device.user_id) {
                device.removed(state.id, state.rev);
            }
        }
    }
}

impl Handler<CountDevices> for PresenceSupervisor {
    type Result = MessageResult<CountDevices>;

    fn handle(&mut self, _: CountDevices, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.devices.len())
    }
}
