//! What presence tells other nodes of who is here, and hears of who is there.

use super::*;
use crate::{
    actors::attendance::Moved,
    backplane::{Gossip, Link, Move, News, Resident},
};

/// Most people in one part of a roll.
const PART: usize = 2_000;
/// Most people in one question to the writer.
const LOCATED_AT_ONCE: usize = 500;

impl PresenceSupervisor {
    /// Tells that this node lives, and forgets those that don't.
    pub(super) fn pulse(&mut self, ctx: &mut Context<Self>) {
        self.backplane.tell(|| News::Presence(Gossip::Pulse(self.told)));
        let dead = self.nodes.expire(self.clock.elapsed());
        self.take_note(dead, ctx);
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
        let people: Vec<Resident> = self.attendance.roll().map(|user| self.resident(user)).collect();
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
        Resident { user_id, guest: self.lobby.name(user_id) }
    }

    /// People have come to other nodes or gone from them: that is to be told wherever they can be seen here.
    fn take_note(&mut self, changes: Vec<Change>, ctx: &mut Context<Self>) {
        let (now, time) = (self.clock.elapsed(), self.clock.now());
        let mut lost = Vec::new();
        for Change { who: Resident { user_id, guest }, gone, conversations } in changes {
            if self.nodes.has(user_id) {
                self.online.set_elsewhere(user_id, guest.clone());
            } else {
                self.online.remove_elsewhere(user_id);
            }
            let seen_at = gone.flatten().unwrap_or(time);
            if gone.is_some() && !self.online.contains(user_id) {
                self.online.went(Seen { user_id, at: seen_at });
            }
            if let Some(name) = guest {
                self.lobby.heard_of(user_id, name);
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
        let Some(writer) = &self.writer else { return };
        for some in people.chunks(LOCATED_AT_ONCE) {
            writer.do_send(Locate { people: some.to_vec(), answer: ctx.address().recipient() });
        }
    }
}

impl Handler<Heard> for PresenceSupervisor {
    type Result = ();

    fn handle(&mut self, Heard { from, gossip }: Heard, ctx: &mut Self::Context) {
        let Told { changes, call_roll, answer } = self.nodes.hear(from, gossip, self.clock.elapsed());
        self.take_note(changes, ctx);
        if call_roll {
            self.backplane.tell(|| News::Presence(Gossip::CallRoll));
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
        if is_up && self.backplane.link() == Link::Up {
            self.backplane.tell(|| News::Presence(Gossip::CallRoll));
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
