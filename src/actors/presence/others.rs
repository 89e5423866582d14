//! What presence tells other nodes of who is here, and hears of who is there.

use super::*;
use crate::{
    actors::attendance::Moved,
    backplane::{Gossip, Move, News, Resident},
};

/// Most people in one part of a roll.
const PART: usize = 2_000;
/// Most people in one question to the writer.
const LOCATED_AT_ONCE: usize = 500;

impl PresenceSupervisor {
    /// Tells that this node lives, and forgets those that don't.
    pub(super) fn pulse(&mut self, ctx: &mut Context<Self>) {
        self.backplane.tell(|| News::Presence(Gossip::Pulse(self.told)));
        let now = self.clock.elapsed();
        // After a standstill of our own what others said in it isn't read yet.
        let is_late = now > self.pulsed_at + PULSE * 2;
        self.pulsed_at = now;
        if is_late {
            return;
        }
        let dead = self.nodes.expire(now);
        // Whoever was on a node that died had no time to say when they went: now is near enough.
        let at = self.clock.now();
        let seen: Vec<Seen> = dead.iter().map(|change| Seen { user_id: change.who.user_id, at }).collect();
        self.take_note(dead, ctx);
        if let Some(writer) = self.writer.as_ref().filter(|_| !seen.is_empty()) {
            writer.do_send(WereSeen(seen.into_iter().filter(|seen| !self.online.contains(seen.user_id)).collect()));
        }
    }

    /// Tells the other nodes who has come and gone here.
    pub(super) fn tell_moves(&mut self) {
        let moves = self.attendance.take_moves();
        if moves.is_empty() || self.closing.is_some() {
            return;
        }
        let moves = moves.into_iter().map(|Moved { user_id, gone_at, conversations }| Move {
            who: self.resident(user_id),
            gone_at,
            conversations: conversations.into_iter().filter(|place| *place != LOBBY).collect(),
        });
        let moves = moves.collect();
        self.told += 1;
        self.backplane.tell(|| News::Presence(Gossip::Moves { number: self.told, moves }));
    }

    /// Tells the other nodes who is here.
    fn call_roll(&mut self) {
        self.roll_due = false;
        self.tell_moves();
        let mut people: Vec<Resident> = self.attendance.roll().map(|user| self.resident(user)).collect();
        // Parts of two rolls of the same number may be put together.
        people.sort_unstable_by_key(|resident| resident.user_id);
        let parts = people.len().div_ceil(PART).max(1);
        for part in 0..parts {
            let people = people.iter().skip(part * PART).take(PART).cloned().collect();
            self.backplane.tell(|| News::Presence(Gossip::Roll { number: self.told, part, parts, people }));
        }
    }

    fn call_roll_soon(&mut self, ctx: &mut Context<Self>) {
        if !std::mem::replace(&mut self.roll_due, true) {
            // Several may ask at once.
            ctx.run_later(ROLL_PAUSE, |presence, _| presence.call_roll());
        }
    }

    fn resident(&self, user_id: UserId) -> Resident {
        Resident { user_id, guest: self.lobby.guest(user_id) }
    }

    /// People have come to other nodes or gone from them: that is to be told wherever they can be seen here.
    fn take_note(&mut self, changes: Vec<Change>, ctx: &mut Context<Self>) {
        let (now, time) = (self.clock.elapsed(), self.clock.now());
        let mut lost = Vec::new();
        for Change { who: Resident { user_id, guest }, gone, conversations } in changes {
            let was_online = self.online.contains(user_id);
            if self.nodes.has(user_id) {
                self.online.set_elsewhere(user_id, self.nodes.guest(user_id));
            } else {
                self.online.remove_elsewhere(user_id);
            }
            if self.online.contains(user_id) == was_online {
                continue;
            }
            let seen_at = gone.flatten().unwrap_or(time);
            if was_online {
                self.online.went(Seen { user_id, at: seen_at });
            }
            if let Some(guest) = guest {
                self.lobby.heard_of(user_id, guest.name);
                self.attendance.moved_elsewhere(user_id, seen_at, &[LOBBY], now);
            }
            match conversations {
                Some(conversations) => self.attendance.moved_elsewhere(user_id, seen_at, &conversations, now),
                None => lost.push(user_id),
            }
        }
        self.locate(lost, ctx);
        self.tell_soon(ctx);
    }

    /// Asks where people can be seen of whom only their coming or going is known.
    fn locate(&self, people: Vec<UserId>, ctx: &Context<Self>) {
        let Some(writer) = self.writer.as_ref().filter(|_| !self.directory.is_empty()) else { return };
        for some in people.chunks(LOCATED_AT_ONCE) {
            writer.do_send(Locate { people: some.to_vec(), answer: ctx.address().recipient() });
        }
    }
}

impl Handler<Heard> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, Heard { from, gossip }: Heard, ctx: &mut Self::Context) {
        let Told { changes, call_roll, answer } = self.nodes.hear(from, gossip, self.clock.elapsed());
        let answer = answer.is_some_and(|asked| asked.is_none_or(|node| node == self.backplane.node()));
        self.take_note(changes, ctx);
        if call_roll {
            self.backplane.tell(|| News::Presence(Gossip::CallRoll(Some(from))));
        }
        if answer {
            self.call_roll_soon(ctx);
        }
    }
}

impl Handler<LinkChanged> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, LinkChanged(is_up): LinkChanged, ctx: &mut Self::Context) {
        self.nodes.link_changed(is_up, self.clock.elapsed());
        if is_up {
            self.backplane.tell(|| News::Presence(Gossip::CallRoll(None)));
            self.call_roll_soon(ctx);
        }
    }
}

impl Handler<Located> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, Located(places): Located, ctx: &mut Self::Context) {
        let (now, time) = (self.clock.elapsed(), self.clock.now());
        for (user, conversation) in places.into_iter().filter(|(_, place)| self.directory.devices(*place) > 0) {
            let seen_at = self.online.went_at(user).unwrap_or(time);
            self.attendance.moved_elsewhere(user, seen_at, &[conversation], now);
        }
        self.tell_soon(ctx);
    }
}
